//! `finish`: when it runs, with which arguments, and what follows.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use runit_tests::dirs::{APPEND, SLEEP, lines, set_mode, wait_line_count, wait_lines};
use runit_tests::prelude::*;
use rustix::process::Signal;

/// Notes all its arguments, its name first.
const NOTE: &str = r#"echo "$0 $# $*" >>finished"#;

/// The first lines that `finish` noted after `run` did as told.
#[track_caller]
fn finished_after(run: &str) -> String {
    let service = ServiceDirBuilder::new().run(run).finish(NOTE).build();
    let _runsv = Supervisor::runsv(service.path());
    wait_line_count(&service.join("finished"), 1).swap_remove(0)
}

#[test]
fn exit_codes() {
    for code in [0, 1, 3, 100, 111, 127, 128, 255] {
        assert_eq!(finished_after(&format!("exit {code}")), format!("./finish 2 {code} 0"));
    }
}

#[test]
fn signals() {
    for number in [1, 2, 9, 13, 15, 24, 34, 64] {
        let run = format!("ulimit -c 0; kill -{number} $$");
        assert_eq!(finished_after(&run), format!("./finish 2 -1 {number}"));
    }
}

#[test]
fn a_dumped_core_adds_128() {
    // Whether one is dumped is for the machine to say: what it says without a supervisor counts.
    let dir = TempDir::new();
    let script = "ulimit -c unlimited 2>/dev/null; kill -QUIT $$";
    let status =
        Command::new("/bin/sh").args(["-c", script]).current_dir(dir.path()).status().unwrap();
    let wanted = status.signal().unwrap() + if status.core_dumped() { 128 } else { 0 };
    if !status.core_dumped() {
        eprintln!("this machine dumps no core: only the plain signal number can be seen");
    }
    assert_eq!(finished_after(script), format!("./finish 2 -1 {wanted}"));
}

#[test]
fn a_run_that_cannot_be_started() {
    let service = ServiceDirBuilder::new().finish(NOTE).build();
    let _runsv = Supervisor::runsv(service.path());
    let noted = wait_line_count(&service.join("finished"), 1);
    assert_eq!(noted[0], "./finish 2 111 0");
}

#[test]
fn no_finish_is_none() {
    let service = ServiceDirBuilder::sleeper().build();
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.send("d");
    service.wait_state(State::Down);
    assert!(runsv.lives());
    assert_eq!(runsv.stderr(), "");
}

#[test]
fn every_end_is_followed_by_finish_and_then_by_run() {
    let service = ServiceDirBuilder::new()
        .run("echo run >>order; exec sleep 100000")
        .finish("echo finish >>order")
        .build();
    let mut runsv = Supervisor::runsv(service.path());
    let mut wanted = vec!["run"];
    for _ in 0..3 {
        wait_lines(&service.join("order"), &wanted);
        let status = service.wait_running("sleep");
        service.send("t");
        service.wait_run_again(&status);
        wanted.extend(["finish", "run"]);
    }
    wait_lines(&service.join("order"), &wanted);
    service.status().process().unwrap().wait_for_exec("sleep");
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
    wanted.push("finish");
    assert_eq!(lines(&service.join("order")), wanted);
}

#[test]
fn how_finish_ends_does_not_matter() {
    for finish in ["exit 1", "exit 111", "kill -9 $$", "kill -TERM $$"] {
        let service = ServiceDirBuilder::sleeper().finish(finish).build();
        let mut runsv = Supervisor::runsv(service.path());
        let before = service.wait_running("sleep");
        service.send("t");
        service.wait_run_again(&before).process().unwrap().wait_for_exec("sleep");
        service.send("d");
        service.wait_state(State::Down);
        assert_eq!(runsv.stderr(), "");
        assert!(runsv.lives());
    }
}

#[test]
fn a_finish_that_cannot_be_executed() {
    let service = ServiceDirBuilder::sleeper().finish("exit 0").build();
    set_mode(&service.join("finish"), 0o644);
    let mut runsv = Supervisor::runsv(service.path());
    let before = service.wait_running("sleep");
    service.send("t");
    service.wait_run_again(&before);
    runsv.wait_stderr(&format!(
        "runsv {}: fatal: unable to start ./finish: access denied\n",
        service.path().display()
    ));
    assert!(runsv.lives());
}

#[test]
fn finish_writes_to_the_log() {
    let service = ServiceDirBuilder::sleeper().finish("echo finished").log_run(APPEND).build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.send("d");
    wait_lines(&service.join("log/lines"), &["finished"]);
}

#[test]
fn finish_of_a_log_service_is_not_run() {
    let service = ServiceDirBuilder::sleeper()
        .log_run(SLEEP)
        .script("log/finish", "echo finish >>../order")
        .build();
    let _runsv = Supervisor::runsv(service.path());
    let before = service.log.wait_running("sleep");
    before.process().unwrap().kill(Signal::KILL);
    service.log.wait_run_again(&before).process().unwrap().wait_for_exec("sleep");
    service.log.send("d");
    service.log.wait_state(State::Down);
    assert!(!service.join("order").exists());
}

#[test]
fn finish_that_comes_while_run_runs_counts() {
    let service = ServiceDirBuilder::sleeper().build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    runit_tests::dirs::write_script(&service.join("finish"), NOTE);
    service.send("d");
    wait_lines(&service.join("finished"), &["./finish 2 -1 15"]);
    service.wait_state(State::Down);
}

#[test]
fn the_supervisor_answers_while_finish_runs() {
    let service = ServiceDirBuilder::sleeper().finish(SLEEP).log_run(SLEEP).build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.send("d");
    service.wait_finish();
    service.send("u");
    service.wait_stat("finish");
    service.send("d");
    service.wait_stat("finish, want down");
    service.send("x");
    service.wait_stat("finish, want exit");
    let log = service.log.wait_running("sleep");
    service.log.send("t");
    service.log.wait_run_again(&log);
}
