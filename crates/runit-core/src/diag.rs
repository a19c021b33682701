//! Diagnostics: what is said on standard error, one line and one `write` each.
//!
//! An error's `Display` is the sentence; [`Voice`] puts `PROG SUBJECT: fatal: `
//! before it. Names are bytes and go through [`Bytes`], so that a line stays a
//! line whatever a file is called.

use core::fmt::{self, Write as _};

use runit_rt::strings::{ShortCString, decimal};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;

/// Takes text in pieces, and never fails.
pub trait Sink {
    /// Appends `bytes` as they are.
    fn push(&mut self, bytes: &[u8]);
}

impl Sink for ShortCString {
    fn push(&mut self, bytes: &[u8]) {
        Self::push(self, bytes);
    }
}

/// What can be said without `core::fmt`, which the smallest tools leave out:
/// to them it would be a fifth of their file.
pub trait Say {
    /// Appends the text to `out`.
    fn say(&self, out: &mut dyn Sink);
}

/// Room for the longest path and a sentence about it.
const LINE_SIZE: usize = 4096 + 512;

/// A line (or some) being put together, to be written at once.
///
/// What exceeds the room of a path and a sentence is written in more than one
/// piece rather than cut.
pub struct Line<'fd> {
    fd: BorrowedFd<'fd>,
    buffer: [u8; LINE_SIZE],
    length: usize,
}

impl<'fd> Line<'fd> {
    /// An empty line for `fd`.
    pub fn new(fd: BorrowedFd<'fd>) -> Self {
        Self { fd, buffer: [0; LINE_SIZE], length: 0 }
    }

    /// Writes what is there. An error means that some of it was not written.
    pub fn send(&mut self) -> Result<(), Errno> {
        let text = self.buffer.get(..self.length).unwrap_or_default();
        self.length = 0;
        write_all(self.fd, text)
    }
}

impl Sink for Line<'_> {
    fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.length >= LINE_SIZE {
                // Whatever became of it: a diagnostic has no one to tell.
                let _ = self.send();
            }
            if let Some(place) = self.buffer.get_mut(self.length) {
                *place = byte;
            }
            self.length += 1;
        }
    }
}

/// Shows a name: what is printable UTF-8 as it is, a newline as `\n`, other
/// control characters and bytes that are no UTF-8 as `\x` and two digits.
#[derive(Clone, Copy)]
pub struct Bytes<'a>(pub &'a [u8]);

/// Shows bytes above 127 as they are.
impl Say for Bytes<'_> {
    fn say(&self, out: &mut dyn Sink) {
        for &byte in self.0 {
            if byte != b'\n' && byte.is_ascii_control() {
                let [high, low] = hexadecimal(byte);
                out.push(&[b'\\', b'x', high, low]);
            } else {
                Name(&[byte]).say(out);
            }
        }
    }
}

/// The two digits of `byte`.
fn hexadecimal(byte: u8) -> [u8; 2] {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
    [digit(byte >> 4), digit(byte & 15)]
}

impl fmt::Display for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character.is_ascii_control() {
                    escape(f, character as u8)?;
                } else {
                    f.write_char(character)?;
                }
            }
            for &byte in chunk.invalid() {
                escape(f, byte)?;
            }
        }
        Ok(())
    }
}

fn escape(f: &mut fmt::Formatter<'_>, byte: u8) -> fmt::Result {
    if byte == b'\n' {
        return f.write_str("\\n");
    }
    f.write_str("\\x")?;
    hexadecimal(byte).into_iter().try_for_each(|digit| f.write_char(digit.into()))
}

/// Says a name as it is, but for a newline, which would end the line and
/// becomes `\n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a>(pub &'a [u8]);

impl Say for Name<'_> {
    fn say(&self, out: &mut dyn Sink) {
        for &byte in self.0 {
            out.push(if byte == b'\n' { b"\\n" } else { core::slice::from_ref(&byte) });
        }
    }
}

/// Shows a text that is known to be fit for a line as it is. (`str`'s own
/// `Display` brings code for padding, which nobody here uses.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain<'a>(pub &'a str);

impl Say for Plain<'_> {
    fn say(&self, out: &mut dyn Sink) {
        out.push(self.0.as_bytes());
    }
}

/// Shows a number, without what the integers' own `Display` brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub i64);

impl Say for Decimal {
    fn say(&self, out: &mut dyn Sink) {
        if self.0 < 0 {
            out.push(b"-");
        }
        out.push(decimal(self.0.unsigned_abs(), &mut [0; 20]));
    }
}

/// Shows a system error in the suite's wording, `ERR` in CONTRACT.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrText(pub Errno);

impl Say for ErrText {
    fn say(&self, out: &mut dyn Sink) {
        out.push(runit_rt::errtext::text(self.0).as_bytes());
    }
}

/// Who speaks: the program, and what it is at work on.
#[derive(Clone, Copy)]
pub struct Voice<'a> {
    /// The program's name.
    pub program: &'static str,
    /// The directory that it was started for, if that belongs in the line.
    pub subject: Option<&'a [u8]>,
}

impl Voice<'_> {
    /// `PROG SUBJECT: KIND SENTENCE`; `kind` is `fatal: ` or `warning: `.
    // Not inlined, as `write`.
    #[inline(never)]
    pub fn say(&self, kind: &str, sentence: &dyn Say) {
        let mut line = Line::new(runit_rt::stdio::stderr());
        self.say_to(kind, sentence, &mut line);
        // A diagnostic has no one to tell if it fails.
        let _ = line.send();
    }

    /// The same line, appended to `out`.
    pub fn say_to(&self, kind: &str, sentence: &dyn Say, out: &mut dyn Sink) {
        self.prefix(kind, out);
        sentence.say(out);
        out.push(b"\n");
    }

    fn prefix(&self, kind: &str, line: &mut dyn Sink) {
        line.push(self.program.as_bytes());
        if let Some(subject) = self.subject {
            line.push(b" ");
            Name(subject).say(line);
        }
        line.push(b": ");
        line.push(kind.as_bytes());
    }
}

/// Says pieces one after the other.
pub struct Pieces<'a>(pub &'a [&'a str]);

impl Say for Pieces<'_> {
    fn say(&self, out: &mut dyn Sink) {
        for piece in self.0 {
            out.push(piece.as_bytes());
        }
    }
}

/// Writes all of `bytes` to `fd`, with one `write` where it takes them.
pub fn write_all(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<(), Errno> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match rustix::io::write(fd, rest) {
            Ok(n) => rest = rest.get(n..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes `text` to `fd`, with one `write` if it is not too long. Not inlined:
/// its line would make the stack frame of a supervisor, which lasts, larger by
/// pages.
#[inline(never)]
pub fn write(fd: BorrowedFd<'_>, text: &dyn Say) -> Result<(), Errno> {
    let mut line = Line::new(fd);
    text.say(&mut line);
    line.send()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::pipe;
    use std::string::ToString;
    use std::vec::Vec;

    #[test]
    fn a_name_never_breaks_a_line() {
        assert_eq!(Bytes("grün a".as_bytes()).to_string(), "grün a");
        assert_eq!(Bytes(b"a\nb\x7f\xe9\x01").to_string(), "a\\nb\\x7f\\xe9\\x01");
        let mut said = ShortCString::new();
        Bytes(b"a\nb\x7f\xe9\x01 \x1f").say(&mut said);
        assert_eq!(said.as_bytes(), b"a\\nb\\x7f\xe9\\x01 \\x1f");
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 7, -10, i64::MAX, i64::MIN] {
            let mut said = ShortCString::new();
            Decimal(number).say(&mut said);
            assert_eq!(said.as_bytes(), number.to_string().as_bytes());
        }
    }

    #[test]
    fn a_voice_names_program_and_subject() {
        let said = |subject, kind| {
            let mut line = ShortCString::new();
            Voice { program: "runsv", subject }.prefix(kind, &mut line);
            ErrText(Errno::NOENT).say(&mut line);
            line.as_c_str().to_string_lossy().into_owned()
        };
        assert_eq!(said(Some(b"/a b"), "fatal: "), "runsv /a b: fatal: file does not exist");
        assert_eq!(said(Some(b"a\nb"), ""), "runsv a\\nb: file does not exist");
        assert_eq!(said(None, ""), "runsv: file does not exist");
    }

    /// What `say` writes to a descriptor.
    fn written(say: impl FnOnce(BorrowedFd<'_>)) -> Vec<u8> {
        use rustix::fd::AsFd;
        let (read, write) = pipe().unwrap();
        say(write.as_fd());
        drop(write);
        let mut all = Vec::new();
        let mut buffer = [0; 1024];
        loop {
            match rustix::io::read(&read, &mut buffer).unwrap() {
                0 => return all,
                count => all.extend_from_slice(&buffer[..count]),
            }
        }
    }

    #[test]
    fn a_line_is_written_whole_however_long() {
        let long = "x".repeat(LINE_SIZE);
        for pieces in [&["a ", "b\n"][..], &[&long, "y\n"], &[&long, &long, "\n"]] {
            let text = pieces.concat().into_bytes();
            let seen = written(|fd| write(fd, &Pieces(pieces)).unwrap());
            assert_eq!(seen, text);
        }
        let seen = written(|fd| {
            let mut line = Line::new(fd);
            ErrText(Errno::NOENT).say(&mut line);
            Pieces(&[": ", "plain", " "]).say(&mut line);
            Decimal(-5).say(&mut line);
            line.push(b"\n");
            line.send().unwrap();
        });
        assert_eq!(seen, b"file does not exist: plain -5\n");
    }

    #[test]
    fn trouble_with_writing_is_told() {
        use rustix::fd::AsFd;
        let (read, _write) = pipe().unwrap();
        assert_eq!(write(read.as_fd(), &Plain("x")), Err(Errno::BADF));
    }

    #[test]
    fn a_sentence_is_said_as_a_line() {
        let mut said = ShortCString::new();
        let voice = Voice { program: "sv", subject: None };
        let sentence = Pieces(&["it is ", "so"]);
        voice.say_to("warning: ", &sentence, &mut said);
        Decimal(-7).say(&mut said);
        Plain("!").say(&mut said);
        assert_eq!(said.as_bytes(), b"sv: warning: it is so\n-7!");
        // The same on standard error, for whoever reads a test's.
        voice.say("", &sentence);
    }
}
