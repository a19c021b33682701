//! How patterns begin, worked out once: most lines are told from most patterns
//! by it, without a look at the pattern itself.

use runit_rt::bytes;

/// What a pattern wants before the next `*` or `+` behind its first byte.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head {
    /// Where the line of the configuration begins.
    pub start: usize,
    /// How many bytes of the pattern this is.
    taken: usize,
    /// How many of them are literal; none: this tells nothing.
    length: usize,
    /// The literal ones, the first one lowest, and which of these bits count.
    word: u64,
    mask: u64,
}

impl Head {
    /// What there is to know of a pattern that was not looked at.
    pub const UNKNOWN: Self = Self { start: 0, taken: 0, length: 0, word: 0, mask: 0 };

    /// The head of `pattern`, whose line begins at `start`.
    pub fn of(start: usize, pattern: &[u8]) -> Self {
        let mut head = Self { start, ..Self::UNKNOWN };
        for (n, &byte) in pattern.iter().take(8).enumerate() {
            if n == 0 && byte == b'*' {
                continue;
            }
            if byte == b'*' || byte == b'+' {
                break;
            }
            head.word |= u64::from(byte) << (8 * head.length);
            head.mask = head.mask << 8 | 0xff;
            head.length += 1;
            head.taken = n + 1;
        }
        head
    }

    /// What is left of `line` and `pattern`, which this is the head of, to be
    /// matched; `None` if the line does not match.
    #[inline]
    pub fn rest<'l, 'p>(&self, line: &'l [u8], pattern: &'p [u8]) -> Option<(&'l [u8], &'p [u8])> {
        let mut from = line;
        if self.taken != self.length {
            let at = bytes::find(line, self.word.to_le_bytes()[0])?;
            from = line.get(at..)?;
        }
        let Some(first) = from.first_chunk() else { return Some((line, pattern)) };
        if (u64::from_le_bytes(*first) ^ self.word) & self.mask != 0 {
            return None;
        }
        Some((from.get(self.length..)?, pattern.get(self.taken..)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::matches;
    use crate::pattern::tests::{by_the_book, strings};

    fn by_the_head(pattern: &[u8], line: &[u8]) -> bool {
        let left = Head::of(0, pattern).rest(line, pattern);
        left.is_some_and(|(line, pattern)| matches(pattern, line))
    }

    #[test]
    fn what_the_head_says_is_what_the_pattern_says() {
        let lines = strings(b"ab*+", 4);
        for pattern in strings(b"ab*+", 4) {
            for (filler, more) in
                [("", ""), ("abababab", "abababab"), ("abababab", "*"), ("b", "b")]
            {
                let pattern = [&pattern[..], more.as_bytes()].concat();
                for line in &lines {
                    let line = [&line[..], filler.as_bytes()].concat();
                    let expected = by_the_book(&pattern, &line);
                    assert_eq!(by_the_head(&pattern, &line), expected);
                }
            }
        }
    }

    #[test]
    fn a_head_has_eight_bytes_at_most() {
        for pattern in ["abcdefghij", "*abcdefghij", "abcdefgh", "abcdefg*", "*abcdefgh+i"] {
            for line in ["abcdefghij", "abcdefghijk", "xabcdefghij", "abcdefgh", "abcdefgx", "abc"]
            {
                let (pattern, line) = (pattern.as_bytes(), line.as_bytes());
                assert_eq!(by_the_head(pattern, line), by_the_book(pattern, line));
            }
        }
    }
}
