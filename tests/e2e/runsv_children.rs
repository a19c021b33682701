//! What the supervisor's children get from it: environment, descriptors, signal state, directory.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use runit_tests::dirs::{RECORDER, SLEEP, text, wait_line_count, wait_lines};
use runit_tests::prelude::*;
use runit_tests::proc::Signals;
use runit_tests::protocol::Supervised;
use rustix::process::Signal;

/// A child as it was while it lived.
#[derive(Debug)]
struct Heir {
    name: &'static str,
    signals: Signals,
    environ: Vec<OsString>,
    fds: BTreeMap<u32, PathBuf>,
    cwd: PathBuf,
    group: u32,
    session: u32,
}

impl Heir {
    #[track_caller]
    fn of(name: &'static str, process: Proc) -> Self {
        process.wait_for_exec("sleep");
        // What the shell that ran the script may have added.
        let shells = ["PWD=", "OLDPWD=", "SHLVL=", "_="];
        let own = |entry: &OsString| {
            shells.iter().any(|s| entry.as_encoded_bytes().starts_with(s.as_bytes()))
        };
        let mut environ: Vec<_> =
            process.environ().into_iter().filter(|entry| !own(entry)).collect();
        // The shell hands its variables on in an order of its own.
        environ.sort();
        Self {
            name,
            signals: process.signals().unwrap(),
            environ,
            fds: process.wait_for_three_fds(),
            cwd: process.cwd().unwrap(),
            group: process.group().unwrap(),
            session: process.session().unwrap(),
        }
    }
}

/// Starts a supervisor and looks at every kind of child that it has.
#[track_caller]
fn heirs(service: &Service, launch: Launch) -> (Supervisor, Vec<Heir>) {
    let launch = ["PWD", "OLDPWD", "SHLVL", "_"].into_iter().fold(launch, Launch::env_remove);
    let runsv = launch.arg(service.path()).spawn();
    service.wait_supervised();
    let process_of = |part: &Supervised, state| {
        part.wait_status("a process", |s| s.state == state && s.pid != 0).process().unwrap()
    };
    let run = process_of(service, State::Run);
    let mut all =
        vec![Heir::of("run", run), Heir::of("log/run", process_of(&service.log, State::Run))];
    service.send("h");
    wait_line_count(&service.join("script.pid"), 1);
    let script = Proc(text(&service.join("script.pid")).trim().parse().unwrap());
    all.push(Heir::of("control/h", script));
    script.kill(Signal::KILL);
    // One that a signal ended has not handled the byte: HUP may be there first.
    let _ = run.try_kill(Signal::KILL);
    all.push(Heir::of("finish", process_of(service, State::Finish)));
    (runsv, all)
}

/// A service all of whose programs stay.
fn staying() -> Service {
    ServiceDirBuilder::sleeper()
        .finish(SLEEP)
        .control('h', "echo $$ >script.pid; exec sleep 100000")
        .log_run(SLEEP)
        .build()
}

#[test]
fn the_environment_is_unchanged() {
    let service = staying();
    let odd = "b=c \n \t'$x' \u{e9}";
    let launch = Launch::new("runsv").env("ODD", odd).env("EMPTY", "").env("ZZ", "z");
    let (runsv, heirs) = heirs(&service, launch);
    let mut wanted = runsv.process().environ();
    wanted.sort();
    assert!(wanted.contains(&format!("ODD={odd}").into()), "{wanted:?}");
    for heir in heirs {
        assert_eq!(heir.environ, wanted, "{}", heir.name);
    }
}

#[test]
fn no_descriptor_but_three() {
    let service = staying();
    let (runsv, heirs) = heirs(&service, Launch::new("runsv"));
    let own = runsv.process().fds();
    for heir in heirs {
        if heir.name == "log/run" {
            assert_eq!(heir.fds[&1], own[&1], "{heir:?}");
        } else {
            assert_eq!(heir.fds[&0], own[&0], "{heir:?}");
        }
        assert_eq!(heir.fds[&2], own[&2], "{heir:?}");
    }
}

#[test]
fn no_descriptor_but_three_without_a_log() {
    let service = ServiceDirBuilder::sleeper().build();
    let runsv = Supervisor::runsv(service.path());
    let process = service.wait_running("sleep").process().unwrap();
    let own = runsv.process().fds();
    let fds = process.wait_for_three_fds();
    for (number, target) in fds {
        assert_eq!(own[&number], target);
    }
}

#[test]
fn working_directories() {
    let service = staying();
    let (_runsv, heirs) = heirs(&service, Launch::new("runsv"));
    let dir = fs::canonicalize(service.path()).unwrap();
    for heir in heirs {
        let wanted = if heir.name == "log/run" { dir.join("log") } else { dir.clone() };
        assert_eq!(heir.cwd, wanted, "{}", heir.name);
    }
}

#[test]
fn children_stay_in_the_supervisors_group_and_session() {
    let service = staying();
    let (runsv, heirs) = heirs(&service, Launch::new("runsv").through(["setsid"]));
    let own = runsv.process();
    for heir in heirs {
        assert_eq!(Some(heir.group), own.group(), "{}", heir.name);
        assert_eq!(Some(heir.session), own.session(), "{}", heir.name);
    }
}

#[test]
fn children_that_leave_the_group_are_still_children() {
    // As `chpst -P` does, and many daemons.
    let service = ServiceDirBuilder::new()
        .run("echo run >>order; exec setsid sleep 100000")
        .finish("exec setsid sh -c 'echo finish >>order'")
        .control('h', "exec setsid sh -c 'echo h >>order; exit 0'")
        .log_run("exec setsid sleep 100000")
        .build();
    let mut runsv = Supervisor::runsv(service.path());
    for part in [&*service, &service.log] {
        let before = part.wait_running("sleep");
        let process = before.process().unwrap();
        assert_eq!(process.session(), Some(process.0));
        part.send("t");
        part.wait_run_again(&before);
        assert!(!process.lives());
    }
    service.wait_running("sleep");
    service.send("h");
    wait_lines(&service.join("order"), &["run", "finish", "run", "h"]);
    service.send("d");
    service.wait_state(State::Down);
    service.log.wait_running("sleep");
    service.log.send("d");
    service.log.wait_state(State::Down);
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
}

#[test]
fn a_clean_signal_state_stays_clean() {
    let service = staying();
    let (_runsv, heirs) = heirs(&service, Launch::new("runsv"));
    for heir in heirs {
        let script = heir.name == "control/h";
        // The reference starts control scripts with its own mask.
        let own = if script && !suite::is_ours() {
            Signals::bit(Signal::TERM) | Signals::bit(Signal::CHILD)
        } else {
            0
        };
        assert_eq!(heir.signals.blocked, own, "{heir:?}");
        assert_eq!(heir.signals.ignored, Proc::ignored_by_heirs(), "{heir:?}");
        assert_eq!(heir.signals.caught, 0, "{heir:?}");
        assert_eq!(heir.signals.pending, 0, "{heir:?}");
    }
}

#[test]
fn an_inherited_signal_state_is_handed_on() {
    let service = staying();
    let launch = Launch::new("runsv").through([
        "env",
        "--ignore-signal=HUP",
        "--ignore-signal=USR1",
        "--block-signal=ALRM",
        "--block-signal=USR2",
    ]);
    let (_runsv, heirs) = heirs(&service, launch);
    for heir in heirs {
        let bits = |a, b| Signals::bit(a) | Signals::bit(b);
        let ignored = Proc::ignored_by_heirs() | bits(Signal::HUP, Signal::USR1);
        assert_eq!(heir.signals.ignored, ignored, "{heir:?}");
        let own = if heir.name == "control/h" && !suite::is_ours() {
            bits(Signal::TERM, Signal::CHILD)
        } else {
            0
        };
        assert_eq!(heir.signals.blocked, bits(Signal::ALARM, Signal::USR2) | own, "{heir:?}");
    }
}

#[test]
fn the_state_of_signals_that_the_supervisor_uses_is_handed_on_too() {
    let service = staying();
    let launch = Launch::new("runsv").through([
        "env",
        "--ignore-signal=TERM",
        "--block-signal=TERM",
        "--block-signal=CHLD",
    ]);
    let (mut runsv, heirs) = heirs(&service, launch);
    for heir in heirs {
        let term = Signals::bit(Signal::TERM);
        let both = term | Signals::bit(Signal::CHILD);
        let (ignored, blocked) = match (suite::is_ours(), heir.name) {
            (true, _) => (term, both),
            // The reference resets both in its children, but not in control scripts.
            (false, "control/h") => (0, both),
            (false, _) => (0, 0),
        };
        assert_eq!(heir.signals.ignored, Proc::ignored_by_heirs() | ignored, "{heir:?}");
        assert_eq!(heir.signals.blocked, blocked, "{heir:?}");
    }
    // It works itself nevertheless.
    let finish = service.wait_finish();
    runsv.kill(Signal::TERM);
    // Both at once could start a service again that ignores TERM, and stays.
    service.wait_stat("finish, want exit");
    finish.process().unwrap().kill(Signal::KILL);
    service.wait_state(State::Down);
    service.log.status().process().unwrap().kill(Signal::KILL);
    assert_eq!(runsv.wait_exit(), 0);
}

#[test]
fn a_supervisor_started_with_chld_ignored_still_sees_deaths() {
    let service = ServiceDirBuilder::sleeper().finish("echo \"$1 $2\" >>ended").build();
    let launch = Launch::new("runsv").through(["env", "--ignore-signal=CHLD"]);
    let mut runsv = launch.arg(service.path()).spawn();
    let before = service.wait_running("sleep");
    service.send("t");
    service.wait_run_again(&before).process().unwrap().wait_for_exec("sleep");
    wait_lines(&service.join("ended"), &["-1 15"]);
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
}

#[test]
fn names_that_the_programs_are_called_by() {
    let service = ServiceDirBuilder::new()
        .run(RECORDER)
        .log_run(RECORDER)
        .finish("echo \"$0\" >>names")
        .build();
    let _runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("got"), &["ready"]);
    wait_lines(&service.join("log/got"), &["ready"]);
    let name =
        |part: &Supervised| part.wait_state(State::Run).process().unwrap().args().pop().unwrap();
    assert_eq!(name(&service), "./run");
    assert_eq!(name(&service.log), "./run");
    service.send("k");
    wait_lines(&service.join("names"), &["./finish"]);
}

#[test]
fn a_service_in_a_session_of_its_own_is_reaped() {
    let run = "exec setsid sleep 100000";
    let service = ServiceDirBuilder::new().run(run).finish("echo \"$1 $2\" >>ended").build();
    let mut runsv = Supervisor::runsv(service.path());
    let before = service.wait_running("sleep");
    service.send("t");
    service.wait_run_again(&before);
    wait_lines(&service.join("ended"), &["-1 15"]);
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
}
