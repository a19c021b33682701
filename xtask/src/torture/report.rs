//! Checks, and how they are told.

use std::fmt::Write as _;

use crate::table::{Table, thousands};

/// How many violations of one check are shown.
const SHOWN: usize = 8;

/// A table of what was counted, and of checks.
#[derive(Default)]
pub struct Report {
    figures: Vec<(String, u64)>,
    checks: Vec<Check>,
    stories: Vec<String>,
}

struct Check {
    what: String,
    violations: Vec<String>,
}

impl Report {
    /// A figure of the ledger.
    pub fn figure(&mut self, what: impl Into<String>, count: u64) {
        self.figures.push((what.into(), count));
    }

    /// A check that holds if there are no violations.
    pub fn check(&mut self, what: impl Into<String>, violations: Vec<String>) {
        self.checks.push(Check { what: what.into(), violations });
    }

    /// What explains a violation.
    pub fn story(&mut self, text: String) {
        self.stories.push(text);
    }

    /// How many do not hold.
    pub fn failed(&self) -> usize {
        self.checks.iter().filter(|check| !check.violations.is_empty()).count()
    }

    /// All of it.
    pub fn text(&self) -> String {
        let mut table = Table::new(["ledger", "count"]);
        for (what, count) in &self.figures {
            table.row([what.clone(), thousands(*count)]);
        }
        let mut text = table.markdown();
        text.push('\n');
        for Check { what, violations } in &self.checks {
            let verdict = if violations.is_empty() { "pass" } else { "FAIL" };
            let _ = writeln!(text, "{verdict}  {what}");
            for violation in violations.iter().take(SHOWN) {
                let _ = writeln!(text, "      {}", violation.trim_end().replace('\n', "; "));
            }
            if violations.len() > SHOWN {
                let _ = writeln!(text, "      and {} more", violations.len() - SHOWN);
            }
        }
        for story in &self.stories {
            let _ = write!(text, "\n{story}");
        }
        let failed = self.failed();
        let _ = writeln!(text, "\n{} passed, {failed} failed", self.checks.len() - failed);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_fail_their_check_and_are_shown() {
        let mut report = Report::default();
        report.figure("lines", 1234);
        report.check("one is right", Vec::new());
        report.check("two is wrong", (0..20).map(|number| format!("no {number}")).collect());
        assert_eq!(report.failed(), 1);
        let text = report.text();
        for part in ["1,234", "pass  one", "FAIL  two", "no 7", "and 12 more", "1 passed, 1 failed"]
        {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("no 8"));
    }
}
