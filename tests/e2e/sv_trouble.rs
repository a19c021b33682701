//! `sv` where something is not as it should be.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use runit_tests::dirs::{create_dir, make_fifo, set_mode, write};
use runit_tests::prelude::*;
use runit_tests::supervisor::{UNPRIVILEGED, is_root};
use runit_tests::sv::{Played, Services, answer, status, through_sh};
use rustix::process::Signal;

const AGO: Duration = Duration::from_secs(7);

#[test]
fn a_status_that_is_none() {
    let services = Services::new();
    let played = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    let bad = "warning: a: unable to read supervise/status: bad format\n";
    for length in [0, 1, 19] {
        played.set_bytes(&vec![b'x'; length]);
        for word in ["status", "start", "stop", "up", "check", "-v hup"] {
            services.sv(&format!("{word} a")).is_all(1, bad, "");
        }
    }
    let file = played.dir().join("supervise/status");
    fs::remove_file(&file).unwrap();
    services.sv("status a").is_all(
        1,
        "warning: a: unable to open supervise/status: file does not exist\n",
        "",
    );
    create_dir(&file);
    services.sv("status a").is_all(
        1,
        "warning: a: unable to read supervise/status: is a directory\n",
        "",
    );
    fs::remove_dir(&file).unwrap();
    only_ours!("sv", "the reference waits for a writer, and believes any 20 bytes and more");
    make_fifo(&file);
    services.sv("status a").is_all(1, bad, "");
    for nonsense in [vec![b'x'; 21], vec![b'x'; 1 << 20], vec![0xff; 20]] {
        played.set_bytes(&nonsense);
        services.sv("status a").is_all(1, bad, "");
    }
}

#[test]
fn fifos_that_are_files() {
    only_ours!("sv", "the reference takes them for FIFOs and writes into the file");
    let services = Services::new();
    let played = Played::new(services.path().join("a"), &status(State::Run, 42, 'd', AGO));
    let control = played.dir().join("supervise/control");
    fs::remove_file(&control).unwrap();
    write(&control, "");
    services.sv("up a").is_all(1, "warning: a: unable to open supervise/control: not a fifo\n", "");
    assert_eq!(fs::read(&control).unwrap(), b"");
    let ok = played.dir().join("supervise/ok");
    fs::remove_file(&ok).unwrap();
    write(&ok, "");
    services.sv("status a").is_all(1, "warning: a: unable to open supervise/ok: not a fifo\n", "");
}

#[test]
fn a_supervisor_that_does_not_read() {
    let services = Services::new();
    let played = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    let mut control =
        runit_tests::protocol::open_fifo(&played.dir().join("supervise/control")).unwrap();
    while control.write(&[b'_'; 4096]).is_ok() {}
    services.sv("stop a").is_all(
        1,
        "warning: a: unable to write to supervise/control: temporary failure\n",
        "",
    );
    services.sv("status a").is(0, "run: a: (pid N) Ns\n");
}

#[test]
fn a_supervisor_that_is_stopped() {
    let mut services = Services::new();
    let a = services.supervise("a", ServiceDirBuilder::sleeper());
    a.wait_running("sleep");
    services.last().kill(Signal::STOP);
    services.last().process().wait_for_state('T');
    services.sv("-w 0 stop a").is_all(1, "timeout: run: a: (pid N) Ns\n", "");
    services.last().kill(Signal::CONT);
    a.wait_state(State::Down);
}

#[test]
fn a_person_without_permission_is_told_so() {
    let services = Services::new();
    for name in ["a", "b"] {
        Played::new(services.path().join(name), &status(State::Run, 42, 'u', AGO));
        set_mode(&services.path().join(name).join("supervise"), 0o000);
    }
    // The program may be where only its builder can reach it.
    let bin = services.path().join("sv");
    // Copied by a child: see `write_script`.
    assert!(Command::new("cp").args([&suite::bin("sv"), &bin]).status().unwrap().success());
    let run = |args: &[&str]| {
        let mut command = Command::new(&bin);
        command.args(args).env("SVDIR", services.path());
        if is_root() {
            command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
        }
        answer(&mut assert_cmd::Command::from_std(command))
    };
    let hint = if suite::is_program_ours("sv") {
        format!(
            "warning: no permission: a/supervise is for user {} and root only\n",
            rustix::process::geteuid().as_raw()
        )
    } else {
        String::new()
    };
    let denied = "unable to open supervise/ok: access denied\n";
    for word in ["status", "start", "exit"] {
        run(&[word, "a", "b"]).is_all(
            2,
            &format!("warning: a: {denied}warning: b: {denied}"),
            &hint,
        );
    }
    set_mode(&services.path().join("a"), 0o000);
    run(&["status", "a"]).is_all(
        1,
        "fail: a: unable to change to service directory: access denied\n",
        "",
    );
}

#[test]
fn no_descriptors_left() {
    let services = Services::new();
    let _played = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    let words = through_sh("ulimit -n 3");
    let mut command = assert_cmd::Command::new(&words[0]);
    command
        .args(&words[1..])
        .arg(suite::bin("sv"))
        .args(["status", "a"])
        .env("SVDIR", services.path());
    if suite::is_program_ours("sv") {
        answer(&mut command).is_all(
            1,
            "warning: a: unable to open supervise/ok: process cannot open more files\n",
            "",
        );
    } else {
        let error = answer(&mut command);
        assert_ne!(error.code, 0, "{error:?}");
    }
}

#[test]
fn standard_output_that_takes_nothing() {
    only_ours!("sv", "the reference does not notice");
    let services = Services::new();
    let mut played = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    let full = |args: &[&str]| {
        let output = Command::new(suite::bin("sv"))
            .args(args)
            .env("SVDIR", services.path())
            .stdout(File::options().write(true).open("/dev/full").unwrap())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let said = "warning: unable to write to standard output: out of disk space\n".to_owned();
    assert_eq!(full(&["status", "a"]), (Some(1), said.clone()));
    assert_eq!(full(&["start", "a"]), (Some(1), said));
    assert_eq!(full(&["down", "a"]), (Some(0), String::new()));
    assert_eq!(played.heard(), "d");
}

#[test]
fn a_reader_that_goes_away_ends_nothing() {
    only_ours!("sv", "the reference dies of SIGPIPE, with commands unsent");
    let services = Services::new();
    let mut played: Vec<_> = ["a", "b"]
        .map(|name| Played::new(services.path().join(name), &status(State::Down, 0, 'd', AGO)))
        .into();
    let (reader, writer) = UnixStream::pair().unwrap();
    drop(reader);
    // What another test starts just now may have it until it executes its program.
    writer.set_nonblocking(true).unwrap();
    wait_until("nobody to read", || (&writer).read(&mut [0]).is_ok());
    writer.set_nonblocking(false).unwrap();
    let output = Command::new(suite::bin("sv"))
        .args(["-v", "down", "missing", "a", "b"])
        .env("SVDIR", services.path())
        .stdout(OwnedFd::from(writer))
        .output()
        .unwrap();
    assert_eq!(output.stderr, b"");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(played.iter_mut().map(Played::heard).collect::<String>(), "dd");
}
