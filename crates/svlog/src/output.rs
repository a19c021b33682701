//! Lines as they are shown, and writing them.

use alloc::vec::Vec;

use runit_core::diag::Sink;
use runit_rt::{Errno, stdio};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::write;

use crate::file::retry;

/// How much is kept before it is written.
const ENOUGH: usize = 64 * 1024;

/// Text for standard output.
pub struct Output {
    /// What is not yet written.
    pub text: Vec<u8>,
    /// Control characters are shown, not obeyed.
    pub careful: bool,
    /// Why standard output does not take more.
    pub failure: Option<Errno>,
}

impl Sink for Output {
    #[inline(never)]
    fn push(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
    }
}

impl Output {
    /// Nothing yet.
    pub fn new(careful: bool) -> Self {
        Self { text: Vec::new(), careful, failure: None }
    }

    /// Appends what a service wrote. For a terminal control characters but the
    /// tab, and bytes that are no UTF-8, become `\x` and two digits: a log may
    /// hold what strangers sent.
    #[inline(never)]
    pub fn foreign(&mut self, bytes: &[u8]) {
        if !self.careful {
            return self.push(bytes);
        }
        for chunk in bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character.is_control() && character != '\t' {
                    self.escape(u32::from(character));
                } else {
                    self.push(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
            for byte in chunk.invalid() {
                self.escape((*byte).into());
            }
        }
    }

    #[inline(never)]
    fn escape(&mut self, code: u32) {
        self.push(b"\\x");
        for shift in [4, 0] {
            // Control characters have two digits.
            let digit = u8::try_from(code >> shift & 15).unwrap_or(0);
            self.push(&[if digit < 10 { b'0' + digit } else { b'a' - 10 + digit }]);
        }
    }

    /// Ends a line; now and then writes.
    #[inline(never)]
    pub fn end_line(&mut self) {
        self.push(b"\n");
        if self.text.len() >= ENOUGH {
            self.flush();
        }
    }

    /// Writes everything.
    #[inline(never)]
    pub fn flush(&mut self) {
        let mut rest = self.text.as_slice();
        while !rest.is_empty() && self.failure.is_none() {
            match retry(|| write(stdio::stdout(), rest)) {
                Ok(length) => rest = rest.get(length..).unwrap_or_default(),
                // Whoever shares it with us has made it so.
                Err(Errno::AGAIN) => {
                    let stdout = stdio::stdout();
                    let mut fds = [PollFd::new(&stdout, PollFlags::OUT)];
                    // That it was interrupted is no matter: we try anyway.
                    let _ = poll(&mut fds, None);
                }
                Err(error) => self.failure = Some(error),
            }
        }
        self.text.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_control_characters() {
        let text = "a\tgrün \u{1b}[31m\r\u{7f}\u{9b}\\".as_bytes();
        let mut shown = Output::new(true);
        shown.foreign(text);
        shown.foreign(b"\xff\xc3(\0");
        assert_eq!(
            core::str::from_utf8(&shown.text),
            Ok("a\tgrün \\x1b[31m\\x0d\\x7f\\x9b\\\\xff\\xc3(\\x00")
        );
    }

    #[test]
    fn a_file_gets_what_there_is() {
        let mut shown = Output::new(false);
        shown.foreign(b"\x1b\xff\0\r");
        assert_eq!(shown.text, b"\x1b\xff\0\r");
    }
}
