//! Whether a line matches a pattern.

use runit_rt::bytes;

/// Whether a line, the first `length` bytes of `text`, matches the whole of
/// `pattern`: `*` stands for what is before the first occurrence of
/// the byte after it (at the end: for anything), `+` for one or more of the
/// byte after it, any other byte for itself. What is behind the line counts for
/// nothing, but to have it there is quicker.
///
/// There is never a choice: the byte after `*` is looked at again as part of
/// the pattern (so `*+` seeks a plus sign and then starts a run), the byte
/// after `+` never is special.
#[inline]
pub fn matches(pattern: &[u8], text: &[u8], length: usize) -> bool {
    let mut at = 0;
    let mut pattern = pattern.iter();
    while at <= length {
        let Some(&byte) = pattern.next() else { return at == length };
        match byte {
            b'*' => {
                let Some(&stop) = pattern.as_slice().first() else { return true };
                let rest = text.get(at..).unwrap_or_default();
                let Some(skipped) = bytes::find(rest, stop) else { return false };
                at += skipped;
                if at >= length {
                    return false;
                }
            }
            b'+' => {
                // A run of nothing is in no line.
                let Some(repeated) = pattern.next() else { return false };
                let rest = text.get(at..length).unwrap_or_default();
                let run = rest.iter().take_while(|&other| other == repeated).count();
                if run == 0 {
                    return false;
                }
                at += run;
            }
            byte if text.get(at) == Some(&byte) => at += 1,
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::vec::Vec;

    /// The same by the words of the contract, one byte after the other.
    pub fn by_the_book(pattern: &[u8], line: &[u8]) -> bool {
        let (mut p, mut l) = (0, 0);
        while p < pattern.len() {
            let after = pattern.get(p + 1).copied();
            match (pattern[p], after) {
                (b'*', None) => return true,
                (b'*', Some(stop)) => {
                    while l < line.len() && line[l] != stop {
                        l += 1;
                    }
                    if l == line.len() {
                        return false;
                    }
                    p += 1;
                }
                (b'+', None) => return false,
                (b'+', Some(repeated)) => {
                    let start = l;
                    while l < line.len() && line[l] == repeated {
                        l += 1;
                    }
                    if l == start {
                        return false;
                    }
                    p += 2;
                }
                (byte, _) => {
                    if l == line.len() || line[l] != byte {
                        return false;
                    }
                    l += 1;
                    p += 1;
                }
            }
        }
        l == line.len()
    }

    /// Every string of up to `longest` bytes of `alphabet`.
    pub fn strings(alphabet: &[u8], longest: u32) -> Vec<Vec<u8>> {
        let mut all = std::vec![Vec::new()];
        let mut last = all.clone();
        for _ in 0..longest {
            let longer = |s: &Vec<u8>| {
                let s = s.clone();
                alphabet.iter().map(move |&byte| [&s[..], &[byte]].concat())
            };
            last = last.iter().flat_map(longer).collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    fn whole(pattern: &[u8], line: &[u8]) -> bool {
        matches(pattern, line, line.len())
    }

    #[test]
    fn every_short_pattern_matches_every_short_line_by_the_book() {
        let lines = strings(b"ab*+", 4);
        for pattern in strings(b"ab*+", 5) {
            for line in &lines {
                let expected = by_the_book(&pattern, line);
                assert_eq!(whole(&pattern, line), expected);
                for behind in [&b"\n"[..], b"a", b"baab", b"*b", b"+a"] {
                    let text = [&line[..], behind].concat();
                    assert_eq!(matches(&pattern, &text, line.len()), expected);
                }
            }
        }
    }

    #[test]
    fn the_manuals_example_holds() {
        // Stamps are no part of the line.
        let line = b"tcpsvd: info: pid 1977 from 10.4.1.14";
        assert!(!whole(b"*pid*", line));
        assert!(whole(b"*: *: pid *", line));
    }

    #[test]
    fn long_lines_are_searched_beyond_a_block() {
        let mut line = [b'a'; 200];
        line[150] = b'x';
        assert!(whole(b"*x*", &line) && whole(b"+ax+a", &line) && !whole(b"*y*", &line));
        assert!(!whole(b"+ax+ab", &line));
    }
}
