//! The end of a service with a log: what was written is read.

use runit_tests::dirs::{
    APPEND, SLEEP, lines, make_fifo, open_gate, text, wait_line_count, wait_lines,
};
use runit_tests::prelude::*;
use rustix::process::Signal;

#[test]
fn the_logger_reads_to_the_end_and_then_the_supervisor_ends() {
    let service = ServiceDirBuilder::new()
        .run(
            "trap 'echo run >>order; echo last; exit 0' TERM\n\
              echo ready >ready; sleep 100000 & while :; do wait; done",
        )
        .finish("echo finish >>order; echo finish")
        .control('x', "echo x >>order; echo x")
        .log_run("cat >>lines; echo logger >>../order")
        .build();
    let mut runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("ready"), &["ready"]);
    service.log.wait_state(State::Run);
    // What the service left behind must not keep the pipe open.
    let main = service.wait_state(State::Run).process().unwrap();
    let left = wait_until("its child", || main.children().first().copied());
    left.wait_for_exec("sleep");
    service.send("x");
    left.kill(Signal::KILL);
    assert_eq!(runsv.wait_exit(), 0);
    let mut seen = lines(&service.join("log/lines"));
    seen.sort();
    assert_eq!(seen, ["finish", "last", "x"]);
    let order = lines(&service.join("order"));
    assert_eq!(order.last().map(String::as_str), Some("logger"), "{order:?}");
    service.wait_files("down", [0, b'd', 0, 0]);
    service.log.wait_state(State::Down);
}

#[test]
fn the_supervisor_waits_for_a_logger_that_still_has_to_write() {
    let service = ServiceDirBuilder::new()
        .run("echo line; exec sleep 100000")
        .log_run("cat >lines.new; echo drained >state; : <gate; mv lines.new lines")
        .build();
    make_fifo(&service.join("log/gate"));
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.send("x");
    wait_lines(&service.join("log/state"), &["drained"]);
    assert!(runsv.lives());
    assert!(service.is_supervised());
    open_gate(&service.join("log/gate"));
    assert_eq!(runsv.wait_exit(), 0);
    assert_eq!(text(&service.join("log/lines")), "line\n");
}

#[test]
fn another_writer_keeps_the_logger_and_the_supervisor() {
    let service = ServiceDirBuilder::new()
        .run("(trap '' TERM; echo $$ >../writer; exec sleep 200000) & exec sleep 100000")
        .log_run(APPEND)
        .build();
    let mut runsv = Supervisor::runsv(service.path());
    let main = service.wait_running("sleep").process().unwrap();
    let writer = wait_until("the other writer", || main.children().first().copied());
    writer.wait_for_exec("sleep");
    service.send("x");
    service.wait_state(State::Down);
    assert!(runsv.lives());
    assert_eq!(service.log.status().state, State::Run);
    writer.kill(Signal::KILL);
    assert_eq!(runsv.wait_exit(), 0);
}

#[test]
fn up_while_the_logger_drains_does_no_harm() {
    only_ours!("the reference starts the service again, with its pipe closed");
    let service = ServiceDirBuilder::new()
        .run("echo run >>starts; echo line; exec sleep 100000")
        .log_run("cat >lines; echo drained >state; : <gate")
        .build();
    make_fifo(&service.join("log/gate"));
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.send("x");
    wait_lines(&service.join("log/state"), &["drained"]);
    service.send("u");
    service.log.send("u");
    open_gate(&service.join("log/gate"));
    assert_eq!(runsv.wait_exit(), 0);
    assert_eq!(lines(&service.join("starts")), ["run"]);
}

#[test]
fn exit_with_a_logger_that_is_down() {
    let service = ServiceDirBuilder::sleeper().log_run(SLEEP).log_down().build();
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.log.wait_state(State::Down);
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
}

#[test]
fn what_a_crashed_logger_left_is_not_lost_at_the_end() {
    only_ours!("the reference ends without a logger to read what is left");
    let service = ServiceDirBuilder::new()
        .run("echo line; exec sleep 100000")
        .finish("echo finish; : >finished")
        // Each second, until there is nobody left to write to it.
        .log_run("[ ! -e ../finished ] || exec cat >>lines; echo crashed >>crashed; exit 1")
        .build();
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    wait_line_count(&service.join("log/crashed"), 1);
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
    assert_eq!(lines(&service.join("log/lines")), ["line", "finish"]);
}
