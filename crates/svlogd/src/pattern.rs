//! Selection of lines by patterns (CONTRACT section 6, svlogd(8)).

use runit_rt::bytes;

/// Whether the whole of `line` matches the whole of `pattern`: `*` stands for
/// what is before the first occurrence of the byte after it (at the end: for
/// anything), `+` for one or more of the byte after it, any other byte for
/// itself.
///
/// There is never a choice: the byte after `*` is looked at again as part of
/// the pattern (so `*+` seeks a plus sign and then starts a run), the byte
/// after `+` never is special.
#[inline]
pub fn matches(pattern: &[u8], line: &[u8]) -> bool {
    let (mut pattern, mut line) = (pattern.iter(), line.iter());
    while let Some(&byte) = pattern.next() {
        match byte {
            b'*' => {
                let Some(&stop) = pattern.as_slice().first() else { return true };
                let Some(at) = bytes::find(line.as_slice(), stop) else { return false };
                line = line.as_slice().get(at..).unwrap_or_default().iter();
            }
            b'+' => {
                // A run of nothing is in no line.
                let Some(repeated) = pattern.next() else { return false };
                let rest = line.as_slice();
                let run = rest.iter().take_while(|&other| other == repeated).count();
                if run == 0 {
                    return false;
                }
                line = rest.get(run..).unwrap_or_default().iter();
            }
            byte if line.next() == Some(&byte) => {}
            _ => return false,
        }
    }
    line.as_slice().is_empty()
}

/// Whether the last byte of `line` is enough to see that it does not match:
/// whatever it stands for, a last byte of a pattern that is no `*` is the last
/// of each line that does.
#[inline]
pub fn is_told_by_its_end(pattern: &[u8], line: &[u8]) -> bool {
    pattern.last().is_some_and(|last| *last != b'*' && line.last() != Some(last))
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

    #[test]
    fn every_short_pattern_matches_every_short_line_by_the_book() {
        let lines = strings(b"ab*+", 4);
        for pattern in strings(b"ab*+", 5) {
            for line in &lines {
                assert_eq!(matches(&pattern, line), by_the_book(&pattern, line));
            }
        }
    }

    #[test]
    fn the_manuals_example_holds() {
        // Stamps are no part of the line.
        let line = b"tcpsvd: info: pid 1977 from 10.4.1.14";
        assert!(!matches(b"*pid*", line));
        assert!(matches(b"*: *: pid *", line));
    }

    #[test]
    fn long_lines_are_searched_beyond_a_block() {
        let mut line = [b'a'; 200];
        line[150] = b'x';
        assert!(matches(b"*x*", &line) && matches(b"+ax+a", &line) && !matches(b"*y*", &line));
        assert!(!matches(b"+ax+ab", &line));
    }
}
