//! Tests of the boot machine: a table of all it does, and lives at random.

mod scenarios;
mod simulation;
mod table;

use rustix::process::Pid;

use crate::boot::{Action, Actions, Boot, Event, Nanoseconds, Program};

/// A pid by its number.
fn pid(number: i32) -> Pid {
    Pid::from_raw(number).unwrap()
}

/// One step, and what comes of it.
fn step(boot: &mut Boot, now: Nanoseconds, event: Event) -> std::vec::Vec<Action> {
    let mut actions = Actions::default();
    boot.step(now, event, &mut actions);
    (0..).map_while(|index| actions.get(index)).collect()
}

/// The pid that `program` has in these tests.
fn pid_of(program: Program) -> Pid {
    pid(100 + program as i32)
}
