//! Lives of a service and its log service in a virtual world: whatever
//! happens, what the contract says holds after each step, and the end comes
//! when it is wanted.
//!
//! `RUNSV_SEED=N` lives one life again, `RUNSV_LIVES=N` that many new ones.

use core::time::Duration;
use std::collections::BTreeSet;
use std::env;
use std::time::SystemTime;
use std::vec::Vec;

use runit_core::control::ControlByte;
use runit_core::exit::Exit;
use runit_core::status::{State, Want};

use super::rng::Rng;
use super::world::{Habits, RARE, World};
use crate::machine::{Role, THROTTLE};

/// Lives in which something was wrong once: after the end, and with a pause
/// while nothing runs. What happens in a life depends on every line of the
/// world; [`scenarios`](super::scenarios) has the steps that do not.
const REGRESSIONS: [u64; 2] = [15_914_142_624_880_467_499, 284_081_353_223_900_594];

/// How many lives are lived in an ordinary run of the tests.
const LIVES: u64 = 8000;

/// What can happen to a world.
#[derive(Clone, Copy)]
enum Happening {
    Byte(Role),
    Burst(Role),
    Ends,
    Output,
    Stray,
    WallClock,
    Terminate,
    Moment,
    Deadline,
    AlmostDeadline,
}

const HAPPENINGS: [Happening; 12] = [
    Happening::Byte(Role::Service),
    Happening::Byte(Role::Log),
    Happening::Burst(Role::Service),
    Happening::Burst(Role::Log),
    Happening::Ends,
    Happening::Output,
    Happening::Stray,
    Happening::WallClock,
    Happening::Terminate,
    Happening::Moment,
    Happening::Deadline,
    Happening::AlmostDeadline,
];

/// Some of the habits are zero in most lives, so that each life is about
/// something.
fn habits(rng: &mut Rng) -> Habits {
    let mut often = || rng.pick(&[0, 0, 10, 50, 90, 100]);
    Habits {
        short_lived: often(),
        deaf: often(),
        finish: often(),
        script: often(),
        slow_script: often(),
        handles: often(),
        fork_fails: often().min(90),
        reads: often(),
        stray: often(),
        late_log: often(),
    }
}

fn byte(rng: &mut Rng) -> ControlByte {
    let byte = rng.pick(&ControlByte::ALL);
    // The end of everything is rare.
    if byte == ControlByte::Exit && rng.chance(70) { ControlByte::Up } else { byte }
}

fn happen(world: &mut World, happening: Happening) {
    match happening {
        Happening::Byte(role) => {
            let byte = byte(&mut world.rng);
            world.write(role, byte);
        }
        Happening::Burst(role) => {
            for _ in 0..world.rng.below(6) {
                let byte = byte(&mut world.rng);
                world.write(role, byte);
            }
        }
        Happening::Ends => {
            let killed = Exit::Signal { number: 11, core_dumped: true };
            let exit = world.rng.pick(&[Exit::Code(0), Exit::Code(100), killed]);
            world.end_some(exit);
        }
        Happening::Output => world.write_log(),
        Happening::Stray => {
            let percent = world.habits.stray;
            let stray = world.rng.chance(percent);
            world.set_stray(stray);
        }
        Happening::WallClock => {
            let seconds = world.rng.pick(&[0, 1_000_000_000, 1_700_000_000, 4_000_000_000]);
            world.set_wall(Duration::new(seconds, 5));
        }
        Happening::Terminate => {
            if world.rng.chance(5) {
                world.terminate();
            }
        }
        Happening::Moment => {
            let time = world.rng.below(THROTTLE / 3);
            world.pass(time);
        }
        Happening::Deadline => {
            world.pass_to_deadline(0);
        }
        Happening::AlmostDeadline => {
            world.pass_to_deadline(1);
        }
    }
}

/// One life: at first anything happens, then all is well, then it ends. Gives
/// what was seen in it.
fn live(seed: u64) -> BTreeSet<&'static str> {
    let mut rng = Rng::new(seed);
    let habits = habits(&mut rng);
    let with_log = rng.chance(70);
    let mut possible = HAPPENINGS;
    for happening in &mut possible {
        if rng.chance(40) {
            *happening = Happening::Moment;
        }
    }
    let turns = rng.below(60);
    let mut world = World::new(seed, rng, habits, with_log);
    world.begin();
    for _ in 0..turns {
        for _ in 0..=world.rng.below(3) {
            let happening = world.rng.pick(&possible);
            happen(&mut world, happening);
        }
        world.turn();
        if world.has_quit() {
            return world.seen;
        }
    }
    world.habits = Habits {
        short_lived: 0,
        deaf: 0,
        finish: 50,
        script: 0,
        slow_script: 0,
        handles: 0,
        fork_fails: 0,
        reads: 100,
        stray: 0,
        late_log: 0,
    };
    world.set_stray(false);
    if world.rng.chance(50) {
        come_up(&mut world);
    }
    end(&mut world);
    world.seen
}

/// How many rounds a world in which all is well may need.
const PATIENCE: u32 = 200;

/// Without anything that stands against it, what is wanted up comes up.
fn come_up(world: &mut World) {
    for role in [Role::Service, Role::Log] {
        world.write(role, ControlByte::Up);
    }
    for _ in 0..PATIENCE {
        let up = |role| {
            world.model(role).is_none_or(|model| {
                let wanted = world.is_read(role) && model.status.want == Want::Up;
                wanted && model.status.state == State::Run
            })
        };
        if up(Role::Service) && up(Role::Log) || world.has_quit() {
            return;
        }
        if world.model(Role::Service).is_some_and(|model| model.ending) {
            return;
        }
        // An `x` that was still to be read takes its time, and the last word.
        rest(world);
        if world.is_read(Role::Service) && world.rng.chance(10) {
            world.write(Role::Service, ControlByte::Kill);
            world.write(Role::Service, ControlByte::Up);
        }
    }
    world.fail("it does not come up");
}

/// When the end is wanted and nothing stands against it, it comes.
fn end(world: &mut World) {
    for _ in 0..PATIENCE {
        if world.has_quit() {
            return;
        }
        let service = world.model(Role::Service).map(|model| (model.status, model.ending));
        let (status, ending) = service.unwrap_or_default();
        if world.is_read(Role::Service) && !ending {
            if status.want != Want::Exit {
                if world.rng.chance(50) {
                    world.write(Role::Service, ControlByte::Exit);
                } else {
                    world.terminate();
                }
            } else if status.state == State::Run {
                world.write(Role::Service, ControlByte::Kill);
            }
        }
        let paused = world.model(Role::Log).is_some_and(|model| model.status.paused);
        if paused && world.is_read(Role::Log) {
            world.write(Role::Log, ControlByte::Cont);
        }
        rest(world);
    }
    world.fail("it does not end");
}

/// A round, after the time that it would be slept until.
fn rest(world: &mut World) {
    if !world.pass_to_deadline(0) {
        world.pass(THROTTLE);
    }
    world.turn();
}

fn number_in(variable: &str) -> Option<u64> {
    let value = env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|error| panic!("{variable}={value}: {error}")))
}

#[test]
fn every_life_is_as_the_contract_says() {
    if let Some(seed) = number_in("RUNSV_SEED") {
        live(seed);
        return;
    }
    let mut seen = BTreeSet::new();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let first = Rng::new(u64::try_from(now.as_micros()).unwrap()).below(u64::MAX);
    for number in 0..number_in("RUNSV_LIVES").unwrap_or(LIVES) {
        seen.extend(live(first.wrapping_add(number)));
    }
    let missing: Vec<_> = RARE.iter().filter(|what| !seen.contains(*what)).collect();
    assert!(missing.is_empty(), "not in one of all lives: {missing:?}");
}

#[test]
fn lives_that_once_went_wrong() {
    for seed in REGRESSIONS {
        live(seed);
    }
}
