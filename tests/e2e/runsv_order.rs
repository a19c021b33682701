//! When control bytes come, and in which order they count.

use std::fs;
use std::time::Duration;

use runit_tests::dirs::{RECORDER, SLEEP, lines, wait_line_count, wait_lines};
use runit_tests::prelude::*;
use runit_tests::protocol::{Supervised, now};
use rustix::process::Signal;

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

/// Ends the processes of `parts` and does `more` while the supervisor is stopped: it finds all of it
/// at once when it goes on, later than a second after their starts, so that nothing is held back.
#[track_caller]
fn together(runsv: &Supervisor, parts: &[&Supervised], more: impl FnOnce()) {
    for part in parts {
        let started = part.status().since();
        wait_until("a second to pass", || now() > started + Duration::from_millis(1001));
    }
    runsv.kill(Signal::STOP);
    runsv.process().wait_for_state('T');
    for part in parts {
        let process = part.status().process().unwrap();
        process.kill(Signal::KILL);
        process.wait_for_state('Z');
    }
    more();
    runsv.kill(Signal::CONT);
}

/// Takes `run` away: whoever tries to start it complains.
#[track_caller]
fn take_away(part: &Supervised) {
    fs::remove_file(part.dir.join("run")).unwrap();
}

/// Waits for what `what`, as in [`tell`], leads to: nothing else was started meanwhile.
#[track_caller]
fn assert_heard(runsv: &mut Supervisor, service: &Service, what: &str) {
    match what {
        "d" => service.wait_files("down", [0, b'd', 0, 0]),
        _ => assert_eq!(runsv.wait_exit(), 0, "{what}"),
    }
    assert_eq!(runsv.stderr(), "", "{what}");
}

/// Sends the supervisor TERM, or writes control bytes.
#[track_caller]
fn tell(runsv: &Supervisor, service: &Service, what: &str) {
    if what == "TERM" { runsv.kill(Signal::TERM) } else { service.send(what) }
}

#[test]
fn what_comes_together_with_an_end_counts_before_the_next_start() {
    for what in ["TERM", "x", "d"] {
        let service = ServiceDirBuilder::sleeper().build();
        let mut runsv = Supervisor::runsv(service.path());
        service.wait_running("sleep");
        together(&runsv, &[&service], || {
            take_away(&service);
            tell(&runsv, &service, what);
        });
        assert_heard(&mut runsv, &service, what);
    }
}

#[test]
fn what_comes_together_with_the_end_of_finish_counts_before_the_next_start() {
    for what in ["TERM", "x", "d"] {
        let finish = "echo finish >>order; exec sleep 100000";
        let service = ServiceDirBuilder::sleeper().finish(finish).build();
        let mut runsv = Supervisor::runsv(service.path());
        service.wait_running("sleep").process().unwrap().kill(Signal::KILL);
        service.wait_finish();
        wait_lines(&service.join("order"), &["finish"]);
        together(&runsv, &[&service], || {
            take_away(&service);
            tell(&runsv, &service, what);
        });
        assert_heard(&mut runsv, &service, what);
        assert_eq!(lines(&service.join("order")), ["finish"], "{what}");
    }
}

#[test]
fn what_comes_together_with_the_end_of_a_logger_counts_before_the_next_start() {
    let service = ServiceDirBuilder::sleeper().log_run(SLEEP).build();
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.log.wait_running("sleep");
    together(&runsv, &[&service.log], || {
        take_away(&service.log);
        service.log.send("d");
    });
    service.log.wait_files("down", [0, b'd', 0, 0]);
    assert!(runsv.lives());
    assert_eq!(runsv.stderr(), "");
}

#[test]
fn nothing_is_started_when_all_ends_at_once() {
    let service = ServiceDirBuilder::sleeper().log_run(SLEEP).build();
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.log.wait_running("sleep");
    together(&runsv, &[&service.log, &service], || {
        take_away(&service.log);
        take_away(&service);
        runsv.kill(Signal::TERM);
    });
    assert_heard(&mut runsv, &service, "TERM");
}

#[test]
fn a_pause_for_what_has_ended_does_not_stop_the_next() {
    let service = ServiceDirBuilder::sleeper().log_run(SLEEP).build();
    let runsv = Supervisor::runsv(service.path());
    let parts = [&service.log, &*service];
    let before = parts.map(|part| part.wait_running("sleep"));
    together(&runsv, &parts, || parts.iter().for_each(|part| part.send("p")));
    for (part, before) in parts.iter().zip(&before) {
        part.wait_run_again(before);
        let process = part.wait_running("sleep").process().unwrap();
        part.wait_files("run", [0, b'u', 0, 1]);
        assert_ne!(process.state(), Some('T'));
    }
}

#[test]
fn up_together_with_the_last_end_takes_exit_back() {
    let service =
        ServiceDirBuilder::new().run("trap '' TERM; exec sleep 100000").log_run(SLEEP).build();
    let mut runsv = Supervisor::runsv(service.path());
    let before = service.wait_running("sleep");
    let logger = service.log.wait_running("sleep");
    service.send("x");
    service.wait_stat("run, got TERM, want exit");
    together(&runsv, &[&service], || service.send("u"));
    let status = service.wait_run_again(&before);
    assert!(runsv.lives());
    assert_eq!((status.want, service.log.status()), ('u', logger));
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
