//! Restarts, and how they are held back.

use std::time::Duration;

use runit_tests::dirs::{RECORDER, lines, make_fifo, open_gate, wait_line_count, wait_lines};
use runit_tests::prelude::*;
use runit_tests::protocol::Supervised;
use runit_tests::strace::{self, attach};
use rustix::process::Signal;

/// Waits for `count` different starts of a service, and gives when they were.
///
/// The time of a record in state run is that of the start.
#[track_caller]
fn starts(part: &Supervised, count: usize) -> Vec<Duration> {
    let mut seen: Vec<Duration> = Vec::new();
    wait_until(&format!("{count} starts"), || {
        if let Ok(status) = part.try_status() {
            if status.state == State::Run && seen.last() != Some(&status.since()) {
                seen.push(status.since());
            }
        }
        if seen.len() >= count { Ok(()) } else { Err(format!("{seen:?}")) }
    });
    seen
}

#[track_caller]
fn assert_a_second_apart(starts: &[Duration]) {
    for pair in starts.windows(2) {
        let apart = pair[1].saturating_sub(pair[0]);
        assert!(apart >= Duration::from_secs(1), "{apart:?} in {starts:?}");
    }
}

/// A program that notes its start and lives just long enough to be seen.
const SHORT: &str = "echo start >>starts; sleep 0.2; exit 1";

#[test]
fn a_service_that_ends_is_started_again() {
    let service = ServiceDirBuilder::new().run(SHORT).build();
    let _runsv = Supervisor::runsv(service.path());
    wait_line_count(&service.join("starts"), 3);
}

#[test]
fn a_service_that_crashes_starts_at_most_once_a_second() {
    let service = ServiceDirBuilder::new().run(SHORT).log_run(SHORT).build();
    let _runsv = Supervisor::runsv(service.path());
    assert_a_second_apart(&starts(&service, 4));
    assert_a_second_apart(&starts(&service.log, 2));
}

#[test]
fn finish_counts_as_part_of_it() {
    let service = ServiceDirBuilder::new().run(SHORT).finish("sleep 0.1").build();
    let _runsv = Supervisor::runsv(service.path());
    assert_a_second_apart(&starts(&service, 3));
}

#[test]
fn no_byte_makes_it_faster() {
    let service = ServiceDirBuilder::new().run(SHORT).build();
    let _runsv = Supervisor::runsv(service.path());
    // After `k` the reference forgets the process and starts another at once.
    let kill = if suite::is_ours() { "kcu" } else { "cu" };
    let mut seen: Vec<Duration> = Vec::new();
    let mut round = 0;
    wait_until("4 starts", || {
        let status = service.try_status()?;
        if status.state == State::Run && seen.last() != Some(&status.since()) {
            seen.push(status.since());
        }
        // Few enough that even a supervisor that sleeps takes them all in.
        if status.state == State::Down && round < 400 {
            service.send(["u", "tu", kill, "ou"][round % 4]);
            round += 1;
        }
        if seen.len() >= 4 { Ok(()) } else { Err(format!("{seen:?}")) }
    });
    assert_a_second_apart(&seen);
}

#[test]
fn down_and_up_of_a_quick_service_is_held_back_too() {
    let service = ServiceDirBuilder::sleeper().build();
    let _runsv = Supervisor::runsv(service.path());
    let mut seen = Vec::new();
    for _ in 0..3 {
        let status = service.wait_running("sleep");
        seen.push(status.since());
        service.send("d");
        service.wait_state(State::Down);
        service.send("u");
    }
    assert_a_second_apart(&seen);
}

#[test]
fn bytes_are_answered_while_a_start_is_held_back() {
    let service = ServiceDirBuilder::new().run(SHORT).build();
    let _runsv = Supervisor::runsv(service.path());
    wait_line_count(&service.join("starts"), 2);
    service.send("d");
    service.wait_files("down", [0, b'd', 0, 0]);
    let count = lines(&service.join("starts")).len();
    let held_back = service.status();
    service.send("o");
    wait_line_count(&service.join("starts"), count + 1);
    // The record may still be the one from before the start.
    service.wait_status("down again", |status| {
        status.state == State::Down && status.since() > held_back.since()
    });
    service.wait_files("down", [0, b'd', 0, 0]);
    assert_eq!(lines(&service.join("starts")).len(), count + 1);
}

#[test]
fn down_while_held_back_means_no_start() {
    only_ours!("the reference sleeps before it takes the byte in");
    let service = ServiceDirBuilder::new().run("echo start >>starts; exit 1").build();
    let mut runsv = Supervisor::runsv(service.path());
    wait_line_count(&service.join("starts"), 1);
    service.wait_status("down, wanted up", |s| s.state == State::Down && s.want == 'u');
    service.send("d");
    let down = service.wait_status("wanted down", |s| s.state == State::Down && s.want == 'd');
    let count = lines(&service.join("starts")).len();
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
    assert_eq!(lines(&service.join("starts")).len(), count);
    assert_eq!(service.status().since(), down.since());
}

#[test]
fn exit_while_a_start_is_held_back() {
    let service = ServiceDirBuilder::new().run("echo start >>starts; exit 1").build();
    let mut runsv = Supervisor::runsv(service.path());
    wait_line_count(&service.join("starts"), 2);
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
    service.wait_files("down", [0, b'd', 0, 0]);
}

#[test]
fn a_crashing_logger_does_not_hold_up_its_service() {
    only_ours!("the reference sleeps a second at each crash");
    // Whoever sleeps from a crash of the logger to its next start answers nothing in between,
    // however long that is waited for.
    let service =
        ServiceDirBuilder::new().run(RECORDER).log_run("echo start >>starts; exit 1").build();
    let _runsv = Supervisor::runsv(service.path());
    wait_line_count(&service.join("log/starts"), 2);
    let mut wanted = vec!["ready"];
    wait_lines(&service.join("got"), &wanted);
    for _ in 0..3 {
        wait_until("an answer between a crash of the logger and its next start", || {
            let down = service.log.try_status()?;
            if down.state != State::Down {
                return Err("the logger runs".to_owned());
            }
            let (byte, name) = [("h", "HUP"), ("1", "USR1")][wanted.len() % 2];
            service.send(byte);
            wanted.push(name);
            wait_lines(&service.join("got"), &wanted);
            let now = service.log.try_status()?;
            if now == down { Ok(()) } else { Err(format!("{down:?}, then {now:?}")) }
        });
    }
}

#[test]
fn a_crashing_service_does_not_disturb_its_logger() {
    let service = ServiceDirBuilder::new()
        .run("echo start >>starts; echo line; exit 1")
        .log_run("echo start >>starts; exec cat >>lines")
        .build();
    let _runsv = Supervisor::runsv(service.path());
    wait_line_count(&service.join("log/lines"), 3);
    assert_eq!(lines(&service.join("log/starts")), ["start"]);
}

#[test]
fn time_of_down_is_when_it_came_down() {
    let service = ServiceDirBuilder::sleeper().finish(": <gate").build();
    let gate = service.join("gate");
    make_fifo(&gate);
    let _runsv = Supervisor::runsv(service.path());
    let run = service.wait_running("sleep");
    service.send("d");
    let finish = service.wait_finish();
    assert_eq!(finish.since(), run.since());
    let before = runit_tests::protocol::now();
    open_gate(&gate);
    let down = service.wait_state(State::Down);
    assert!(down.since() >= before, "{down:?}");
    let after = runit_tests::protocol::now();
    assert!(down.since() <= after, "{down:?}");
    service.send("d");
    service.send("u");
    let again = service.wait_state(State::Run);
    assert!(again.since() > down.since());
}

#[test]
fn time_of_down_is_no_earlier_than_the_end_however_slow_the_supervisor_is() {
    if !strace::is_there("time_of_down_is_no_earlier_than_the_end") {
        return;
    }
    let service = ServiceDirBuilder::sleeper().build();
    let mut runsv = Supervisor::runsv(service.path());
    let process = service.wait_running("sleep").process().unwrap();
    service.send("o");
    service.wait_stat("run, want down");
    // Something wakes it up; and before it looks for children that have ended, one ends.
    let delay = ["-e", "trace=wait4", "-e", "inject=wait4:delay_enter=500000"];
    let mut strace = attach(runsv.process(), &[&["-o", "/dev/null"], &delay[..]].concat());
    let wait4 = if cfg!(target_arch = "x86_64") { "61" } else { "260" };
    wait_until("it to look for children", || {
        // Each time: it may be done with the last one before it is seen at it.
        runsv.kill(Signal::CHILD);
        let call = runsv.process().call();
        if call.first().is_some_and(|number| number == wait4) {
            Ok(())
        } else {
            Err(call.join(" "))
        }
    });
    let before = runit_tests::protocol::now();
    process.kill(Signal::KILL);
    let down = service.wait_state(State::Down);
    assert!(down.since() >= before, "{before:?} {down:?}");
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
    strace.wait().unwrap();
}

#[test]
fn a_stopped_supervisor_catches_up() {
    // Deaths that come together are one signal.
    let service = ServiceDirBuilder::sleeper().log_run("exec sleep 200000").build();
    let runsv = Supervisor::runsv(service.path());
    let main = service.wait_state(State::Run);
    let log = service.log.wait_state(State::Run);
    main.process().unwrap().wait_for_exec("sleep");
    log.process().unwrap().wait_for_exec("sleep");
    runsv.kill(Signal::STOP);
    runsv.process().wait_for_state('T');
    main.process().unwrap().kill(Signal::KILL);
    log.process().unwrap().kill(Signal::KILL);
    main.process().unwrap().wait_for_end();
    log.process().unwrap().wait_for_end();
    runsv.kill(Signal::CONT);
    service.wait_run_again(&main);
    service.log.wait_run_again(&log);
}
