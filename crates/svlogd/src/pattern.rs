//! Selection of lines by patterns (CONTRACT section 6, svlogd(8)).

use alloc::vec::Vec;

use runit_rt::bytes;

/// Whether the whole of `line` matches the whole of `pattern`: `*` stands for
/// what is before the first occurrence of the byte after it (at the end: for
/// anything), `+` for one or more of the byte after it, any other byte for
/// itself.
///
/// There is never a choice: the byte after `*` is looked at again as part of
/// the pattern (so `*+` seeks a plus sign and then starts a run), the byte
/// after `+` never is special.
pub fn matches(mut pattern: &[u8], mut line: &[u8]) -> bool {
    loop {
        match pattern {
            [] => return line.is_empty(),
            [b'*'] => return true,
            [b'*', rest @ ..] => {
                let Some(at) = bytes::find(line, rest[0]) else { return false };
                line = &line[at..];
                pattern = rest;
            }
            [b'+', byte, rest @ ..] => {
                let run = line.iter().take_while(|&other| other == byte).count();
                if run == 0 {
                    return false;
                }
                line = &line[run..];
                pattern = rest;
            }
            // A run of nothing is in no line.
            [b'+'] => return false,
            [byte, rest @ ..] => match line {
                [first, others @ ..] if first == byte => {
                    line = others;
                    pattern = rest;
                }
                _ => return false,
            },
        }
    }
}

/// Patterns that select and deselect; the last one that matches decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    rules: Vec<(bool, Vec<u8>)>,
}

impl Selection {
    /// Appends a pattern.
    pub fn push(&mut self, selects: bool, pattern: &[u8]) {
        self.rules.push((selects, pattern.to_vec()));
    }

    /// Whether there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the patterns say of `line`; `default` where none matches.
    pub fn selects(&self, line: &[u8], default: bool) -> bool {
        let decisive = self.rules.iter().rev().find(|(_, pattern)| matches(pattern, line));
        decisive.map_or(default, |&(selects, _)| selects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by the words of the contract, one byte after the other.
    fn by_the_book(pattern: &[u8], line: &[u8]) -> bool {
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
    fn strings(alphabet: &[u8], longest: u32) -> Vec<Vec<u8>> {
        let mut all = alloc::vec![Vec::new()];
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

    #[test]
    fn the_last_match_decides() {
        let mut selection = Selection::default();
        assert!(selection.selects(b"x", true) && !selection.selects(b"x", false));
        selection.push(false, b"*");
        selection.push(true, b"*err*");
        selection.push(false, b"*err: minor*");
        assert!(!selection.selects(b"fine", true));
        assert!(selection.selects(b"an err", true));
        assert!(!selection.selects(b"an err: minor thing", true));
    }
}
