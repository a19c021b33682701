//! The simulation can fail: what is done wrong on purpose is found, made short,
//! and happens again in the same way.

use std::collections::BTreeSet;

use crate::campaign::{Summary, life, run};
use crate::invariant::Invariant;
use crate::life::{Plan, live};
use crate::sabotage::Sabotage;
use crate::seeds;
use crate::shrink::shrink;

/// How many lives it may take until a fault is found.
const LIVES: u64 = 400;

/// The first life in which the fault breaks an invariant, and which.
fn found(sabotage: Sabotage) -> (Plan, Invariant) {
    for seed in 0..LIVES {
        let plan = Plan::of(seed, Some(sabotage));
        if let Some(violation) = live(&plan, false).violation {
            return (plan, violation.invariant);
        }
    }
    panic!("{sabotage:?} is not found in {LIVES} lives");
}

#[test]
fn each_fault_of_a_shell_breaks_an_invariant() {
    use Invariant as I;
    let expected = |sabotage| -> &[Invariant] {
        match sabotage {
            Sabotage::LostChild | Sabotage::LazyInit => &[I::NoChildLost],
            Sabotage::SecondStart => &[I::NoChildLost, I::OneProcess, I::Order],
            Sabotage::HastyStart => &[I::Throttle],
            Sabotage::Oversleeping => &[I::Due, I::Idle],
            Sabotage::SwallowedTerm | Sabotage::ForgottenStop => &[I::Progress],
            Sabotage::StaleStatus => &[I::Status],
            Sabotage::LostLine | Sabotage::DoubledLine => &[I::Lines],
            Sabotage::NameByClock => &[I::Archives],
            Sabotage::KeepAll => &[I::Keep],
            Sabotage::LostEvent => &[I::Tree, I::Progress],
            Sabotage::DeafInit => &[I::Stages, I::Progress],
            Sabotage::GullibleClient => &[I::Goal],
            Sabotage::Spinning => &[I::Idle, I::Status],
        }
    };
    for sabotage in Sabotage::ALL {
        let (_, invariant) = found(sabotage);
        assert!(expected(sabotage).contains(&invariant), "{sabotage:?} breaks {invariant:?}");
    }
}

#[test]
fn what_fails_is_made_short_and_still_fails_the_same_way() {
    for sabotage in [Sabotage::LostLine, Sabotage::SecondStart, Sabotage::NameByClock] {
        let (plan, invariant) = found(sabotage);
        let short = shrink(&plan, invariant);
        assert!(short.actions.len() < plan.actions.len(), "{sabotage:?}");
        let again = live(&short, false).violation.unwrap();
        assert_eq!(again.invariant, invariant, "{sabotage:?}");
        // Nothing more can be left out.
        for index in 0..short.actions.len() {
            let mut less = short.clone();
            less.actions.remove(index);
            let violation = live(&less, false).violation;
            assert!(violation.is_none_or(|v| v.invariant != invariant), "{sabotage:?}: {index}");
        }
    }
}

#[test]
fn a_failure_names_its_seed_and_what_led_there() {
    let (plan, invariant) = found(Sabotage::LostLine);
    let mut summary = Summary::default();
    let failure = life(plan.seed, Some(Sabotage::LostLine), &mut summary).unwrap_err();
    let text = crate::report::failure(&failure);
    assert!(text.contains(&format!("--seed {}", plan.seed)), "{text}");
    assert!(text.contains(&format!("VIOLATION {invariant:?}")), "{text}");
}

#[test]
fn the_same_seed_is_the_same_life() {
    for seed in 0..40 {
        let plan = Plan::of(seed, None);
        let (one, other) = (live(&plan, true), live(&plan, true));
        assert_eq!(one.notes, other.notes, "seed {seed}");
        assert_eq!((one.steps, one.seen), (other.steps, other.seen), "seed {seed}");
    }
}

#[test]
fn a_life_is_the_same_whether_it_is_told_or_not() {
    for seed in 0..40 {
        let plan = Plan::of(seed, None);
        let (told, silent) = (live(&plan, true), live(&plan, false));
        assert_eq!((told.steps, told.seen), (silent.steps, silent.seen), "seed {seed}");
        assert!(silent.notes.is_empty() && !told.notes.is_empty());
    }
}

/// The first of the others. Those from 1 on are lived by CI's `cargo xtask simulate`.
const FIRST: u64 = 1 << 32;

/// The same lives each time, so that it fails for what was changed and never by chance:
/// new ones are for `cargo xtask simulate` by hand.
#[test]
fn lives_that_once_went_wrong_and_the_same_others_keep_the_invariants() {
    let mut summary = Summary::default();
    let rare: BTreeSet<_> = crate::life::RARE.into_iter().collect();
    let mut lives = || -> Result<(), Box<crate::campaign::Failure>> {
        for seed in seeds::regressions() {
            life(seed, None, &mut summary)?;
        }
        let enough = summary.steps + 60_000;
        run(FIRST, enough, &mut summary)?;
        // What is in one life of a hundred may, after a change, be in none of these.
        while !rare.is_subset(&summary.seen) && summary.steps < 20 * enough {
            let steps = summary.steps + 1;
            run(FIRST + summary.lives, steps, &mut summary)?;
        }
        Ok(())
    };
    if let Err(failure) = lives() {
        panic!("{}", crate::report::failure(&failure));
    }
    let missing: Vec<_> = rare.difference(&summary.seen).collect();
    assert!(missing.is_empty(), "not in one of all lives: {missing:?}");
}
