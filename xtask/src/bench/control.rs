//! `sv start`, `stop` and `restart` of a service that is quick to do all three.

use super::report::{Row, Unit};
use super::suite::Suite;
use super::tree::Forest;
use super::{Bench, Case, outlive_the_throttle, timed};
use crate::error::Result;
use crate::process::silently;

/// The case.
pub static CASE: Case = Case {
    name: "control",
    about: "sv stop, start and restart of a quick service",
    needs: &["runsvdir", "runsv", "sv"],
    ours_alone: false,
    run,
};

fn run(bench: &Bench, suites: &[&Suite]) -> Result<Vec<Row>> {
    let (services, rounds) = if bench.quick { (3, 1) } else { (8, 2) };
    let forest = Forest::start(bench, suites, services)?;
    let mut rows = Vec::new();
    for word in ["stop", "start", "restart"] {
        rows.push((word, vec![Vec::new(); suites.len()]));
    }
    for _ in 0..rounds {
        for (word, samples) in &mut rows {
            if *word != "start" {
                outlive_the_throttle();
            }
            for service in 0..services {
                for (index, suite) in suites.iter().enumerate() {
                    let service = forest.service(index, service);
                    let control = suite.family.control(suite.command("sv"), word, &service);
                    // Who cannot wait for what was asked for has no figure.
                    if let Some(mut control) = control {
                        samples[index].push(timed(|| silently(&mut control))?);
                    }
                }
            }
        }
    }
    forest.stop()?;
    Ok(rows
        .into_iter()
        .map(|(word, samples)| Row::medians("control", format!("sv {word}"), Unit::Time, &samples))
        .collect())
}
