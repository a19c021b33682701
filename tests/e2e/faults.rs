//! What `cargo xtask faults` has found: each was wrong once.

use runit_tests::dirs::text;
use runit_tests::init::{End, Machine};
use runit_tests::logs::{LogDir, Logger};
use runit_tests::prelude::*;
use runit_tests::run::Run;
use runit_tests::strace::{self, failing};
use runit_tests::tree::Tree;
use rustix::process::Signal;

/// The names of stat(2) on the processors that there are.
const STAT: &str = "?newfstatat,?stat,?stat64,?fstatat64,?statx";
const POLL: &str = "?poll,?ppoll,?ppoll_time64";

#[test]
fn what_changes_while_nothing_can_be_watched_is_seen() {
    only_ours!("the reference does not watch");
    if !strace::is_there("what_changes_while_nothing_can_be_watched_is_seen") {
        return;
    }
    let tree = Tree::new();
    tree.add("one");
    let words = failing("inotify_init1", "error=EMFILE:when=1", &tree.path("trace"), &[]);
    let runsvdir = Launch::new("runsvdir").arg(tree.service()).through(words).spawn();
    runsvdir.wait_stderr("unable to watch");
    // The watch is back at the next look, and so late that it tells nothing of this.
    tree.add("two").wait_running("sleep");
}

#[test]
fn that_signals_cannot_be_read_is_said_where_it_is_seen() {
    only_ours!("the reference has handlers");
    if !strace::is_there("that_signals_cannot_be_read_is_said_where_it_is_seen") {
        return;
    }
    let tree = Tree::new();
    let words = failing("signalfd4", "error=EMFILE:when=1", &tree.path("trace"), &[]);
    let launch = Launch::new("runsvdir").arg(tree.service()).arg("log: ..........");
    let mut runsvdir = launch.through(words).spawn();
    assert_eq!(runsvdir.wait_exit(), 100);
    let said = runsvdir.stderr();
    assert!(said.starts_with("runsvdir ") && said.contains(": fatal: "), "{said}");
}

#[test]
fn a_finish_that_cannot_be_looked_at_is_run() {
    only_ours!("the reference does not run it");
    if !strace::is_there("a_finish_that_cannot_be_looked_at_is_run") {
        return;
    }
    let finish = "#!/bin/sh\necho \"$@\" >finished\n";
    let service = ServiceDirBuilder::sleeper().finish(finish).build();
    let trace = service.parent().join("trace");
    let words = failing(STAT, "error=EIO", &trace, &["-P", "./finish"]);
    let _runsv = Launch::new("runsv").arg(service.path()).through(words).spawn();
    service.wait_running("sleep");
    service.send("d");
    wait_until("finish", || text_of(&service, "finished") == "-1 15\n");
    service.wait_state(State::Down);
}

fn text_of(service: &Service, name: &str) -> String {
    std::fs::read_to_string(service.join(name)).unwrap_or_default()
}

/// Without a pause it would be tens of thousands.
const FEW: usize = 1000;

#[test]
fn a_poll_that_always_fails_neither_stops_it_nor_makes_it_spin() {
    only_ours!("the reference is not tried");
    if !strace::is_there("a_poll_that_always_fails_neither_stops_it_nor_makes_it_spin") {
        return;
    }
    let tree = Tree::new();
    let service = tree.add("one");
    for (tool, arg) in [("runsv", service.path().to_owned()), ("runsvdir", tree.service())] {
        let trace = tree.path(tool);
        let words = failing(POLL, "error=ENOMEM", &trace, &[]);
        let mut supervisor = Launch::new(tool).arg(arg).through(words).spawn();
        let before = service.wait_running("sleep");
        service.send("t");
        let before = service.wait_run_again(&before);
        service.send("t");
        service.wait_run_again(&before);
        let calls = text(&trace).lines().count();
        assert!(calls > 0 && calls < FEW, "{tool}: {calls}");
        assert!(supervisor.lives());
        service.send("x");
        if tool == "runsv" {
            assert_eq!(supervisor.wait_exit(), 0);
        }
    }
}

#[test]
fn a_log_directory_that_cannot_be_looked_at_stays_in_use() {
    only_ours!("the reference ends");
    if !strace::is_there("a_log_directory_that_cannot_be_looked_at_stays_in_use") {
        return;
    }
    let (dir, temp) = (LogDir::new(""), TempDir::new());
    let path = dir.path().display().to_string();
    // That of the descriptor, when it starts, is another call.
    let words = failing(STAT, "error=EIO", &temp.path().join("trace"), &["-P", &path]);
    let mut logger = Logger::launch(Launch::new("svlogd").arg("-v").arg(&path).through(words));
    logger.write("one\n");
    wait_until("the line", || dir.current() == "one\n");
    logger.process.kill(Signal::HUP);
    logger.process.wait_stderr("sighangup received.");
    logger.write("two\n");
    assert_eq!(logger.finish(), 0);
    assert_eq!(dir.current(), "one\ntwo\n");
    assert!(text(&temp.path().join("trace")).contains("INJECTED"));
}

#[test]
fn no_memory_is_said_and_ends_no_supervisor() {
    only_ours!("the reference asks for memory elsewhere");
    if !strace::is_there("no_memory_is_said_and_ends_no_supervisor") {
        return;
    }
    let tree = Tree::new();
    let trace = tree.path("trace");
    let sv = suite::bin("sv").display().to_string();
    let words = failing("?mmap,?mmap2", "error=ENOMEM", &trace, &[]);
    let mut run = Run::path(&words[0]).args(&words[1..]);
    run = run.arg(&sv).args(["status", "/nonexistent"]);
    assert_eq!(run.fails(111), "sv: fatal: out of memory\n");
    tree.add("one");
    let words = failing("?mmap,?mmap2", "error=ENOMEM:when=1..3", &trace, &[]);
    let runsvdir = Launch::new("runsvdir").arg(tree.service()).through(words).spawn();
    runsvdir.wait_stderr("runsvdir: warning: out of memory, trying again\n");
    wait_until("its supervisor", || runsvdir.runsv_names() == ["one"]);
}

#[test]
fn process_1_that_cannot_wait_reaps_all_the_same() {
    only_ours!("runit", "the reference does not wait in this way");
    if !strace::is_there("process_1_that_cannot_wait_reaps_all_the_same") {
        return;
    }
    // Its stages end by themselves, and no signal of their end is ever taken.
    let machine = Machine::new().first(
        "strace -D -qq -o /trace \
         --trace='?rt_sigtimedwait,?rt_sigtimedwait_time64' \
         --inject='?rt_sigtimedwait,?rt_sigtimedwait_time64:error=EAGAIN' /sbin/runit",
    );
    machine.stage("2", "echo 2 >>/log");
    let mut system = machine.boot();
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "1 2 3");
    let trace = text(&machine.path("trace"));
    let calls = trace.matches("INJECTED").count();
    assert!(calls > 0 && trace.lines().count() < FEW, "{calls} of {}", trace.lines().count());
}

#[test]
fn a_bounding_set_that_cannot_be_looked_at_is_not_taken_for_a_small_one() {
    only_ours!("chpst", "the reference has no such option");
    if !strace::is_there("a_bounding_set_that_cannot_be_looked_at_is_not_taken_for_a_small_one") {
        return;
    }
    let temp = TempDir::new();
    let words = failing("prctl", "error=EPERM:when=1", &temp.path().join("trace"), &[]);
    let chpst = suite::bin("chpst").display().to_string();
    let run = Run::path(&words[0]).args(&words[1..]).arg(&chpst);
    let said = run.args(["--bounding", "none", "true"]).fails(111);
    assert_eq!(said, "chpst: fatal: unable to reduce the bounding set: permission denied\n");
}
