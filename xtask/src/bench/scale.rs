//! Thousands of services under one runsvdir: up, asked for, and taken down again.

use super::report::{Row, Unit};
use super::suite::Suite;
use super::tree::{Services, Tree, all_run, in_memory};
use super::{Bench, Case, timed};
use crate::error::Result;
use crate::process::silently;

/// The case: the references end at 1000 services.
pub static CASE: Case = Case {
    name: "scale",
    about: "up to 10,000 services under one runsvdir",
    needs: &["runsvdir", "runsv", "sv"],
    ours_alone: true,
    run,
};

fn run(bench: &Bench, suites: &[&Suite]) -> Result<Vec<Row>> {
    let sizes: &[usize] = if bench.quick { &[500, 1000] } else { &[1000, 2500, 5000, 10_000] };
    let mut rows = Vec::new();
    for &size in sizes {
        for suite in suites {
            let services = Services::filled(&in_memory("scale"), &bench.pause, size)?;
            let mut tree = None;
            let up = timed(|| {
                tree = Some(Tree::start(suite, &services)?);
                all_run(&services, size)
            })?;
            let sv = |word: &str| {
                let mut sv = suite.command("sv");
                sv.args(["-w", "120", word]).args((0..size).map(|index| services.path(index)));
                timed(|| silently(&mut sv))
            };
            // Success means of all: the exit code counts those that failed.
            let asked = sv("status")?;
            let restarted = sv("restart")?;
            let gone = timed(|| tree.map_or(Ok(()), Tree::stop))?;
            for (what, figure) in [
                ("all run", up),
                ("sv status of all", asked),
                ("sv restart of all", restarted),
                ("all stopped and gone", gone),
            ] {
                let what = format!("{size} services: {what}");
                rows.push(Row {
                    key: "scale",
                    what,
                    unit: Unit::Time,
                    figures: vec![Some(figure)],
                });
            }
        }
    }
    Ok(rows)
}
