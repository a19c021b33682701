//! One supervisor for each directory.

use runit_tests::dirs::{SLEEP, create_dir, identity, lines, wait_lines};
use runit_tests::locks::{Lock, is_locked};
use runit_tests::prelude::*;

#[test]
fn a_second_supervisor_is_refused_and_disturbs_nothing() {
    let service = ServiceDirBuilder::sleeper().log_run(SLEEP).build();
    let _first = Supervisor::runsv(service.path());
    for part in [&*service, &service.log] {
        // The record is written last: after it, all is quiet.
        part.wait_running("sleep");
        part.send("p");
        part.wait_files("run, paused", [1, b'u', 0, 1]);
    }
    let files = || {
        ["status", "stat", "pid", "control", "ok", "lock"]
            .map(|name| (identity(&service.file(name)), identity(&service.log.file(name))))
    };
    let before = files();
    let mut second = Launch::new("runsv").arg(service.path()).spawn();
    assert_eq!(second.wait_exit(), 111);
    assert_eq!(
        second.stderr(),
        format!(
            "runsv {}: fatal: unable to lock supervise/lock: temporary failure\n",
            service.path().display()
        )
    );
    assert_eq!(files(), before);
    service.send("c");
    service.wait_files("run", [0, b'u', 0, 1]);
    assert!(service.is_supervised());
    assert!(service.log.is_supervised());
}

#[test]
fn the_lock_refuses_whoever_holds_it() {
    let service = ServiceDirBuilder::sleeper().build();
    create_dir(&service.join("supervise"));
    let lock = Lock::new(&service.file("lock"));
    let mut refused = Launch::new("runsv").arg(service.path()).spawn();
    assert_eq!(refused.wait_exit(), 111);
    drop(lock);
    let _runsv = Supervisor::runsv(service.path());
    service.wait_state(State::Run);
}

#[test]
fn the_lock_of_the_log_is_waited_for() {
    let note = "echo start >>starts; exec sleep 100000";
    let service = ServiceDirBuilder::new().run(note).log_run(note).build();
    create_dir(&service.join("log/supervise"));
    let lock = Lock::new(&service.log.file("lock"));
    let mut runsv = Launch::new("runsv").arg(service.path()).spawn();
    wait_until("its own lock to be held", || is_locked(&service.file("lock")));
    // What comes next would be its refusal, had it not to wait.
    runsv.process().wait_for_state('S');
    assert!(runsv.lives());
    assert_eq!(lines(&service.join("log/starts")), [""; 0]);
    drop(lock);
    wait_lines(&service.join("log/starts"), &["start"]);
    wait_lines(&service.join("starts"), &["start"]);
    assert!(runsv.lives());
    assert_eq!(runsv.stderr(), "");
}
