//! What it costs to ask for a service's state, once.

use super::report::{Row, Unit};
use super::suite::Suite;
use super::tree::Forest;
use super::{Bench, Case, timed};
use crate::error::Result;
use crate::process::silently;

/// The case.
pub static CASE: Case = Case {
    name: "query",
    about: "one sv status as a whole process",
    needs: &["runsvdir", "runsv", "sv"],
    ours_alone: false,
    run,
};

fn run(bench: &Bench, suites: &[&Suite]) -> Result<Vec<Row>> {
    let rounds = if bench.quick { 300 } else { 3000 };
    let forest = Forest::start(bench, suites, 1)?;
    let mut samples = vec![Vec::new(); suites.len()];
    for _ in 0..rounds {
        for (index, suite) in suites.iter().enumerate() {
            let mut sv = suite.command("sv");
            sv.args(suite.family.query_words()).arg(forest.service(index, 0));
            samples[index].push(timed(|| silently(&mut sv))?);
        }
    }
    forest.stop()?;
    Ok(vec![Row::medians("query", "one sv status", Unit::Time, &samples)])
}
