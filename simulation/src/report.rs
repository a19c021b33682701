//! What is printed.

use crate::campaign::{Failure, Summary};
use crate::life::RARE;

/// How many of the last things that happened are shown.
const SHOWN: usize = 120;

/// Many lives in a few lines.
pub fn summary(summary: &Summary) -> String {
    let rare = RARE.iter().filter(|what| summary.seen.contains(*what)).count();
    let mut text = format!(
        "{} steps in {} lives, no invariant broken; {rare} of {} rare things seen",
        summary.steps,
        summary.lives,
        RARE.len()
    );
    for what in RARE.iter().filter(|what| !summary.seen.contains(*what)) {
        text.push_str("\nnot seen: ");
        text.push_str(what);
    }
    text
}

/// A life that went wrong, and how to live it again.
pub fn failure(failure: &Failure) -> String {
    let Failure { seed, violation, length, plan, notes } = failure;
    let kinds: Vec<_> = plan.actions.iter().map(|action| format!("{:?}", action.kind)).collect();
    let from = notes.len().saturating_sub(SHOWN);
    let told = notes.get(from..).unwrap_or_default().join("\n");
    format!(
        "{told}\n\nseed {seed}: {violation}\n{} of {length} actions lead there: {}\n\n\
         cargo xtask simulate --seed {seed}",
        kinds.len(),
        kinds.join(", ")
    )
}
