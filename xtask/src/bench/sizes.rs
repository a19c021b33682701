//! What the programs take on disk.

use super::report::{Row, Unit};
use super::suite::Suite;
use super::{Bench, Case};
use crate::error::{OnFile, Result};

/// The case.
pub static CASE: Case =
    Case { name: "sizes", about: "file sizes", needs: &["runsv"], ours_alone: false, run };

/// All programs of a whole suite.
const TOOLS: &[&str] =
    &["runsv", "runsvdir", "sv", "chpst", "svlogd", "runit", "runit-init", "runsvchdir", "utmpset"];

fn run(_: &Bench, suites: &[&Suite]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for name in ["runsv", "sv"] {
        let figures: Result<_> = suites.iter().map(|suite| size(suite, name)).collect();
        rows.push(Row {
            key: "size",
            what: format!("size of {name}"),
            unit: Unit::Bytes,
            figures: figures?,
        });
    }
    // Of the programs that the first of them has: one not written yet weighs nothing.
    let common: Vec<_> = TOOLS.iter().copied().filter(|name| suites[0].has(&[name])).collect();
    let all = |suite: &&Suite| -> Result<Option<f64>> {
        let sizes: Result<Vec<_>> = common.iter().map(|name| size(suite, name)).collect();
        Ok(sizes?.into_iter().sum())
    };
    let figures: Result<_> = suites.iter().map(all).collect();
    let what = match common.len() {
        count if count == TOOLS.len() => "size of all programs".to_owned(),
        _ => format!("size of {}", common.join(", ")),
    };
    rows.push(Row { key: "size-all", what, unit: Unit::Bytes, figures: figures? });
    Ok(rows)
}

/// The bytes of the program's file, if there is one.
fn size(suite: &Suite, name: &str) -> Result<Option<f64>> {
    let Some(path) = suite.tool(name) else { return Ok(None) };
    let size = path.metadata().on("look at", path)?.len();
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    Ok(Some(size as f64))
}
