//! How a supervisor is told to end, and what is left.

use runit_tests::dirs::{RECORDER, lines, wait_line_count, wait_lines};
use runit_tests::prelude::*;
use rustix::process::Signal;

#[test]
fn term_to_the_supervisor_acts_as_x() {
    let service = ServiceDirBuilder::sleeper()
        .control('t', "echo t >>order; exit 1")
        .control('x', "echo x >>order")
        .finish("echo finish >>order")
        .log_run("cat >>lines; echo logger >>../order")
        .build();
    let mut runsv = Supervisor::runsv(service.path());
    let process = service.wait_running("sleep").process().unwrap();
    service.log.wait_state(State::Run);
    runsv.kill(Signal::TERM);
    assert_eq!(runsv.wait_exit(), 0);
    let order = lines(&service.join("order"));
    // Whether finish or x notes first is left to the processes.
    assert_eq!((order[0].as_str(), order[3].as_str()), ("t", "logger"), "{order:?}");
    assert!(order.contains(&"x".into()) && order.contains(&"finish".into()), "{order:?}");
    assert!(!process.lives());
    service.wait_files("down", [0, b'd', 0, 0]);
    assert!(!service.is_supervised());
    assert!(!service.log.is_supervised());
}

#[test]
fn term_twice_is_term_twice() {
    let service = ServiceDirBuilder::new().run(RECORDER).build();
    let mut runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("got"), &["ready"]);
    let process = service.wait_state(State::Run).process().unwrap();
    runsv.kill(Signal::TERM);
    wait_line_count(&service.join("got"), 3);
    service.wait_stat("run, got TERM, want exit");
    runsv.kill(Signal::TERM);
    wait_line_count(&service.join("got"), 5);
    assert!(runsv.lives());
    process.kill(Signal::KILL);
    assert_eq!(runsv.wait_exit(), 0);
}

#[test]
fn other_signals_end_nothing() {
    let service = ServiceDirBuilder::new().run(RECORDER).build();
    let mut runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("got"), &["ready"]);
    runsv.kill(Signal::CONT);
    runsv.kill(Signal::CHILD);
    runsv.kill(Signal::URG);
    runsv.kill(Signal::WINCH);
    service.send("1");
    wait_lines(&service.join("got"), &["ready", "USR1"]);
    assert!(runsv.lives());
}

#[test]
fn exit_can_be_taken_back_while_the_service_still_runs() {
    let service = ServiceDirBuilder::new().run("trap '' TERM; exec sleep 100000").build();
    let mut runsv = Supervisor::runsv(service.path());
    let before = service.wait_running("sleep");
    service.send("x");
    service.wait_stat("run, got TERM, want exit");
    service.send("u");
    service.wait_files("run, got TERM", [0, b'u', 1, 1]);
    before.process().unwrap().kill(Signal::KILL);
    service.wait_run_again(&before);
    assert!(runsv.lives());
}

#[test]
fn exit_waits_for_finish() {
    let service = ServiceDirBuilder::sleeper()
        .finish("echo finish >order; sleep 0.3; echo end >>order")
        .build();
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
    assert_eq!(lines(&service.join("order")), ["finish", "end"]);
}

#[test]
fn exit_during_finish() {
    let service = ServiceDirBuilder::sleeper().finish("exec sleep 100000").build();
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.send("d");
    let finish = service.wait_finish();
    finish.process().unwrap().wait_for_exec("sleep");
    service.send("x");
    service.wait_stat("finish, want exit");
    assert!(runsv.lives());
    finish.process().unwrap().kill(Signal::TERM);
    assert_eq!(runsv.wait_exit(), 0);
}

#[test]
fn a_supervisor_can_start_where_one_has_ended() {
    let service = ServiceDirBuilder::sleeper().log_run("exec cat >/dev/null").build();
    for _ in 0..3 {
        let mut runsv = Supervisor::runsv(service.path());
        service.wait_running("sleep");
        service.log.wait_running("cat");
        runsv.kill(Signal::TERM);
        assert_eq!(runsv.wait_exit(), 0);
    }
}

#[test]
fn a_service_that_outlived_its_supervisor_is_no_obstacle() {
    let service = ServiceDirBuilder::sleeper().build();
    let mut first = Supervisor::runsv(service.path());
    let orphan = service.wait_running("sleep");
    first.kill(Signal::KILL);
    assert_eq!(first.wait_exit(), -1);
    let _second = Supervisor::runsv(service.path());
    service.wait_run_again(&orphan);
    assert!(orphan.process().unwrap().lives());
}
