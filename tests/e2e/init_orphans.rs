//! `runit` as process 1: what it reaps, what it waits for, and what it can do without.

use std::path::Path;

use runit_tests::dirs::text;
use runit_tests::init::{End, Machine, WAIT};
use runit_tests::prelude::*;
use runit_tests::strace::attach;
use rustix::process::Signal;

/// As many orphans as a storm has: each is made by a process that ends at once.
const STORM: &str = "n=0
while [ $n -lt 2500 ]; do
    (true & true & true & true &)
    n=$((n + 1))
done
echo made >>/log";

/// Whether process 1 waits for a signal, and for no time to pass.
pub fn waits_without_limit(process: Proc) -> Result<(), String> {
    let call = process.call();
    let words: Vec<_> = call.iter().map(String::as_str).collect();
    // The call's number (rt_sigtimedwait), then its arguments: set, information, limit.
    let number = if cfg!(target_arch = "x86_64") { "128" } else { "137" };
    match words[..] {
        [first, _, _, "0x0", ..] if first == number => Ok(()),
        _ => Err(call.join(" ")),
    }
}

/// Waits until process 1 has no child but stage 2, not even a dead one.
fn wait_until_reaped(first: Proc) {
    wait_until("no child but stage 2", || {
        // `Proc::children` are those that live.
        let all = Proc::all().into_iter();
        let count = all.filter(|process| process.parent() == Some(first)).count();
        if count == 1 { Ok(()) } else { Err(format!("{count} children")) }
    });
}

#[test]
fn a_storm_of_orphans_is_reaped() {
    let machine = Machine::new();
    machine.stage("1", "true");
    machine.stage("2", &format!("{STORM}\n{WAIT}"));
    let mut system = machine.boot();
    system.wait_log("made up");
    let first = system.first();
    wait_until_reaped(first);
    // And it still does its work.
    machine.flag("stopit", 0o100);
    system.kill(Signal::CONT);
    assert_eq!(system.wait_end(), End::PowerOff);
}

#[test]
fn nothing_wakes_it_when_nothing_happens() {
    only_ours!("runit", "C wakes up every 14 seconds");
    let machine = Machine::new();
    machine.stage("1", "true");
    machine.stage("2", &format!("(true &)\n{WAIT}"));
    let system = machine.boot();
    system.wait_log("up");
    let first = system.first();
    wait_until_reaped(first);
    wait_until("an endless wait", || waits_without_limit(first));
    let before = first.voluntary_switches();
    wait_until("an endless wait", || waits_without_limit(first));
    assert_eq!(first.voluntary_switches(), before);
}

#[test]
fn nothing_wakes_it_after_a_crash_and_requests() {
    only_ours!("runit", "C wakes up every 14 seconds");
    let machine = Machine::new();
    machine.stage("1", "true");
    machine.stage("2", &format!("[ -e /tmp/x ] || {{ : >/tmp/x; exit 111; }}\n{WAIT}"));
    machine.stage("ctrlaltdel", "echo asked >>/log");
    let system = machine.boot();
    system.wait_log("up");
    system.kill(Signal::INT);
    system.wait_said("- runit: leave stage: /etc/runit/ctrlaltdel");
    wait_until("an endless wait", || waits_without_limit(system.first()));
}

#[test]
fn sync_is_left_out_where_nosync_is_executable() {
    only_ours!("runit", "Debian's knows it too, but traced, it is its child that syncs");
    for (mode, syncs) in [(0o100, 0), (0o644, 1)] {
        let machine = Machine::new();
        machine.stage("1", "true");
        machine.stage("nosync", "");
        runit_tests::dirs::set_mode(&machine.path("etc/runit/nosync"), mode);
        machine.flag("stopit", 0o100);
        let mut system = machine.boot();
        system.wait_log("2 up");
        let output = machine.path("tmp/strace").to_string_lossy().into_owned();
        let mut strace = attach(system.first(), &["-o", &output, "-e", "trace=sync"]);
        system.kill(Signal::CONT);
        assert_eq!(system.wait_end(), End::PowerOff);
        let _ = strace.wait();
        let calls = text(Path::new(&output));
        assert_eq!(calls.matches("sync()").count(), syncs, "{mode:o}: {calls}");
    }
}

#[test]
fn it_needs_no_descriptor() {
    only_ours!("runit", "C waits until it has a pipe");
    let console = runit_tests::pty::Pty::new();
    let machine = Machine::new().console(&console);
    let machine = machine.first("/bin/sh -c 'ulimit -n 3; exec /sbin/runit'");
    let mut system = machine.boot();
    // The stages, which are scripts and cannot be opened, are what is lacking.
    assert_eq!(system.wait_end(), End::PowerOff);
    let said = system.said();
    for line in [
        "- runit: warning: unable to open /dev/console: process cannot open more files\n",
        "- runit: warning: child failed: /etc/runit/1\n",
        "- runit: warning: child failed: /etc/runit/3\n",
    ] {
        assert!(said.contains(line), "{line:?} is not in {said}");
    }
}

#[test]
fn stages_may_leave_children() {
    let machine = Machine::new();
    for stage in ["1", "2", "3"] {
        let leave = "sh -c 'trap \"\" TERM HUP; while :; do sleep 1000; done' &";
        machine.stage(stage, &format!("{leave}\necho {stage} >>/log"));
    }
    let mut system = machine.boot();
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "1 2 3");
}
