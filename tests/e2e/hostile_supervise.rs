//! Supervisors among users who wish them ill: what permissions allow, floods, forged
//! status, signals (docs/security.md).

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use runit_tests::dirs::{APPEND, SLEEP, mode, set_mode};
use runit_tests::hostile::{Treasure, as_user, can_be_two_users, give};
use runit_tests::prelude::*;
use runit_tests::supervisor::unprivileged;
use runit_tests::sv::{Played, Services, status};

/// A process that is ended when this value goes.
struct Ended(Child);

impl Ended {
    /// The user's, who runs these commands for `sh`.
    fn user(script: &str, path: &Path) -> Self {
        let words = unprivileged();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(["/bin/sh", "-c", script, "sh"]).arg(path);
        Self(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_user_can_open_nothing_in_supervise() {
    if !can_be_two_users() {
        return;
    }
    let service = ServiceDirBuilder::sleeper().log_run(APPEND).build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_state(State::Run);
    for part in [&*service, &service.log] {
        for (name, bits) in [
            ("lock", 0o600),
            ("ok", 0o600),
            ("control", 0o600),
            ("status", 0o644),
            ("stat", 0o644),
            ("pid", 0o644),
        ] {
            let file = part.file(name);
            assert_eq!(mode(&file), bits, "{}", file.display());
            for how in ["exec 3<\"$1\"", "exec 3>>\"$1\"", "test -e \"$1\""] {
                assert!(!as_user(how, [&file]).status.success(), "{how} {}", file.display());
            }
        }
        assert_eq!(mode(&part.dir.join("supervise")), 0o700);
    }
}

#[test]
fn who_may_only_look_cannot_control() {
    if !can_be_two_users() {
        return;
    }
    let service = ServiceDirBuilder::sleeper().build();
    let _runsv = Supervisor::runsv(service.path());
    let before = service.wait_state(State::Run);
    // What many administrators do for monitoring.
    set_mode(&service.join("supervise"), 0o755);
    assert!(as_user("cat \"$1\"", [service.file("stat")]).status.success());
    for name in ["control", "ok", "lock"] {
        for how in ["exec 3<\"$1\"", "exec 3>>\"$1\""] {
            assert!(!as_user(how, [service.file(name)]).status.success(), "{name}");
        }
    }
    let sv = as_user(
        "exec \"$1\" down \"$2\"",
        [suite::bin("sv").as_os_str(), service.path().as_os_str()],
    );
    assert!(!sv.status.success());
    assert_eq!(service.status(), before);
}

#[test]
fn a_user_can_signal_no_one() {
    if !can_be_two_users() {
        return;
    }
    let temp = TempDir::new();
    let service = ServiceDirBuilder::sleeper().build_in(temp.path().join("a"));
    let mut tree = Launch::new("runsvdir").arg(temp.path()).spawn();
    service.wait_supervised();
    let before = service.wait_state(State::Run);
    for process in tree.family() {
        for signal in ["TERM", "HUP", "KILL", "STOP", "ALRM"] {
            let sent = as_user("kill -$1 $2", [signal, &process.to_string()]);
            assert!(!sent.status.success(), "{signal} to {process}");
        }
    }
    assert!(tree.lives());
    assert_eq!(service.status(), before);
}

#[test]
fn a_flood_of_control_bytes_is_survived() {
    if !can_be_two_users() {
        return;
    }
    let service = ServiceDirBuilder::sleeper().build();
    let mut runsv = Supervisor::runsv(service.path());
    let before = service.wait_state(State::Run);
    set_mode(&service.join("supervise"), 0o711);
    give(&service.file("control"));
    let flood = Ended::user("exec cat /dev/zero >\"$1\"", &service.file("control"));
    Proc(flood.0.id()).wait_for_exec("cat");
    // Others' bytes come in between, where there is room for one.
    wait_until("room for a byte", || service.try_send(b"t").is_ok());
    let again = service.wait_run_again(&before);
    assert!(service.is_supervised());
    // Whoever holds the FIFO open for writing keeps nothing alive.
    runsv.kill(Signal::TERM);
    assert_eq!(runsv.wait_exit(), 0);
    assert!(!again.process().unwrap().lives());
    drop(flood);
}

#[test]
fn a_service_that_floods_its_logger_is_stopped_all_the_same() {
    let service = ServiceDirBuilder::new()
        .run("exec yes a line and another line")
        .log_run("exec cat >/dev/null")
        .build();
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_state(State::Run);
    service.log.wait_state(State::Run);
    service.send("d");
    service.wait_state(State::Down);
    service.send("u");
    service.wait_state(State::Run);
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
}

#[test]
fn a_logger_that_does_not_read_holds_up_nobody_but_its_service() {
    let service = ServiceDirBuilder::new().run("exec yes a line").log_run(SLEEP).build();
    let _runsv = Supervisor::runsv(service.path());
    let before = service.wait_state(State::Run);
    service.log.wait_state(State::Run);
    before.process().unwrap().wait_for_state('S');
    service.send("t");
    service.wait_run_again(&before);
    service.send("d");
    service.wait_state(State::Down);
}

#[test]
fn sv_signals_no_process_by_its_number() {
    let services = Services::new();
    // A number in `status` that now is another process's.
    let victim = Launch::path("/bin/sleep").arg("100000").spawn();
    let age = Duration::from_secs(5);
    let forged = status(State::Run, victim.process().0, 'u', age);
    let mut played = Played::new(services.path().join("web"), &forged);
    let answer = services.sv("-w1 force-stop web");
    assert_eq!(answer.code, 1, "{answer:?}");
    assert!(played.heard().starts_with("dk"), "bytes to the supervisor are all there is");
    services.sv("kill web");
    assert!(victim.process().lives() && victim.process().state() != Some('T'));
    // And one that was left behind.
    played.leave();
    let answer = services.sv("kill web");
    assert_eq!(answer.code, 1, "{answer:?}");
    assert!(answer.out.contains("runsv not running"), "{answer:?}");
    assert!(victim.process().lives());
}

#[test]
fn runsv_signals_only_its_child() {
    let service = ServiceDirBuilder::sleeper().build();
    let _runsv = Supervisor::runsv(service.path());
    let run = service.wait_state(State::Run);
    let victim = Launch::path("/bin/sleep").arg("100000").spawn();
    let mut forged = fs::read(service.file("status")).unwrap();
    forged[12..16].copy_from_slice(&victim.process().0.to_le_bytes());
    for (name, bytes) in [("status", forged), ("pid", victim.process().to_string().into())] {
        fs::write(service.file(name), bytes).unwrap();
    }
    service.send("k");
    run.process().unwrap().wait_for_end();
    assert!(victim.process().lives());
}

#[test]
fn links_in_supervise_lead_to_nothing_of_roots() {
    if !can_be_two_users() {
        return;
    }
    only_ours!("C runsv writes its status through a link");
    let service = ServiceDirBuilder::new().run(SLEEP).down().build();
    let roots = TempDir::new();
    let secret = Treasure::new(roots.path().join("secret"), "for root only\n", 0o600);
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_stat("down");
    // The user has been given the whole directory.
    give(&service.join("supervise"));
    symlink(secret.path(), service.file("status.new")).unwrap();
    symlink(secret.path(), service.file("stat.new")).unwrap();
    fs::hard_link(secret.path(), service.file("pid.new")).unwrap();
    service.send("u");
    service.wait_state(State::Run);
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
    secret.is_untouched();
}
