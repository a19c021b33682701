//! `halt`, `poweroff`, `reboot` and `shutdown`, with a `runit-init` that only notes what it is told.

use std::fs;
use std::path::Path;

use runit_tests::dirs::{create_dir, lines, text, wait_lines, write_script};
use runit_tests::own::{Own, path};
use runit_tests::run::Ran;
use runit_tests::{Launch, Proc, strace, wait_until};
use rustix::process::Signal;

struct Machine {
    own: Own,
}

impl Machine {
    fn new() -> Self {
        let own = Own::new().alone();
        create_dir(&own.path("run/bin"));
        write_script(&own.path("run/bin/runit-init"), "echo \"$*\" >>/run/told");
        write_script(&own.path("run/bin/wall"), "cat >>/run/wall");
        // The real one waits for the whole machine's disks.
        write_script(&own.path("run/bin/sync"), "echo synced >>/run/synced");
        Self { own }
    }

    fn run(&self, command: &str) -> Ran {
        let _ = fs::remove_file(self.own.path("run/told"));
        let _ = fs::remove_file(self.own.path("run/wall"));
        let places = "PATH=/run/bin:$PATH; export PATH SYSRQ_TRIGGER=/run/sysrq";
        self.own.sh(&format!("{places}; {command}")).run()
    }

    /// What process 1 was told.
    fn told(&self) -> String {
        text(&self.own.path("run/told"))
    }

    fn wall(&self) -> String {
        text(&self.own.path("run/wall"))
    }
}

#[test]
fn each_name_tells_process_1() {
    let machine = Machine::new();
    for (command, told) in [
        ("halt", "0\n"),
        ("poweroff", "0\n"),
        ("reboot", "6\n"),
        ("halt -p", "0\n"),
        ("halt -dih", "0\n"),
        ("halt --reboot", "6\n"),
        ("reboot --poweroff", "0\n"),
        ("shutdown now", "0\n"),
        ("shutdown -h now", "0\n"),
        ("shutdown -P +0", "0\n"),
        ("shutdown -H -t 5 now bye", "0\n"),
        ("shutdown -r now", "6\n"),
        ("shutdown -rt5 +00 bye", "6\n"),
        ("shutdown --reboot -- now", "6\n"),
    ] {
        let ran = machine.run(command);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{command}");
        assert_eq!(machine.told(), told, "{command}");
        assert!(machine.wall().contains("going down"), "{command}: {}", machine.wall());
    }
    machine.run("shutdown -r now see you");
    assert_eq!(machine.wall(), "The system is going down for reboot NOW! see you\n");
    machine.run("shutdown --no-wall now");
    assert_eq!((machine.told().as_str(), machine.wall().as_str()), ("0\n", ""));
}

#[test]
fn what_cannot_be_done_is_refused() {
    let machine = Machine::new();
    for (command, message) in [
        ("halt -w", "halt: -w: no record is written without going down"),
        ("reboot --wtmp-only", "reboot: -w: no record is written without going down"),
        ("halt -n", "-n: only with -f; an orderly way down always syncs"),
        ("halt -x", "halt: illegal option -- x"),
        ("poweroff --firmware", "poweroff: illegal option -- firmware"),
        ("halt now", "halt: an argument that is none: now"),
        ("shutdown -a now", "shutdown: -a: there is no shutdown.allow here"),
        ("shutdown -n now", "shutdown: -n: services always stop in order"),
        ("shutdown -t x now", "shutdown: not a number of seconds: x"),
        ("shutdown -t", "shutdown: option requires an argument -- t"),
        ("shutdown 5", "shutdown: not a time: 5"),
        ("shutdown +", "shutdown: not a time: +"),
        ("shutdown +5x", "shutdown: not a time: +5x"),
        ("shutdown +99999", "shutdown: too far away: +99999"),
        ("shutdown 24:00", "shutdown: not a time: 24:00"),
        ("shutdown 12:60", "shutdown: not a time: 12:60"),
    ] {
        let ran = machine.run(command);
        assert_eq!(ran.code, 1, "{command}: {ran:?}");
        assert!(ran.stderr.contains(message), "{command}: {ran:?}");
        assert!(ran.stderr.contains("usage: "), "{command}: {ran:?}");
        assert_eq!(machine.told(), "", "{command}");
    }
    let ran = machine.run("shutdown -c");
    assert_eq!((ran.code, machine.told().as_str()), (111, ""));
    assert_eq!(ran.stderr, "shutdown: fatal: there is no shutdown to cancel\n");
}

#[test]
fn force_asks_the_kernel() {
    let machine = Machine::new();
    let synced = machine.own.path("run/synced");
    for (command, asked, syncs) in [
        ("halt -f", "o\n", "synced\n"),
        ("reboot -fn", "b\n", ""),
        ("poweroff --force", "o\n", "synced\n"),
    ] {
        let _ = fs::remove_file(&synced);
        let ran = machine.run(command);
        assert_eq!((ran.code, machine.told().as_str()), (0, ""), "{ran:?}");
        assert_eq!(text(&machine.own.path("run/sysrq")), asked, "{command}");
        assert_eq!(text(&synced), syncs, "{command}");
    }
    let ran = machine.run("SYSRQ_TRIGGER=/run/none/x reboot -f");
    assert_eq!(ran.code, 111);
    assert!(ran.stderr.starts_with("reboot: fatal: the kernel takes no request to reboot"));
}

#[test]
fn only_a_warning() {
    let machine = Machine::new();
    let ran = machine.run("shutdown -k +5 not really");
    assert_eq!((ran.code, machine.told().as_str()), (0, ""));
    assert_eq!(machine.wall(), "The system is going down for power off, +5! not really\n");
}

#[test]
fn help_and_version() {
    let machine = Machine::new();
    for name in ["halt", "poweroff", "reboot", "shutdown"] {
        let ran = machine.run(&format!("{name} --help"));
        assert!(ran.code == 0 && ran.stdout.starts_with(&format!("usage: {name} ")), "{ran:?}");
        let ran = machine.run(&format!("{name} --version"));
        assert_eq!(ran.stdout, format!("{name} (runit-rs)\n"));
        assert_eq!(machine.told(), "");
    }
}

#[test]
fn it_waits_for_its_time_and_can_be_cancelled() {
    let machine = Machine::new();
    let state = machine.own.path("run/runit/shutdown.pid");
    let mut words = machine.own.words();
    // Both commands in one namespace: a signal goes by the pid.
    let script = "PATH=/run/bin:$PATH
shutdown \"$1\" later >/run/said 2>&1 &
while [ ! -s /run/runit/shutdown.pid ] || [ ! -s /run/nologin ]; do sleep 0.01; done
cat /run/nologin >/run/nologin.seen
shutdown -r now >/run/other 2>&1 &
wait $!
shutdown +1 >/run/second 2>&1; echo $? >>/run/second
shutdown -c enough
wait
echo done >/run/done";
    words.extend(["sh", "-c", script, "sh", "+3"].map(Into::into));
    let mut sh = Launch::path(&words[0]).args(&words[1..]).env("PATH", path()).spawn();
    wait_lines(&machine.own.path("run/done"), &["done"]);
    assert_eq!(sh.wait_exit(), 0);
    assert_eq!(lines(&machine.own.path("run/said")), ["shutdown: cancelled"]);
    assert_eq!(
        lines(&machine.own.path("run/second")),
        ["shutdown: fatal: another shutdown waits already; shutdown -c cancels it", "111"]
    );
    // `now` does not wait for anything.
    assert_eq!(machine.told(), "6\n");
    assert!(text(&machine.own.path("run/nologin.seen")).contains("going down"));
    assert!(!state.exists() && !machine.own.path("run/nologin").exists());
    assert!(machine.wall().ends_with("The shutdown is cancelled. enough\n"));
}

#[test]
fn a_time_of_day_is_the_next_one() {
    let machine = Machine::new();
    // The clock is made to stand at 23:59:59 by a `date` of its own.
    write_script(&machine.own.path("run/bin/date"), "echo 23:59:59");
    write_script(&machine.own.path("run/bin/sleep"), "echo \"$1\" >>/run/slept");
    for (time, slept) in [
        ("0:00", &["1"][..]),
        ("00:09", &["241", "300"]),
        ("08:08", &["28981", "300"]),
        ("23:58", &["85981", "300"]),
        ("+010", &["300", "300"]),
    ] {
        let _ = fs::remove_file(machine.own.path("run/slept"));
        let ran = machine.run(&format!("shutdown -r {time}"));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{time}");
        assert_eq!(lines(&machine.own.path("run/slept")), slept, "{time}");
        assert_eq!(machine.told(), "6\n");
    }
}

#[test]
fn a_hangup_cancels_it() {
    let machine = Machine::new();
    let mut words = machine.own.words();
    words.extend(["shutdown", "+5"].map(Into::into));
    let mut shutdown = Launch::path(&words[0]).args(&words[1..]).env("PATH", path()).spawn();
    let state = machine.own.path("run/runit/shutdown.pid");
    wait_until("the shutdown to wait", || state.exists().then_some(()));
    wait_until("its time to begin", || machine.own.path("run/nologin").exists());
    shutdown.kill(Signal::HUP);
    assert_eq!(shutdown.wait_exit(), 1);
    assert!(!state.exists() && !machine.own.path("run/nologin").exists());
}

#[test]
fn a_hangup_just_after_a_fork_leaves_no_sleep_behind() {
    if !strace::is_there("a_hangup_just_after_a_fork_leaves_no_sleep_behind") {
        return;
    }
    let machine = Machine::new();
    // The shell comes back from its fork late, and then finds what the new process has sent.
    let script = "echo $$ >/run/sleeper; kill -HUP $PPID; PATH=/usr/bin:/bin; exec sleep 100000";
    write_script(&machine.own.path("run/bin/sleep"), script);
    let mut words = machine.own.words();
    words.extend(["sh", "-c", "PATH=/run/bin:$PATH; exec \"$@\"", "sh"].map(Into::into));
    let late = strace::failing("clone", "delay_exit=500000", Path::new("/run/trace"), &[]);
    words.extend(late.into_iter().map(Into::into));
    words.extend(["shutdown", "+5"].map(Into::into));
    let mut shutdown = Launch::path(&words[0]).args(&words[1..]).env("PATH", path()).spawn();
    assert_eq!(shutdown.wait_exit(), 1);
    let sleeper = text(&machine.own.path("run/sleeper"));
    Proc(sleeper.trim().parse().unwrap()).wait_for_end();
    assert!(!machine.own.path("run/nologin").exists());
}
