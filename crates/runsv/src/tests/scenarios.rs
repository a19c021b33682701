//! What once went wrong, step by step.

use core::time::Duration;
use std::vec::Vec;

use runit_core::control::ControlByte;
use runit_core::exit::Exit;
use runit_core::status::{State, Want};
use runit_core::tai::Tai64n;
use rustix::process::Pid;

use crate::machine::{Action, Event, Nanoseconds, Now, Program, Role, Service, THROTTLE};
use crate::pair::{Pair, PairEvent};

const NOW: Now = at(100 * THROTTLE);

/// When what runs was started: long enough ago for it to be started again at once.
const START: Now = at(99 * THROTTLE);

const fn at(mono: Nanoseconds) -> Now {
    Now { mono, tai: Tai64n::from_unix(Duration::from_secs(1_700_000_000)) }
}

/// How a start of `run` begins.
const RESTART: &[Action] = &[Action::Hook(ControlByte::Up)];

/// Takes `event` in and gives what comes of it.
fn take(pair: &mut Pair, role: Role, event: Event) -> Vec<Action> {
    take_pair(pair, PairEvent::For(role, event))
}

fn take_pair(pair: &mut Pair, event: PairEvent) -> Vec<Action> {
    take_at(pair, NOW, event)
}

fn take_at(pair: &mut Pair, now: Now, event: PairEvent) -> Vec<Action> {
    let actions = pair.step(now, event);
    (0..).map_while(|index| actions.get(index)).map(|(_, action)| action).collect()
}

/// A pair that runs, the service as process 2, the log service, if any, as 3.
fn running(with_log: bool) -> Pair {
    let service = |role| Service::new(role, Want::Up, START);
    let mut pair = Pair::new(service(Role::Service), with_log.then(|| service(Role::Log)));
    for (role, event) in [
        (Role::Log, Event::Tick),
        (Role::Log, Event::Started(Pid::from_raw(3).unwrap())),
        (Role::Service, Event::Tick),
        (Role::Service, Event::HookDone { handled: false }),
        (Role::Service, Event::Started(Pid::from_raw(2).unwrap())),
    ] {
        take_at(&mut pair, START, PairEvent::For(role, event));
    }
    pair
}

/// The ticks at the end of a round, up to the first that leads to something.
fn end_round(pair: &mut Pair) -> Vec<Action> {
    let actions = take(pair, Role::Log, Event::Tick);
    if actions.is_empty() { take(pair, Role::Service, Event::Tick) } else { actions }
}

fn ends(finish: bool) -> Event {
    Event::Exited { exit: Exit::Code(0), finish }
}

fn paused(pair: &Pair) -> bool {
    pair.get(Role::Service).unwrap().record().paused
}

#[test]
fn nothing_is_started_after_the_end() {
    let mut pair = running(true);
    take(&mut pair, Role::Service, Event::Control(ControlByte::Exit));
    take(&mut pair, Role::Service, Event::HookDone { handled: false });
    take(&mut pair, Role::Service, Event::HookDone { handled: false });
    assert_eq!(take(&mut pair, Role::Service, ends(false)), []);
    assert_eq!(end_round(&mut pair), [Action::Drain]);
    assert!(take_pair(&mut pair, PairEvent::Drained { leftover: false }).is_empty());
    assert_eq!(take(&mut pair, Role::Log, ends(false)), []);
    assert_eq!(end_round(&mut pair), [Action::Drain]);
    let end = take_pair(&mut pair, PairEvent::Drained { leftover: false });
    assert_eq!(end, [Action::Quit]);
    // The loop ends its round; meanwhile a process that the service has left
    // behind writes to the pipe.
    for role in [Role::Log, Role::Service] {
        assert_eq!(take(&mut pair, role, Event::Tick), []);
        assert_eq!(take(&mut pair, role, Event::Control(ControlByte::Up)), []);
    }
    assert_eq!(take_pair(&mut pair, PairEvent::Drained { leftover: true }), []);
}

#[test]
fn pause_and_continue_count_while_finish_runs() {
    let mut pair = running(false);
    take(&mut pair, Role::Service, ends(true));
    end_round(&mut pair);
    take(&mut pair, Role::Service, Event::Started(Pid::from_raw(4).unwrap()));
    assert_eq!(pair.get(Role::Service).unwrap().record().state, State::Finish);
    assert_eq!(take(&mut pair, Role::Service, Event::Control(ControlByte::Pause)), []);
    assert!(paused(&pair));
    assert_eq!(take(&mut pair, Role::Service, Event::Control(ControlByte::Cont)), []);
    assert!(!paused(&pair));
}

#[test]
fn pause_counts_when_the_service_ends_before_its_script() {
    let mut pair = running(false);
    take(&mut pair, Role::Service, Event::Control(ControlByte::Pause));
    take(&mut pair, Role::Service, ends(true));
    take(&mut pair, Role::Service, Event::HookDone { handled: false });
    assert!(paused(&pair));
}

#[test]
fn what_comes_together_with_an_end_counts_before_the_next_start() {
    let exit = Event::Control(ControlByte::Exit);
    for (event, next) in [
        (PairEvent::Term, &[Action::Drain][..]),
        (PairEvent::For(Role::Service, exit), &[Action::Drain]),
        (PairEvent::For(Role::Service, Event::Control(ControlByte::Down)), &[]),
        (PairEvent::For(Role::Service, Event::Control(ControlByte::Kill)), RESTART),
        (PairEvent::For(Role::Service, Event::Control(ControlByte::Once)), RESTART),
    ] {
        let mut pair = running(true);
        assert_eq!(take(&mut pair, Role::Service, ends(false)), []);
        assert_eq!(take_pair(&mut pair, event), [], "{event:?}");
        assert_eq!(end_round(&mut pair), next, "{event:?}");
    }
}

#[test]
fn the_log_service_hears_down_before_its_next_start() {
    let mut pair = running(true);
    assert_eq!(take(&mut pair, Role::Log, ends(false)), []);
    assert_eq!(take(&mut pair, Role::Log, Event::Control(ControlByte::Down)), []);
    assert_eq!(end_round(&mut pair), []);
    take(&mut pair, Role::Log, Event::Control(ControlByte::Up));
    assert_eq!(end_round(&mut pair), [Action::Start(Program::Run)]);
}

#[test]
fn the_end_can_be_taken_back_until_it_begins() {
    let mut pair = running(true);
    take(&mut pair, Role::Service, Event::Control(ControlByte::Exit));
    take(&mut pair, Role::Service, Event::HookDone { handled: false });
    take(&mut pair, Role::Service, Event::HookDone { handled: false });
    take(&mut pair, Role::Service, ends(false));
    take(&mut pair, Role::Service, Event::Control(ControlByte::Up));
    assert_eq!(end_round(&mut pair), RESTART);
}

#[test]
fn no_logger_is_started_for_nothing_when_all_ends_at_once() {
    for (leftover, next) in [(false, Action::Quit), (true, Action::Start(Program::Run))] {
        let mut pair = running(true);
        take(&mut pair, Role::Log, ends(false));
        take(&mut pair, Role::Service, ends(false));
        take_pair(&mut pair, PairEvent::Term);
        assert_eq!(end_round(&mut pair), [Action::Drain]);
        assert_eq!(take_pair(&mut pair, PairEvent::Drained { leftover }), [next]);
    }
}
