//! The files of `supervise/`: kinds, modes, contents, and when they change.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use runit_tests::dirs::{SLEEP, identity, mode, names, text};
use runit_tests::locks::is_locked;
use runit_tests::prelude::*;
use runit_tests::protocol::{Supervised, TAI_EPOCH, now, open_fifo};
use runit_tests::watch::{Change, Watch};
use rustix::process::Signal;

const FILES: [&str; 6] = ["control", "lock", "ok", "pid", "stat", "status"];

#[track_caller]
fn assert_kinds_and_modes(supervised: &Supervised) {
    let dir = supervised.dir.join("supervise");
    assert_eq!(mode(&dir), 0o700, "{}", dir.display());
    for (name, fifo, wanted) in [
        ("lock", false, 0o600),
        ("ok", true, 0o600),
        ("control", true, 0o600),
        ("status", false, 0o644),
        ("stat", false, 0o644),
        ("pid", false, 0o644),
    ] {
        let kind = fs::symlink_metadata(dir.join(name)).unwrap().file_type();
        assert_eq!((kind.is_fifo(), kind.is_file()), (fifo, !fifo), "kind of {name}");
        assert_eq!(mode(&dir.join(name)), wanted, "mode of {name}");
    }
}

#[test]
fn kinds_and_modes() {
    let service = ServiceDirBuilder::sleeper().log_run(SLEEP).build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_state(State::Run);
    service.log.wait_state(State::Run);
    assert_kinds_and_modes(&service);
    assert_kinds_and_modes(&service.log);
}

#[test]
fn the_umask_only_narrows_modes() {
    for (umask, status) in [("0", 0o644), ("027", 0o640), ("077", 0o600)] {
        let service = ServiceDirBuilder::sleeper().build();
        let launch = Launch::new("runsv").through_sh(&format!("umask {umask}"));
        let _runsv = launch.arg(service.path()).spawn();
        service.wait_supervised();
        service.wait_state(State::Run);
        assert_eq!(mode(&service.join("supervise")), 0o700);
        for (name, wanted) in [
            ("lock", 0o600),
            ("ok", 0o600),
            ("control", 0o600),
            ("status", status),
            ("stat", status),
            ("pid", status),
        ] {
            assert_eq!(mode(&service.file(name)), wanted, "umask {umask}: mode of {name}");
        }
    }
}

#[test]
fn the_lock_is_held_for_the_supervisors_life() {
    let service = ServiceDirBuilder::sleeper().log_run("exec cat >/dev/null").build();
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_state(State::Run);
    assert!(is_locked(&service.file("lock")));
    assert!(is_locked(&service.log.file("lock")));
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
    assert!(!is_locked(&service.file("lock")));
    assert!(!is_locked(&service.log.file("lock")));
}

#[test]
fn ok_has_a_reader_exactly_while_a_supervisor_lives() {
    let enxio = |service: &Supervised| {
        open_fifo(&service.file("ok")).map(drop).map_err(|error| error.raw_os_error())
            == Err(Some(rustix::io::Errno::NXIO.raw_os_error()))
    };
    let service = ServiceDirBuilder::sleeper().log_run("exec cat >/dev/null").build();
    let mut runsv = Supervisor::runsv(service.path());
    service.log.wait_supervised();
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
    assert!(enxio(&service));
    assert!(enxio(&service.log));

    // Also after a death that nothing could be done about.
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.log.wait_running("cat");
    runsv.kill(Signal::KILL);
    runsv.wait_exit();
    assert!(enxio(&service), "what the supervisor started keeps ok open");
    assert!(enxio(&service.log), "what the supervisor started keeps log's ok open");
}

#[test]
fn nothing_else_is_left_in_supervise() {
    let service =
        ServiceDirBuilder::sleeper().finish("exit 0").log_run("exec cat >/dev/null").build();
    let mut runsv = Supervisor::runsv(service.path());
    let before = service.wait_state(State::Run);
    service.send("p");
    service.wait_stat("run, paused");
    service.send("ct");
    service.wait_run_again(&before);
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
    assert_eq!(names(&service.join("supervise")), FILES);
    assert_eq!(names(&service.join("log/supervise")), FILES);
    assert_eq!(names(service.path()), ["finish", "log", "run", "supervise"]);
    assert_eq!(names(&service.join("log")), ["run", "supervise"]);
}

#[test]
fn status_of_a_running_service_byte_by_byte() {
    let service = ServiceDirBuilder::sleeper().build();
    let before = now();
    let runsv = Supervisor::runsv(service.path());
    let status = service.wait_state(State::Run);
    let after = now();
    let bytes = fs::read(service.file("status")).unwrap();
    let pid = runsv.process().children()[0];

    assert_eq!(bytes.len(), 20);
    let seconds = u64::from_be_bytes(bytes[..8].try_into().unwrap());
    assert!(seconds >= before.as_secs() + TAI_EPOCH && seconds <= after.as_secs() + TAI_EPOCH);
    let nanoseconds = u32::from_be_bytes(bytes[8..12].try_into().unwrap());
    assert!(nanoseconds < 1_000_000_000);
    assert!(status.since() >= before && status.since() <= after, "{status:?}");
    assert_eq!(bytes[12..16], pid.0.to_le_bytes());
    assert_eq!(bytes[16..], [0, b'u', 0, 1]);
    wait_until("pid file", || service.pid_text() == pid.to_string());
    service.wait_stat("run");
}

#[test]
fn status_of_a_service_that_is_down_byte_by_byte() {
    let service = ServiceDirBuilder::sleeper().down().build();
    let before = now();
    let _runsv = Supervisor::runsv(service.path());
    let bytes = fs::read(service.file("status")).unwrap();
    assert_eq!(bytes[12..], [0, 0, 0, 0, 0, b'd', 0, 0]);
    let since = service.status().since();
    assert!(since >= before && since <= now());
    assert_eq!(fs::read(service.file("pid")).unwrap(), b"");
    assert_eq!(fs::read(service.file("stat")).unwrap(), b"down\n");
}

#[test]
fn paused_and_term_show_in_their_bytes_and_words() {
    let service = ServiceDirBuilder::sleeper().build();
    let _runsv = Supervisor::runsv(service.path());
    let status = service.wait_running("sleep");
    service.send("p");
    service.wait_files("run, paused", [1, b'u', 0, 1]);
    // It is stopped: TERM stays pending. (Of two that wait for it TERM would come first.)
    status.process().unwrap().wait_for_state('T');
    service.send("t");
    service.wait_files("run, paused, got TERM", [1, b'u', 1, 1]);
    let still = service.status();
    assert_eq!((still.pid, still.since()), (status.pid, status.since()));
}

#[test]
fn want_down_and_want_exit_show_while_the_process_lives() {
    let service = ServiceDirBuilder::new().run("trap '' TERM; exec sleep 100000").build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.send("d");
    service.wait_files("run, got TERM, want down", [0, b'd', 1, 1]);
    service.send("x");
    service.wait_files("run, got TERM, want exit", [0, b'd', 1, 1]);
    service.send("p");
    service.wait_files("run, paused, got TERM, want exit", [1, b'd', 1, 1]);
}

#[test]
fn once_shows_as_want_down() {
    let service = ServiceDirBuilder::sleeper().build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_state(State::Run);
    service.send("o");
    service.wait_files("run, want down", [0, b'd', 0, 1]);
}

#[test]
fn finish_shows_with_its_pid_and_the_time_of_run() {
    let service = ServiceDirBuilder::sleeper().finish(SLEEP).build();
    let runsv = Supervisor::runsv(service.path());
    let run = service.wait_running("sleep");
    service.send("d");
    let finish = service.wait_finish();
    service.wait_files("finish, want down", [0, b'd', 0, 2]);
    assert_eq!(finish.since(), run.since());
    assert_ne!(finish.pid, run.pid);
    assert_eq!(runsv.process().children(), [finish.process().unwrap()]);
    assert_eq!(service.pid_text(), finish.pid.to_string());

    let before = now();
    finish.process().unwrap().kill(Signal::TERM);
    let down = service.wait_state(State::Down);
    let after = now();
    assert!(down.since() >= before && down.since() <= after, "{before:?} {down:?} {after:?}");
    assert_eq!(service.stat(), "down");
    assert_eq!(service.pid_text(), "");
}

#[test]
fn stat_text_of_finish_when_wanted_up() {
    let service = ServiceDirBuilder::sleeper().finish(SLEEP).build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.send("t");
    service.wait_files("finish", [0, b'u', 0, 2]);
}

#[test]
fn files_are_replaced_whole() {
    let service = ServiceDirBuilder::sleeper().build();
    let _runsv = Supervisor::runsv(service.path());
    let run = service.wait_state(State::Run);
    service.wait_stat("run");
    let mut watch = Watch::new(&service.join("supervise"));
    service.send("t");
    service.wait_run_again(&run);
    for name in ["status", "stat", "pid"] {
        wait_until(&format!("{name} to be replaced"), || watch.replaced(name) > 0);
        assert!(!watch.changes().contains(&Change::Written(name.into())), "{name}");
    }
}

#[test]
fn stat_and_pid_keep_their_times_without_a_change() {
    let service = ServiceDirBuilder::new()
        .run("trap '' HUP ALRM INT QUIT USR1 USR2\nexec sleep 100000")
        .build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.wait_stat("run");
    let names = ["status", "stat", "pid"];
    let files = || names.map(|name| identity(&service.file(name)));
    let before = files();
    let mut watch = Watch::new(&service.join("supervise"));
    service.send("uzuhaiq12 \0\n\u{7f}cucu");
    // `p` comes after all of them and makes exactly one change.
    service.send("p");
    service.wait_stat("run, paused");
    wait_until("both replaced", || watch.replaced("stat") > 0 && watch.replaced("status") > 0);
    let (status, stat) = (watch.replaced("status"), watch.replaced("stat"));
    if suite::is_ours() {
        assert_eq!((status, stat), (1, 1), "{:?}", watch.changes());
    } else {
        // The reference writes both anew at every known byte.
        assert!(status > 1 && stat > 1, "{:?}", watch.changes());
    }
    assert_eq!(watch.replaced("pid"), 0, "{:?}", watch.changes());
    assert_eq!(files()[2], before[2]);
}

#[test]
fn no_reader_ever_sees_a_torn_file() {
    let service = ServiceDirBuilder::sleeper().build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_state(State::Run);
    service.wait_stat("run");
    for round in 0..300 {
        service.send(if round % 2 == 0 { "p" } else { "c" });
        for _ in 0..10 {
            service.try_status().unwrap();
            assert!(["run", "run, paused"].contains(&service.stat().as_str()));
            assert_ne!(service.pid_text(), "");
        }
    }
}

#[test]
fn log_files_are_there_before_anything_starts() {
    let look = "ls supervise >>seen; ls log/supervise >>seen; echo end >>seen; exec sleep 100000";
    for down in [false, true] {
        let mut service = ServiceDirBuilder::new().run(look).log_run(SLEEP);
        if down {
            service = service.log_down();
        }
        let service = service.build();
        let _runsv = Supervisor::runsv(service.path());
        let seen = wait_until("run to have looked", || {
            let seen = text(&service.join("seen"));
            if seen.ends_with("end\n") { Ok(seen) } else { Err(seen) }
        });
        let mut wanted = [FILES, FILES].concat();
        wanted.push("end");
        if down && !suite::is_ours() {
            // The reference makes the file when the log service starts for the first time.
            assert_eq!(wanted.remove(9), "pid");
        }
        // A file is being replaced at any time.
        let all = [FILES.as_slice(), &["end"]].concat();
        let seen: Vec<_> = seen.lines().filter(|name| all.contains(name)).collect();
        assert_eq!(seen, wanted);
    }
}

#[test]
fn an_existing_directory_keeps_its_mode_and_its_fifos() {
    let service = ServiceDirBuilder::sleeper().log_run("exec cat >/dev/null").build();
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_state(State::Run);
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);

    let modes =
        [("", 0o755), ("lock", 0o640), ("ok", 0o622), ("control", 0o622), ("status", 0o644)];
    let all = || [service.join("supervise"), service.join("log/supervise")];
    for dir in all() {
        for (name, mode) in modes {
            runit_tests::dirs::set_mode(&dir.join(name), mode);
        }
    }
    let inode = |path: &Path| identity(path).1;
    let before = all().map(|dir| [inode(&dir.join("ok")), inode(&dir.join("control"))]);
    let _runsv = Supervisor::runsv(service.path());
    service.wait_state(State::Run);
    for dir in all() {
        for (name, wanted) in modes {
            assert_eq!(mode(&dir.join(name)), wanted, "{name}");
        }
    }
    let after = all().map(|dir| [inode(&dir.join("ok")), inode(&dir.join("control"))]);
    assert_eq!(before, after);
}

#[test]
fn supervise_as_a_symlink() {
    let elsewhere = TempDir::new();
    let target = |name: &str| elsewhere.path().join(name);
    let service = ServiceDirBuilder::sleeper()
        .log_run(SLEEP)
        .link("supervise", target("service"))
        .link("log/supervise", "../state.log")
        .build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_state(State::Run);
    service.log.wait_state(State::Run);
    assert_eq!(names(&target("service")), FILES);
    assert_eq!(mode(&target("service")), 0o700);
    // The link in log/ counts from log/.
    assert_eq!(names(&service.join("state.log")), FILES);
    assert_eq!(mode(&service.join("state.log")), 0o700);
    assert!(fs::symlink_metadata(service.join("supervise")).unwrap().is_symlink());
    assert!(fs::symlink_metadata(service.join("log/supervise")).unwrap().is_symlink());
}

#[test]
fn supervise_as_a_relative_symlink() {
    let service = ServiceDirBuilder::sleeper().link("supervise", "state").build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_state(State::Run);
    assert_eq!(names(&service.join("state")), FILES);
}

#[test]
fn the_target_of_a_symlinked_supervise_is_used_as_it_is() {
    let service =
        ServiceDirBuilder::sleeper().link("supervise", "state").dir("state", 0o755).build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_state(State::Run);
    assert_eq!(mode(&service.join("state")), 0o755);
    assert_eq!(names(&service.join("state")), FILES);
}

#[test]
fn leftovers_of_a_crash_are_no_obstacle() {
    // A status of another size, and files that were never renamed.
    for size in [0, 19, 21] {
        let service = ServiceDirBuilder::sleeper()
            .dir("supervise", 0o700)
            .file("supervise/status", vec![b'x'; size])
            .file("supervise/status.new", "torn")
            .file("supervise/stat.new", "torn")
            .file("supervise/pid.new", "torn")
            .file("supervise/pid", "not a number")
            .build();
        let mut runsv = Supervisor::runsv(service.path());
        let status = service.wait_state(State::Run);
        wait_until("pid file", || service.pid_text() == status.pid.to_string());
        service.send("x");
        assert_eq!(runsv.wait_exit(), 0);
        assert_eq!(names(&service.join("supervise")), FILES);
    }
}
