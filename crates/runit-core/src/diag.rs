//! Diagnostics: what is said on standard error, one line and one `write` each.
//!
//! An error's `Display` is the sentence; [`Voice`] puts `PROG SUBJECT: fatal: `
//! before it. Names are bytes and go through [`Bytes`], so that a line stays a
//! line whatever a file is called.

use core::fmt::{self, Write};

use rustix::fd::BorrowedFd;
use rustix::io::Errno;

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

    /// Appends `bytes` as they are.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.length >= LINE_SIZE {
                // Whatever became of it: a diagnostic has no one to tell.
                let _ = self.send();
            }
            let room = self.buffer.get_mut(self.length..).unwrap_or_default();
            let mut copied = 0;
            for (to, from) in room.iter_mut().zip(rest) {
                *to = *from;
                copied += 1;
            }
            self.length += copied;
            rest = rest.get(copied..).unwrap_or_default();
        }
    }

    /// Writes what is there. An error means that some of it was not written.
    pub fn send(&mut self) -> Result<(), Errno> {
        let mut rest = self.buffer.get(..self.length).unwrap_or_default();
        self.length = 0;
        while !rest.is_empty() {
            match rustix::io::write(self.fd, rest) {
                Ok(n) => rest = rest.get(n..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

/// Shows a name: what is printable UTF-8 as it is, a newline as `\n`, other
/// control characters and bytes that are no UTF-8 as `\x` and two digits.
#[derive(Clone, Copy)]
pub struct Bytes<'a>(pub &'a [u8]);

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
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if byte == b'\n' {
        return f.write_str("\\n");
    }
    f.write_str("\\x")?;
    f.write_char(DIGITS[usize::from(byte >> 4)].into())?;
    f.write_char(DIGITS[usize::from(byte & 15)].into())
}

/// Shows a text that is known to be fit for a line as it is. (`str`'s own
/// `Display` brings code for padding, which nobody here uses.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain<'a>(pub &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Shows a number, without what the integers' own `Display` brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub i64);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [b'0'; 20];
        let mut rest = self.0.unsigned_abs();
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            used += 1;
            if rest == 0 {
                break;
            }
        }
        if self.0 < 0 {
            f.write_char('-')?;
        }
        for &digit in digits.iter().skip(20 - used) {
            f.write_char(digit.into())?;
        }
        Ok(())
    }
}

/// Shows a system error in the suite's wording, `ERR` in CONTRACT.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrText(pub Errno);

impl fmt::Display for ErrText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(runit_rt::errtext::text(self.0))
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
    /// `PROG SUBJECT: fatal: SENTENCE`.
    pub fn fatal(&self, sentence: &dyn fmt::Display) {
        self.say("fatal: ", sentence);
    }

    /// `PROG SUBJECT: warning: SENTENCE`.
    pub fn warning(&self, sentence: &dyn fmt::Display) {
        self.say("warning: ", sentence);
    }

    /// `PROG SUBJECT: SENTENCE`.
    pub fn info(&self, sentence: &dyn fmt::Display) {
        self.say("", sentence);
    }

    fn say(&self, kind: &str, sentence: &dyn fmt::Display) {
        let mut line = Line::new(runit_rt::stdio::stderr());
        // A `Line` takes everything, and a diagnostic has no one to tell.
        let _ = self.compose(&mut line, kind, sentence);
        let _ = line.send();
    }

    fn compose(
        &self,
        line: &mut dyn Write,
        kind: &str,
        sentence: &dyn fmt::Display,
    ) -> fmt::Result {
        line.write_str(self.program)?;
        if let Some(subject) = self.subject {
            write!(line, " {}", Bytes(subject))?;
        }
        line.write_str(": ")?;
        line.write_str(kind)?;
        writeln!(line, "{sentence}")
    }
}

/// Writes `text` to `fd`, whole.
pub fn write_all(fd: BorrowedFd<'_>, text: &dyn fmt::Display) -> Result<(), Errno> {
    let mut line = Line::new(fd);
    // A `Line` takes everything; what could not be written shows in `send`.
    let _ = write!(line, "{text}");
    line.send()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::{String, ToString};

    #[test]
    fn a_name_never_breaks_a_line() {
        assert_eq!(Bytes("grün a".as_bytes()).to_string(), "grün a");
        assert_eq!(Bytes(b"a\nb\x7f\xe9\x01").to_string(), "a\\nb\\x7f\\xe9\\x01");
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 7, -10, i64::MAX, i64::MIN] {
            assert_eq!(Decimal(number).to_string(), number.to_string());
        }
    }

    #[test]
    fn a_voice_names_program_and_subject() {
        let mut line = String::new();
        let voice = Voice { program: "runsv", subject: Some(b"/etc/sv/x") };
        voice.compose(&mut line, "fatal: ", &ErrText(Errno::NOENT)).unwrap();
        assert_eq!(line, "runsv /etc/sv/x: fatal: file does not exist\n");
        line.clear();
        Voice { program: "chpst", subject: None }.compose(&mut line, "", &"x").unwrap();
        assert_eq!(line, "chpst: x\n");
    }
}
