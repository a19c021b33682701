//! Control bytes: what each does to a service and to a log service.

use runit_tests::dirs::{RECORDER, SLEEP, lines, wait_line_count, wait_lines};
use runit_tests::prelude::*;
use runit_tests::proc::Signals;
use rustix::process::Signal;

/// Bytes that only send a signal, and the name that [`RECORDER`] gives it.
const PLAIN: [(&str, &str); 6] =
    [("a", "ALRM"), ("h", "HUP"), ("i", "INT"), ("q", "QUIT"), ("1", "USR1"), ("2", "USR2")];

#[test]
fn each_signal_byte_sends_its_signal() {
    let service = ServiceDirBuilder::new().run(RECORDER).log_run(RECORDER).build();
    let _runsv = Supervisor::runsv(service.path());
    for part in [&*service, &service.log] {
        let got = part.dir.join("got");
        let mut wanted = vec!["ready"];
        wait_lines(&got, &wanted);
        let before = part.wait_state(State::Run);
        for (byte, name) in PLAIN {
            part.send(byte);
            wanted.push(name);
            wait_lines(&got, &wanted);
        }
        assert_eq!(part.status(), before);
        part.send("t");
        wanted.push("TERM");
        wait_lines(&got, &wanted);
        part.wait_files("run, got TERM", [0, b'u', 1, 1]);
    }
}

#[test]
fn signals_do_not_reach_the_other_side() {
    let service = ServiceDirBuilder::new().run(RECORDER).log_run(RECORDER).build();
    let _runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("got"), &["ready"]);
    wait_lines(&service.join("log/got"), &["ready"]);
    service.send("h");
    service.log.send("1");
    wait_lines(&service.join("got"), &["ready", "HUP"]);
    wait_lines(&service.join("log/got"), &["ready", "USR1"]);
}

#[test]
fn signals_end_a_program_that_does_not_handle_them() {
    let bytes =
        [("t", 15), ("a", 14), ("h", 1), ("i", 2), ("q", 3), ("1", 10), ("2", 12), ("k", 9)];
    let started: Vec<_> = bytes
        .map(|(byte, number)| {
            let service = ServiceDirBuilder::new()
                .run("ulimit -c 0; exec sleep 100000")
                .finish(r#"echo "$1 $2" >>ended"#)
                .build();
            let runsv = Supervisor::runsv(service.path());
            service.wait_running("sleep");
            service.send(byte);
            (service, runsv, number)
        })
        .into();
    for (service, _runsv, number) in started {
        wait_lines(&service.join("ended"), &[&format!("-1 {number}")]);
        // Wanted up still: all of them restart it.
        service.wait_running("sleep");
        assert_eq!(service.status().want, 'u');
    }
}

#[test]
fn term_restarts() {
    let service = ServiceDirBuilder::sleeper().log_run(SLEEP).build();
    let _runsv = Supervisor::runsv(service.path());
    for part in [&*service, &service.log] {
        let before = part.wait_running("sleep");
        part.send("t");
        let after = part.wait_run_again(&before);
        assert!(after.since() > before.since());
        assert!(!before.process().unwrap().lives());
        part.wait_files("run", [0, b'u', 0, 1]);
    }
}

#[test]
fn kill_restarts_without_got_term() {
    let service = ServiceDirBuilder::new().run("trap '' TERM; exec sleep 100000").build();
    let _runsv = Supervisor::runsv(service.path());
    let before = service.wait_running("sleep");
    service.send("t");
    service.wait_stat("run, got TERM");
    service.send("k");
    service.wait_run_again(&before);
    service.wait_files("run", [0, b'u', 0, 1]);
}

#[test]
fn down_stops_and_up_starts() {
    let service = ServiceDirBuilder::sleeper().log_run(SLEEP).build();
    let runsv = Supervisor::runsv(service.path());
    for part in [&*service, &service.log] {
        let before = part.wait_running("sleep");
        part.send("d");
        part.wait_state(State::Down);
        part.wait_files("down", [0, b'd', 0, 0]);
        assert!(!before.process().unwrap().lives());
        wait_until("an empty pid file", || part.pid_text().is_empty());
        part.send("u");
        part.wait_running("sleep");
        part.wait_files("run", [0, b'u', 0, 1]);
    }
    assert_eq!(runsv.process().children().len(), 2);
}

#[test]
fn up_starts_what_was_down_from_the_start() {
    let service = ServiceDirBuilder::sleeper().down().log_run(SLEEP).log_down().build();
    let runsv = Supervisor::runsv(service.path());
    service.wait_files("down", [0, b'd', 0, 0]);
    service.log.wait_files("down", [0, b'd', 0, 0]);
    assert_eq!(runsv.process().children(), []);
    service.send("u");
    service.wait_running("sleep");
    service.wait_files("run", [0, b'u', 0, 1]);
    service.log.wait_files("down", [0, b'd', 0, 0]);
    service.log.send("u");
    service.log.wait_running("sleep");
}

#[test]
fn a_byte_that_changes_nothing_keeps_the_process() {
    let service = ServiceDirBuilder::sleeper().build();
    let _runsv = Supervisor::runsv(service.path());
    let before = service.wait_running("sleep");
    service.send("uuucu\u{1}Uz~ \n?");
    service.send("p");
    service.wait_files("run, paused", [1, b'u', 0, 1]);
    let after = service.status();
    assert_eq!((after.pid, after.since()), (before.pid, before.since()));
}

#[test]
fn every_other_byte_is_ignored() {
    let service = ServiceDirBuilder::sleeper().log_run(SLEEP).build();
    let mut runsv = Supervisor::runsv(service.path());
    for part in [&*service, &service.log] {
        let before = part.wait_running("sleep");
        let known = b"udoxtkpcahiq12";
        let others: Vec<_> = (0..=255).filter(|byte| !known.contains(byte)).collect();
        part.try_send(&others).unwrap();
        part.send("p");
        part.wait_files("run, paused", [1, b'u', 0, 1]);
        assert_eq!(part.status().pid, before.pid);
    }
    assert!(runsv.lives());
    assert_eq!(runsv.stderr(), "");
}

#[test]
fn once_runs_once() {
    let service = ServiceDirBuilder::new()
        .run("echo start >>starts; exec sleep 100000")
        .log_run("echo start >>starts; exec sleep 100000")
        .down()
        .log_down()
        .build();
    let mut runsv = Supervisor::runsv(service.path());
    for part in [&*service, &service.log] {
        part.wait_state(State::Down);
        part.send("o");
        let status = part.wait_running("sleep");
        part.wait_files("run, want down", [0, b'd', 0, 1]);
        status.process().unwrap().kill(Signal::TERM);
        part.wait_files("down", [0, b'd', 0, 0]);
        assert_eq!(lines(&part.dir.join("starts")), ["start"]);
    }
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
    assert_eq!(lines(&service.join("starts")), ["start"]);
    assert_eq!(lines(&service.join("log/starts")), ["start"]);
}

#[test]
fn once_for_a_running_service_lets_it_run_on_and_end() {
    let service = ServiceDirBuilder::sleeper().build();
    let _runsv = Supervisor::runsv(service.path());
    let before = service.wait_running("sleep");
    service.send("o");
    service.wait_files("run, want down", [0, b'd', 0, 1]);
    assert_eq!(service.status().pid, before.pid);
    before.process().unwrap().kill(Signal::TERM);
    service.wait_files("down", [0, b'd', 0, 0]);
}

#[test]
fn up_after_once_is_up_for_good() {
    let service = ServiceDirBuilder::sleeper().down().build();
    let _runsv = Supervisor::runsv(service.path());
    service.send("o");
    let before = service.wait_running("sleep");
    service.send("u");
    service.wait_files("run", [0, b'u', 0, 1]);
    assert_eq!(service.status().pid, before.pid);
    before.process().unwrap().kill(Signal::TERM);
    service.wait_run_again(&before);
}

#[test]
fn pause_and_continue() {
    let service = ServiceDirBuilder::sleeper().log_run(SLEEP).build();
    let _runsv = Supervisor::runsv(service.path());
    for part in [&*service, &service.log] {
        let process = part.wait_running("sleep").process().unwrap();
        part.send("p");
        process.wait_for_state('T');
        part.wait_files("run, paused", [1, b'u', 0, 1]);
        part.send("c");
        process.wait_for_state('S');
        part.wait_files("run", [0, b'u', 0, 1]);
    }
}

#[test]
fn a_new_process_is_not_paused() {
    let service = ServiceDirBuilder::sleeper().build();
    let _runsv = Supervisor::runsv(service.path());
    let before = service.wait_running("sleep");
    service.send("p");
    before.process().unwrap().wait_for_state('T');
    service.wait_files("run, paused", [1, b'u', 0, 1]);
    service.send("k");
    service.wait_run_again(&before);
    service.wait_files("run", [0, b'u', 0, 1]);
}

#[test]
fn down_and_exit_wake_a_paused_service_to_end_it() {
    for byte in ["d", "x"] {
        let service = ServiceDirBuilder::sleeper().build();
        let _runsv = Supervisor::runsv(service.path());
        let process = service.wait_running("sleep").process().unwrap();
        service.send("p");
        process.wait_for_state('T');
        service.send(byte);
        process.wait_for_end();
        // The reference keeps saying paused.
        let (text, paused) = if suite::is_ours() { ("down", 0) } else { ("down, paused", 1) };
        service.wait_files(text, [paused, b'd', 0, 0]);
    }
}

#[test]
fn continue_after_down_is_sent_to_a_process_that_stays() {
    for byte in ["d", "x"] {
        let service = ServiceDirBuilder::new().run(RECORDER).build();
        let _runsv = Supervisor::runsv(service.path());
        let got = service.join("got");
        wait_lines(&got, &["ready"]);
        service.send(byte);
        let seen = wait_line_count(&got, 3);
        // Both are pending at once: which is delivered first is the kernel's choice.
        assert!(seen.contains(&"TERM".into()) && seen.contains(&"CONT".into()), "{seen:?}");
        // Again, for a `t` to what is to go.
        service.send("t");
        let seen = wait_line_count(&got, 5);
        assert_eq!(seen.iter().filter(|name| *name == "TERM").count(), 2, "{seen:?}");
        assert_eq!(seen.iter().filter(|name| *name == "CONT").count(), 2, "{seen:?}");
    }
}

#[test]
fn term_does_not_wake_a_paused_service_that_is_to_stay() {
    let service = ServiceDirBuilder::sleeper().build();
    let _runsv = Supervisor::runsv(service.path());
    let status = service.wait_running("sleep");
    let process = status.process().unwrap();
    service.send("p");
    process.wait_for_state('T');
    service.send("t");
    service.wait_files("run, paused, got TERM", [1, b'u', 1, 1]);
    let pending = process.signals().unwrap().pending;
    assert_eq!(pending, Signals::bit(Signal::TERM));
    assert_eq!(process.state(), Some('T'));
    service.send("c");
    service.wait_run_again(&status);
}

#[test]
fn exit_is_ignored_by_the_log_service() {
    let service = ServiceDirBuilder::sleeper().log_run(SLEEP).build();
    let mut runsv = Supervisor::runsv(service.path());
    let before = service.log.wait_running("sleep");
    service.log.send("xp");
    service.log.wait_files("run, paused", [1, b'u', 0, 1]);
    assert_eq!(service.log.status().pid, before.pid);
    assert!(runsv.lives());
    service.log.send("d");
    service.log.wait_state(State::Down);
    service.log.send("x");
    service.log.send("u");
    service.log.wait_running("sleep");
}

#[test]
fn exit_of_a_service_that_is_down() {
    let service = ServiceDirBuilder::sleeper().down().build();
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_state(State::Down);
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
}
