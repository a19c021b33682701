//! `runit` as process 1: stages, how they end, and what follows.

use std::fs;
use std::os::unix::fs::symlink;

use runit_tests::dirs::{lines, write};
use runit_tests::init::{End, Machine, WAIT};
use runit_tests::prelude::*;
use runit_tests::pty::Pty;
use runit_tests::run::Run;
use rustix::process::Signal;

/// The lines of process 1 without the first, which tells the version.
fn said(text: &str) -> Vec<&str> {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    assert!(first.starts_with("- runit: ") && first.ends_with(": booting."), "{text}");
    lines.collect()
}

const NO_CONSOLE: &str = "- runit: warning: unable to open /dev/console: file does not exist";

#[test]
fn three_stages_in_turn_and_then_the_power_goes_off() {
    let machine = Machine::new();
    machine.stage("2", "echo 2 >>/log");
    let mut system = machine.boot();
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "1 2 3");
    let expected = [
        NO_CONSOLE,
        "- runit: enter stage: /etc/runit/1",
        "- runit: leave stage: /etc/runit/1",
        "- runit: enter stage: /etc/runit/2",
        "- runit: leave stage: /etc/runit/2",
        "- runit: enter stage: /etc/runit/3",
        "- runit: leave stage: /etc/runit/3",
        "- runit: sending KILL signal to all processes...",
        "- runit: power off...",
    ];
    assert_eq!(said(&system.said()), expected);
}

#[test]
fn it_reboots_where_reboot_is_executable_by_its_owner() {
    for (mode, end) in [(0o100, End::Reboot), (0o755, End::Reboot), (0o644, End::PowerOff)] {
        let machine = Machine::new();
        machine.stage("2", "echo 2 >>/log");
        machine.flag("reboot", mode);
        let mut system = machine.boot();
        assert_eq!(system.wait_end(), end, "{mode:o}");
        let rebooted = system.said().ends_with("- runit: system reboot.\n");
        assert_eq!(rebooted, end == End::Reboot, "{}", system.said());
        assert_eq!(machine.flag_mode("reboot"), mode);
    }
}

#[test]
fn a_stage_that_is_missing_is_passed_over() {
    for (missing, log) in [("1", "2 3"), ("2", "1 3"), ("3", "1 2")] {
        let machine = Machine::new();
        machine.stage("2", "echo 2 >>/log");
        fs::remove_file(machine.path("etc/runit").join(missing)).unwrap();
        let mut system = machine.boot();
        assert_eq!(system.wait_end(), End::PowerOff);
        assert_eq!(system.log(), log);
        let line = format!(
            "- runit: enter stage: /etc/runit/{missing}
- runit: fatal: unable to start child: /etc/runit/{missing}: file does not exist
- runit: leave stage: /etc/runit/{missing}\n"
        );
        assert!(system.said().contains(&line), "{}", system.said());
    }
}

#[test]
fn stage_1_may_forbid_stage_2() {
    let machine = Machine::new();
    machine.stage("1", "echo 1 >>/log; exit 100");
    let mut system = machine.boot();
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "1 3");
    let lines = "- runit: warning: child failed: /etc/runit/1
- runit: leave stage: /etc/runit/1
- runit: warning: skipping stage 2...
- runit: enter stage: /etc/runit/3\n";
    assert!(system.said().contains(lines), "{}", system.said());
}

#[test]
fn other_codes_of_stages_1_and_2_are_only_noted() {
    let machine = Machine::new();
    machine.stage("1", "echo 1 >>/log; exit 111");
    machine.stage("2", "echo 2 >>/log; exit 100");
    machine.stage("3", "echo 3 >>/log; exit 1");
    let mut system = machine.boot();
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "1 2 3");
    for stage in 1..=3 {
        let line = format!(
            "- runit: warning: child failed: /etc/runit/{stage}
- runit: leave stage: /etc/runit/{stage}\n"
        );
        assert!(system.said().contains(&line), "{}", system.said());
    }
}

#[test]
fn stage_1_that_crashes_forbids_stage_2() {
    only_ours!("runit", "2.1.2 takes a crash for success; 2.3.0 does not");
    let machine = Machine::new();
    machine.stage("1", "echo 1 >>/log; kill -SEGV $$");
    let mut system = machine.boot();
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "1 3");
    let lines = "- runit: warning: child crashed: /etc/runit/1
- runit: leave stage: /etc/runit/1
- runit: warning: skipping stage 2...\n";
    assert!(system.said().contains(lines), "{}", system.said());
}

/// Stage 2 fails, leaving a process in its group behind, and is run once more.
fn restarts(end: &str, how: &str) {
    let machine = Machine::new();
    machine.stage(
        "2",
        &format!(
            "[ ! -e /tmp/second ] || {{ flock -n /tmp/lock true; echo $? >>/log; exit; }}
sh -c 'trap \"\" TERM HUP; flock 9; echo >/tmp/left; while :; do sleep 1000; done' 9>/tmp/lock &
while [ ! -s /tmp/left ]; do sleep 0.01; done
echo 2 >>/log; : >/tmp/second
{end}"
        ),
    );
    let mut system = machine.boot();
    assert_eq!(system.wait_end(), End::PowerOff);
    // Nothing of the group is left when it begins again, but for what waits to be reaped: the
    // lock can be had.
    assert_eq!(system.log(), "1 2 0 3");
    let lines = format!(
        "- runit: enter stage: /etc/runit/2
- runit: warning: child {how}: /etc/runit/2
- runit: warning: killing all processes in stage 2...
- runit: warning: restarting.
- runit: enter stage: /etc/runit/2
- runit: leave stage: /etc/runit/2\n"
    );
    assert!(system.said().contains(&lines), "{}", system.said());
}

#[test]
fn stage_2_that_says_111_is_run_again() {
    restarts("exit 111", "failed");
}

#[test]
fn stage_2_that_crashes_is_run_again() {
    only_ours!("runit", "2.1.2 goes on to stage 3; 2.3.0 does not");
    restarts("kill -SEGV $$", "crashed");
}

#[test]
fn stages_2_and_3_lead_sessions_and_stages_start_clean() {
    let machine = Machine::new().with_proc().env("SOME", "thing");
    let show = "echo $SOME; sed -n 's/^SigBlk:\t//p' /proc/self/status
read -r pid _ _ _ group session _ </proc/$$/stat; echo $((pid == group)) $((pid == session))";
    for stage in ["1", "2", "3"] {
        machine.stage(stage, &format!("{{ {show}; }} >/tmp/{stage}"));
    }
    let mut system = machine.boot();
    system.wait_end();
    // HUP, INT, PIPE, ALRM, TERM, CHLD, CONT; what else process 1 was started with C hands on.
    let clear: u64 = [1, 2, 13, 14, 15, 17, 18].iter().map(|signal| 1 << (signal - 1)).sum();
    let clear = if suite::is_program_ours("runit") { u64::MAX } else { clear };
    for stage in ["1", "2", "3"] {
        let seen = lines(&machine.path("tmp").join(stage));
        assert_eq!(seen[0], "thing");
        let blocked = u64::from_str_radix(&seen[1], 16).unwrap();
        assert_eq!(blocked & clear, 0, "stage {stage}");
        if stage != "1" {
            assert_eq!(seen[2], "1 1", "stage {stage}");
        }
    }
}

#[test]
fn stage_1_has_the_console() {
    let pty = Pty::new();
    let machine = Machine::new().console(&pty);
    machine
        .stage("1", "echo to the console; echo an error >&2; read -r answer; echo $answer >>/log");
    machine.stage("2", "echo also to the console");
    let mut system = machine.boot();
    let mut seen = String::new();
    wait_until("stage 1 on the console", || {
        seen.push_str(&pty.output());
        if seen.contains("an error\n") { Ok(()) } else { Err(seen.clone()) }
    });
    pty.type_in("typed\n");
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "typed 3");
    seen.push_str(&pty.output());
    for text in [
        ": booting.\n- runit: enter stage: /etc/runit/1\nto the console\nan error\n",
        "- runit: enter stage: /etc/runit/2\nalso to the console\n- runit: leave",
        "- runit: power off...\n",
    ] {
        assert!(seen.contains(text), "{text:?} is not in {seen}");
    }
    assert_eq!(system.said(), "", "all goes to the console");
}

#[test]
fn the_console_controls_stage_1() {
    only_ours!("runit", "the reference tries to, and fails");
    let pty = Pty::new();
    let machine = Machine::new().with_proc().console(&pty);
    // By `/dev/tty`, which is the controlling terminal, and by what an interrupt does.
    let prepared = machine.prepare("touch dev/tty; mount --bind /dev/tty dev/tty");
    prepared
        .stage("1", "trap 'echo INT >>/log; exit' INT; echo ready >/dev/tty; sleep 1000 & wait");
    prepared.stage("2", "true");
    let mut system = prepared.boot();
    let mut seen = String::new();
    wait_until("stage 1 on its terminal", || {
        seen.push_str(&pty.output());
        if seen.contains("ready\n") { Ok(()) } else { Err(seen.clone()) }
    });
    pty.type_in("\x03");
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "INT 3");
}

#[test]
fn a_console_that_hung_up_is_opened_anew() {
    only_ours!("runit", "C stays silent");
    let (lost, console) = (Pty::new(), Pty::new());
    let mount = |pty: &Pty, to| format!("mount --bind {} dev/{to}", pty.path().display());
    let machine = Machine::new().prepare(&mount(&lost, "lost")).prepare(&mount(&console, "new"));
    let link = machine.path("dev/console");
    for each in ["lost", "new"] {
        write(&machine.path("dev").join(each), "");
    }
    symlink("lost", &link).unwrap();
    machine.stage("1", "true");
    machine.stage("3", "echo said by stage 3 >&2; echo 3 >>/log");
    let mut system = machine.boot();
    system.wait_log("2 up");
    fs::remove_file(&link).unwrap();
    symlink("new", &link).unwrap();
    lost.hang_up();
    machine.flag("stopit", 0o100);
    system.kill(Signal::CONT);
    assert_eq!(system.wait_end(), End::PowerOff);
    let seen = console.output();
    for line in ["leave stage: /etc/runit/2", "said by stage 3", "power off..."] {
        assert!(seen.contains(line), "{line:?} is not in {seen:?}");
    }
}

#[test]
fn a_console_that_is_stopped_stops_nothing() {
    only_ours!("runit", "C waits for it");
    let console = Pty::new();
    let machine = Machine::new().console(&console);
    machine.stage("1", "true");
    let mut system = machine.boot();
    system.wait_log("2 up");
    // Ctrl-S.
    console.type_in("\x13");
    machine.flag("stopit", 0o100);
    system.kill(Signal::CONT);
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "2 up TERM 3");
}

#[test]
fn only_process_1_may() {
    let ran = Run::new("runit").run();
    assert_eq!(ran.code, 111);
    assert_eq!(ran.stderr, "- runit: fatal: must be run as process no 1.\n");
}

#[test]
fn a_file_system_that_cannot_be_written_stops_nothing() {
    let read_only = "mkdir mnt; mount --rbind . mnt; mount -o remount,ro,bind mnt; cd mnt";
    let machine = Machine::new().prepare(read_only);
    machine.flag("stopit", 0o100);
    machine.stage("1", "true");
    machine.stage("2", &WAIT.replace(">>/log", ">&2"));
    machine.stage("3", "touch /log; echo 3 >&2");
    let mut system = machine.boot();
    system.wait_said("up");
    system.kill(Signal::CONT);
    assert_eq!(system.wait_end(), End::PowerOff);
    assert!(system.said().contains("TERM\n- runit: leave stage: /etc/runit/2\n"));
    assert!(system.said().contains(": Read-only file system\n3\n"), "{}", system.said());
}
