//! `runit` as process 1 when it cannot go on as it should: it never ends for that.

use std::path::Path;

use runit_tests::dirs::{text, write};
use runit_tests::init::{End, Machine, WAIT};
use runit_tests::prelude::*;
use runit_tests::strace::attach;
use rustix::process::Signal;

use crate::init_orphans::waits_without_limit;

/// The calls that make a process.
const FORK: &str = "clone,clone3,fork,vfork";

/// The call in which process 1 waits.
const WAITING: &str = "rt_sigtimedwait";

/// A machine that may be taken down, with no first stage to speak of.
fn machine() -> Machine {
    let machine = Machine::new();
    machine.stage("1", "true");
    machine.flag("stopit", 0o100);
    machine
}

/// What a machine says of a third stage that it cannot start now.
fn pausing(cause: &str) -> String {
    format!("- runit: fatal: unable to fork for \"/etc/runit/3\" pausing: {cause}\n")
}

#[test]
fn a_process_that_cannot_be_made_is_made_later() {
    for (errno, cause) in [("EAGAIN", "temporary failure"), ("ENOMEM", "out of memory")] {
        let machine = machine();
        let mut system = machine.boot();
        system.wait_log("2 up");
        let output = machine.path("tmp/strace").to_string_lossy().into_owned();
        let trace = format!("trace={FORK},{WAITING}");
        let inject = format!("inject={FORK}:error={errno}:when=1..3");
        let words = ["-ttt", "-o", &output, "-e", &trace, "-e", &inject];
        let mut strace = attach(system.first(), &words);
        system.kill(Signal::CONT);
        assert_eq!(system.wait_end(), End::PowerOff);
        // It ends as what it traced has.
        strace.wait().unwrap();
        assert_eq!(system.log(), "2 up TERM 3");
        let calls = text(Path::new(&output));
        assert_eq!(calls.matches("(INJECTED)").count(), 3, "{calls}");
        let said = system.said();
        let times = said.matches(&pausing(cause)).count();
        if suite::is_program_ours("runit") {
            assert_eq!(times, 1, "{said}");
            assert_a_pause_follows_each_failure(&calls);
        } else {
            // C says it each time.
            assert_eq!(times, 3, "{said}");
        }
    }
}

/// Checks that between one failure and the next try it has waited for a time to pass: it does not
/// spin, however long that lasts. Where it did not get on for that time, there is no need to wait.
#[track_caller]
fn assert_a_pause_follows_each_failure(calls: &str) {
    let (mut paused, mut failed_at) = (true, 0.0);
    for line in calls.lines() {
        let (time, call) = line.split_once(' ').unwrap();
        let time: f64 = time.parse().unwrap();
        if call.starts_with(WAITING) {
            paused |= call.contains("= -1 EAGAIN");
        } else {
            let late = time - failed_at > 0.9;
            assert!(paused || late, "{line} follows at once in:\n{calls}");
            (paused, failed_at) = (!call.contains("(INJECTED)"), time);
        }
    }
}

#[test]
fn a_stage_for_which_there_is_no_memory_is_tried_again() {
    only_ours!("runit", "C takes it for one that has ended");
    let machine = machine();
    let mut system = machine.boot();
    system.wait_log("2 up");
    let first = system.first();
    let output = machine.path("tmp/strace").to_string_lossy().into_owned();
    let calls = ["-e", "trace=execve", "-e", "inject=execve:error=ENOMEM"];
    // Children too: they are what executes the stage.
    let mut strace = attach(first, &[&["-f", "-o", &output], &calls[..]].concat());
    system.kill(Signal::CONT);
    wait_until("three tries", || {
        let calls = text(Path::new(&output));
        if calls.matches("(INJECTED)").count() >= 3 { Ok(()) } else { Err(calls) }
    });
    assert!(system.lives());
    let said = system.said();
    assert_eq!(said.matches(&pausing("out of memory")).count(), 1, "{said}");
    assert_eq!(system.log(), "2 up TERM");
    // A strace that is to let go hangs where a child has just been made, and waits for it.
    first.kill(Signal::KILL);
    strace.wait().unwrap();
}

/// A descriptor that no kernel gives, as which all its bits are taken: the library panics of it.
const NO_DESCRIPTOR: &str = "retval=0xffffffff";

#[test]
fn after_a_panic_it_stays_and_reaps() {
    only_ours!("runit", "C has no panics");
    let machine = machine();
    // At a word, orphans that end at once and orphans that end later.
    machine.stage(
        "2",
        &format!(
            "echo 2 >>/log; until [ -e /tmp/go ]; do sleep 0.01; done
for each in 1 2 3 4 5 6 7 8 9; do (true & (sleep 0.1 &) &); done
{WAIT}"
        ),
    );
    machine.stage("ctrlaltdel", "echo asked >>/log");
    let mut system = machine.boot();
    system.wait_log("2");
    let first = system.first();
    // The first message does not get where messages go, so that a console is opened.
    let output = machine.path("tmp/strace").to_string_lossy().into_owned();
    let poll = "inject=?poll,?ppoll,?ppoll_time64:retval=0";
    let open = format!("inject=?open,?openat:{NO_DESCRIPTOR}");
    let mut strace = attach(first, &["-o", &output, "-e", poll, "-e", &open]);
    system.kill(Signal::INT);
    wait_until("the panic", || {
        let said = system.said();
        if said.contains("- runit: panic: ") { Ok(()) } else { Err(said) }
    });
    // It lets it go.
    Proc(strace.id()).kill(Signal::TERM);
    strace.wait().unwrap();
    let panicked = system.said();
    let line = panicked.lines().last().unwrap_or_default();
    assert!(line.starts_with("- runit: panic: ") && line.contains(".rs:"), "{panicked}");

    // What runs goes on, and what has ended is reaped.
    write(&machine.path("tmp/go"), "");
    system.wait_log("2 up");
    let children = || Proc::all().into_iter().filter(|each| each.parent() == Some(first));
    wait_until("no child but stage 2", || {
        let count = children().count();
        if count == 1 { Ok(()) } else { Err(format!("{count}")) }
    });
    // Nothing ends it, and it answers nothing.
    for signal in [Signal::HUP, Signal::INT, Signal::TERM, Signal::CONT, Signal::POWER] {
        system.kill(signal);
        first.wait_for_taken(signal);
    }
    // What the stage had started is a child only when the stage has ended.
    wait_until("no child", || {
        children().for_each(|each| {
            let _ = each.try_kill(Signal::KILL);
        });
        children().next().is_none()
    });
    wait_until("an endless wait", || waits_without_limit(first));
    assert!(system.lives());
    assert_eq!((system.said(), system.log()), (panicked, "2 up".to_owned()));
}
