//! How soon a new service runs.

use std::time::Duration;

use super::report::{Row, Unit};
use super::suite::Suite;
use super::tree::{Forest, Status, make_service};
use super::{Bench, Case, timed};
use crate::error::{OnFile, Result};

/// The case.
pub static CASE: Case = Case {
    name: "discover",
    about: "a new service, from its appearance to its run",
    needs: &["runsvdir", "runsv"],
    ours_alone: false,
    run,
};

fn run(bench: &Bench, suites: &[&Suite]) -> Result<Vec<Row>> {
    let rounds = if bench.quick { 2 } else { 6 };
    let forest = Forest::start(bench, suites, 1)?;
    let mut samples = vec![Vec::new(); suites.len()];
    for round in 1..=rounds {
        for (index, (suite, samples)) in suites.iter().zip(&mut samples).enumerate() {
            // Whoever looks every few seconds is met at another moment each time.
            std::thread::sleep(Duration::from_millis(850) * round);
            let outside = bench.scratch.join("new");
            make_service(&outside, &bench.pause)?;
            let service = forest.service(index, round as usize);
            samples.push(timed(|| {
                std::fs::rename(&outside, &service).on("rename", &outside)?;
                suite.family.announce(service.parent().unwrap_or(&service))?;
                Status::wait(&service, Duration::from_micros(100), |status| status.runs)
            })?);
        }
    }
    forest.stop()?;
    let what = "new service until it runs";
    Ok(vec![Row::medians("discover", what, Unit::Time, &samples)])
}
