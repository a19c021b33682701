//! `svlogd` on a disk that is full: a small tmpfs of its own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use runit_tests::logs::{LogDir, Logger, numbered, pipe};
use runit_tests::prelude::*;
use runit_tests::supervisor::is_root;

/// What makes a mount namespace of its own; nothing where that is not allowed.
fn unshare() -> Option<Vec<String>> {
    let words: &[&str] = if is_root() {
        &["unshare", "--mount"]
    } else {
        &["unshare", "--user", "--map-root-user", "--mount"]
    };
    let allowed = Command::new(words[0])
        .args(&words[1..])
        .args(["mount", "-t", "tmpfs", "none", "/mnt"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !allowed {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        eprintln!("{test}: not tried: a file system cannot be mounted here without root");
    }
    allowed.then(|| words.iter().map(|&word| word.to_owned()).collect())
}

/// A `svlogd` on a file system of this many KiB, of which a file named `fill` takes some.
struct Full {
    logger: Logger,
    /// The directory as svlogd sees it.
    seen: LogDir,
    _place: LogDir,
}

impl Full {
    fn launch(config: &str, size: u32, fill: u32) -> Option<(Launch, LogDir)> {
        let words = unshare()?;
        let place = LogDir::new("");
        let path = place.path().display().to_string();
        let script = format!(
            "mount -t tmpfs -o size={size}k,mode=755 none '{path}' || exit 99
             printf '{config}' >'{path}/config'
             head -c {fill}k /dev/zero >'{path}/fill'
             exec \"$@\""
        );
        let launch = Launch::new("svlogd")
            .arg(place.path())
            .through(words)
            .through(["/bin/sh", "-c", &script, "sh"]);
        Some((launch, place))
    }

    fn start(config: &str, size: u32, fill: u32) -> Option<Self> {
        let (launch, place) = Self::launch(config, size, fill)?;
        let logger = Logger::launch(launch);
        let seen = Self::see(&logger.process, &place);
        Some(Self { logger, seen, _place: place })
    }

    /// The directory in the namespace of the process, once it is used.
    fn see(process: &Supervisor, place: &LogDir) -> LogDir {
        let root = format!("/proc/{}/root", process.process());
        let seen = LogDir::at(format!("{root}{}", place.path().display()));
        wait_until("svlogd to start", || seen.join("current").exists());
        seen
    }

    fn free(&self) {
        fs::remove_file(self.seen.join("fill")).unwrap();
    }

    /// Waits until it has tried again and again.
    fn wait_tries(&self) {
        let process = self.logger.process.process();
        let before = process.voluntary_switches().unwrap();
        wait_until("some tries", || process.voluntary_switches() >= Some(before + 3));
    }
}

const PAUSING: &str = "svlogd: pausing: unable to write to current: ";

#[test]
fn a_full_disk_costs_no_line() {
    only_ours!("the reference says so every few seconds");
    let Some(mut full) = Full::start("n0\n", 256, 200) else { return };
    let lines = numbered(1200, 100);
    full.logger.write(&lines[..60_000]);
    full.logger.process.wait_stderr(PAUSING);
    full.wait_tries();
    full.logger.write(&lines[60_000..]);
    full.free();
    full.logger.process.wait_stderr("svlogd: warning: resuming: ");
    wait_until("all lines", || full.seen.current() == lines);
    assert_eq!(full.logger.finish(), 0);
    assert_eq!(full.logger.process.stderr().matches(PAUSING).count(), 1);
}

/// Logs more than there is room for where old files may be deleted.
fn overflow(config: &str) {
    let Some(mut full) = Full::start(config, 128, 0) else { return };
    let lines = numbered(5000, 100);
    full.logger.write(&lines);
    full.logger.write("the last line\n");
    wait_until("the last line", || full.seen.current().ends_with("the last line\n"));
    let said = full.logger.process.stderr();
    assert!(said.contains("svlogd: warning: out of disk space, delete: "), "{said}");
    assert!(!said.contains("pausing"), "{said}");
    let left = full.seen.everything();
    assert!((lines + "the last line\n").ends_with(&left), "the oldest went first");
    assert!(full.seen.archives().len() >= 2);
    assert_eq!(full.logger.finish(), 0);
}

#[test]
fn old_files_are_deleted_down_to_the_least_number() {
    overflow("s10000\\nn30\\nN2\\n");
}

#[test]
fn they_are_where_all_are_to_be_kept_otherwise() {
    only_ours!("the reference deletes none with n0");
    overflow("s10000\\nn0\\nN2\\n");
}

#[test]
fn no_more_than_that_are_deleted() {
    only_ours!("the reference cannot be ended then");
    let Some(mut full) = Full::start("s10000\\nn30\\nN5\\n", 64, 0) else { return };
    full.logger.write(numbered(800, 100));
    full.logger.process.wait_stderr(PAUSING);
    assert_eq!(full.seen.archives().len(), 5);
    full.logger.process.kill(Signal::TERM);
    assert_eq!(full.logger.process.wait_exit(), 111);
}

#[test]
fn term_ends_it_and_it_says_what_it_could_not_write() {
    only_ours!("the reference hangs for ever");
    let Some((launch, place)) = Full::launch("n0\n", 64, 0) else { return };
    let (mut output, mut input) = pipe();
    let from = output.try_clone().unwrap();
    let mut process = launch.stdin(Stdio::from(from)).spawn();
    let seen = Full::see(&process, &place);
    input.write_all(numbered(1100, 100).as_bytes()).unwrap();
    process.wait_stderr(PAUSING);
    // The file system goes with the process, but for what is open.
    let mut current = fs::File::open(seen.join("current")).unwrap();
    process.kill(Signal::TERM);
    assert_eq!(process.wait_exit(), 111);
    drop(input);
    let (mut written, mut left) = (String::new(), String::new());
    current.read_to_string(&mut written).unwrap();
    output.read_to_string(&mut left).unwrap();
    let whole = written.matches('\n').count();
    let said = process.stderr();
    let lost = 1100 - whole - left.matches('\n').count();
    assert!(lost > 0 && said.contains(&format!("svlogd: warning: lost {lost} lines (")), "{said}");
    assert!(numbered(1100, 100).starts_with(&written) && numbered(1100, 100).ends_with(&left));
}

#[test]
fn lines_are_dropped_only_where_that_is_asked_for() {
    only_ours!("the reference has no such setting");
    let Some(mut full) = Full::start("n0\nd1\n", 256, 200) else { return };
    // Far more than disk and pipe hold: it would wait for ever otherwise.
    full.logger.write(numbered(5000, 100));
    full.logger.process.wait_stderr("svlogd: warning: dropping lines until it can be written: ");
    full.free();
    let mut later = 0;
    wait_until("the next line to be logged", || {
        full.logger.write("next\n");
        later += 1;
        full.seen.current().ends_with("next\n")
    });
    // The file system goes with the process, but for what is open.
    let mut file = fs::File::open(full.seen.join("current")).unwrap();
    assert_eq!(full.logger.finish(), 0);
    let mut current = String::new();
    file.read_to_string(&mut current).unwrap();
    let (before, behind) = current.split_once("svlogd: lost ").unwrap();
    let (lost, behind) = behind.split_once(" lines\n").unwrap();
    assert!(numbered(5000, 100).starts_with(before.trim_end_matches('\n')));
    assert!(behind.split_terminator('\n').all(|line| line == "next"), "{behind}");
    // What is there, whole, and what is lost is all there was.
    let whole = before.split_inclusive('\n').filter(|line| line.len() == 100).count();
    let there = whole + behind.matches("next\n").count();
    assert_eq!(there + lost.parse::<usize>().unwrap(), 5000 + later);
    let said = full.logger.process.stderr();
    assert_eq!(said.matches("dropping lines").count(), 1, "{said}");
}
