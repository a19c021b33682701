//! What a log directory wants of lines.

use svlogd_select::pattern::{Pattern, decide};

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
    /// The text of the configuration.
    pub texts: &'a [u8],
    /// The patterns, in their order.
    pub patterns: &'a [Pattern],
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
    /// without one, it is. The line is the first `length` bytes of `text`.
    #[inline]
    pub fn select(&self, text: &[u8], length: usize) -> bool {
        !self.selects || decide(self.patterns, self.texts, false, text, length)
    }

    /// Whether a line is to be copied to standard error; without a pattern
    /// that matches, it is not.
    #[inline]
    pub fn alert(&self, line: &[u8]) -> bool {
        self.alerts && decide(self.patterns, self.texts, true, line, line.len())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn the_last_match_decides() {
        let selects = |text: &str, line: &str| {
            let config = Config::read(text);
            config.rules().select(line.as_bytes(), line.len())
        };
        assert!(selects("", "x") && selects("e*\n", "x"));
        let text = "-*\n+*err*\ne*\n-*err: minor*\nE*";
        assert!(!selects(text, "fine"));
        assert!(selects(text, "an err"));
        assert!(!selects(text, "an err: minor thing"));
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
        assert!(!config.rules().select(b"err", 3) && !config.rules().alert(b"err"));
        assert!(config.rules().alert(b"a no, that is"));
    }
}
