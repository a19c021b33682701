//! Log directories that belong to a user, written by root's `svlogd`: the user cannot
//! lead it to what is not theirs (docs/security.md). It is better not run so at all.

use std::fs;
use std::os::unix::fs::symlink;

use rustix::process::Signal;

use runit_tests::dirs::{make_fifo, mode, write};
use runit_tests::hostile::{Treasure, can_be_two_users, give};
use runit_tests::logs::{LogDir, Logger, log};
use runit_tests::prelude::*;

/// Returns unless there are two users, and the logger is ours.
macro_rules! only_ours_as_root {
    ($reason:expr) => {
        if !can_be_two_users() {
            return;
        }
        only_ours!("svlogd", $reason);
    };
}

/// A log directory of the user's, and beside it one that is root's alone.
fn given(config: &str) -> (LogDir, TempDir) {
    let dir = LogDir::new(config);
    give(dir.path());
    (dir, TempDir::new())
}

/// What is in the files there, links left aside.
fn kept(dir: &LogDir) -> String {
    let files = dir.archives().into_iter().filter(|name| !dir.join(name).is_symlink());
    files.map(|name| dir.text(&name)).collect()
}

/// Lets the logger find something else as `current`: it says so, and waits; once that is gone it
/// logs what it was given.
#[track_caller]
fn is_refused(dir: &LogDir) {
    let mut logger = Logger::start(&[], dir);
    logger.write("a line\n");
    logger.process.wait_stderr("unable to open current");
    fs::remove_file(dir.join("current")).unwrap();
    wait_until("the line", || dir.current() == "a line\n");
    assert_eq!(logger.finish(), 0);
    fs::remove_file(dir.join("current")).unwrap();
}

#[test]
fn current_as_a_symlink_is_not_followed() {
    only_ours_as_root!("C svlogd writes wherever `current` points, and sets its mode");
    let (dir, roots) = given("");
    let empty = Treasure::new(roots.path().join("empty"), "", 0o600);
    let program = Treasure::new(roots.path().join("program"), "#!/bin/sh\n", 0o700);
    let missing = roots.path().join("missing");
    for target in [empty.path(), program.path(), &missing] {
        symlink(target, dir.join("current")).unwrap();
        is_refused(&dir);
    }
    empty.is_untouched();
    program.is_untouched();
    assert!(!missing.exists(), "made by a link");
}

#[test]
fn current_as_a_hard_link_is_not_written() {
    only_ours_as_root!("C svlogd writes to it");
    let (dir, roots) = given("");
    let program = Treasure::new(roots.path().join("program"), "#!/bin/sh\n", 0o700);
    fs::hard_link(program.path(), dir.join("current")).unwrap();
    is_refused(&dir);
    program.is_untouched();
}

#[test]
fn root_may_have_links_in_a_directory_of_its_own() {
    if !can_be_two_users() {
        return;
    }
    let dir = LogDir::new("");
    let elsewhere = TempDir::new();
    let target = elsewhere.path().join("real");
    symlink(&target, dir.join("current")).unwrap();
    let (code, said) = log(&[], &dir, "a line\n");
    assert_eq!(code, 0, "{said}");
    assert_eq!(fs::read_to_string(&target).unwrap(), "a line\n");
}

#[test]
fn current_that_becomes_a_symlink_costs_the_user_time_and_nobody_a_line() {
    only_ours_as_root!("C svlogd follows it");
    let (dir, roots) = given("");
    let secret = Treasure::new(roots.path().join("secret"), "", 0o600);
    let mut logger = Logger::start(&[], &dir);
    logger.write("one\n");
    wait_until("the first line", || dir.current() == "one\n");
    // Instead of the file that is open, while it is: it is the link that is put away.
    fs::remove_file(dir.join("current")).unwrap();
    symlink(secret.path(), dir.join("current")).unwrap();
    logger.process.kill(Signal::ALARM);
    wait_until("an old file", || dir.archives().len() == 1);
    logger.write("two\n");
    wait_until("the second line", || dir.current() == "two\n");
    secret.is_untouched();
    // And where it is opened anew.
    fs::remove_file(dir.join("current")).unwrap();
    symlink(secret.path(), dir.join("current")).unwrap();
    logger.process.kill(Signal::HUP);
    // What comes before it has taken the signal goes into the file that is gone.
    logger.process.wait_stderr("unable to open current");
    logger.write("three\n");
    secret.is_untouched();
    fs::remove_file(dir.join("current")).unwrap();
    wait_until("the third line", || dir.current() == "three\n");
    assert_eq!(logger.finish(), 0);
    secret.is_untouched();
}

#[test]
fn the_lock_as_a_symlink_makes_no_file() {
    only_ours_as_root!("C svlogd makes it");
    let (dir, roots) = given("");
    let target = roots.path().join("nologin");
    symlink(&target, dir.join("lock")).unwrap();
    let (code, said) = log(&[], &dir, "a line\n");
    assert_eq!(code, 111, "{said}");
    assert!(!target.exists());
}

#[test]
fn fifos_hold_nothing_up() {
    only_ours_as_root!("C svlogd waits for whoever opens the other end");
    let (dir, _) = given("");
    make_fifo(&dir.join("current"));
    is_refused(&dir);
    for (name, code) in [("lock", 111), ("config", 0)] {
        let (dir, _) = given("");
        make_fifo(&dir.join(name));
        let (ended, said) = log(&[], &dir, "a line\n");
        assert_eq!(ended, code, "{name}: {said}");
        assert_eq!(dir.current(), if code == 0 { "a line\n" } else { "" });
    }
}

#[test]
fn a_config_larger_than_memory_is_none() {
    only_ours_as_root!("C svlogd reads it");
    let (dir, _) = given("s100\n");
    let file = fs::OpenOptions::new().write(true).open(dir.join("config")).unwrap();
    file.set_len(1 << 40).unwrap();
    let (code, said) = log(&[], &dir, "a line\n");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("unable to read config"), "{said}");
    assert_eq!(dir.current(), "a line\n");
}

#[test]
fn a_users_config_runs_nothing_as_root() {
    only_ours_as_root!("C svlogd runs it");
    let (dir, roots) = given("");
    let proof = roots.path().join("proof");
    dir.configure(&format!("s100\nn3\n!id >{}; cat\n", proof.display()));
    give(&dir.join("config"));
    let (code, said) = log(&[], &dir, "x\n".repeat(400));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("the processor of another user is not run"), "{said}");
    assert!(!proof.exists(), "it was run");
    // The rest of it counts.
    assert!(dir.archives().len() <= 4, "{:?}", dir.archives());
}

#[test]
fn roots_processor_is_not_led_astray() {
    only_ours_as_root!("C svlogd truncates what `newstate` points to");
    let (dir, roots) = given("s100\n!cat\n");
    let secret = Treasure::new(roots.path().join("secret"), "for root only\n", 0o600);
    for name in ["newstate", "@4000000000000000000000ff.u"] {
        symlink(secret.path(), dir.join(name)).unwrap();
    }
    let mut logger = Logger::start(&[], &dir);
    logger.write("x\n".repeat(100));
    logger.process.wait_stderr("unable to open");
    secret.is_untouched();
    assert!(!kept(&dir).contains("for root only"));
    assert_eq!(logger.terminate(), 0);
    secret.is_untouched();
}

#[test]
fn the_users_own_logger_needs_no_care() {
    if !can_be_two_users() {
        return;
    }
    let (dir, _) = given("");
    write(&dir.join("config"), "s100\nn2\n");
    let mut logger = Logger::launch(Launch::new("svlogd").arg(dir.path()).unprivileged());
    logger.write("x\n".repeat(200));
    assert_eq!(logger.finish(), 0);
    assert_eq!(dir.archives().len(), 2);
    assert_eq!(mode(&dir.join("current")), 0o744);
}
