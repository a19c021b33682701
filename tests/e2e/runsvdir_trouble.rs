//! Bad input, missing things, limits reached: what `runsvdir` says, and that it goes on.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use runit_tests::dirs::{create_dir, identity, set_mode, write};
use runit_tests::messages::Messages;
use runit_tests::prelude::*;
use runit_tests::protocol::Supervised;
use runit_tests::tree::Tree;
use rustix::process::Signal;

#[test]
fn wrong_usage() {
    for args in [&[][..], &["-P"]] {
        let output = suite::command("runsvdir").args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(said, "usage: runsvdir [-P] dir\n\n", "{args:?}");
        assert_eq!(output.stdout, b"", "{args:?}");
    }
}

#[test]
fn help_and_version() {
    only_ours!("the reference takes both for directories");
    for (option, wanted) in [("--help", "runsvdir"), ("--version", "runit-rs")] {
        let output = suite::command("runsvdir").arg(option).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{option}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(wanted), "{option}: {text:?}");
        assert_eq!(output.stderr, b"", "{option}");
    }
}

#[test]
fn a_directory_that_appears_later() {
    let tree = Tree::new();
    let dir = tree.path("late");
    let mut runsvdir = Launch::new("runsvdir").arg(&dir).spawn();
    runsvdir.wait_stderr(&format!(
        "runsvdir {0}: warning: unable to stat {0}: file does not exist\n",
        dir.display()
    ));
    assert!(runsvdir.lives());
    let one = ServiceDirBuilder::sleeper().build_in(tree.path("made/one"));
    fs::rename(tree.path("made"), &dir).unwrap();
    Supervised::new(dir.join("one")).wait_running("sleep");
    assert!(runsvdir.lives());
    drop(one);
}

#[test]
fn a_directory_whose_parents_appear_later() {
    let tree = Tree::new();
    let dir = tree.path("a/b/c/service");
    let runsvdir = Launch::new("runsvdir").arg(&dir).spawn();
    runsvdir.wait_stderr(": file does not exist\n");
    let one = ServiceDirBuilder::sleeper().build_in(dir.join("one"));
    one.wait_running("sleep");
}

#[test]
fn a_directory_that_goes_away_for_a_while() {
    let tree = Tree::new();
    let one = tree.add("one");
    let mut runsvdir = tree.scan();
    let before = one.wait_running("sleep");
    fs::rename(tree.service(), tree.path("away")).unwrap();
    runsvdir.wait_stderr(&format!("unable to stat {}", tree.service().display()));
    assert!(runsvdir.lives());
    // What runs is left alone: nobody said that it should go.
    assert_eq!(one.status(), before);
    fs::rename(tree.path("away"), tree.service()).unwrap();
    tree.wait_for_scan("zz");
    assert_eq!(one.status(), before);
}

#[test]
fn a_directory_that_is_a_file() {
    let tree = Tree::new();
    let dir = tree.path("file");
    write(&dir, "");
    let mut runsvdir = Launch::new("runsvdir").arg(&dir).spawn();
    runsvdir.wait_stderr(": not a directory\n");
    assert!(runsvdir.stderr().starts_with(&format!("runsvdir {}: warning: ", dir.display())));
    assert!(runsvdir.lives());
    fs::remove_file(&dir).unwrap();
    let one = ServiceDirBuilder::sleeper().build_in(dir.join("one"));
    one.wait_running("sleep");
}

#[test]
fn a_directory_that_may_not_be_read_yet() {
    let tree = Tree::new();
    let one = ServiceDirBuilder::sleeper().build_in(tree.service().join("one"));
    set_mode(one.path(), 0o777);
    set_mode(&tree.service(), 0o300);
    let launch = Launch::new("runsvdir").unprivileged();
    let mut runsvdir = launch.arg(tree.service()).spawn();
    runsvdir.wait_stderr(": access denied\n");
    assert!(runsvdir.lives());
    set_mode(&tree.service(), 0o777);
    if !suite::is_ours() {
        change(&tree);
    }
    one.wait_running("sleep");
}

/// Changes the directory for the reference, which looks again only where the whole second of the
/// last change is another; files are stamped by a clock that is some milliseconds behind.
#[track_caller]
fn change(tree: &Tree) {
    let second = || identity(&tree.service()).2;
    let before = second();
    wait_until("a change in another second", || {
        let path = tree.service().join("change");
        write(&path, "");
        fs::remove_file(&path).unwrap();
        second() != before
    });
}

#[test]
fn a_path_without_runsv() {
    let tree = Tree::new();
    let one = tree.add("one");
    create_dir(&tree.path("bin"));
    let mut runsvdir =
        Launch::new("runsvdir").env("PATH", tree.path("bin")).arg(tree.service()).spawn();
    let line = format!(
        "runsvdir {}: fatal: unable to start runsv one: file does not exist\n",
        tree.service().display()
    );
    // Again and again.
    runsvdir.wait_stderr(&format!("{line}{line}"));
    assert!(runsvdir.lives());
    symlink(suite::bin("runsv"), tree.path("bin/runsv")).unwrap();
    for program in ["sh", "sleep"] {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
        let path = String::from_utf8(found.unwrap().stdout).unwrap();
        symlink(path.trim(), tree.path("bin").join(program)).unwrap();
    }
    one.wait_running("sleep");
}

#[test]
fn each_message_is_one_write() {
    only_ours!("the reference writes a message in several pieces");
    let tree = Tree::new();
    tree.add("one");
    for (dir, path) in
        [(tree.path("missing"), suite::search_path()), (tree.service(), "/nonexistent".into())]
    {
        let (mut messages, stderr) = Messages::new();
        let launch = Launch::new("runsvdir").env("PATH", path).arg(&dir).arg("short");
        let _runsvdir = launch.stderr(stderr).spawn();
        messages.assert_lines(3, &format!("runsvdir {}: ", dir.display()));
    }
}

/// A tree that any user may scan, scanned by one without privileges.
#[track_caller]
fn scanned_unprivileged() -> (Tree, Service, Supervisor) {
    let tree = Tree::new();
    set_mode(&tree.service(), 0o777);
    let one = ServiceDirBuilder::sleeper().build_in(tree.service().join("one"));
    set_mode(one.path(), 0o777);
    let runsvdir = Launch::new("runsvdir").unprivileged().arg(tree.service()).spawn();
    one.wait_running("sleep");
    (tree, one, runsvdir)
}

#[test]
fn no_descriptors_left_while_it_runs() {
    let (tree, one, mut runsvdir) = scanned_unprivileged();
    let before = one.status();
    runsvdir.limit("nofile", "3");
    let two = ServiceDirBuilder::sleeper().build_in(tree.path("made"));
    set_mode(two.path(), 0o777);
    fs::rename(two.path(), tree.service().join("two")).unwrap();
    runsvdir.wait_stderr(": process cannot open more files\n");
    assert!(runsvdir.lives());
    assert_eq!(one.status(), before);
    runsvdir.limit("nofile", "100");
    if !suite::is_ours() {
        change(&tree);
    }
    Supervised::new(tree.service().join("two")).wait_running("sleep");
    assert_eq!(one.status(), before);
}

#[test]
fn no_more_processes() {
    let (tree, one, mut runsvdir) = scanned_unprivileged();
    let before = one.status();
    runsvdir.limit("nproc", "0");
    let two = ServiceDirBuilder::sleeper().build_in(tree.path("made"));
    set_mode(two.path(), 0o777);
    fs::rename(two.path(), tree.service().join("two")).unwrap();
    runsvdir.wait_stderr(": temporary failure\n");
    assert!(runsvdir.stderr().contains("warning: unable to fork"), "{}", runsvdir.stderr());
    assert!(runsvdir.lives());
    runsvdir.limit("nproc", "5000");
    Supervised::new(tree.service().join("two")).wait_running("sleep");
    assert_eq!(one.status(), before);
}

#[test]
fn a_log_pipe_that_cannot_be_made_is_done_without() {
    let tree = Tree::new();
    let launch = Launch::new("runsvdir").through_sh("ulimit -n 4");
    let log = "log: ............................................................";
    let mut runsvdir = launch.arg(tree.service()).arg(log).spawn();
    let prefix = format!("runsvdir {}: warning: ", tree.service().display());
    runsvdir.wait_stderr(&format!("{prefix}unable to create pipe for log"));
    runsvdir.wait_stderr(&format!("{prefix}log service disabled.\n"));
    assert!(runsvdir.lives());
}

#[test]
fn without_inotify_it_looks_now_and_then() {
    only_ours!("the reference does nothing else");
    for limit in ["max_inotify_instances", "max_inotify_watches"] {
        let tree = Tree::new();
        let one = tree.add("one");
        // A user namespace has counts of its own.
        let words = ["unshare", "--user", "--map-root-user"];
        let allowed = Command::new(words[0]).args(&words[1..]).arg("true").status().unwrap();
        if !allowed.success() {
            eprintln!("no user namespaces here: not tested");
            return;
        }
        let launch = Launch::new("runsvdir")
            .through(words)
            .through_sh(&format!("echo 0 >/proc/sys/user/{limit}"));
        let mut runsvdir = launch.arg(tree.service()).spawn();
        one.wait_running("sleep");
        tree.add("two").wait_running("sleep");
        fs::remove_file(tree.service().join("one")).unwrap();
        one.wait_unsupervised();
        assert!(runsvdir.lives());
        runsvdir.kill(Signal::TERM);
        assert_eq!(runsvdir.wait_exit(), 0);
    }
}
