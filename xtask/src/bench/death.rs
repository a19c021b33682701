//! How soon a service that died runs again.

use std::time::Duration;

use rustix::process::Signal;

use super::report::{Row, Unit};
use super::starts::Starts;
use super::suite::Suite;
use super::tree::{Forest, Status};
use super::{Bench, Case, outlive_the_throttle, timed};
use crate::error::Result;
use crate::process::signal;

/// The case.
pub static CASE: Case = Case {
    name: "death",
    about: "from the death of a service to its next start",
    needs: &["runsvdir", "runsv"],
    ours_alone: false,
    run,
};

fn run(bench: &Bench, suites: &[&Suite]) -> Result<Vec<Row>> {
    let (services, rounds) = if bench.quick { (20, 1) } else { (50, 4) };
    let forest = Forest::start(bench, suites, services)?;
    let starts = Starts::of(&bench.pause)?;
    let mut samples = vec![Vec::new(); suites.len()];
    for _ in 0..rounds {
        outlive_the_throttle();
        for service in 0..services {
            for (index, samples) in samples.iter_mut().enumerate() {
                let service = forest.service(index, service);
                let before = Status::wait(&service, Duration::from_millis(1), |now| now.runs)?;
                starts.forget()?;
                samples.push(timed(|| {
                    signal(before.pid, Signal::KILL)?;
                    starts.wait()
                })?);
            }
        }
    }
    forest.stop()?;
    Ok(vec![Row::medians("death", "death to next start", Unit::Time, &samples)])
}
