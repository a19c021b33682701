//! How often the supervisors of an idle tree run at all.

use std::time::Duration;

use super::report::{Row, Unit};
use super::suite::Suite;
use super::tree::Forest;
use super::{Bench, Case};
use crate::error::{OnFile, Result};

/// The case.
pub static CASE: Case = Case {
    name: "wakeups",
    about: "wake-ups of an idle tree of ten services",
    needs: &["runsvdir", "runsv"],
    ours_alone: false,
    run,
};

fn run(bench: &Bench, suites: &[&Suite]) -> Result<Vec<Row>> {
    let seconds = if bench.quick { 10 } else { 30 };
    let forest = Forest::start(bench, suites, 10)?;
    // What follows a start, such as a look one second later, is not idleness.
    std::thread::sleep(Duration::from_secs(3));
    let count = || -> Result<Vec<u64>> {
        forest.trees().map(|tree| tree.supervisors()?.into_iter().map(switches).sum()).collect()
    };
    let before = count()?;
    std::thread::sleep(Duration::from_secs(seconds));
    let after = count()?;
    forest.stop()?;
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let figures = before.iter().zip(&after).map(|(b, a)| Some((a - b) as f64)).collect();
    let what = format!("wake-ups of an idle tree in {seconds} s");
    Ok(vec![Row { key: "wakeups", what, unit: Unit::Count, figures }])
}

/// How often the process was given a processor and gave it back, of its own will or not.
pub fn switches(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).on("read", path)?;
    Ok(counted(&text))
}

/// The sum of both kinds of context switches in `/proc/PID/status`.
fn counted(status: &str) -> u64 {
    let lines = status.lines().filter_map(|line| line.split_once("ctxt_switches:"));
    lines.filter_map(|(_, number)| number.trim().parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_switches_count() {
        let text = "Name:\tx\nvoluntary_ctxt_switches:\t40\nnonvoluntary_ctxt_switches:\t2\n";
        assert_eq!(counted(text), 42);
        assert!(switches(std::process::id()).is_ok_and(|count| count > 0));
    }
}
