//! Every state with every event, as a snapshot for a reader.

use std::fmt::Write as _;
use std::string::String;
use std::vec::Vec;

use runit_core::exit::Exit;
use runit_rt::Errno;

use super::{pid, pid_of, step};
use crate::boot::{Action, Boot, Event, Nanoseconds, Program};
use crate::message::Message;

use Program::{CtrlAltDel, PwrFail, Stage1, Stage2, Stage3};

const CRASH: Exit = Exit::Signal { number: 11, core_dumped: false };

/// Events with their names; `Tick` is at the deadline, all others at 0.
fn events() -> Vec<(&'static str, Event)> {
    let mut events = std::vec![
        ("time passes", Event::Tick),
        ("CONT", Event::Cont),
        ("stopit was there", Event::Stopit { taken: true }),
        ("stopit was not there", Event::Stopit { taken: false }),
        ("INT with a script", Event::Int { script: true }),
        ("INT without", Event::Int { script: false }),
        ("PWR with a script", Event::Pwr { script: true, container: false }),
        ("PWR without", Event::Pwr { script: false, container: false }),
        ("PWR in a container", Event::Pwr { script: false, container: true }),
        ("PWR in a container with a script", Event::Pwr { script: true, container: true }),
        ("TERM", Event::Term { container: false }),
        ("TERM in a container", Event::Term { container: true }),
        ("an orphan ends", Event::Ended(pid(999), Exit::Code(1))),
    ];
    let starts = [
        ("no process for stage 2", Stage2),
        ("no process for stage 3", Stage3),
        ("no process for ctrlaltdel", CtrlAltDel),
    ];
    let starts = starts.map(|(name, it)| (name, Event::StartFailed(it, Errno::AGAIN)));
    events.extend(starts);
    for (name, program, exit) in [
        ("stage 1 ends", Stage1, Exit::Code(0)),
        ("stage 1 fails", Stage1, Exit::Code(1)),
        ("stage 1 says 100", Stage1, Exit::Code(100)),
        ("stage 1 crashes", Stage1, CRASH),
        ("stage 2 ends", Stage2, Exit::Code(0)),
        ("stage 2 fails", Stage2, Exit::Code(100)),
        ("stage 2 says 111", Stage2, Exit::Code(111)),
        ("stage 2 crashes", Stage2, CRASH),
        ("stage 3 ends", Stage3, Exit::Code(0)),
        ("stage 3 fails", Stage3, Exit::Code(111)),
        ("stage 3 crashes", Stage3, CRASH),
        ("ctrlaltdel ends", CtrlAltDel, Exit::Code(0)),
        ("ctrlaltdel crashes", CtrlAltDel, CRASH),
        ("pwrfail fails", PwrFail, Exit::Code(1)),
    ] {
        events.push((name, Event::Ended(pid_of(program), exit)));
    }
    events
}

/// The states, each with the events that lead there.
fn states() -> Vec<(&'static str, Boot)> {
    let up = |program| Event::Started(program, pid_of(program));
    let end = |program, exit| Event::Ended(pid_of(program), exit);
    let in_1 = [Event::Tick, up(Stage1)];
    let in_2 = [in_1[0], in_1[1], end(Stage1, Exit::Code(0)), up(Stage2)];
    let then = |path: &[Event]| {
        let mut boot = Boot::new();
        for event in in_2.iter().chain(path) {
            step(&mut boot, 0, *event);
        }
        boot
    };
    let early = |path: &[Event]| {
        let mut boot = Boot::new();
        for event in path {
            step(&mut boot, 0, *event);
        }
        boot
    };
    let stopit = Event::Stopit { taken: true };
    let stop = Event::Term { container: true };
    let ended = end(Stage2, Exit::Code(0));
    let mut killed = then(&[stopit]);
    step(&mut killed, 5_000_000_000, Event::Tick);
    std::vec![
        ("in stage 1", early(&in_1)),
        ("in stage 1, container stops", early(&[in_1[0], in_1[1], stop])),
        ("stage 2 asked for", early(&[in_1[0], in_1[1], in_2[2]])),
        ("in stage 2", then(&[])),
        ("stage 2 has crashed", then(&[end(Stage2, CRASH)])),
        ("stage 2 has been told to end", then(&[stopit])),
        ("stage 2 has been killed", killed),
        ("container stops", then(&[stop])),
        ("ctrlaltdel asked for", then(&[Event::Int { script: true }])),
        ("ctrlaltdel runs", then(&[Event::Int { script: true }, up(CtrlAltDel)])),
        (
            "pwrfail runs, stage 2 has crashed",
            then(&[Event::Pwr { script: true, container: true }, up(PwrFail), end(Stage2, CRASH),]),
        ),
        ("stage 3 asked for", then(&[ended])),
        ("no process for stage 3", then(&[ended, Event::StartFailed(Stage3, Errno::AGAIN)])),
        ("in stage 3", then(&[ended, up(Stage3)])),
        ("in stage 3, container stops", then(&[ended, up(Stage3), stop])),
        (
            "no process for stage 3, container stops",
            then(&[ended, Event::StartFailed(Stage3, Errno::AGAIN), stop]),
        ),
        ("over", then(&[ended, up(Stage3), end(Stage3, Exit::Code(0))])),
    ]
}

fn shown(action: Action) -> String {
    match action {
        Action::Say(message) => message.pieces().concat().trim_end().into(),
        other => std::format!("{other:?}"),
    }
}

fn seconds(time: Option<Nanoseconds>) -> String {
    time.map_or("none".into(), |time| std::format!("{} s", time / 1_000_000_000))
}

#[test]
fn every_step() {
    let mut table = String::new();
    for (name, before) in states() {
        writeln!(table, "{name} (deadline {})", seconds(before.deadline())).unwrap();
        for (what, event) in events() {
            let now = before.deadline().filter(|_| event == Event::Tick).unwrap_or(0);
            let mut boot = before;
            let actions = step(&mut boot, now, event);
            if actions.is_empty() && boot == before {
                continue;
            }
            let stage = boot.stage();
            writeln!(table, "    {what} -> {stage:?}, deadline {}", seconds(boot.deadline()))
                .unwrap();
            for action in actions {
                writeln!(table, "        {}", shown(action)).unwrap();
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn what_fails_to_start_is_said_once() {
    let mut boot = Boot::new();
    let no_process = |actions: &[Action]| {
        let is = |action: &&Action| matches!(action, Action::Say(Message::NoProcess(..)));
        actions.iter().filter(is).count()
    };
    let mut said = 0;
    for second in 0..10 {
        let now = second * 1_000_000_000;
        assert_eq!(step(&mut boot, now, Event::Tick), [Action::Start(Stage1)]);
        said += no_process(&step(&mut boot, now, Event::StartFailed(Stage1, Errno::AGAIN)));
        assert_eq!(step(&mut boot, now, Event::Tick), []);
    }
    assert_eq!(said, 1);
}
