//! `sv status`: the lines, and which directory a name means.

use std::time::Duration;

use runit_tests::dirs::{SLEEP, create_dir, write};
use runit_tests::prelude::*;
use runit_tests::protocol::now;
use runit_tests::sv::{Played, Services, name, status};

const AGO: Duration = Duration::from_secs(7);

#[test]
fn a_running_service_and_its_log() {
    let mut services = Services::new();
    services.supervise("a", ServiceDirBuilder::sleeper()).wait_running("sleep");
    let logged = services.supervise("b", ServiceDirBuilder::sleeper().log_run(SLEEP));
    logged.wait_running("sleep");
    logged.log.wait_running("sleep");
    services.sv("status a").is_all(0, "run: a: (pid N) Ns\n", "");
    services.sv("status b a").is(
        0,
        "run: b: (pid N) Ns; run: log: (pid N) Ns\n\
         run: a: (pid N) Ns\n",
    );
    services.sv("status b/log").is(0, "run: b/log: (pid N) Ns\n");
    logged.log.send("d");
    logged.log.wait_state(State::Down);
    services.sv("status b").is(0, "run: b: (pid N) Ns; down: log: Ns, normally up\n");
}

#[test]
fn pid_and_seconds_are_those_of_the_status() {
    let services = Services::new();
    let age = Duration::from_secs(86_400);
    let before = now();
    let played = Played::new(services.path().join("a"), &status(State::Run, 4321, 'u', age));
    let output = services.command(["status", "a"]).output().unwrap();
    // However long that took; a second more where one has begun.
    let most = (now().saturating_sub(before) + age).as_secs() + 1;
    let text = String::from_utf8(output.stdout).unwrap();
    let rest = text.strip_prefix("run: a: (pid 4321) ").unwrap();
    let seconds: u64 = rest.strip_suffix("s\n").unwrap().parse().unwrap();
    assert!(seconds >= age.as_secs() && seconds <= most, "{text:?}");
    // A state from the future has lasted for no time.
    let mut future = status(State::Down, 0, 'd', Duration::ZERO);
    future.tai_seconds += 1000;
    played.set(&future);
    let output = services.command(["status", "a"]).output().unwrap();
    assert_eq!(output.stdout, b"down: a: 0s, normally up\n");
}

#[test]
fn every_remark() {
    let services = Services::new();
    let mut played =
        [Played::new(services.path().join("up"), &status(State::Down, 0, 'd', AGO)), {
            create_dir(&services.path().join("down"));
            write(&services.path().join("down/down"), "");
            Played::new(services.path().join("down"), &status(State::Down, 0, 'd', AGO))
        }];
    let mut is = |state, pid, want, [paused, got_term]: [bool; 2], expected: &str| {
        for played in &mut played {
            played.set(&Status { paused, got_term, ..status(state, pid, want, AGO) });
        }
        services.sv("status up down").is(0, expected);
    };
    is(
        State::Down,
        0,
        'd',
        [false; 2],
        "down: up: Ns, normally up\n\
         down: down: Ns\n",
    );
    is(
        State::Down,
        0,
        'u',
        [true; 2],
        "down: up: Ns, normally up, want up\n\
         down: down: Ns, want up\n",
    );
    is(
        State::Run,
        42,
        'u',
        [false; 2],
        "run: up: (pid N) Ns\n\
         run: down: (pid N) Ns, normally down\n",
    );
    is(
        State::Run,
        42,
        'd',
        [true, true],
        "run: up: (pid N) Ns, paused, want down, got TERM\n\
         run: down: (pid N) Ns, normally down, paused, want down, got TERM\n",
    );
    is(
        State::Finish,
        43,
        'd',
        [false; 2],
        "finish: up: (pid N) Ns, want down\n\
         finish: down: (pid N) Ns, normally down, want down\n",
    );
    is(
        State::Run,
        42,
        'u',
        [true, false],
        "run: up: (pid N) Ns, paused\n\
         run: down: (pid N) Ns, normally down, paused\n",
    );
}

#[test]
fn services_that_cannot_be_told_of_are_counted() {
    let mut services = Services::new();
    services.add("never", ServiceDirBuilder::sleeper());
    let gone = services.supervise("gone", ServiceDirBuilder::sleeper());
    gone.send("x");
    services.last().wait_exit();
    services.supervise("down", ServiceDirBuilder::sleeper().down());
    services.sv("status down never gone missing").is_all(
        3,
        "down: down: Ns\n\
         warning: never: unable to open supervise/ok: file does not exist\n\
         fail: gone: runsv not running\n\
         fail: missing: unable to change to service directory: file does not exist\n",
        "",
    );
    let many = vec!["missing"; 150];
    let answer = services.sv_args(["status"].into_iter().chain(many));
    assert_eq!(answer.code, 99);
    assert_eq!(answer.out.lines().count(), 150);
}

#[test]
fn names_and_paths() {
    let mut services = Services::new();
    services.supervise("a", ServiceDirBuilder::sleeper()).wait_running("sleep");
    let elsewhere = Services::new();
    let absolute = services.path().join("a");
    let absolute = absolute.to_str().unwrap();
    let mut command =
        services.command(["status", "a", absolute, "./a", "a/", ".", "../x", "a/../a"]);
    command.current_dir(elsewhere.path());
    let missing = "unable to change to service directory: file does not exist";
    runit_tests::sv::answer(&mut command).is(
        4,
        &format!(
            "run: a: (pid N) Ns\n\
             run: {absolute}: (pid N) Ns\n\
             fail: ./a: {missing}\n\
             fail: a/: {missing}\n\
             warning: .: unable to open supervise/ok: file does not exist\n\
             fail: ../x: {missing}\n\
             run: a/../a: (pid N) Ns\n"
        ),
    );
    services.sv("status ./a a/ a").is(
        0,
        "run: ./a: (pid N) Ns\n\
         run: a/: (pid N) Ns\n\
         run: a: (pid N) Ns\n",
    );
    services
        .sv_args(["status", ""])
        .is(1, "fail: : unable to change to service directory: file does not exist\n");
    let mut no_directory = services.command(["status", "a"]);
    no_directory.env("SVDIR", "/nonexistent");
    let expected = format!("fail: a: {missing}\n");
    runit_tests::sv::answer(&mut no_directory).is(1, &expected);
    let mut empty = services.command(["status", "a"]);
    empty.env("SVDIR", "");
    runit_tests::sv::answer(&mut empty).is(1, &expected);
}

#[test]
fn names_of_any_bytes() {
    let mut services = Services::new();
    for service in [&b"with blank"[..], b"-dash", b"caf\xe9", "gr\u{fc}n".as_bytes()] {
        services.supervise(name(service), ServiceDirBuilder::sleeper()).wait_running("sleep");
        let mut command = services.command([name(b"status"), name(service)]);
        let output = command.output().unwrap();
        let start = [b"run: ", service, b": (pid "].concat();
        assert!(output.stdout.starts_with(&start), "{output:?}");
        assert_eq!(output.status.code(), Some(0));
    }
    only_ours!("sv", "the reference lets a name end its line");
    services.supervise(name(b"two\nlines\x1b[m"), ServiceDirBuilder::sleeper().down());
    services
        .sv_args([name(b"status"), name(b"two\nlines\x1b[m")])
        .is(0, "down: two\\nlines\\x1b[m: Ns\n");
}

#[test]
fn trouble_with_the_log_part_follows_the_services() {
    let mut services = Services::new();
    services.supervise("a", ServiceDirBuilder::sleeper()).wait_running("sleep");
    let log = services.path().join("a/log");
    write(&log, "");
    services
        .sv("status a")
        .is(1, "run: a: (pid N) Ns; warning: a/log: unable to change directory: not a directory\n");
    std::fs::remove_file(&log).unwrap();
    create_dir(&log);
    let answer = services.sv("status a");
    let expected =
        "run: a: (pid N) Ns; warning: a/log: unable to open supervise/ok: file does not exist\n";
    if suite::is_program_ours("sv") {
        answer.is_all(1, expected, "");
    } else {
        // It shows the service's own state as the log's.
        answer.is_all(1, &format!("{expected}run: log: (pid N) Ns\n"), "");
    }
    let never = Played::new(&log, &status(State::Run, 1, 'u', AGO));
    services.sv("status a").is(0, "run: a: (pid N) Ns; run: log: (pid N) Ns\n");
    never.leave();
    services.sv("status a").is(1, "run: a: (pid N) Ns; fail: a/log: runsv not running\n");
}

#[test]
fn without_services_all_of_svdir_are_told_of() {
    only_ours!("sv", "the reference wants services");
    let mut services = Services::new();
    services.sv("status").is_all(0, "", "");
    for service in ["c", "a", "b"] {
        services.supervise(service, ServiceDirBuilder::sleeper().down());
    }
    services.add(".hidden", ServiceDirBuilder::sleeper());
    write(&services.path().join("file"), "");
    std::os::unix::fs::symlink("nowhere", services.path().join("dangling")).unwrap();
    std::os::unix::fs::symlink("a", services.path().join("link")).unwrap();
    services.sv("status").is_all(
        1,
        "down: a: Ns\n\
         down: b: Ns\n\
         down: c: Ns\n\
         fail: dangling: unable to change to service directory: file does not exist\n\
         down: link: Ns\n",
        "",
    );
    let mut missing = services.command(["status"]);
    missing.env("SVDIR", "/nonexistent/dir");
    runit_tests::sv::answer(&mut missing).is_all(
        100,
        "",
        "fatal: unable to read directory /nonexistent/dir: file does not exist\n",
    );
}

#[test]
fn a_down_file_that_cannot_be_seen_is_said_on_standard_error() {
    let services = Services::new();
    let _played = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    std::os::unix::fs::symlink("down", services.path().join("a/down")).unwrap();
    let answer = services.sv("status a");
    // The reference leaves the state out.
    let line = if suite::is_program_ours("sv") { "run: a: (pid N) Ns\n" } else { "\n" };
    answer.is_all(0, line, "warning: unable to stat a/down: symbolic link loop\n");
}
