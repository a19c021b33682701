//! What once went wrong, step by step.

use core::time::Duration;
use std::vec::Vec;

use runit_core::control::ControlByte;
use runit_core::exit::Exit;
use runit_core::status::{State, Want};
use runit_core::tai::Tai64n;
use rustix::process::Pid;

use crate::machine::{Action, Event, Now, Role, Service, THROTTLE};
use crate::pair::{Pair, PairEvent};

const NOW: Now =
    Now { mono: 100 * THROTTLE, tai: Tai64n::from_unix(Duration::from_secs(1_700_000_000)) };

/// Takes `event` in and gives what comes of it.
fn take(pair: &mut Pair, role: Role, event: Event) -> Vec<Action> {
    take_pair(pair, PairEvent::For(role, event))
}

fn take_pair(pair: &mut Pair, event: PairEvent) -> Vec<Action> {
    let actions = pair.step(NOW, event);
    (0..).map_while(|index| actions.get(index)).map(|(_, action)| action).collect()
}

/// A pair that runs, the service as process 2, the log service, if any, as 3.
fn running(with_log: bool) -> Pair {
    let service = |role| Service::new(role, Want::Up, NOW);
    let mut pair = Pair::new(service(Role::Service), with_log.then(|| service(Role::Log)));
    take(&mut pair, Role::Service, Event::Tick);
    take(&mut pair, Role::Service, Event::HookDone { handled: false });
    take(&mut pair, Role::Service, Event::Started(Pid::from_raw(2).unwrap()));
    take(&mut pair, Role::Log, Event::Tick);
    take(&mut pair, Role::Log, Event::Started(Pid::from_raw(3).unwrap()));
    pair
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
    assert_eq!(take(&mut pair, Role::Service, ends(false)), [Action::Drain]);
    assert!(take_pair(&mut pair, PairEvent::Drained { leftover: false }).is_empty());
    assert_eq!(take(&mut pair, Role::Log, ends(false)), [Action::Drain]);
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
