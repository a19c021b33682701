//! Limits reached, disks full or read-only, files taken away: `runsv` goes on.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use runit_tests::dirs::{SLEEP, make_fifo, open_gate, set_mode, text, wait_lines, write_script};
use runit_tests::prelude::*;
use runit_tests::protocol::Supervised;
use runit_tests::supervisor::is_root;
use rustix::process::Signal;

use crate::runsv_trouble::failure;

#[test]
fn a_directory_that_is_deleted_while_it_runs() {
    let service = ServiceDirBuilder::sleeper().build();
    let mut runsv = Supervisor::runsv(service.path());
    let process = service.wait_running("sleep").process().unwrap();
    fs::remove_dir_all(service.path()).unwrap();
    process.kill(Signal::USR1);
    process.wait_for_end();
    runsv.wait_stderr("unable to start ./run: file does not exist\n");
    assert!(runsv.lives());
    runsv.kill(Signal::TERM);
    assert_eq!(runsv.wait_exit(), 0);
}

#[test]
fn supervise_that_is_deleted_while_it_runs() {
    let service = ServiceDirBuilder::sleeper().build();
    let mut runsv = Supervisor::runsv(service.path());
    let process = service.wait_running("sleep").process().unwrap();
    let control = runit_tests::protocol::open_fifo(&service.file("control")).unwrap();
    fs::remove_dir_all(service.join("supervise")).unwrap();
    (&control).write_all(b"p").unwrap();
    process.wait_for_state('T');
    runsv.wait_stderr(": file does not exist\n");
    assert!(runsv.stderr().contains("warning: unable to open supervise/"));
    (&control).write_all(b"x").unwrap();
    process.wait_for_end();
    assert_eq!(runsv.wait_exit(), 0);
}

#[test]
fn no_descriptors_left_at_the_start() {
    let service = ServiceDirBuilder::sleeper().log_run(SLEEP).build();
    let launch = Launch::new("runsv").through_sh("ulimit -n 4");
    let mut runsv = launch.arg(service.path()).spawn();
    assert_eq!(runsv.wait_exit(), 111);
    let said = runsv.stderr();
    assert!(said.starts_with(&format!("runsv {}: fatal: ", service.path().display())), "{said:?}");
    assert!(said.ends_with(": process cannot open more files\n"), "{said:?}");
}

/// A service that any user may supervise, supervised by one without privileges.
#[track_caller]
fn unprivileged_sleeper() -> (Service, Supervisor) {
    let service = ServiceDirBuilder::sleeper().build();
    set_mode(service.path(), 0o777);
    let runsv = Launch::new("runsv").unprivileged().arg(service.path()).spawn();
    service.wait_supervised();
    (service, runsv)
}

#[test]
fn no_descriptors_left_while_it_runs() {
    let (service, runsv) = unprivileged_sleeper();
    let process = service.wait_running("sleep").process().unwrap();
    service.wait_stat("run");
    runsv.limit("nofile", "3");
    service.send("p");
    process.wait_for_state('T');
    runsv.wait_stderr(": process cannot open more files\n");
    service.send("c");
    process.wait_for_state('S');
    runsv.limit("nofile", "100");
    service.send("p");
    service.wait_files("run, paused", [1, b'u', 0, 1]);
}

#[test]
fn no_more_processes() {
    let (service, mut runsv) = unprivileged_sleeper();
    let before = service.wait_running("sleep");
    runsv.limit("nproc", "0");
    before.process().unwrap().kill(Signal::KILL);
    runsv.wait_stderr(": temporary failure\n");
    assert!(runsv.stderr().contains("warning: unable to fork"), "{}", runsv.stderr());
    assert!(runsv.lives());
    // Room for whatever else this user runs.
    runsv.limit("nproc", "5000");
    service.wait_run_again(&before);
}

/// A launch in a mount namespace of its own, after `mounts`, commands for `sh`; nothing where the
/// system does not allow it.
fn with_mounts(mounts: &str) -> Option<Launch> {
    let unshare: &[&str] =
        if is_root() { &["unshare", "--mount"] } else { &["unshare", "-r", "--mount"] };
    let allowed = Command::new(unshare[0])
        .args(&unshare[1..])
        .args(["mount", "-t", "tmpfs", "none", "/mnt"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !allowed {
        eprintln!("no mount namespaces here: not tested");
        return None;
    }
    Some(Launch::new("runsv").through(unshare).through_sh(mounts))
}

#[test]
fn a_read_only_file_system() {
    let service = ServiceDirBuilder::sleeper().build();
    let dir = service.path().display();
    let mounts = format!("mount --bind {dir} {dir}; mount -o remount,bind,ro {dir}");
    let Some(launch) = with_mounts(&mounts) else { return };
    let said = failure(launch, service.path());
    if suite::is_ours() {
        assert!(said.starts_with("fatal: unable to "), "{said:?}");
        assert!(said.ends_with(": read-only file system\n"), "{said:?}");
    } else {
        assert_eq!(said, "fatal: unable to open supervise/lock: file does not exist\n");
    }
}

#[test]
fn a_full_file_system() {
    let service = ServiceDirBuilder::new()
        .run(
            ": <gate; cat /dev/zero >supervise/fill 2>/dev/null; echo full >>state\n\
             exec sleep 100000",
        )
        .control('2', "rm supervise/fill; echo room >>state")
        .dir("supervise", 0o700)
        .build();
    make_fifo(&service.join("gate"));
    let mounts = format!("mount -t tmpfs -o size=64k none {}/supervise", service.path().display());
    let Some(launch) = with_mounts(&mounts) else { return };
    let runsv = launch.arg(service.path()).spawn();
    // Seen from within its namespace.
    let inside =
        Supervised::new(format!("/proc/{}/root{}", runsv.process(), service.path().display()));
    wait_until("a namespace of its own", || inside.is_supervised());
    inside.wait_files("run", [0, b'u', 0, 1]);
    open_gate(&service.join("gate"));
    wait_lines(&service.join("state"), &["full"]);
    let process = inside.wait_running("sleep").process().unwrap();
    inside.send("p");
    process.wait_for_state('T');
    if suite::is_ours() {
        runsv.wait_stderr(": out of disk space\n");
        assert!(runsv.stderr().contains(&format!("runsv {}: warning: ", service.path().display())));
        // No torn file takes a good one's place; the reference leaves an empty `stat`.
        assert_eq!(inside.stat(), "run");
        assert_eq!(inside.try_status().map(|status| status.pid), Ok(process.0));
    }
    inside.send("c");
    process.wait_for_state('S');
    inside.send("2");
    wait_lines(&service.join("state"), &["full", "room"]);
    inside.send("p");
    inside.wait_files("run, paused", [1, b'u', 0, 1]);
}

#[test]
fn started_without_standard_descriptors() {
    only_ours!("the reference's own files take their numbers, and its children get them");
    let service = ServiceDirBuilder::sleeper().log_run(SLEEP).build();
    let launch = Launch::new("runsv").through_sh("exec <&- >&- 2>&-");
    let _runsv = launch.arg(service.path()).spawn();
    service.wait_supervised();
    for part in [&*service, &service.log] {
        let process = part.wait_running("sleep").process().unwrap();
        wait_until("no descriptor of the supervisor's", || {
            let fds = process.own_fds();
            let stray = fds.values().any(|target| target.to_string_lossy().contains("supervise"));
            if stray || fds.len() > 3 { Err(format!("{fds:?}")) } else { Ok(()) }
        });
    }
    service.send("p");
    service.wait_stat("run, paused");
}

#[test]
fn a_run_that_is_replaced_is_taken_at_the_next_start() {
    let service = ServiceDirBuilder::new().run("echo old >>order; exec sleep 100000").build();
    let _runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("order"), &["old"]);
    service.wait_running("sleep");
    write_script(&service.join("run.new"), "echo new >>order; exec sleep 100000");
    fs::rename(service.join("run.new"), service.join("run")).unwrap();
    service.send("t");
    wait_lines(&service.join("order"), &["old", "new"]);
    assert_eq!(text(&service.join("order")).lines().count(), 2);
}
