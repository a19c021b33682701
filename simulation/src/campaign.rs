//! Many lives, until there were enough steps or one went wrong.

use std::collections::BTreeSet;

use crate::invariant::Violation;
use crate::life::{Plan, live};
use crate::sabotage::Sabotage;
use crate::shrink::shrink;

/// What many lives have come to.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many there were.
    pub lives: u64,
    /// How many steps in all.
    pub steps: u64,
    /// What was seen in one or another.
    pub seen: BTreeSet<&'static str>,
}

/// A life that went wrong.
#[derive(Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// What was wrong.
    pub violation: Violation,
    /// How many actions there were.
    pub length: usize,
    /// The fewest actions found that lead to the same.
    pub plan: Plan,
    /// What happens then, ending with what is wrong.
    pub notes: Vec<String>,
}

/// Lives the life of a seed; adds to `summary`.
pub fn life(
    seed: u64,
    sabotage: Option<Sabotage>,
    summary: &mut Summary,
) -> Result<(), Box<Failure>> {
    let plan = Plan::of(seed, sabotage);
    let outcome = live(&plan, false);
    summary.lives += 1;
    summary.steps += outcome.steps;
    summary.seen.extend(outcome.seen);
    let Some(violation) = outcome.violation else { return Ok(()) };
    let short = shrink(&plan, violation.invariant);
    let told = live(&short, true);
    Err(Box::new(Failure {
        seed,
        violation: told.violation.unwrap_or(violation),
        length: plan.actions.len(),
        plan: short,
        notes: told.notes,
    }))
}

/// Lives from the seed `first` on, until there were `steps`.
pub fn run(first: u64, steps: u64, summary: &mut Summary) -> Result<(), Box<Failure>> {
    let mut seed = first;
    while summary.steps < steps {
        life(seed, None, summary)?;
        seed = seed.wrapping_add(1);
    }
    Ok(())
}
