//! Bad input, missing things, limits reached: what `runsv` says, and that it goes on.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

use runit_tests::dirs::{
    RECORDER, SLEEP, make_fifo, open_gate, set_mode, text, wait_line_count, wait_lines,
    write_script,
};
use runit_tests::messages::Messages;
use runit_tests::prelude::*;
use runit_tests::protocol::Supervised;
use runit_tests::supervisor::is_root;
use rustix::process::Signal;

/// Runs `runsv DIR`, which must fail, and gives what it says after `runsv DIR: `.
#[track_caller]
fn failure(launch: Launch, dir: &Path) -> String {
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
    (&control).write_byte(b'p');
    process.wait_for_state('T');
    runsv.wait_stderr(": file does not exist\n");
    assert!(runsv.stderr().contains("warning: unable to open supervise/"));
    (&control).write_byte(b'x');
    process.wait_for_end();
    assert_eq!(runsv.wait_exit(), 0);
}

/// Writing one byte, in a line.
trait WriteByte {
    fn write_byte(self, byte: u8);
}

impl WriteByte for &fs::File {
    fn write_byte(mut self, byte: u8) {
        use std::io::Write;
        self.write_all(&[byte]).unwrap();
    }
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
