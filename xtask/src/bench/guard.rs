//! The limits that CI checks: ratios and counts, which do not depend on how fast
//! or how busy a machine is.

use super::report::Row;
use super::suite::{DEBIANS, Suite};
use crate::error::{Error, Result};

/// The cases that are needed for it.
pub const CASES: &[&str] = &["memory", "wakeups"];

/// What a limit is on.
enum Of {
    /// Our own figure.
    Figure,
    /// Our figure by Debian's.
    Debians,
}

/// The limits: key of a row, what of it, the most it may be, in words.
const LIMITS: &[(&str, Of, f64, &str)] = &[
    ("memory", Of::Debians, 0.4, "memory of a supervisor is at most 0.4 of Debian's"),
    ("memory-floor", Of::Figure, 1.12, "and 1.12 of a process that only waits"),
    ("private", Of::Figure, 8192.0, "private dirty is at most 8 KiB"),
    ("wakeups", Of::Figure, 0.0, "an idle tree never wakes up"),
];

/// Checks every limit; one that could not be measured is not kept.
pub fn check(suites: &[Suite], rows: &[Row]) -> Result<()> {
    let broken = broken(suites, rows);
    for what in &broken {
        eprintln!("not kept: {what}");
    }
    if broken.is_empty() { Ok(()) } else { Err(Error::Reported) }
}

fn broken(suites: &[Suite], rows: &[Row]) -> Vec<&'static str> {
    let debians = suites.iter().position(|suite| suite.label == DEBIANS);
    let kept = |(key, of, most, _): &&(&str, Of, f64, &str)| {
        let value = rows.iter().find(|row| row.key == *key).and_then(|row| match of {
            Of::Figure => *row.figures.first()?,
            Of::Debians => row.ratio(debians?),
        });
        value.is_some_and(|value| value <= *most)
    };
    LIMITS.iter().filter(|limit| !kept(limit)).map(|(_, _, _, what)| *what).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::Unit;

    fn rows(memory: f64, floor: f64, private: f64, wakeups: f64) -> Vec<Row> {
        let row = |key, unit, ours, theirs| Row {
            key,
            what: key.to_owned(),
            unit,
            figures: vec![Some(ours), Some(theirs)],
        };
        vec![
            row("memory", Unit::Kib, memory, 100.0),
            row("memory-floor", Unit::Ratio, floor, 3.0),
            row("private", Unit::Kib, private, 9e4),
            row("wakeups", Unit::Count, wakeups, 6.0),
        ]
    }

    fn suites() -> Vec<Suite> {
        ["ours", DEBIANS].map(|label| Suite { label: label.into(), directory: "/".into() }).into()
    }

    #[test]
    fn limits_are_kept_or_not() {
        assert!(broken(&suites(), &rows(40.0, 1.12, 8192.0, 0.0)).is_empty());
        for (index, bad) in [
            rows(40.1, 1.1, 7e3, 0.0),
            rows(39.0, 1.121, 7e3, 0.0),
            rows(39.0, 1.1, 8193.0, 0.0),
            rows(39.0, 1.1, 7e3, 1.0),
        ]
        .iter()
        .enumerate()
        {
            assert_eq!(broken(&suites(), bad), [LIMITS[index].3]);
        }
    }

    #[test]
    fn what_was_not_measured_is_not_kept() {
        assert_eq!(broken(&suites(), &[]).len(), LIMITS.len());
        let good = rows(40.0, 1.1, 7e3, 0.0);
        assert_eq!(broken(&suites()[..1], &good), [LIMITS[0].3]);
    }
}
