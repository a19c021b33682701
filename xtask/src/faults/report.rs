//! What came of it: a line for each failure, and the table of `docs/faults.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::case::Case;
use super::lab::{Check, Outcome};
use super::limits;

/// One case and how it came out.
pub struct Tried {
    /// What was tried.
    pub case: Case,
    /// The outcome, or what was wrong.
    pub result: Check<Outcome>,
}

impl Tried {
    /// Whether it counts as failed.
    pub fn is_failure(&self) -> bool {
        self.result.is_err() && limits::why(&self.case).is_none()
    }

    /// The line for programs and people: the case, what was wrong, and how to do it again.
    pub fn line(&self) -> Option<String> {
        let why = self.result.as_ref().err()?.trim_end().replace('\n', "\\n");
        let case = &self.case;
        Some(format!("failed\t{case}\t{why}\tcargo xtask faults --only {case}"))
    }
}

/// What is told of one call of one scenario.
#[derive(Default)]
struct Row<'a> {
    errnos: BTreeSet<&'a str>,
    counts: BTreeMap<&'static str, usize>,
}

/// The table, a row for each call of each scenario.
pub fn table(tried: &[Tried]) -> String {
    let mut rows: BTreeMap<(&str, &str), Row<'_>> = BTreeMap::new();
    for one in tried {
        let row = rows.entry((&one.case.scenario, &one.case.call)).or_default();
        row.errnos.insert(&one.case.errno);
        *row.counts.entry(word(one)).or_default() += 1;
    }
    let mut text = String::from("| scenario | call | errors | outcome |\n|---|---|---|---|\n");
    for ((scenario, call), row) in rows {
        let errnos = row.errnos.into_iter().collect::<Vec<_>>().join(" ");
        let counts = row.counts.iter().map(|(word, count)| format!("{count} {word}"));
        let outcome = counts.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "| `{scenario}` | `{call}` | {errnos} | {outcome} |");
    }
    text
}

/// How many cases of each scenario came out how.
pub fn summary(tried: &[Tried]) -> String {
    let mut rows: BTreeMap<&str, BTreeMap<&'static str, usize>> = BTreeMap::new();
    for one in tried {
        *rows.entry(&one.case.scenario).or_default().entry(word(one)).or_default() += 1;
    }
    let mut text = String::from("| scenario | tried | outcome |\n|---|--:|---|\n");
    for (scenario, counts) in rows {
        let all: usize = counts.values().sum();
        let each = counts.iter().map(|(word, count)| format!("{count} {word}"));
        let _ =
            writeln!(text, "| `{scenario}` | {all} | {} |", each.collect::<Vec<_>>().join(", "));
    }
    text
}

fn word(tried: &Tried) -> &'static str {
    match &tried.result {
        Ok(Outcome::Survived) => "survived",
        Ok(Outcome::Refused) => "refused at start",
        Ok(Outcome::Failed) => "failed with a message",
        Ok(Outcome::Missed) => "never met",
        Ok(Outcome::Skipped) => "a stage passed over",
        Err(_) if limits::why(&tried.case).is_some() => "known limit",
        // Every wait has its limit.
        Err(why) if why.starts_with("waited ") => "WAITED IN VAIN",
        Err(_) => "FAILED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::case::When;

    fn tried(errno: &str, result: Check<Outcome>) -> Tried {
        let (scenario, call) = ("none".to_owned(), "openat".to_owned());
        Tried {
            case: Case { scenario, call, errno: errno.to_owned(), when: When::First, before: 0 },
            result,
        }
    }

    #[test]
    fn a_row_tells_what_was_tried_and_what_came_of_it() {
        let all = [
            tried("EIO", Ok(Outcome::Survived)),
            tried("ENOSPC", Ok(Outcome::Survived)),
            tried("EROFS", Ok(Outcome::Refused)),
        ];
        let row = "| `none` | `openat` | EIO ENOSPC EROFS | 1 refused at start, 2 survived |\n";
        assert!(table(&all).ends_with(row), "{}", table(&all));
        assert!(summary(&all).ends_with("| `none` | 3 | 1 refused at start, 2 survived |\n"));
    }

    #[test]
    fn a_failure_can_be_repeated() {
        let one = tried("EIO", Err("no\nway".to_owned()));
        assert!(one.is_failure());
        let line =
            "failed\tnone:openat:EIO:1\tno\\nway\tcargo xtask faults --only none:openat:EIO:1";
        assert_eq!(one.line().as_deref(), Some(line));
        assert_eq!(tried("EIO", Ok(Outcome::Survived)).line(), None);
    }
}
