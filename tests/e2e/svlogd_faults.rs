//! `svlogd` and system calls that fail: every one that it makes, by strace's injection.

use std::collections::BTreeSet;
use std::fs;

use runit_tests::dirs::text;
use runit_tests::logs::{LogDir, Logger, kind, numbered, pipe};
use runit_tests::prelude::*;
use runit_tests::strace;

/// System calls that must be tried: the call, with what it fails, and which times.
const FAULTS: &[(&str, &str, &str)] = &[
    ("write", "ENOSPC", "1..2"),
    ("write", "EIO", "2..4"),
    ("write", "EROFS", "3..3"),
    ("write", "EINTR", "1..20"),
    ("write", "EAGAIN", "2..2"),
    ("write", "EDQUOT", "4..4"),
    ("fsync", "EIO", "1..3"),
    ("fsync", "ENOSPC", "2..2"),
    ("fsync", "EINVAL", "1..99"),
    ("fsync", "EINTR", "1..3"),
    ("fchmod", "EPERM", "1..99"),
    ("fchmod", "EIO", "2..2"),
    ("renameat", "EIO", "1..2"),
    ("renameat", "ENOSPC", "2..3"),
    ("renameat", "EROFS", "4..4"),
    ("openat", "EMFILE", "5..6"),
    ("openat", "ENOSPC", "6..7"),
    ("openat", "ENOMEM", "7..9"),
    ("openat", "EINTR", "8..8"),
    ("open", "ENOMEM", "1..1"),
    ("fstat", "EIO", "1..1"),
    ("fstat", "ENOMEM", "3..4"),
    ("statx", "ENOSYS", "1..99"),
    ("flock", "ENOLCK", "1..1"),
    ("getdents64", "EIO", "1..1"),
    ("getdents64", "EIO", "3..6"),
    ("unlinkat", "EACCES", "1..99"),
    ("unlinkat", "EIO", "1..1"),
    ("read", "EIO", "2..3"),
    ("read", "EINTR", "1..9"),
    ("read", "EAGAIN", "2..3"),
    ("poll", "EINTR", "1..5"),
    ("poll", "ENOMEM", "2..3"),
    ("mmap", "ENOMEM", "1..1"),
    ("mmap", "ENOMEM", "3..3"),
    ("madvise", "ENOMEM", "1..99"),
    ("munmap", "ENOMEM", "1..99"),
    ("signalfd4", "ENFILE", "1..1"),
    ("signalfd4", "EINVAL", "1..1"),
    ("close_range", "ENOSYS", "1..1"),
    ("clock_gettime", "EINVAL", "1..99"),
    ("rt_sigaction", "EINVAL", "1..9"),
    ("close", "EIO", "1..99"),
    ("vfork", "EAGAIN", "1..2"),
    ("wait4", "EINTR", "1..1"),
    ("fcntl", "EBADF", "1..1"),
];

/// Names under which the kernel has the same call, for old or other processors.
const SAME: &[(&str, &str)] = &[
    ("writev", "write"),
    ("renameat2", "renameat"),
    ("rename", "renameat"),
    ("ppoll", "poll"),
    ("newfstatat", "fstat"),
    ("clone", "vfork"),
    ("clone3", "vfork"),
    ("unlink", "unlinkat"),
];

/// Calls that do not fail with the arguments they are given, or whose failure no program sees.
const INFALLIBLE: &[&str] = &["execve", "exit_group", "exit", "rt_sigprocmask"];

/// A run of it through strace, with a directory in which all happens.
fn run(options: &[String], config: &str) -> (LogDir, Logger, i32) {
    let dir = LogDir::new(config);
    let mut words = vec!["strace".to_owned(), "-qq".to_owned()];
    words.extend_from_slice(options);
    let args = ["-l", "100", "-b", "200"];
    let launch = Launch::new("svlogd").args(args).arg(dir.path()).through(words);
    let mut logger = Logger::launch(launch);
    // One that could not start reads nothing, and its exit code tells.
    let _ = numbered(300, 30).as_bytes().chunks(1000).all(|part| logger.try_write(part));
    let code = logger.finish();
    (dir, logger, code)
}

const CONFIG: &str = "s2000\nn0\n!cat\n";

#[test]
fn every_call_that_it_makes_is_tried() {
    only_ours!("the reference makes others");
    if !strace::is_there("every_call_that_it_makes_is_tried") {
        return;
    }
    let temp = TempDir::new();
    let trace = temp.path().join("trace");
    let words = ["-o".to_owned(), trace.display().to_string()];
    let (dir, _, code) = run(&words, CONFIG);
    assert_eq!((code, dir.everything()), (0, numbered(300, 30)));
    let seen: BTreeSet<String> = text(&trace)
        .lines()
        .filter_map(|line| line.split_once('(').map(|(name, _)| name.to_owned()))
        .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .collect();
    assert!(seen.contains("fsync"), "{seen:?}");
    for name in seen {
        let name = SAME.iter().find(|(other, _)| *other == name).map_or(&*name, |(_, same)| same);
        let tried = FAULTS.iter().any(|(call, _, _)| *call == name);
        assert!(tried || INFALLIBLE.contains(&name), "{name} is not in the table");
    }
}

/// All the names of a call.
fn names(call: &str) -> String {
    let others = SAME.iter().filter(|(_, same)| *same == call).map(|(other, _)| *other);
    // Names that this processor's kernel does not have are marked as such.
    [call].into_iter().chain(others).map(|name| format!("?{name}")).collect::<Vec<_>>().join(",")
}

/// All that was logged. Where what a processor has read could not be deleted, what it has made
/// counts.
fn logged(dir: &LogDir) -> String {
    let archives = dir.archives();
    let made = |name: &str| archives.contains(&name.replace(".u", ".s"));
    let counts = |name: &&String| match kind(name) {
        's' => true,
        'u' => !made(name),
        _ => false,
    };
    archives.iter().filter(counts).map(|name| dir.text(name)).collect::<String>() + &dir.current()
}

fn try_faults(part: usize) {
    if !suite::only_ours("the reference is not tried") || !strace::is_there("try_faults") {
        return;
    }
    for (index, (call, error, times)) in FAULTS.iter().enumerate() {
        if index % 4 != part {
            continue;
        }
        let calls = names(call);
        let words = [
            "-o".to_owned(),
            "/dev/null".to_owned(),
            format!("--trace={calls}"),
            format!("--inject={calls}:error={error}:when={times}"),
        ];
        let (dir, logger, code) = run(&words, CONFIG);
        let said = logger.process.stderr();
        let what = format!("{call} {error} {times}: code {code}, said:\n{said}");
        match code {
            0 => assert!(logged(&dir) == numbered(300, 30), "{what}"),
            // It could not even start: no line was read.
            111 => {
                assert!(dir.everything().is_empty() && !said.is_empty(), "{what}");
            }
            _ => panic!("{what}"),
        }
        assert!(said.lines().all(|line| line.starts_with("svlogd: ")), "{what}");
        // Said once per change: no call fails more than once in a row with the same words.
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("pausing")).collect();
        assert!(lines.windows(2).all(|pair| pair[0] != pair[1]), "{what}");
    }
}

#[test]
fn no_line_is_lost_when_calls_fail() {
    try_faults(0);
}

#[test]
fn no_line_is_lost_when_calls_fail_either() {
    try_faults(1);
}

#[test]
fn nor_when_these_do() {
    try_faults(2);
}

#[test]
fn and_not_when_those_do() {
    try_faults(3);
}

#[test]
fn a_fault_is_said_once_and_so_is_its_end() {
    only_ours!("the reference says it every few seconds");
    if !strace::is_there("a_fault_is_said_once_and_so_is_its_end") {
        return;
    }
    let calls = names("write");
    let dir = LogDir::new("");
    // Standard error takes no part: it is the file that fails.
    let path = dir.join("current").display().to_string();
    let words = [
        "strace".to_owned(),
        "-qq".to_owned(),
        "-o".to_owned(),
        "/dev/null".to_owned(),
        format!("--trace-path={path}"),
        format!("--trace={calls}"),
        format!("--inject={calls}:error=EROFS:when=1..4"),
    ];
    let mut logger = Logger::launch(Launch::new("svlogd").arg(dir.path()).through(words));
    logger.write("one\ntwo\n");
    assert_eq!(logger.finish(), 0);
    assert_eq!(dir.current(), "one\ntwo\n");
    let said = logger.process.stderr();
    let lines: Vec<&str> = said.lines().collect();
    let shown = dir.path().display();
    let pausing =
        format!("svlogd: pausing: unable to write to current: {shown}: read-only file system");
    assert_eq!(lines.len(), 2, "{said}");
    assert_eq!(lines[0], pausing);
    assert!(lines[1].starts_with(&format!("svlogd: warning: resuming: {shown}: after ")), "{said}");
}

#[test]
fn a_current_that_is_no_file_is_waited_for() {
    only_ours!("the reference writes into a FIFO and cannot be ended");
    let dir = LogDir::new("");
    runit_tests::dirs::make_fifo(&dir.join("current"));
    let mut logger = Logger::start(&[], &dir);
    logger.write("one\n");
    logger.process.wait_stderr("svlogd: pausing: unable to open current: ");
    fs::remove_file(dir.join("current")).unwrap();
    wait_until("the line", || dir.current() == "one\n");
    assert_eq!(logger.finish(), 0);
}

#[test]
fn fifos_in_the_place_of_its_files_hold_up_nothing() {
    only_ours!("the reference waits for ever");
    for (name, code) in [("config", 0), ("lock", 111)] {
        let dir = LogDir::new("");
        runit_tests::dirs::make_fifo(&dir.join(name));
        let mut logger = Logger::start(&[], &dir);
        if code == 0 {
            logger.write("one\n");
        }
        assert_eq!(logger.finish(), code, "{name}");
    }
}

#[test]
fn a_current_that_somebody_took_away_is_made_anew_with_the_next_rotation() {
    let dir = LogDir::new("s100\n");
    let mut logger = Logger::start(&["-l", "20", "-b", "30"], &dir);
    logger.write(numbered(1, 16));
    wait_until("the line", || dir.current() == numbered(1, 16));
    only_ours!("the reference waits for it to come back");
    fs::remove_file(dir.join("current")).unwrap();
    logger.write(numbered(5, 16));
    assert_eq!(logger.finish(), 0);
    assert_eq!((dir.archives().len(), dir.current()), (0, numbered(5, 16)[64..].to_owned()));
}

#[test]
fn a_limit_on_the_size_of_files_does_not_kill_it() {
    only_ours!("the reference is ended by SIGXFSZ");
    let dir = LogDir::new("s0\n");
    let launch = Launch::new("svlogd").arg(dir.path()).through_sh("ulimit -f 8");
    let mut logger = Logger::launch(launch);
    logger.write(numbered(100, 100));
    logger.process.wait_stderr("svlogd: pausing: unable to write to current: ");
    assert_eq!(logger.terminate(), 111);
    let said = logger.process.stderr();
    let written = dir.current().matches('\n').count();
    assert!(said.contains(&format!("svlogd: warning: lost {} lines (", 100 - written)), "{said}");
}

#[test]
fn a_directory_that_cannot_be_written_holds_up_no_other() {
    only_ours!("the reference waits for it");
    let (there, stuck) = (LogDir::new(""), LogDir::new(""));
    runit_tests::dirs::make_fifo(&stuck.join("current"));
    let mut logger = Logger::launch(Launch::new("svlogd").arg(stuck.path()).arg(there.path()));
    logger.write("one\n");
    wait_until("the line", || there.current() == "one\n");
    fs::remove_file(stuck.join("current")).unwrap();
    logger.write("two\n");
    wait_until("both lines", || stuck.current() == "one\ntwo\n" && there.current() == "one\ntwo\n");
    assert_eq!(logger.finish(), 0);
}

#[test]
fn standard_error_that_nobody_reads_holds_up_nothing() {
    only_ours!("the reference waits for it");
    let dir = LogDir::new("s0\ne*\n");
    let (_unread, error) = pipe();
    let mut logger = Logger::launch(Launch::new("svlogd").arg(dir.path()).stderr(error));
    let lines = numbered(5000, 100);
    logger.write(&lines);
    assert_eq!(logger.finish(), 0);
    assert!(dir.current() == lines);
}
