//! Control bytes: what each does to a service and to a log service.

use std::fs;

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
fn signals_for_a_service_that_is_down_do_nothing() {
    let service = ServiceDirBuilder::sleeper().down().log_run(SLEEP).log_down().build();
    let mut runsv = Supervisor::runsv(service.path());
    for part in [&*service, &service.log] {
        let before = part.wait_state(State::Down);
        part.send("tkpcahiq12d");
        part.send("u");
        let status = part.wait_running("sleep");
        part.wait_files("run", [0, b'u', 0, 1]);
        assert!(status.since() > before.since());
    }
    assert!(runsv.lives());
    assert_eq!(runsv.stderr(), "");
}

#[test]
fn signals_do_not_reach_finish() {
    let service = ServiceDirBuilder::sleeper().finish(RECORDER).build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.send("d");
    let finish = service.wait_finish();
    let got = service.join("got");
    wait_lines(&got, &["ready"]);
    service.send("tpcahiq12d");
    service.send("u");
    service.wait_files("finish", [0, b'u', 0, 2]);
    assert_eq!(service.status(), Status { want: 'u', ..finish });
    // A signal of ours comes after any of theirs.
    finish.process().unwrap().kill(Signal::HUP);
    wait_lines(&got, &["ready", "HUP"]);
    finish.process().unwrap().kill(Signal::KILL);
    service.wait_state(State::Run);
}

#[test]
fn kill_during_finish_does_nothing() {
    only_ours!("the reference takes finish for run and runs it twice");
    let service = ServiceDirBuilder::sleeper().finish(RECORDER).build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.send("d");
    let finish = service.wait_finish();
    wait_lines(&service.join("got"), &["ready"]);
    service.send("kkk");
    service.send("u");
    service.wait_files("finish", [0, b'u', 0, 2]);
    assert_eq!(service.status(), Status { want: 'u', ..finish });
    assert!(finish.process().unwrap().lives());
    assert_eq!(lines(&service.join("got")), ["ready"]);
}

#[test]
fn up_during_finish_starts_after_it() {
    let service =
        ServiceDirBuilder::new().run("echo run >>order; exec sleep 100000").finish(SLEEP).build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.send("d");
    let finish = service.wait_finish();
    service.send("u");
    service.wait_files("finish", [0, b'u', 0, 2]);
    assert_eq!(lines(&service.join("order")), ["run"]);
    finish.process().unwrap().kill(Signal::TERM);
    service.wait_running("sleep");
    assert_eq!(lines(&service.join("order")), ["run", "run"]);
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

#[test]
fn a_burst_is_acted_on_in_order() {
    // Each byte's script notes the byte; none of them changes anything else.
    let bytes = ['a', 'h', 'i', 'q', '1', '2', 'c'];
    let mut builder = ServiceDirBuilder::new().run(RECORDER);
    for byte in bytes {
        builder = builder.control(byte, format!("echo {byte} >>order"));
    }
    let service = builder.build();
    let _runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("got"), &["ready"]);
    // More than a supervisor can take in one reading, in an order without a pattern.
    let mut seed = 2_463_534_242_u32;
    let burst: String = (0..300)
        .map(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            bytes[seed as usize % bytes.len()]
        })
        .collect();
    service.send(&burst);
    let order = wait_line_count(&service.join("order"), burst.len());
    assert_eq!(order.concat(), burst);
    assert_eq!(lines(&service.join("got")), ["ready"]);
}

#[test]
fn the_last_of_contrary_bytes_counts() {
    let service = ServiceDirBuilder::sleeper().build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.send("pcpcpcp");
    service.wait_files("run, paused", [1, b'u', 0, 1]);
    service.send("cudud");
    service.wait_files("down", [0, b'd', 0, 0]);
    service.send("udu");
    service.wait_running("sleep");
    service.wait_status("wanted up", |status| status.want == 'u' && status.state == State::Run);
}

#[test]
fn bytes_written_before_the_supervisor_reads_are_kept() {
    let service = ServiceDirBuilder::sleeper().build();
    let _runsv = Supervisor::runsv(service.path());
    let runsv = service.wait_running("sleep").process().unwrap().parent().unwrap();
    runsv.kill(Signal::STOP);
    runsv.wait_for_state('T');
    service.send("p");
    service.send("d");
    runsv.kill(Signal::CONT);
    service.wait_status("down, wanted so", |s| s.state == State::Down && s.want == 'd');
}

#[test]
fn a_writer_that_keeps_the_fifo_open_does_no_harm() {
    let service = ServiceDirBuilder::sleeper().build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    let kept = fs::OpenOptions::new().write(true).open(service.file("control")).unwrap();
    for _ in 0..3 {
        service.send("p");
        service.wait_stat("run, paused");
        service.send("c");
        service.wait_stat("run");
    }
    drop(kept);
    service.send("d");
    service.wait_state(State::Down);
}

#[test]
fn never_two_of_one_service() {
    only_ours!("after `k` then `u` the reference forgets a process it has only signalled");
    // Each start looks whether the one before is still there, if only as a zombie.
    let run = "read -r last <last && kill -0 $last 2>/dev/null && echo $last >>overlap\n\
               echo $$ >last; echo $$ >>starts; exec sleep 100000";
    let service = ServiceDirBuilder::new().run(run).file("last", "2147483647\n").build();
    let runsv = Supervisor::runsv(service.path());
    for _ in 0..4 {
        let before = service.wait_running("sleep");
        service.send("kukukuokukdukut");
        service.send("u");
        service.wait_run_again(&before);
        assert!(runsv.process().children().len() <= 1);
    }
    wait_line_count(&service.join("starts"), 5);
    assert_eq!(lines(&service.join("overlap")), [""; 0]);
}
