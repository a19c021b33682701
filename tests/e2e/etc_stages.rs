//! Stages 1, 2 and 3, called by the first process of a PID namespace, on a root file system of
//! nothing but busybox, the suite and our `etc`: all that an initramfs or a container has.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use runit_tests::dirs::{TempDir, copy_program, create_dir, write, write_script};
use runit_tests::own::install;
use runit_tests::prelude::*;
use runit_tests::run::{Ran, Run};

/// Programs of busybox's that reach beyond namespaces; the rest cannot harm.
const LEFT_OUT: [&str; 6] = ["hwclock", "modprobe", "insmod", "reboot", "halt", "poweroff"];

struct Machine {
    root: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { root: TempDir::new() };
        for place in
            ["bin", "sbin", "dev", "proc", "sys", "run", "tmp", "var/log", "var/lib", "etc/sv"]
        {
            create_dir(&machine.path(place));
        }
        install("etc/runit", &machine.path("etc"));
        let busybox = machine.path("bin/busybox");
        copy_program(Path::new("/bin/busybox"), &busybox);
        let listed = Command::new(&busybox).arg("--list").output().unwrap();
        for name in String::from_utf8(listed.stdout).unwrap().lines() {
            if !LEFT_OUT.contains(&name) && name != "busybox" {
                symlink("busybox", machine.path("bin").join(name)).unwrap();
            }
        }
        for name in ["runsv", "runsvdir", "runsvchdir", "sv", "chpst"] {
            copy_program(&suite::bin(name), &machine.path("bin").join(name));
        }
        for name in ["runit", "runit-init"] {
            copy_program(&suite::bin(name), &machine.path("sbin").join(name));
        }
        for name in ["shutdown", "reboot", "poweroff"] {
            install("scripts/shutdown", &machine.path("sbin").join(name));
        }
        symlink("/etc/runit/runsvdir/current", machine.path("var/service")).unwrap();
        for level in ["default", "single", "archlinux-default"] {
            let dir = machine.path("etc/runit/runsvdir").join(level);
            for link in fs::read_dir(dir).unwrap().flatten() {
                fs::remove_file(link.path()).unwrap();
            }
        }
        machine
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.root.path().join(name)
    }

    /// A service in a level. It notes its end, half a second after it was told.
    fn add(&self, level: &str, name: &str, run: &str) {
        let dir = self.path("etc/sv").join(name);
        create_dir(&dir);
        write_script(&dir.join("run"), run);
        symlink(format!("/run/runit/supervise.{name}"), dir.join("supervise")).unwrap();
        let link = self.path("etc/runit/runsvdir").join(level).join(name);
        symlink(format!("../../../sv/{name}"), link).unwrap();
    }

    /// Runs `script` as process 1 of this machine; what it writes to standard output.
    #[track_caller]
    fn boot(&self, environment: &[(&str, &str)], script: &str) -> String {
        let ran = self.run(environment, script);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.stdout
    }

    /// The same, however it ends.
    #[track_caller]
    fn run(&self, environment: &[(&str, &str)], script: &str) -> Ran {
        // A copy in memory: a file system of its own, that can be made read-only.
        let prepare = "set -e
mount -t tmpfs tmpfs /mnt
cp -a \"$1\"/. /mnt
exec chroot /mnt /bin/sh -c \"$2\"";
        let mut run = Run::path("unshare")
            .args(["--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child"])
            .args(["--net", "--uts", "--ipc", "--cgroup"])
            .args(["sh", "-c", prepare, "sh"])
            .arg(self.root.path())
            .arg(script);
        for (name, value) in environment {
            run = run.env(name, value);
        }
        run.run()
    }
}

const NOTES_ITS_END: &str = "\
name=$(basename \"$PWD\")
trap 'sleep 0.3; echo \"$name stopped\" >>/ends; exit' TERM
echo up >\"/run/$name\"
while :; do sleep 0.1; done";

/// Stages 1 and 2, and waiting for the services that follow it.
const UP: &str = "
/etc/runit/1 >/one 2>&1; echo \"stage 1: $?\"
/etc/runit/2 >/two 2>&1 &
stage2=$!
wait_up() { for each; do until [ -e /run/$each ]; do sleep 0.05; done; done; }
# A service may be at work before its supervisor has come to write down that it runs.
wait_run() { until sv status \"$1\" | grep -q ^run:; do sleep 0.05; done; }
";

#[test]
fn stage_1_mounts_and_sets_up_what_there_is() {
    only_ours!("the stages are this suite's");
    let machine = Machine::new();
    write(&machine.path("etc/hostname"), "box\n");
    write(&machine.path("etc/rc.boot"), "");
    write_script(&machine.path("etc/rc.boot"), "echo local >/run/local");
    let out = machine.boot(
        &[],
        "/etc/runit/1; echo \"stage 1: $?\"; hostname; cat /proc/mounts; ip link show lo
         ls /run /dev/fd /run/runit; cat /run/local; ls -ld /tmp; ls -l /run/utmp
         cat /var/lib/random-seed | wc -c; /etc/runit/1 >/two; echo \"again: $?\"; cat /two
         cat /proc/mounts | wc -l",
    );
    for wanted in [
        "stage 1: 0",
        "\nbox\n",
        "proc /proc proc ",
        "sysfs /sys sysfs ",
        "tmpfs /run tmpfs ",
        "cgroup2 /sys/fs/cgroup cgroup2 ",
        "tmpfs /dev/shm tmpfs ",
        "mqueue /dev/mqueue mqueue ",
        "LOOPBACK,UP",
        "\nlocal\n",
        "drwxrwxrwt",
        "\nagain: 0\n",
    ] {
        assert!(out.contains(wanted), "{wanted:?} is not in:\n{out}");
    }
    // Nothing is mounted twice.
    let mounts = out.matches("proc /proc proc ").count();
    assert_eq!(mounts, 1, "{out}");
}

#[test]
fn stage_1_of_a_container_leaves_the_rest_to_its_manager() {
    only_ours!("the stages are this suite's");
    let machine = Machine::new();
    write(&machine.path("etc/fstab"), "tmpfs /tmp tmpfs size=1m 0 0\n");
    let script = "/etc/runit/1; echo \"stage 1: $?\"; grep -c ' /tmp ' /proc/mounts || :";
    assert!(machine.boot(&[("container", "lxc")], script).ends_with("stage 1: 0\n0\n"));
    assert!(machine.boot(&[], script).ends_with("stage 1: 0\n1\n"));
}

#[test]
fn stage_1_sets_what_sysctl_d_says_by_the_first_of_each_name() {
    only_ours!("the stages are this suite's");
    let machine = Machine::new();
    for (file, text) in [
        ("etc/sysctl.d/10-a.conf", "# a comment\nnet.ipv4.ip_forward = 1\n"),
        ("usr/lib/sysctl.d/10-a.conf", "net.ipv4.ip_default_ttl = 11\n"),
        ("usr/lib/sysctl.d/20-b.conf", "-no.such.setting = 1\nnet.ipv4.ip_default_ttl = 33\n"),
    ] {
        create_dir(machine.path(file).parent().unwrap());
        write(&machine.path(file), text);
    }
    let script = "/etc/runit/1 >/one 2>&1; cd /proc/sys/net/ipv4; cat ip_forward ip_default_ttl";
    let out = machine.boot(&[], script);
    assert_eq!(out, "1\n33\n");
}

#[test]
fn a_file_system_that_cannot_be_checked_asks_for_help_or_a_reboot() {
    only_ours!("the stages are this suite's");
    let machine = Machine::new();
    write(&machine.path("etc/fstab"), "tmpfs /tmp tmpfs size=1m 0 0\n");
    let _ = fs::remove_file(machine.path("bin/sulogin"));
    let _ = fs::remove_file(machine.path("bin/fsck"));
    write_script(&machine.path("bin/fsck"), "echo fsck \"$@\"; exit $(cat /code)");
    let boot = |code: &str| {
        write(&machine.path("code"), code);
        let script = "echo 'echo somebody looked' | /etc/runit/1; echo \"stage 1: $?\"
            ls -lL /etc/runit/reboot 2>/dev/null || :";
        machine.boot(&[], script)
    };
    let repaired = boot("1");
    assert!(repaired.contains("fsck -A -T -R -a\n") && repaired.ends_with("stage 1: 0\n"));
    let reboot = boot("2");
    assert!(reboot.contains("fsck wants a reboot\nstage 1: 100\n"), "{reboot}");
    assert!(reboot.contains("---x------"), "{reboot}");
    let help = boot("4");
    assert!(help.contains("has not repaired everything: exit code 4\n"), "{help}");
    assert!(help.contains("somebody looked\n") && help.ends_with("stage 1: 0\n"), "{help}");
}

#[test]
fn services_come_up_and_go_down_loggers_last() {
    only_ours!("the stages are this suite's");
    let machine = Machine::new();
    machine.add("default", "klog", NOTES_ITS_END);
    machine.add("default", "web", NOTES_ITS_END);
    machine.add("default", "zeta", NOTES_ITS_END);
    let log = machine.path("etc/sv/web/log");
    create_dir(&log);
    symlink("/run/runit/supervise.web-log", log.join("supervise")).unwrap();
    // To the end of its input, which comes when the service is down.
    write_script(&log.join("run"), "cat >/dev/null; echo 'web/log stopped' >>/ends");
    write_script(
        &machine.path("etc/runit/rc.shutdown"),
        "sv status /var/service/web | cut -d: -f1 >/run/before",
    );
    let out = machine.boot(
        &[],
        &format!(
            "{UP}
wait_up klog web zeta
wait_run web
sv status web | cut -d: -f1; readlink /etc/runit/runsvdir/current
# What nobody supervises, and what cannot be told.
setsid sleep 1000 &
setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' &
kill -TERM $stage2; wait $stage2
/etc/runit/3; echo \"stage 3: $?\"
cat /run/before /ends
# What was killed may take a moment to be gone.
for try in $(seq 300); do
    left=0; for p in /proc/[0-9]*; do [ ! -e $p/exe ] || left=$((left + 1)); done
    [ $left != 1 ] || break; sleep 0.1
done
for p in /proc/[0-9]*; do [ ! -e $p/exe ] || echo \"left: $p $(tr '\\0' ' ' <$p/cmdline)\"; done
touch /new 2>&1 || :
"
        ),
    );
    let (up, down) = out.split_once("- runit: stage 3: stopping others\n").expect(&out);
    assert_eq!(up, "stage 1: 0\nrun\ndefault\n");
    let lines: Vec<_> = down.lines().collect();
    let at = |what: &str| {
        lines.iter().position(|line| *line == what).unwrap_or_else(|| panic!("no {what}:\n{out}"))
    };
    assert_eq!(lines[at("stage 3: 0") + 1], "run", "rc.shutdown comes before the services stop");
    assert!(at("web stopped") < at("web/log stopped"), "{out}");
    for other in ["web stopped", "web/log stopped", "zeta stopped"] {
        assert!(at(other) < at("klog stopped"), "{out}");
    }
    // Nothing but process 1 is left, and the root cannot be written.
    assert_eq!(out.matches("left: /proc/").count(), 1, "{out}");
    assert!(out.contains("left: /proc/1 "), "{out}");
    assert!(out.contains("touch: /new: Read-only file system\n"), "{out}");
}

#[test]
fn a_service_that_does_not_stop_is_killed() {
    only_ours!("the stages are this suite's");
    let machine = Machine::new();
    machine.add("default", "web", NOTES_ITS_END);
    machine.add(
        "default",
        "stubborn",
        "trap '' TERM; echo up >/run/stubborn; while :; do sleep 1; done",
    );
    // Enough for the other one to end on a machine that has much else to do.
    write(&machine.path("etc/runit/rc.conf"), "STOP_SECONDS=10\n");
    let out = machine.boot(
        &[],
        &format!(
            "{UP}
wait_up web stubborn
kill -TERM $stage2; wait $stage2
/etc/runit/3; echo \"stage 3: $?\"; cat /ends"
        ),
    );
    assert!(out.contains("kill: run: /var/service/stubborn: "), "{out}");
    assert!(out.ends_with("stage 3: 0\nweb stopped\n"), "{out}");
}

#[test]
fn stage_2_boots_into_the_level_of_the_settings() {
    only_ours!("the stages are this suite's");
    let machine = Machine::new();
    machine.add("single", "rescue", NOTES_ITS_END);
    write(&machine.path("etc/runit/rc.conf"), "LEVEL=single\n");
    write_script(&machine.path("etc/rc.local"), "echo local >/run/local");
    let script = format!(
        "{UP}
wait_up rescue local
for each in current previous; do readlink /etc/runit/runsvdir/$each; done
for p in /proc/[0-9]*; do
    case $(tr '\\0' ' ' <$p/cmdline) in runsvdir*) tr '\\0' ' ' <$p/cmdline; echo; tr '\\0' ' ' <$p/environ ;; esac
done"
    );
    let out = machine.boot(&[("SECRET", "1")], &script);
    assert!(out.contains("\nsingle\ndefault\n"), "{out}");
    assert!(out.contains("runsvdir -P /var/service log: ......"), "{out}");
    // Services start from a clean environment.
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    assert!(out.trim_end().ends_with(path));
}

#[test]
fn without_a_link_in_var_the_current_level_is_run_and_it_may_be_read_only() {
    only_ours!("the stages are this suite's");
    let machine = Machine::new();
    machine.add("default", "web", NOTES_ITS_END);
    fs::remove_file(machine.path("var/service")).unwrap();
    let out = machine.boot(
        &[("container", "x")],
        &format!(
            "mount -o remount,ro /
/etc/runit/1 >/dev/null 2>&1; echo \"stage 1: $?\"
{}
wait_up web; wait_run /etc/runit/runsvdir/current/web
sv status /etc/runit/runsvdir/current/web | cut -d: -f1",
            UP.replace(">/one", ">/run/one").replace(">/two", ">/run/two")
        ),
    );
    assert!(out.ends_with("run\n"), "{out}");
}

#[test]
fn stage_3_is_for_process_1_alone() {
    only_ours!("the stages are this suite's");
    let machine = Machine::new();
    let script = "mount -t proc proc /proc; sleep 1000 &
        sh -c '/etc/runit/3; echo $?' 2>&1; kill %1; echo $?";
    let out = machine.boot(&[], script);
    assert_eq!(out, "- runit: stage 3: fatal: to be run by process 1\n111\n0\n");
}

#[test]
fn ctrl_alt_del_asks_for_a_reboot() {
    only_ours!("the stages are this suite's");
    let machine = Machine::new();
    let script =
        "/etc/runit/1 >/one 2>&1; cd /etc/runit; ./ctrlaltdel; echo $?; ls -lL stopit reboot";
    let out = machine.boot(&[], script);
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[..2], ["- runit: ctrl-alt-del: the system reboots now", "0"]);
    assert_eq!(lines.len(), 4);
    assert!(lines[2..].iter().all(|line| line.starts_with("---x------")), "{out}");
}

#[test]
fn the_whole_suite_boots_and_goes_down() {
    only_ours!("the stages are this suite's");
    for (command, last) in [("reboot", "system reboot."), ("poweroff", "power off...")] {
        let machine = Machine::new();
        machine.add("default", "web", NOTES_ITS_END);
        // By its path: a shell of busybox's has its own, which knows only its own init.
        let down = format!(
            "until sv status web | grep -q ^run:; do sleep 0.1; done; /sbin/{command}; exec sleep 1000"
        );
        machine.add("default", "zeta", &down);
        write_script(
            &machine.path("etc/runit/rc.shutdown"),
            "echo \"level: $(readlink /etc/runit/runsvdir/current)\"; sv status web | cut -d: -f1",
        );
        // What stage 3 itself leaves running, process 1 kills.
        let ran = machine.run(&[], "exec /sbin/runit-init");
        // In a namespace the kernel ends process 1 by a signal.
        assert_eq!(ran.code, -1, "{ran:?}");
        assert!(ran.stdout.contains("level: default\nrun\n"), "{ran:?}");
        assert!(ran.stdout.contains("- runit: stage 3: ending what still runs\n"), "{ran:?}");
        let said = format!(
            "- runit: leave stage: /etc/runit/2
- runit: enter stage: /etc/runit/3
- runit: leave stage: /etc/runit/3
- runit: sending KILL signal to all processes...
- runit: {last}\n"
        );
        assert!(ran.stderr.ends_with(&said), "{ran:?}");
    }
}

#[test]
fn the_whole_suite_is_stopped_as_a_container() {
    only_ours!("the stages are this suite's");
    let machine = Machine::new();
    machine.add("default", "web", NOTES_ITS_END);
    machine.add(
        "default",
        "zeta",
        "trap '' TERM; until [ -e /run/web ]; do sleep 0.1; done; kill -TERM 1
while :; do sleep 1; done",
    );
    let ran = machine.run(&[("container", "x")], "exec /sbin/runit-init");
    assert_eq!(ran.code, -1, "{ran:?}");
    let said = "- runit: leave stage: /etc/runit/3
- runit: sending KILL signal to all processes...
- runit: power off...\n";
    assert!(ran.stderr.ends_with(said), "{ran:?}");
    assert!(ran.stdout.contains("kill: run: "), "in time for what does not stop: {ran:?}");
    assert!(!ran.stderr.contains("no time left"), "{ran:?}");
}
