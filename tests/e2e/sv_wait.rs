//! What `sv` waits for, and for how long.

use std::fs;
use std::time::Duration;

use runit_tests::dirs::{SLEEP, lines, text, wait_lines};
use runit_tests::prelude::*;
use runit_tests::sv::{Played, Services, answer, status};

const AGO: Duration = Duration::from_secs(7);

/// A service that does not end on TERM.
const STUBBORN: &str = "trap '' TERM; echo ready >ready; while :; do sleep 0.01; done";

#[test]
fn start_stop_and_restart() {
    let mut services = Services::new();
    let a = services.supervise("a", ServiceDirBuilder::sleeper().down());
    services.sv("start a").is_all(0, "ok: run: a: (pid N) Ns, normally down\n", "");
    let first = a.status();
    assert_eq!(first.state, State::Run);
    services.sv("start a").is(0, "ok: run: a: (pid N) Ns, normally down\n");
    assert_eq!(a.status(), first);
    services.sv("restart a").is(0, "ok: run: a: (pid N) Ns, normally down\n");
    // The reference compares seconds.
    assert!(a.status().pid != first.pid || !suite::is_program_ours("sv"));
    let stopped = services.sv("stop a");
    if suite::is_program_ours("sv") {
        stopped.is(0, "ok: down: a: Ns\n");
        assert_eq!((a.status().state, a.status().want), (State::Down, 'd'));
    } else {
        // It does not mind that the service is about to be started.
        assert!(stopped.out.starts_with("ok: down: a: Ns"), "{stopped:?}");
        a.wait_status("wanted down", |status| status.state == State::Down && status.want == 'd');
    }
    services.sv("stop a").is(0, "ok: down: a: Ns\n");
    services.sv("try-restart a").is(0, "ok: down: a: Ns\n");
    assert_eq!(a.status().state, State::Down);
    services.sv("restart a").is(0, "ok: run: a: (pid N) Ns, normally down\n");
    services.sv("try-restart a").is(0, "ok: run: a: (pid N) Ns, normally down\n");
}

#[test]
fn all_are_told_before_any_is_waited_for() {
    let mut services = Services::new();
    let slow = services.supervise("slow", ServiceDirBuilder::new().run(STUBBORN));
    let quick = services.supervise("quick", ServiceDirBuilder::sleeper());
    wait_lines(&slow.join("ready"), &["ready"]);
    let process = slow.wait_state(State::Run).process().unwrap();
    quick.wait_running("sleep");
    let mut sv = services.command(["-w", "60", "stop", "slow", "quick"]);
    let waiting = std::thread::spawn(move || answer(&mut sv));
    slow.wait_stat("run, got TERM, want down");
    quick.wait_state(State::Down);
    services.sv("-w 1 stop quick slow").is_all(
        1,
        "ok: down: quick: Ns, normally up\n\
         timeout: run: slow: (pid N) Ns, want down, got TERM\n",
        "",
    );
    // Only now the first is where it should be; one look may find both so.
    process.kill(rustix::process::Signal::KILL);
    let answer = waiting.join().unwrap();
    let mut found: Vec<_> = answer.out.lines().collect();
    found.sort_unstable();
    assert_eq!(found, ["ok: down: quick: Ns, normally up", "ok: down: slow: Ns, normally up"]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
}

#[test]
fn when_the_time_is_over_force_kills() {
    let mut services = Services::new();
    let a = services.supervise("a", ServiceDirBuilder::new().run(STUBBORN));
    wait_lines(&a.join("ready"), &["ready"]);
    let process = a.wait_state(State::Run).process().unwrap();
    // Told already, so that the time is not over before the supervisor has read it.
    a.send("d");
    a.wait_files("run, got TERM, want down", [0, b'd', 1, 1]);
    services.sv("-w 1 force-stop a").is(1, "kill: run: a: (pid N) Ns, want down, got TERM\n");
    process.wait_for_end();
    a.wait_state(State::Down);
    services.sv("force-stop a").is(0, "ok: down: a: Ns, normally up\n");
}

#[test]
fn shutdown_waits_until_the_supervisor_is_gone() {
    let mut services = Services::new();
    let a = services.supervise("a", ServiceDirBuilder::sleeper().log_run(SLEEP));
    a.wait_running("sleep");
    a.log.wait_running("sleep");
    // Its log service does not read, and so does not end by itself.
    a.send("x");
    a.wait_state(State::Down);
    services.sv("-w 1 shutdown a").is(1, "timeout: down: a: Ns, normally up\n");
    a.log.send("x");
    a.log.send("k");
    let answer = services.sv("shutdown a");
    assert_eq!(answer.out, "ok: a: runsv not running\n");
    assert_eq!(answer.code, 0);
    assert!(!a.is_supervised());
    services.last().wait_exit();
    for word in ["shutdown", "exit", "force-shutdown", "x", "X", "-v exit"] {
        services.sv(&format!("{word} a")).is(0, "ok: a: runsv not running\n");
    }
    services.sv("stop a").is(1, "fail: a: runsv not running\n");
    services.sv("down a").is(1, "fail: a: runsv not running\n");
}

#[test]
fn shutdown_of_a_quick_service() {
    let mut services = Services::new();
    for word in ["shutdown", "-v exit", "force-shutdown"] {
        let a = services.supervise("a", ServiceDirBuilder::sleeper());
        a.wait_running("sleep");
        services.sv(&format!("{word} a")).is(0, "ok: a: runsv not running\n");
        assert_eq!(services.last().wait_exit(), 0);
    }
}

#[test]
fn a_supervisor_that_is_killed_is_noticed() {
    let mut services = Services::new();
    let a = services.supervise("a", ServiceDirBuilder::new().run(STUBBORN));
    wait_lines(&a.join("ready"), &["ready"]);
    let process = a.wait_state(State::Run).process().unwrap();
    let sv = services.command(["-w", "30", "stop", "a"]);
    let waiting = std::thread::spawn(move || {
        let mut sv = sv;
        answer(&mut sv)
    });
    a.wait_stat("run, got TERM, want down");
    services.last().kill(rustix::process::Signal::KILL);
    waiting.join().unwrap().is(1, "fail: a: runsv not running\n");
    process.kill(rustix::process::Signal::KILL);
}

#[test]
fn a_directory_that_vanishes_is_noticed() {
    let services = Services::new();
    let played = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    let mut sv = services.command(["-w", "30", "stop", "a"]);
    let mut heard = played;
    let waiting = std::thread::spawn(move || answer(&mut sv));
    wait_until("the command", || heard.heard() == "d");
    fs::remove_dir_all(heard.dir()).unwrap();
    // Each file that goes is noticed, so it may see the directory half empty.
    let answer = waiting.join().unwrap();
    assert_eq!(answer.code, 1);
    assert!(answer.out.contains(": a: unable to "), "{answer:?}");
    assert!(answer.out.ends_with(": file does not exist\n"), "{answer:?}");
}

#[test]
fn letters_wait_with_v_and_with_w() {
    let services = Services::new();
    let mut a = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    let run = "run: a: (pid N) Ns\n";
    for word in ["hup", "alarm", "interrupt", "quit", "1", "2", "cont", "up"] {
        for option in ["-v", "-w 0"] {
            services.sv(&format!("{option} {word} a")).is(0, &format!("ok: {run}"));
        }
    }
    for word in ["down", "term", "kill", "pause", "exit", "once"] {
        services.sv(&format!("-w 0 {word} a")).is(1, &format!("timeout: {run}"));
        services.sv(&format!("{word} a")).is(0, "");
    }
    // SVWAIT is a time only.
    for word in ["down", "stop"] {
        let mut sv = services.command([word, "a"]);
        sv.env("SVWAIT", "0");
        let expected = if word == "stop" { format!("timeout: {run}") } else { String::new() };
        answer(&mut sv).is(i32::from(word == "stop"), &expected);
    }
    a.set(&Status { paused: true, ..status(State::Run, 42, 'u', AGO) });
    services.sv("-v pause a").is(0, "ok: run: a: (pid N) Ns, paused\n");
    services.sv("-w 0 cont a").is(1, "timeout: run: a: (pid N) Ns, paused\n");
    a.set(&status(State::Down, 0, 'd', AGO));
    let down = "ok: down: a: Ns, normally up\n";
    for word in ["pause", "cont", "down", "term", "kill"] {
        services.sv(&format!("-v {word} a")).is(0, down);
    }
    services.sv("-w 0 once a").is(1, "timeout: down: a: Ns, normally up\n");
    a.set(&status(State::Run, 42, 'd', AGO));
    services.sv("-v once a").is(0, "ok: run: a: (pid N) Ns, want down\n");
    assert!(!a.heard().is_empty());
}

#[test]
fn restart_is_of_a_process_started_since_to_the_nanosecond() {
    let services = Services::new();
    let old = status(State::Run, 42, 'u', Duration::ZERO);
    let _a = Played::new(services.path().join("a"), &old);
    let answer = services.sv("-w 0 restart a");
    if suite::is_program_ours("sv") {
        answer.is(1, "timeout: run: a: (pid N) Ns\n");
    } else {
        // It compares seconds, unless one ended just now.
        assert!(answer.out.ends_with(": run: a: (pid N) Ns\n"), "{answer:?}");
    }
}

#[test]
fn a_service_between_two_starts_is_not_stopped() {
    let services = Services::new();
    let a = Played::new(services.path().join("a"), &status(State::Down, 0, 'u', AGO));
    let answer = services.sv("-w 0 stop a");
    let state = "down: a: Ns, normally up, want up\n";
    if suite::is_program_ours("sv") {
        // Its supervisor has not read the command yet, and may be starting it.
        answer.is(1, &format!("timeout: {state}"));
    } else {
        answer.is(0, &format!("ok: {state}"));
    }
    a.set(&status(State::Down, 0, 'd', AGO));
    services.sv("-w 0 stop a").is(0, "ok: down: a: Ns, normally up\n");
}

#[test]
fn a_service_that_is_being_stopped_is_not_started() {
    let services = Services::new();
    let a = Played::new(services.path().join("a"), &status(State::Run, 42, 'd', AGO));
    let answer = services.sv("-w 0 start a");
    let state = "run: a: (pid N) Ns, want down\n";
    if suite::is_program_ours("sv") {
        answer.is(1, &format!("timeout: {state}"));
    } else {
        answer.is(0, &format!("ok: {state}"));
    }
    a.set(&status(State::Run, 42, 'u', AGO));
    services.sv("-w 0 start a").is(0, "ok: run: a: (pid N) Ns\n");
}

#[test]
fn restart_waits_for_the_new_process() {
    let services = Services::new();
    let mut a = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    let mut sv = services.command(["-w", "30", "restart", "a"]);
    let waiting = std::thread::spawn(move || answer(&mut sv));
    wait_until("the command", || a.heard() == "tcu");
    let term = Status { got_term: true, ..status(State::Run, 42, 'u', AGO) };
    a.set(&term);
    a.set(&Status { pid: 43, state: State::Finish, ..term });
    a.set(&status(State::Down, 0, 'u', Duration::ZERO));
    assert!(!waiting.is_finished());
    a.set(&status(State::Run, 44, 'u', Duration::ZERO));
    waiting.join().unwrap().is(0, "ok: run: a: (pid N) Ns\n");
}

#[test]
fn check_is_what_makes_a_service_up() {
    let mut services = Services::new();
    let a = services.supervise(
        "a",
        ServiceDirBuilder::sleeper().down().check(
            "echo \"$PWD\" >>where; grep SigBlk /proc/self/status >signals\n\
             ls -l /proc/self/fd >fds; exec test -e ready",
        ),
    );
    let timeout = "timeout: run: a: (pid N) Ns, normally down\n";
    a.send("u");
    a.wait_state(State::Run);
    services.sv("-w 3 start a").is_all(1, timeout, "");
    services.sv("-w 0 check a").is(1, timeout);
    // Where the start took all the time, it is down.
    let restarted = services.sv("-w 3 restart a");
    assert!(restarted.code == 1 && restarted.out.starts_with("timeout: "), "{restarted:?}");

    let mut sv = services.command(["-w", "60", "restart", "a"]);
    let checks = || text(&a.join("where")).lines().count();
    let before = checks();
    let waiting = std::thread::spawn(move || answer(&mut sv));
    wait_until("two checks", || checks() > before + 1);
    fs::write(a.join("ready"), "").unwrap();
    waiting.join().unwrap().is_all(0, "ok: run: a: (pid N) Ns, normally down\n", "");
    // No check runs any more, and the last one has come to its end.
    assert!(text(&a.join("where")).lines().all(|line| line == a.path().to_str().unwrap()));
    // Standard output is closed: its number is another file's, or none's.
    assert!(!text(&a.join("fds")).contains(" 1 -> pipe:"), "{}", text(&a.join("fds")));
    // The signal state is the one that sv was started with, not its own.
    let signals = text(&a.join("signals"));
    let blocked = signals.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap().trim();
    let blocked = u64::from_str_radix(blocked, 16).unwrap();
    assert_eq!(blocked, Proc::this().signals().unwrap().blocked, "{signals}");
    services.sv("check a").is(0, "ok: run: a: (pid N) Ns, normally down\n");
    // It is not asked about services that are, or should be, down.
    services.sv("stop a").is(0, "ok: down: a: Ns\n");
}

#[test]
fn a_check_that_cannot_be_run_counts_as_passed() {
    let services = Services::new();
    let played = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    let check = played.dir().join("check");
    let ok = "ok: run: a: (pid N) Ns\n";
    services.sv("check a").is_all(0, ok, "");
    fs::write(&check, "#!/bin/sh\nexit 1\n").unwrap();
    let denied = "warning: unable to run a/check: access denied\n";
    services.sv("check a").is_all(0, ok, denied);
    runit_tests::dirs::write_script(&check, "#!/nonexistent/interpreter\n");
    services.sv("check a").is_all(0, ok, "warning: unable to run a/check: file does not exist\n");
    fs::remove_file(&check).unwrap();
    fs::create_dir(&check).unwrap();
    services.sv("check a").is_all(0, ok, denied);
    fs::remove_dir(&check).unwrap();
    std::os::unix::fs::symlink("nowhere", &check).unwrap();
    services.sv("check a").is_all(0, ok, "");
    fs::remove_file(&check).unwrap();
    std::os::unix::fs::symlink("check", &check).unwrap();
    only_ours!("sv", "the reference warns of it each time it looks, and never finds it up");
    services.sv("check a").is_all(0, ok, "warning: unable to stat a/check: symbolic link loop\n");
}

#[test]
fn a_check_that_a_signal_ended_has_not_passed() {
    only_ours!("sv", "the reference takes it for success");
    let services = Services::new();
    let played = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    runit_tests::dirs::write_script(&played.dir().join("check"), "kill -9 $$");
    services.sv("-w 0 check a").is_all(1, "timeout: run: a: (pid N) Ns\n", "");
}

#[test]
fn a_check_that_hangs_does_not_hold_up_the_end() {
    only_ours!("sv", "the reference waits for it for ever");
    let services = Services::new();
    let played = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    let pid = played.dir().join("pid");
    runit_tests::dirs::write_script(&played.dir().join("check"), "echo $$ >pid; exec sleep 100000");
    let _other = Played::new(services.path().join("b"), &status(State::Run, 42, 'u', AGO));
    // More and more time, until the check has come so far as to tell its number.
    let check = (0..10).find_map(|seconds| {
        services.sv(&format!("-w {seconds} check a b")).is(
            1,
            "ok: run: b: (pid N) Ns\n\
             timeout: run: a: (pid N) Ns\n",
        );
        lines(&pid).first().map(|line| Proc(line.parse().unwrap()))
    });
    // It is not left behind.
    check.expect("no check").wait_for_end();
}

#[test]
fn check_wants_the_state_that_is_wanted() {
    only_ours!("sv", "2.1.2 takes a service that is down for good in any case; 2.3.0 does not");
    let services = Services::new();
    let a = Played::new(services.path().join("a"), &status(State::Down, 0, 'd', AGO));
    services.sv("-w 0 check a").is(0, "ok: down: a: Ns, normally up\n");
    a.set(&status(State::Down, 0, 'u', AGO));
    services.sv("-w 0 check a").is(1, "timeout: down: a: Ns, normally up, want up\n");
    a.set(&status(State::Run, 42, 'd', AGO));
    services.sv("-w 0 check a").is(1, "timeout: run: a: (pid N) Ns, want down\n");
    a.set(&status(State::Finish, 42, 'u', AGO));
    services.sv("-w 0 check a").is(1, "timeout: finish: a: (pid N) Ns\n");
}

#[test]
fn without_inotify_it_looks_now_and_then() {
    only_ours!("sv", "the reference has no need of inotify");
    let mut services = Services::new();
    let a = services.supervise("a", ServiceDirBuilder::sleeper().check("exec test -e ready"));
    a.wait_running("sleep");
    let sv = suite::bin("sv");
    let run = |word: &str| {
        // As in a container that has used up what there is.
        let script = "echo 0 >/proc/sys/user/max_inotify_instances || exit 77\nexec \"$@\"";
        let mut command = assert_cmd::Command::new("unshare");
        command
            .args(["--user", "--map-root-user", "/bin/sh", "-c", script, "sh"])
            .arg(&sv)
            .args(["-w", "20", word, "a"])
            .env("SVDIR", services.path());
        answer(&mut command)
    };
    let stopped = run("stop");
    if stopped.code == 77 || stopped.err.starts_with("unshare:") {
        eprintln!("no user namespaces here: {}", stopped.err);
        return;
    }
    stopped.is_all(0, "ok: down: a: Ns, normally up\n", "");
    fs::write(a.join("ready"), "").unwrap();
    run("start").is_all(0, "ok: run: a: (pid N) Ns\n", "");
    run("restart").is_all(0, "ok: run: a: (pid N) Ns\n", "");
    run("shutdown").is_all(0, "ok: a: runsv not running\n", "");
}

#[test]
fn one_service_by_two_names() {
    let mut services = Services::new();
    services.supervise("a", ServiceDirBuilder::sleeper()).wait_running("sleep");
    let answer = services.sv("stop a ./a a/");
    // It may be down when the second one is looked at, and not yet at the first.
    let mut found: Vec<_> = answer.out.lines().collect();
    found.sort_unstable();
    let expected = ["./a", "a/", "a"].map(|name| format!("ok: down: {name}: Ns, normally up"));
    assert_eq!((answer.code, found), (0, expected.iter().map(String::as_str).collect()));
}
