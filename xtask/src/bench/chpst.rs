//! What `chpst` costs the start of a program.

use std::process::Command;

use super::report::{Row, Unit};
use super::suite::Suite;
use super::{Bench, Case, timed};
use crate::error::Result;
use crate::process::silently;

/// The case.
pub static CASE: Case = Case {
    name: "chpst",
    about: "chpst -o 256 true, without true itself",
    needs: &["chpst"],
    ours_alone: false,
    run,
};

fn run(bench: &Bench, suites: &[&Suite]) -> Result<Vec<Row>> {
    let rounds = if bench.quick { 500 } else { 5000 };
    let mut samples = vec![Vec::new(); suites.len()];
    for _ in 0..rounds {
        for (samples, suite) in samples.iter_mut().zip(suites) {
            // The same environment for both: its size counts.
            let mut bare = Command::new("/bin/true");
            bare.env_clear().env("PATH", suite.path());
            let mut changed = suite.command("chpst");
            changed.args(["-o", "256", "true"]);
            let bare = timed(|| silently(&mut bare))?;
            samples.push(timed(|| silently(&mut changed))? - bare);
        }
    }
    Ok(vec![Row::medians("chpst", "chpst, beyond the program itself", Unit::Time, &samples)])
}
