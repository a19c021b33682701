//! `sv` under a service's name: an LSB init script.

use std::time::Duration;

use runit_tests::dirs::create_dir;
use runit_tests::prelude::*;
use runit_tests::sv::{Played, Services, status};

const AGO: Duration = Duration::from_secs(7);

#[test]
fn status_answers_in_lsb_codes() {
    let services = Services::new();
    let played = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    services.called("a", "status").is(0, "run: a: (pid N) Ns\n");
    played.set(&status(State::Finish, 42, 'd', AGO));
    services.called("a", "status").is(0, "finish: a: (pid N) Ns, want down\n");
    played.set(&status(State::Down, 0, 'd', AGO));
    services.called("a", "status").is(3, "down: a: Ns, normally up\n");
    played.set_bytes(b"");
    services
        .called("a", "status")
        .is(4, "warning: a: unable to read supervise/status: bad format\n");
    played.leave();
    services.called("a", "status").is(1, "fail: a: runsv not running\n");
    services.add("never", ServiceDirBuilder::sleeper());
    services
        .called("never", "status")
        .is(4, "warning: never: unable to open supervise/ok: file does not exist\n");
    services
        .called("missing", "status")
        .is(1, "fail: missing: unable to change to service directory: file does not exist\n");
}

#[test]
fn status_is_the_services_whatever_the_log_service_does() {
    let services = Services::new();
    let _main = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    create_dir(&services.path().join("a/log"));
    let log = Played::new(services.path().join("a/log"), &status(State::Down, 0, 'd', AGO));
    let answer = services.called("a", "status");
    assert_eq!(answer.out, "run: a: (pid N) Ns; down: log: Ns, normally up\n");
    // 2.1.2 answers for the log service.
    assert_eq!(answer.code, if suite::is_program_ours("sv") { 0 } else { 3 });
    log.leave();
    let answer = services.called("a", "status");
    assert_eq!(answer.out, "run: a: (pid N) Ns; fail: a/log: runsv not running\n");
    assert_eq!(answer.code, 0);
}

#[test]
fn words_do_what_they_do_for_sv() {
    let mut services = Services::new();
    // Nothing that HUP ends: `reload` does not wait for what comes of it.
    let patient = ServiceDirBuilder::new().run("trap '' HUP; exec sleep 100000");
    let a = services.supervise("a", patient.down());
    services.called("a", "start").is_all(0, "ok: run: a: (pid N) Ns, normally down\n", "");
    services.called("a", "stop").is(0, "ok: down: a: Ns\n");
    for word in ["restart", "force-reload", "try-restart", "check", "reload"] {
        let answer = services.called("a", word);
        if suite::is_program_ours("sv") {
            answer.is(0, "ok: run: a: (pid N) Ns, normally down\n");
        } else {
            // The reference compares seconds: it may be satisfied with the process that it has
            // just sent TERM, and with none where that has been reaped.
            assert!(answer.code == 0 && answer.out.starts_with("ok: "), "{answer:?}");
        }
        a.wait_status("what was sent TERM to be gone", |s| s.state == State::Run && !s.got_term);
        a.wait_running("sleep");
    }
    services.called("a", "down").is(0, "");
    a.wait_state(State::Down);
    services.called("a", "shutdown").is(0, "ok: a: runsv not running\n");
    services.called("a", "start").is(1, "fail: a: runsv not running\n");
    services.called("a", "shutdown").is(0, "ok: a: runsv not running\n");
    services
        .called("missing", "start")
        .is(1, "fail: missing: unable to change to service directory: file does not exist\n");
}

#[test]
fn what_is_not_reached_in_time_is_one_failure() {
    let services = Services::new();
    let mut played = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    services.called("a", "-w 0 stop").is(1, "timeout: run: a: (pid N) Ns\n");
    services.called("a", "-w 0 force-stop").is(1, "kill: run: a: (pid N) Ns\n");
    assert_eq!(played.heard(), "ddk");
}

#[test]
fn wrong_usage() {
    const USAGE: &str = "usage: a [-w sec] command\n\n";
    let services = Services::new();
    let mut played = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    for words in ["", "stat", "starts", "s", "foo", "reloads", "list", "-w 1"] {
        services.called("a", words).is_all(2, "", USAGE);
    }
    services.called("a", "-z").is_all(2, "", &format!("a: illegal option -- z\n{USAGE}"));
    let version = services.called("a", "-V");
    assert_eq!(version.code, 2);
    assert!(version.err.starts_with("$Id") && version.err.ends_with(USAGE), "{version:?}");
    if suite::is_program_ours("sv") {
        // To the reference they begin with the letters of `exit` and `down`.
        for words in ["enable", "disable"] {
            services.called("a", words).is_all(2, "", USAGE);
        }
        services.called("a", "-w x stop").is_all(2, "", "fatal: -w x: not a number of seconds\n");
    }
    assert_eq!(played.heard(), "");
}
