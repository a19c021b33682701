//! Every state of a service with every event that can come in it.
//!
//! The states are found by walking: from the two in which a service begins,
//! with every event, to wherever that leads. The snapshots show each step; a
//! change of any of them is a change of behaviour, and looked at as such. `=`
//! stands for the same state. Of the bytes that do nothing but send a signal,
//! `h` stands for all.

use core::fmt::Write as _;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::format;
use std::string::String;
use std::vec::Vec;

use runit_core::control::ControlByte;
use runit_core::exit::Exit;
use runit_core::status::{State, Want};
use runit_core::tai::Tai64n;
use rustix::process::{Pid, Signal};

use crate::machine::{Action, Actions, Event, Nanoseconds, Now, Program, Role, Service, THROTTLE};

/// The time of all states.
const NOW: Now = at(0);

const fn at(after: Nanoseconds) -> Now {
    Now { mono: 100 * THROTTLE + after, tai: Tai64n::from_unix(Duration::from_secs(1000)) }
}

/// The bytes that only send a signal, but for the one that stands for them.
const LIKE_HUP: [ControlByte; 5] = [
    ControlByte::Alarm,
    ControlByte::Interrupt,
    ControlByte::Quit,
    ControlByte::User1,
    ControlByte::User2,
];

/// What came of one event.
struct Step {
    event: String,
    after: Service,
    actions: Vec<Action>,
}

/// One of the two services: its states in words, and the steps from each.
struct Table(BTreeMap<String, Vec<Step>>);

fn take(actions: &Actions, role: Role) -> Vec<Action> {
    let taken: Vec<_> = (0..).map_while(|index| actions.get(index)).collect();
    assert!(taken.iter().all(|&(whose, _)| whose == role), "{taken:?}");
    taken.into_iter().map(|(_, action)| action).collect()
}

/// Takes `event` in at `now`, and checks what must hold of every step.
fn step(role: Role, before: Service, now: Now, event: Event) -> (Service, Vec<Action>) {
    let mut service = before;
    let mut out = Actions::default();
    service.step(now, event, &mut out);
    let actions = take(&out, role);
    let pid = service.record().pid;
    for (index, action) in actions.iter().enumerate() {
        let last = index + 1 == actions.len();
        match action {
            Action::Kill(target, _) => {
                assert_eq!(Some(*target), pid, "a signal for another than the process");
                assert_eq!(service.record().state, State::Run, "a signal for finish");
            }
            Action::Hook(_) => {
                assert!(last, "an action behind one that is answered: {actions:?}");
                assert_eq!(role, Role::Service, "control scripts are not for a log service");
            }
            Action::Start(program) => {
                assert!(last, "an action behind one that is answered: {actions:?}");
                assert_eq!(pid, None, "a start while there is a process");
                assert!(role == Role::Service || *program == Program::Run, "{program:?}");
            }
            Action::Drain | Action::Quit => panic!("{action:?} is the pair's"),
        }
    }
    let asks = matches!(actions.last(), Some(Action::Hook(_) | Action::Start(_)));
    let is_answer =
        matches!(event, Event::Started(_) | Event::StartFailed | Event::HookDone { .. });
    let still_waits = !before.wants_control() && !is_answer;
    assert!(!(asks && still_waits), "a second question before the answer to the first");
    assert_eq!(service.wants_control(), !(asks || still_waits), "{before:?} {event:?}");
    let begins = matches!(actions.last(), Some(Action::Hook(ControlByte::Up) | Action::Start(_)));
    let may_begin = matches!(event, Event::Tick | Event::HookDone { .. });
    assert!(!begins || may_begin, "a start before the round's end: {before:?} {event:?}");
    (service.normalized(now, NOW), actions)
}

/// All steps from a state; `last` is what it asked for to get there.
fn steps(role: Role, before: Service, last: Option<Action>) -> Vec<Step> {
    let mut all = Vec::new();
    let mut take = |name: &str, now, event| {
        let (after, actions) = step(role, before, now, event);
        all.push(Step { event: name.into(), after, actions });
    };
    let due = before.deadline().is_some_and(|at| at <= NOW.mono);
    if due {
        take("the round ends", NOW, Event::Tick);
    }
    if before.wants_control() {
        for command in ControlByte::ALL {
            if !LIKE_HUP.contains(&command) {
                let name = format!("{}", char::from(command.byte()));
                take(&name, NOW, Event::Control(command));
            }
        }
    }
    match last.filter(|_| !before.wants_control()) {
        Some(Action::Hook(_)) => {
            take("script has handled it", NOW, Event::HookDone { handled: true });
            take("script has not", NOW, Event::HookDone { handled: false });
        }
        Some(Action::Start(_)) => {
            take("started", NOW, Event::Started(pid()));
            take("not started", NOW, Event::StartFailed);
        }
        _ => {}
    }
    if let Some(state) = before.record().pid.map(|_| before.record().state) {
        let ended = |finish| Event::Exited { exit: Exit::Code(0), finish };
        take("ends within a second", at(THROTTLE - 1), ended(false));
        take("ends after a second", at(THROTTLE), ended(false));
        if state == State::Run {
            take("ends, finish is there", at(THROTTLE - 1), ended(true));
        }
    }
    if due {
        return all;
    }
    // Until the very last moment the time changes nothing.
    let (same, actions) = step(role, before, at(THROTTLE - 1), Event::Tick);
    assert_eq!((same, actions.len()), (before, 0), "{}", before.words(NOW));
    let (later, actions) = step(role, before, at(THROTTLE), Event::Tick);
    if later != before || !actions.is_empty() {
        all.push(Step { event: "a second passes".into(), after: later, actions });
    }
    all
}

fn pid() -> Pid {
    Pid::from_raw(7).unwrap()
}

impl Table {
    fn new(role: Role) -> Self {
        let mut table = BTreeMap::new();
        let mut seen: BTreeMap<String, Service> = BTreeMap::new();
        let mut ahead: Vec<_> = [Want::Up, Want::Down]
            .map(|want| (Service::new(role, want, NOW).normalized(NOW, NOW), None))
            .into();
        while let Some((service, asked)) = ahead.pop() {
            let words = service.words(NOW);
            if let Some(known) = seen.insert(words.clone(), service) {
                assert_eq!(known, service, "the words tell states apart");
                continue;
            }
            let steps = steps(role, service, asked);
            for step in &steps {
                let answered =
                    matches!(step.actions.last(), Some(Action::Hook(_) | Action::Start(_)));
                let asked = if answered { step.actions.last().copied() } else { asked };
                ahead.push((step.after, asked));
            }
            table.insert(words, steps);
        }
        Self(table)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (state, steps) in &self.0 {
            for Step { event, after, actions } in steps {
                let after = after.words(NOW);
                let after = if after == *state { "=" } else { &after };
                write!(text, "{state} | {event} -> {after}").unwrap();
                if !actions.is_empty() {
                    let words: Vec<_> = actions.iter().map(word).collect();
                    write!(text, " [{}]", words.join(", ")).unwrap();
                }
                text.push('\n');
            }
            text.push('\n');
        }
        text
    }

    /// The states from which a good one can be reached.
    fn leading_to(&self, good: impl Fn(&str) -> bool) -> BTreeSet<&str> {
        let mut found: BTreeSet<&str> = BTreeSet::new();
        loop {
            let before = found.len();
            for (state, steps) in &self.0 {
                let leads = |step: &Step| found.contains(step.after.words(NOW).as_str());
                if good(state) || steps.iter().any(leads) {
                    found.insert(state);
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }
}

fn word(action: &Action) -> String {
    match action {
        Action::Kill(_, signal) => signal_name(*signal).into(),
        Action::Hook(command) => format!("script {}", char::from(command.byte())),
        Action::Start(Program::Run) => "start run".into(),
        Action::Start(Program::Finish(_)) => "start finish".into(),
        Action::Drain | Action::Quit => panic!("{action:?} is the pair's"),
    }
}

fn signal_name(signal: Signal) -> &'static str {
    [
        (Signal::TERM, "TERM"),
        (Signal::KILL, "KILL"),
        (Signal::STOP, "STOP"),
        (Signal::CONT, "CONT"),
        (Signal::HUP, "HUP"),
    ]
    .into_iter()
    .find_map(|(known, name)| (known == signal).then_some(name))
    .unwrap()
}

#[test]
fn every_step_of_the_service() {
    insta::assert_snapshot!(Table::new(Role::Service).text());
}

#[test]
fn every_step_of_the_log_service() {
    insta::assert_snapshot!(Table::new(Role::Log).text());
}

#[test]
fn no_state_is_a_dead_end() {
    for role in [Role::Service, Role::Log] {
        let table = Table::new(role);
        // A log service ends with its service, when it has come down.
        let end = if role == Role::Service { "down, want exit" } else { "down, want down" };
        let is_end = |state: &str| {
            let flags = [end, &format!("{end}, held"), &format!("{end}, paused")];
            flags.contains(&state) || state == format!("{end}, paused, held")
        };
        let to_run = table.leading_to(|state| state.starts_with("run, want up"));
        let to_end = table.leading_to(is_end);
        for state in table.0.keys() {
            assert!(to_run.contains(state.as_str()), "{role:?} never runs again: {state}");
            assert!(to_end.contains(state.as_str()), "{role:?} never ends: {state}");
        }
    }
}

#[test]
fn the_other_signals_are_as_hup() {
    let sent = |actions: &[Action]| match actions {
        [Action::Kill(_, signal)] => Some(*signal),
        [] => None,
        other => panic!("{other:?}"),
    };
    for role in [Role::Service, Role::Log] {
        for steps in Table::new(role).0.values() {
            for before in steps.iter().map(|step| step.after).filter(Service::wants_control) {
                for command in LIKE_HUP {
                    let give = |command| step(role, before, NOW, Event::Control(command));
                    let ((service, actions), (hup, hup_actions)) =
                        (give(command), give(ControlByte::Hup));
                    if service.wants_control() {
                        assert_eq!(service, hup);
                        let both = (sent(&actions), sent(&hup_actions));
                        assert!(
                            both == (None, None) || both == (command.signal(), Some(Signal::HUP))
                        );
                        continue;
                    }
                    assert_eq!(actions, [Action::Hook(command)]);
                    for handled in [false, true] {
                        let done = Event::HookDone { handled };
                        let (after, actions) = step(role, service, NOW, done);
                        assert_eq!(after, step(role, hup, NOW, done).0);
                        assert_eq!(sent(&actions), command.signal().filter(|_| !handled));
                    }
                }
            }
        }
    }
}

#[test]
fn finish_is_told_how_run_ended() {
    let exits = [Exit::Code(0), Exit::Code(111), Exit::Signal { number: 9, core_dumped: true }];
    for exit in exits {
        for steps in Table::new(Role::Service).0.values() {
            for running in steps.iter().map(|step| step.after) {
                if running.record().state != State::Run {
                    continue;
                }
                let mut service = running;
                let mut asked = ask(&mut service, Event::Exited { exit, finish: true });
                // What is under way comes first: at most two control scripts.
                while asked != Some(Action::Start(Program::Finish(exit))) {
                    assert!(matches!(asked, None | Some(Action::Hook(_))), "{asked:?}");
                    let next = if service.wants_control() {
                        Event::Tick
                    } else {
                        Event::HookDone { handled: true }
                    };
                    asked = ask(&mut service, next);
                    assert!(next != Event::Tick || asked.is_some(), "{}", service.words(NOW));
                }
            }
        }
    }
}

/// Takes `event` in, and gives what is asked for in return.
fn ask(service: &mut Service, event: Event) -> Option<Action> {
    let mut out = Actions::default();
    service.step(NOW, event, &mut out);
    take(&out, Role::Service).last().copied()
}
