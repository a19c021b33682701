//! Bytes that are read, taken out again as lines.

use alloc::vec::Vec;

/// How much is read at once, at least.
const CHUNK: usize = 64 * 1024;

/// The longest line that is kept together. One that is longer (a file without a
/// newline in it, for one) comes in pieces of this length.
const LONGEST: usize = 64 * 1024 * 1024;

/// Lines being put together.
#[derive(Default)]
pub struct Lines {
    buffer: Vec<u8>,
    /// What of the buffer is in use.
    start: usize,
    end: usize,
    /// Up to here there is no newline.
    searched: usize,
}

impl Lines {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
        self.searched = 0;
    }

    /// Room for what is read next, of at least one byte. To be asked for when
    /// there is no line.
    #[inline(never)]
    pub fn room(&mut self) -> &mut [u8] {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.searched -= self.start;
        self.start = 0;
        if self.buffer.len() - self.end < CHUNK / 2 {
            let size = (self.buffer.len() * 2).max(CHUNK);
            self.buffer.resize(size, 0);
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// So many bytes have been put into the room.
    pub fn filled(&mut self, count: usize) {
        self.end = self.buffer.len().min(self.end + count);
    }

    /// Whether there is a line; with `ended`, what is left at a file's end is
    /// one too.
    pub fn ready(&mut self, ended: bool) -> bool {
        self.length(ended).is_some()
    }

    /// The first line, without its newline.
    pub fn peek(&mut self, ended: bool) -> Option<&[u8]> {
        let length = self.length(ended)?;
        self.buffer.get(self.start..self.start + length)
    }

    /// Takes the first line away.
    pub fn skip(&mut self, ended: bool) {
        if let Some(length) = self.length(ended) {
            self.start = self.end.min(self.start + length);
            if self.buffer.get(self.start..self.end).and_then(<[u8]>::first) == Some(&b'\n') {
                self.start += 1;
            }
            self.searched = self.start;
        }
    }

    /// The length of the first line.
    #[inline(never)]
    fn length(&mut self, ended: bool) -> Option<usize> {
        let new = self.buffer.get(self.searched..self.end)?;
        if let Some(at) = new.iter().position(|&byte| byte == b'\n') {
            self.searched += at;
            return Some(self.searched - self.start);
        }
        self.searched = self.end;
        let length = self.end - self.start;
        (length >= LONGEST || (ended && length > 0)).then_some(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::{format, vec};

    /// The lines of `text`, put in by `step` bytes.
    fn lines(text: &[u8], step: usize) -> Vec<String> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        let mut take = |lines: &mut Lines, ended| {
            while let Some(line) = lines.peek(ended) {
                found.push(String::from_utf8_lossy(line).into_owned());
                lines.skip(ended);
            }
        };
        for piece in text.chunks(step) {
            lines.room()[..piece.len()].copy_from_slice(piece);
            lines.filled(piece.len());
            take(&mut lines, false);
        }
        take(&mut lines, true);
        assert!(!lines.ready(true));
        found
    }

    #[test]
    fn lines_come_out_as_they_went_in() {
        for step in [1, 2, 3, 100] {
            assert_eq!(lines(b"a\n\nbc\nd", step), ["a", "", "bc", "d"]);
            assert_eq!(lines(b"\n\n", step), ["", ""]);
            assert_eq!(lines(b"", step), Vec::<String>::new());
        }
    }

    #[test]
    fn a_long_line_is_kept_together() {
        let long = "x".repeat(3_000_000);
        let text = format!("a\n{long}\nb\n");
        assert_eq!(lines(text.as_bytes(), 10_000), vec!["a", long.as_str(), "b"]);
    }

    #[test]
    fn what_is_forgotten_is_gone() {
        let mut lines = Lines::default();
        lines.room()[..5].copy_from_slice(b"a\nbcd");
        lines.filled(5);
        assert_eq!(lines.peek(false), Some(&b"a"[..]));
        lines.clear();
        lines.skip(true);
        assert!(!lines.ready(true) && lines.peek(true).is_none());
        lines.room()[..2].copy_from_slice(b"x\n");
        lines.filled(2);
        assert_eq!(lines.peek(false), Some(&b"x"[..]));
    }
}
