//! Bad input, missing things, limits reached: what `runsv` says, and that it goes on.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use runit_tests::dirs::{RECORDER, SLEEP, set_mode, wait_line_count, write_script};
use runit_tests::messages::Messages;
use runit_tests::prelude::*;
use rustix::process::Signal;

/// Runs `runsv DIR`, which must fail, and gives what it says after `runsv DIR: `.
#[track_caller]
pub fn failure(launch: Launch, dir: &Path) -> String {
    let mut runsv = launch.arg(dir).spawn();
    assert_eq!(runsv.wait_exit(), 111);
    let said = runsv.stderr();
    let prefix = format!("runsv {}: ", dir.display());
    said.strip_prefix(&prefix).unwrap_or_else(|| panic!("{said:?}")).to_owned()
}

#[track_caller]
fn start_failure(dir: &Path) -> String {
    failure(Launch::new("runsv"), dir)
}

#[test]
fn wrong_usage() {
    for args in [&[][..], &["a", "b"], &["a", "b", "c"]] {
        let output = suite::command("runsv").args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "usage: runsv dir\n\n", "{args:?}");
        assert_eq!(output.stdout, b"", "{args:?}");
    }
}

#[test]
fn help_and_version() {
    only_ours!("the reference takes both for directories");
    for (option, wanted) in [("--help", "runsv"), ("--version", "runit-rs")] {
        let output = suite::command("runsv").arg(option).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{option}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(wanted), "{option}: {text:?}");
        assert_eq!(output.stderr, b"", "{option}");
    }
}

#[test]
fn a_directory_that_is_not_there() {
    let temp = TempDir::new();
    let missing = temp.path().join("missing");
    let wanted = "fatal: unable to change to directory: file does not exist\n";
    assert_eq!(start_failure(&missing), wanted);
    assert_eq!(start_failure(Path::new("")), wanted);
    fs::write(temp.path().join("file"), "").unwrap();
    assert_eq!(
        start_failure(&temp.path().join("file")),
        "fatal: unable to change to directory: not a directory\n"
    );
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1);
}

#[test]
fn a_directory_that_may_not_be_entered() {
    let service = ServiceDirBuilder::sleeper().build();
    set_mode(service.path(), 0o600);
    assert_eq!(
        failure(Launch::new("runsv").unprivileged(), service.path()),
        "fatal: unable to change to directory: access denied\n"
    );
}

#[test]
fn supervise_that_cannot_be_made() {
    let service = ServiceDirBuilder::sleeper().build();
    set_mode(service.path(), 0o555);
    let said = failure(Launch::new("runsv").unprivileged(), service.path());
    if suite::is_ours() {
        assert!(said.starts_with("fatal: unable to "), "{said:?}");
        assert!(said.ends_with(": access denied\n"), "{said:?}");
    } else {
        // The reference ignores that and names what follows.
        assert_eq!(said, "fatal: unable to open supervise/lock: file does not exist\n");
    }
}

#[test]
fn supervise_that_may_not_be_written() {
    let service = ServiceDirBuilder::sleeper().dir("supervise", 0o555).build();
    set_mode(service.path(), 0o777);
    assert_eq!(
        failure(Launch::new("runsv").unprivileged(), service.path()),
        "fatal: unable to open supervise/lock: access denied\n"
    );
}

#[test]
fn supervise_that_is_a_file() {
    let service = ServiceDirBuilder::sleeper().file("supervise", "").build();
    assert_eq!(
        start_failure(service.path()),
        "fatal: unable to open supervise/lock: not a directory\n"
    );
}

#[test]
fn supervise_that_leads_nowhere() {
    let service =
        ServiceDirBuilder::sleeper().link("supervise", "/nonexistent/runit/state").build();
    let said = start_failure(service.path());
    if suite::is_ours() {
        assert!(said.starts_with("fatal: unable to "), "{said:?}");
        assert!(said.ends_with(": file does not exist\n"), "{said:?}");
    } else {
        assert_eq!(said, "fatal: unable to open supervise/lock: file does not exist\n");
    }
}

#[test]
fn supervise_that_is_a_loop_of_links() {
    let service = ServiceDirBuilder::sleeper().link("supervise", "supervise").build();
    let said = start_failure(service.path());
    assert!(said.starts_with("fatal: unable to "), "{said:?}");
}

#[test]
fn control_that_is_no_fifo() {
    let service = ServiceDirBuilder::sleeper().file("supervise/control", "").build();
    assert_eq!(
        start_failure(service.path()),
        "fatal: supervise/control exists but is not a fifo\n"
    );
}

#[test]
fn log_control_that_is_no_fifo() {
    only_ours!("the reference looks at the service's own FIFO instead");
    let service =
        ServiceDirBuilder::sleeper().log_run(SLEEP).file("log/supervise/control", "").build();
    assert_eq!(
        start_failure(service.path()),
        "fatal: log/supervise/control exists but is not a fifo\n"
    );
}

#[test]
fn log_supervise_that_is_a_file() {
    let service =
        ServiceDirBuilder::new().run(RECORDER).log_run(SLEEP).file("log/supervise", "").build();
    assert_eq!(
        start_failure(service.path()),
        "fatal: unable to open log/supervise/lock: not a directory\n"
    );
    assert!(!service.join("got").exists());
}

/// Starts a service whose `run` cannot be executed, and checks what is said and done until it can.
#[track_caller]
fn assert_unable_to_start(builder: ServiceDirBuilder, error: &str) {
    let service = builder.build();
    let mut runsv = Supervisor::runsv(service.path());
    let line =
        format!("runsv {}: fatal: unable to start ./run: {error}\n", service.path().display());
    // Again and again.
    runsv.wait_stderr(&format!("{line}{line}"));
    assert!(runsv.lives());
    let _ = fs::remove_dir(service.join("run"));
    let _ = fs::remove_file(service.join("run"));
    write_script(&service.join("run"), SLEEP);
    let process = wait_until("the service to run", || {
        let process = service.try_status()?.process().ok_or("no process")?;
        let args = process.args();
        if args.first().is_some_and(|name| name == "sleep") {
            Ok(process)
        } else {
            Err(format!("{args:?}"))
        }
    });
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
    assert!(!process.lives());
}

#[test]
fn run_that_is_missing() {
    assert_unable_to_start(ServiceDirBuilder::new(), "file does not exist");
}

#[test]
fn run_that_is_not_executable() {
    assert_unable_to_start(ServiceDirBuilder::new().file("run", "#!/bin/sh\n"), "access denied");
}

#[test]
fn run_that_is_a_directory() {
    assert_unable_to_start(ServiceDirBuilder::new().dir("run", 0o755), "access denied");
}

#[test]
fn run_with_an_interpreter_that_is_not_there() {
    let run = ServiceDirBuilder::new().run("#!/nonexistent/interpreter");
    assert_unable_to_start(run, "file does not exist");
}

#[test]
fn run_that_is_no_program() {
    let service = ServiceDirBuilder::new().file("run", "no program\n");
    let service = service.build();
    set_mode(&service.join("run"), 0o755);
    let mut runsv = Supervisor::runsv(service.path());
    let line = format!(
        "runsv {}: fatal: unable to start ./run: exec format error\n",
        service.path().display()
    );
    runsv.wait_stderr(&format!("{line}{line}"));
    assert!(runsv.lives());
}

#[test]
fn a_run_that_cannot_be_started_can_be_taken_down() {
    let service = ServiceDirBuilder::new().build();
    let mut runsv = Supervisor::runsv(service.path());
    runsv.wait_stderr("unable to start ./run");
    service.send("d");
    service.wait_files("down", [0, b'd', 0, 0]);
    runsv.kill(Signal::TERM);
    assert_eq!(runsv.wait_exit(), 0);
}

#[test]
fn names_of_every_kind() {
    let temp = TempDir::new();
    let long = "n".repeat(255);
    let names: [&[u8]; 8] = [
        b"with blanks  and\ttabs",
        b"with\nnewline",
        b"\xff\xfe no utf-8 \x80",
        b"-dash",
        b"%s%n",
        "\u{e9}\u{4e2d}".as_bytes(),
        b"'quotes\"$(x)`",
        long.as_bytes(),
    ];
    for name in names {
        let name = OsStr::from_bytes(name);
        let service = ServiceDirBuilder::new()
            .run("pwd >where; exec sleep 100000")
            .build_in(temp.path().join(name));
        let mut runsv =
            Launch::new("runsv").arg(Path::new(".").join(name)).cwd(temp.path()).spawn();
        service.wait_supervised();
        wait_line_count(&service.join("where"), 1);
        service.wait_running("sleep");
        service.send("x");
        assert_eq!(runsv.wait_exit(), 0, "{name:?}");
        assert_eq!(runsv.stderr(), "", "{name:?}");
    }
}

#[test]
fn messages_name_the_directory_as_it_was_given() {
    let service = ServiceDirBuilder::new().build();
    for name in ["service", "./service/", "../service", "service/../service"] {
        let cwd = if name.starts_with("..") { service.path() } else { service.parent() };
        let mut runsv = Launch::new("runsv").arg(name).cwd(cwd).spawn();
        let line = format!("runsv {name}: fatal: unable to start ./run: file does not exist\n");
        runsv.wait_stderr(&line);
        runsv.kill(Signal::TERM);
        assert_eq!(runsv.wait_exit(), 0);
    }
    let odd = OsStr::from_bytes(b"\xff missing");
    let mut runsv = Launch::new("runsv").arg(odd).spawn();
    assert_eq!(runsv.wait_exit(), 111);
    assert!(
        runsv
            .stderr()
            .ends_with(" missing: fatal: unable to change to directory: file does not exist\n")
    );
}

#[test]
fn a_name_longer_than_the_system_allows() {
    let mut runsv = Launch::new("runsv").arg("n".repeat(5000)).spawn();
    assert_eq!(runsv.wait_exit(), 111);
    assert!(runsv.stderr().contains("fatal: unable to change to directory: "));
}

#[test]
fn each_message_is_one_write() {
    only_ours!("the reference writes a message in several pieces");
    let log_is_file = ServiceDirBuilder::new().file("log", "").build();
    let both_missing = ServiceDirBuilder::new().dir("log", 0o755).build();
    let dirs = [Path::new("/nonexistent"), log_is_file.path(), both_missing.path()];
    for dir in dirs {
        let (mut messages, stderr) = Messages::new();
        let _runsv = Launch::new("runsv").arg(dir).stderr(stderr).spawn();
        let count = if dir == dirs[0] { 1 } else { 3 };
        messages.assert_lines(count, &format!("runsv {}: ", dir.display()));
    }
}
