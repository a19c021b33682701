//! `runsvchdir` (CONTRACT section 8), in a `/etc/runit/runsvdir` of its own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use runit_tests::dirs::{TempDir, create_dir, names, write};
use runit_tests::locks::{Lock, waits};
use runit_tests::own::Own;
use runit_tests::run::{Ran, Run};
use runit_tests::suite;
use runit_tests::{Launch, only_ours, wait_until};

/// Levels `one` (current), `two` and `three` in `dir`, and the plain file `file`.
fn make_levels(dir: &Path) {
    for level in ["one", "two", "three"] {
        create_dir(&dir.join(level));
    }
    write(&dir.join("file"), "");
    symlink("one", dir.join("current")).unwrap();
}

/// What a link of the levels says.
fn link(dir: &Path, name: &str) -> PathBuf {
    fs::read_link(dir.join(name)).unwrap_or_default()
}

/// Levels at the fixed place.
struct Fixed {
    own: Own,
    dir: PathBuf,
}

impl Fixed {
    fn new() -> Self {
        let own = Own::new().alone();
        let dir = own.path("etc/runit/runsvdir");
        make_levels(&dir);
        Self { own, dir }
    }

    fn run(&self, args: &str) -> Ran {
        // To be found: else the shell's own message would be taken for it.
        suite::bin("runsvchdir");
        self.own.sh(&format!("exec runsvchdir {args}")).run()
    }

    #[track_caller]
    fn says(&self, args: &str, code: i32, stdout: &str, stderr: &str) {
        let expected = Ran { code, stdout: stdout.to_owned(), stderr: stderr.to_owned() };
        assert_eq!(self.run(args), expected, "runsvchdir {args}");
    }
}

#[test]
fn the_current_level_becomes_the_previous() {
    let levels = Fixed::new();
    levels.says("two", 0, "runsvchdir: two: now current.\n", "");
    assert_eq!(link(&levels.dir, "current"), Path::new("two"));
    assert_eq!(link(&levels.dir, "previous"), Path::new("one"));
    levels.says("three", 0, "runsvchdir: three: now current.\n", "");
    assert_eq!(link(&levels.dir, "current"), Path::new("three"));
    assert_eq!(link(&levels.dir, "previous"), Path::new("two"));
    levels.says("previous", 0, "runsvchdir: previous: now current.\n", "");
}

#[test]
fn the_current_level_stays() {
    let levels = Fixed::new();
    for name in ["one", "current", "one/"] {
        levels.says(name, 0, &format!("runsvchdir: {name}: current.\n"), "");
    }
    assert_eq!(link(&levels.dir, "current"), Path::new("one"));
    assert_eq!(names(&levels.dir), ["current", "file", "one", "three", "two"]);
}

#[test]
fn what_follows_the_name_does_not_matter() {
    Fixed::new().says("two three", 0, "runsvchdir: two: now current.\n", "");
}

#[test]
fn names_that_are_no_levels_are_refused() {
    let levels = Fixed::new();
    let fatal = |text: &str| format!("runsvchdir: fatal: {text}\n");
    levels.says(".one", 111, "", &fatal(".one: must not start with a dot."));
    levels.says("four", 111, "", &fatal("four: file does not exist"));
    levels.says("''", 111, "", &fatal(": file does not exist"));
    // The reference forgets the colon.
    let not = if suite::is_program_ours("runsvchdir") { "file: " } else { "file" };
    levels.says("file", 111, "", &fatal(&format!("{not}not a directory.")));
    let below = "unable to stat: file/x: not a directory";
    levels.says("file/x", 111, "", &fatal(below));
    assert_eq!(link(&levels.dir, "current"), Path::new("one"));
    assert_eq!(names(&levels.dir), ["current", "file", "one", "three", "two"]);
}

#[test]
fn usage() {
    let levels = Fixed::new();
    levels.says("", 1, "", "usage: runsvchdir dir\n\n");
}

#[test]
fn no_directory_of_levels_and_no_current_level() {
    let levels = Fixed::new();
    fs::remove_file(levels.dir.join("current")).unwrap();
    let missing = "runsvchdir: fatal: unable to stat: current: file does not exist\n";
    levels.says("one", 111, "", missing);
    fs::remove_dir_all(&levels.dir).unwrap();
    let missing = "runsvchdir: fatal: unable to chdir: /etc/runit/runsvdir: file does not exist\n";
    levels.says("one", 111, "", missing);
}

#[test]
fn leftovers_do_not_matter() {
    let levels = Fixed::new();
    symlink("three", levels.dir.join("current.new")).unwrap();
    symlink("gone", levels.dir.join("previous")).unwrap();
    levels.says("two", 0, "runsvchdir: two: now current.\n", "");
    assert_eq!(link(&levels.dir, "previous"), Path::new("one"));
    assert_eq!(names(&levels.dir), ["current", "file", "one", "previous", "three", "two"]);
    create_dir(&levels.dir.join("current.new"));
    let said = "runsvchdir: fatal: unable to unlink: current.new: is a directory\n";
    levels.says("one", 111, "", said);
    assert_eq!(link(&levels.dir, "current"), Path::new("two"));
}

#[test]
fn the_environment_names_the_levels() {
    only_ours!("runsvchdir", "Debian's 2.1.2 knows no RUNSVDIR");
    let dir = TempDir::new();
    make_levels(dir.path());
    let run = |levels: &Path, name: &str| Run::new("runsvchdir").env("RUNSVDIR", levels).arg(name);
    assert_eq!(run(dir.path(), "two").stdout(), "runsvchdir: two: now current.\n");
    assert_eq!(link(dir.path(), "current"), Path::new("two"));
    let odd = "a level\nof two";
    create_dir(&dir.path().join(odd));
    assert_eq!(run(dir.path(), odd).stdout(), "runsvchdir: a level\\nof two: now current.\n");
    assert_eq!(link(dir.path(), "current"), Path::new(odd));
    let missing = dir.path().join("none");
    let said = run(&missing, "two").fails(111);
    let expected =
        format!("runsvchdir: fatal: unable to chdir: {}: file does not exist\n", missing.display());
    assert_eq!(said, expected);
}

#[test]
fn a_current_level_that_is_no_link_is_left_alone() {
    only_ours!("runsvchdir", "the reference moves the directory, and has no `current` meanwhile");
    let dir = TempDir::new();
    make_levels(dir.path());
    fs::remove_file(dir.path().join("current")).unwrap();
    create_dir(&dir.path().join("current"));
    let said = Run::new("runsvchdir").env("RUNSVDIR", dir.path()).arg("two").fails(111);
    assert_eq!(said, "runsvchdir: fatal: unable to read link: current: invalid argument\n");
    assert!(dir.path().join("current").is_dir());
}

#[test]
fn one_switch_waits_for_another() {
    only_ours!("runsvchdir", "the reference takes no lock");
    let dir = TempDir::new();
    make_levels(dir.path());
    let lock = Lock::new(dir.path());
    let launch = Launch::new("runsvchdir").env("RUNSVDIR", dir.path()).arg("two");
    let mut switch = launch.spawn();
    wait_until("it to wait", || waits(switch.process()));
    assert_eq!(link(dir.path(), "current"), Path::new("one"));
    drop(lock);
    assert_eq!(switch.wait_exit(), 0);
    assert_eq!(link(dir.path(), "current"), Path::new("two"));
}

/// A line of strace's as the name of a system call, if it is one.
fn call_of(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('(')?;
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (plain && !name.is_empty()).then_some(name)
}

#[test]
fn killed_at_any_system_call_it_leaves_a_current_level() {
    only_ours!("runsvchdir", "the reference has no `current` for an instant");
    let dir = TempDir::new();
    let trace = dir.path().join("trace");
    let levels = dir.path().join("levels");
    let strace = |extra: &[String]| {
        let status = Command::new("strace")
            .arg("-o")
            .arg(&trace)
            .args(extra)
            .arg(suite::bin("runsvchdir"))
            .arg("two")
            .env("RUNSVDIR", &levels)
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap_or_else(|error| panic!("strace: {error}"));
        assert!(levels.join("current").is_dir(), "{extra:?}: no current level");
        status
    };
    let fresh = || {
        if levels.exists() {
            fs::remove_dir_all(&levels).unwrap();
        }
        make_levels(&levels);
    };
    fresh();
    assert!(strace(&[]).success());
    let text = fs::read_to_string(&trace).unwrap();
    let calls: Vec<&str> = text.lines().filter_map(call_of).skip(1).collect();
    assert!(calls.iter().filter(|&&call| call.starts_with("rename")).count() == 2, "{calls:?}");
    for (index, call) in calls.iter().enumerate() {
        let nth = calls[..=index].iter().filter(|each| *each == call).count();
        fresh();
        let inject = format!("inject={call}:signal=KILL:when={nth}");
        let status = strace(&["-e".to_owned(), inject]);
        // The last one is exit itself, which is quicker.
        assert!(!status.success() || index + 1 == calls.len(), "{call} {nth}: {status}");
        // Once more, and all is as it should be.
        let said = Run::new("runsvchdir").env("RUNSVDIR", &levels).arg("two").stdout();
        assert!(said.ends_with("current.\n"), "{said}");
        assert_eq!(link(&levels, "current"), Path::new("two"));
        assert_eq!(link(&levels, "previous"), Path::new("one"), "killed at {call} {nth}");
    }
}

#[test]
fn a_failing_system_call_leaves_the_level_as_it_was() {
    only_ours!("runsvchdir", "the reference has no `current` for an instant");
    let dir = TempDir::new();
    make_levels(dir.path());
    let said = |call: &str, nth: u32, message: &str| {
        let inject = format!("inject={call}:error=EROFS:when={nth}");
        let ran = Run::path("strace")
            .args(["-qq", "-o", "/dev/null", "-e", &inject])
            .arg(suite::bin("runsvchdir"))
            .arg("two")
            .env("RUNSVDIR", dir.path())
            .fails(111);
        assert_eq!(ran, format!("runsvchdir: fatal: {message}: read-only file system\n"));
        assert_eq!(link(dir.path(), "current"), Path::new("one"));
    };
    said("readlink,readlinkat", 1, "unable to read link: current");
    said("symlink,symlinkat", 1, "unable to create: current.new -> two");
    said("symlink,symlinkat", 2, "unable to copy: current to previous");
    said("rename,renameat,renameat2", 1, "unable to copy: current to previous");
    said("rename,renameat,renameat2", 2, "unable to move: current.new to current");
}
