//! What a log directory wants of lines.

use runit_rt::bytes;

use crate::heads::Head;
use crate::pattern::{is_told_by_its_end, matches};

/// The most bytes that a prefix may have: room for it is set aside.
pub const LONGEST_PREFIX: usize = 4096;

/// Rules as they stand in a configuration's text.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub struct Rules<'a> {
    /// The most bytes of `current`; 0 for no limit.
    pub size: u64,
    /// What stands before each line, behind the time stamp; at most
    /// [`LONGEST_PREFIX`] bytes.
    pub prefix: &'a [u8],
    /// Lines of the configuration, patterns among them, each behind a NUL.
    pub lines: &'a [u8],
    /// How many lines these are.
    pub count: usize,
    /// How the first ones of them begin, and where.
    pub heads: &'a [Head],
    /// Whether there are patterns for what is logged, `+` or `-`.
    pub selects: bool,
    /// Whether there are patterns for copies to standard error, `e` or `E`.
    pub alerts: bool,
    /// Whether selected lines are also sent.
    pub remote: bool,
    /// Whether they are sent only.
    pub remote_only: bool,
}

impl Rules<'_> {
    /// Whether lines are written as they come.
    pub fn are_none(&self) -> bool {
        self.prefix.is_empty() && !self.selects && !self.alerts && !self.remote
    }

    /// Whether a line is to be logged. The last pattern that matches decides;
    /// without one, it is.
    #[inline]
    pub fn select(&self, line: &[u8]) -> bool {
        !self.selects || self.decide(line, [b'+', b'-'], true)
    }

    /// Whether a line is to be copied to standard error; without a pattern
    /// that matches, it is not.
    #[inline]
    pub fn alert(&self, line: &[u8]) -> bool {
        self.alerts && self.decide(line, [b'e', b'E'], false)
    }

    fn decide(&self, line: &[u8], [yes, no]: [u8; 2], default: bool) -> bool {
        let mut rest = self.lines;
        // From the last one on: the first that matches ends it.
        for index in (0..self.count).rev() {
            let (head, start) = match self.heads.get(index) {
                Some(head) => (head, head.start),
                None => (&Head::UNKNOWN, bytes::find_last(rest, 0).unwrap_or(0)),
            };
            let Some((before, last)) = rest.split_at_checked(start) else { break };
            rest = before;
            let [_, letter, pattern @ ..] = last else { continue };
            if *letter != yes && *letter != no || is_told_by_its_end(pattern, line) {
                continue;
            }
            if let Some((line, pattern)) = head.rest(line, pattern) {
                if matches(pattern, line) {
                    return *letter == yes;
                }
            }
        }
        default
    }
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::vec::Vec;

    use crate::config::Config;

    #[test]
    fn the_last_match_decides() {
        let selects = |text: &str, line: &str| {
            let config = Config::read(text);
            config.rules().select(line.as_bytes())
        };
        assert!(selects("", "x") && selects("e*\n", "x"));
        let text = "-*\n+*err*\ne*\n-*err: minor*\nE*";
        assert!(!selects(text, "fine"));
        assert!(selects(text, "an err"));
        assert!(!selects(text, "an err: minor thing"));
    }

    #[test]
    fn beyond_the_first_ones_patterns_are_found_all_the_same() {
        let pairs: Vec<_> = (0..100).map(|n| format!("-*no {n}\n+yes {n}*\n")).collect();
        let config = Config::read(&pairs.concat());
        let rules = config.rules();
        for n in 0..100 {
            assert!(!rules.select(format!("this was: no {n}").as_bytes()), "{n}");
            assert!(rules.select(format!("yes {n}, no {n}").as_bytes()), "{n}");
        }
        assert!(rules.select(b"this was: no 100"));
    }

    #[test]
    fn copies_are_decided_apart_from_that() {
        let alerts = |text: &str, line: &str| {
            let config = Config::read(text);
            config.rules().alert(line.as_bytes())
        };
        assert!(!alerts("", "x") && !alerts("+*\n", "x"));
        assert!(alerts("e*\nEno\n-*", "yes") && !alerts("e*\nEno\n-*", "no"));
    }

    #[test]
    fn a_pattern_that_does_not_match_is_passed_over() {
        let config = Config::read("+*err*\n-*\np: \ne*no*\n");
        assert!(!config.rules().select(b"err") && !config.rules().alert(b"err"));
        assert!(config.rules().alert(b"a no, that is"));
    }

    #[test]
    fn a_line_without_a_letter_is_no_pattern() {
        let config = Config::read("");
        let rules = super::Rules { lines: b"\0", count: 1, selects: true, ..config.rules() };
        assert!(rules.select(b"") && rules.select(b"x"));
    }
}
