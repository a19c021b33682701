//! How long runsvdir takes to bring many services up.

use std::path::Path;

use super::report::{Row, Unit};
use super::suite::Suite;
use super::tree::{Services, Tree, all_run, in_memory};
use super::{Bench, Case, timed};
use crate::error::Result;

/// The case.
pub static CASE: Case = Case {
    name: "many",
    about: "500 services, from the start of runsvdir until all run",
    needs: &["runsvdir", "runsv"],
    ours_alone: false,
    run,
};

const SERVICES: usize = 500;

fn run(bench: &Bench, suites: &[&Suite]) -> Result<Vec<Row>> {
    Ok(vec![
        up(bench, suites, &in_memory("many"), "in memory")?,
        up(bench, suites, &bench.scratch.join("many"), "on disk")?,
    ])
}

fn up(bench: &Bench, suites: &[&Suite], directory: &Path, place: &str) -> Result<Row> {
    let rounds = if bench.quick { 1 } else { 5 };
    let mut samples = vec![Vec::new(); suites.len()];
    for _ in 0..rounds {
        for (suite, samples) in suites.iter().zip(&mut samples) {
            let services = Services::filled(directory, &bench.pause, SERVICES)?;
            let mut tree = None;
            samples.push(timed(|| {
                tree = Some(Tree::start(suite, &services)?);
                all_run(&services, SERVICES)
            })?);
            tree.map_or(Ok(()), Tree::stop)?;
        }
    }
    let what = format!("{SERVICES} services up, {place}");
    Ok(Row::medians("many", what, Unit::Time, &samples))
}
