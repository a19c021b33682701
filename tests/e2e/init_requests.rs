//! `runit` as process 1: signals, and `runit-init`, which sends them.

use runit_tests::dirs::set_mode;
use runit_tests::init::{End, Machine, WAIT};
use runit_tests::prelude::*;
use runit_tests::run::Run;
use rustix::process::Signal;

/// A machine without a stage 1 to speak of.
fn machine() -> Machine {
    let machine = Machine::new();
    machine.stage("1", "true");
    machine
}

#[test]
fn cont_goes_to_stage_3_if_stopit_is_executable() {
    let machine = machine();
    machine.flag("stopit", 0o100);
    let mut system = machine.boot();
    system.wait_log("2 up");
    system.kill(Signal::CONT);
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "2 up TERM 3");
    assert_eq!(machine.flag_mode("stopit"), 0);
    let lines = "- runit: leave stage: /etc/runit/2\n- runit: enter stage: /etc/runit/3\n";
    assert!(system.said().contains(lines), "{}", system.said());
}

#[test]
fn cont_alone_and_other_signals_do_nothing() {
    let machine = machine();
    let mut system = machine.boot();
    system.wait_log("2 up");
    let mut signals = vec![Signal::CONT, Signal::INT, Signal::HUP, Signal::TERM];
    if suite::is_program_ours("runit") {
        // These end C's stage 2, or C itself, when they come from outside.
        signals.extend([Signal::ALARM, Signal::POWER]);
    }
    machine.flag("stopit", 0o644);
    for signal in signals {
        system.kill(signal);
    }
    // Two of a kind are one: the next must come later. The first may be taken and the script not
    // looked for yet: then it is run for both.
    system.first().wait_for_taken(Signal::INT);
    machine.stage("ctrlaltdel", "grep -q asked /log || echo asked >>/log");
    system.kill(Signal::INT);
    system.wait_log("2 up asked");
    assert!(system.lives());
    assert_eq!(machine.flag_mode("stopit"), 0o644);
    system.wait_said("- runit: leave stage: /etc/runit/ctrlaltdel");
}

#[test]
fn stage_2_that_does_not_end_is_killed() {
    for stops in [false, true] {
        let machine = machine();
        let trap = WAIT.replace("exit' TERM", "' TERM");
        let stop = if stops { "kill -STOP $$" } else { "" };
        machine.stage("2", &trap.replace("while", &format!("{stop}\nwhile")));
        machine.flag("stopit", 0o100);
        let mut system = machine.boot();
        system.wait_log("up");
        if stops {
            let stage = wait_until("stage 2", || system.first().children().first().copied());
            stage.wait_for_state('T');
        }
        system.kill(Signal::CONT);
        assert_eq!(system.wait_end(), End::PowerOff);
        assert_eq!(system.log(), if stops { "up 3" } else { "up TERM 3" });
        let lines = "- runit: warning: stage 2 not terminated, sending sigkill...
- runit: leave stage: /etc/runit/2\n";
        assert!(system.said().contains(lines), "{}", system.said());
    }
}

#[test]
fn int_runs_ctrlaltdel_and_then_cont_is_acted_on() {
    let machine = machine();
    let script = "echo asked >>/log; for f in stopit reboot; do : >/etc/runit/$f; chmod 100 /etc/runit/$f; done";
    machine.stage("ctrlaltdel", script);
    let mut system = machine.boot();
    system.wait_log("2 up");
    system.kill(Signal::INT);
    assert_eq!(system.wait_end(), End::Reboot);
    assert_eq!(system.log(), "2 up asked TERM 3");
    let lines = "- runit: ctrl-alt-del request...
- runit: enter stage: /etc/runit/ctrlaltdel
- runit: leave stage: /etc/runit/ctrlaltdel
- runit: leave stage: /etc/runit/2\n";
    assert!(system.said().contains(lines), "{}", system.said());
}

#[test]
fn ctrlaltdel_that_does_not_allow_it_changes_nothing() {
    let machine = machine();
    machine.stage("ctrlaltdel", "echo asked >>/log");
    let mut system = machine.boot();
    system.wait_log("2 up");
    let first = system.first();
    first.kill(Signal::INT);
    system.wait_said("- runit: leave stage: /etc/runit/ctrlaltdel");
    set_mode(&machine.path("etc/runit/ctrlaltdel"), 0o644);
    first.kill(Signal::INT);
    // The next request shows that the last was seen. After the script it looks at the file, too:
    // if only now, then it may be gone already.
    machine.flag("stopit", 0o100);
    let _ = first.try_kill(Signal::CONT);
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "2 up asked TERM 3");
}

#[test]
fn a_script_that_hangs_holds_nothing_up() {
    only_ours!("runit", "C waits for it");
    let machine = machine();
    machine.stage("ctrlaltdel", "echo hangs >>/log; while :; do sleep 1000; done");
    let mut system = machine.boot();
    system.wait_log("2 up");
    system.kill(Signal::INT);
    system.wait_log("2 up hangs");
    machine.flag("stopit", 0o100);
    system.kill(Signal::CONT);
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "2 up hangs TERM 3");
}

#[test]
fn pwr_runs_pwrfail_and_then_cont_is_acted_on() {
    only_ours!("runit", "there from 2.3.0 on");
    let machine = machine();
    machine
        .stage("pwrfail", "echo power >>/log; : >/etc/runit/stopit; chmod 100 /etc/runit/stopit");
    let mut system = machine.boot();
    system.wait_log("2 up");
    system.kill(Signal::POWER);
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "2 up power TERM 3");
    let lines = "- runit: power failure...\n- runit: enter stage: /etc/runit/pwrfail\n";
    assert!(system.said().contains(lines), "{}", system.said());
}

#[test]
fn requests_are_for_stage_2_alone() {
    for (stage, signal) in [("1", Signal::CONT), ("3", Signal::INT)] {
        let machine = machine();
        machine.stage("2", "true");
        machine.stage("3", "true");
        machine.stage(stage, "echo here >>/log; while [ ! -e /tmp/go ]; do sleep 0.01; done");
        machine.stage("ctrlaltdel", "echo asked >>/log");
        machine.flag("stopit", 0o100);
        let mut system = machine.boot();
        system.wait_log("here");
        system.kill(signal);
        system.wait_said("- runit: warning: signals only work in stage 2.");
        runit_tests::dirs::write(&machine.path("tmp/go"), "");
        assert_eq!(system.wait_end(), End::PowerOff);
        assert_eq!(system.log(), "here");
        assert_eq!(machine.flag_mode("stopit"), 0o100);
    }
}

#[test]
fn runit_init_powers_off_and_reboots() {
    for (argument, before, end) in [
        ("0", None, End::PowerOff),
        ("0", Some(0o100), End::PowerOff),
        ("6", None, End::Reboot),
        ("6", Some(0), End::Reboot),
    ] {
        let machine = machine();
        let command = format!("/sbin/runit-init {argument}");
        machine.stage("2", &WAIT.replace("while", &format!("{command}\nwhile")));
        if let Some(mode) = before {
            machine.flag("reboot", mode);
        }
        let mut system = machine.boot();
        assert_eq!(system.wait_end(), end, "{argument} {before:?}: {}", system.said());
        assert_eq!(system.log(), "up TERM 3");
        assert_eq!(machine.flag_mode("stopit"), 0);
        let reboot = machine.path("run/runit.reboot");
        let mode = reboot.exists().then(|| machine.flag_mode("reboot"));
        let expected = if end == End::Reboot { Some(0o100) } else { before.map(|_| 0) };
        assert_eq!(mode, expected);
    }
}

#[test]
fn runit_init_says_what_it_cannot_do() {
    let machine = machine();
    machine.stage("2", "rm /etc/runit/stopit; ln -s /none/x /etc/runit/stopit; rm -r /run; /sbin/runit-init 0; echo $? >>/log");
    let mut system = machine.boot();
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "111 3");
    let said = system.said();
    let line = said.lines().find(|line| line.starts_with("init: ")).unwrap_or_default();
    assert!(line.starts_with("init: fatal: unable to create /"), "{line}");
    if suite::is_program_ours("runit-init") {
        // C tells the cause of another failure.
        assert!(line.ends_with("stopit: file does not exist"), "{line}");
    }
}

#[test]
fn runit_init_becomes_runit_as_process_1() {
    let machine = machine().first("/sbin/runit-init");
    machine.stage("2", "true");
    let mut system = machine.boot();
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "3");
}

#[test]
fn runit_init_tells_its_usage() {
    for arguments in [&[][..], &["x"], &[""], &["1"]] {
        let ran = Run::new("runit-init").args(arguments).run();
        assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{arguments:?}");
        assert!(ran.stderr.starts_with("usage: "), "{ran:?}");
        assert!(ran.stderr.ends_with("runit-init 0|6\n\n"), "{ran:?}");
    }
    let ran = Run::new("runit-init").arg("-V").run();
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert!(ran.stderr.starts_with("$Id: "), "{ran:?}");
    assert!(ran.stderr.ends_with("runit-init 0|6\n\n"), "{ran:?}");
}
