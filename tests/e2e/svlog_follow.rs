//! `svlog -f`: what is logged from now on, across rotations.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use runit_tests::dirs::{create_dir, names, text, write};
use runit_tests::prelude::*;
use runit_tests::strace;
use runit_tests::wait::LIMIT;

use crate::svlog_files::svlogd;

/// A `svlog -f`, killed when this value goes.
struct Follower {
    child: Child,
    lines: Receiver<String>,
}

impl Follower {
    fn start(args: &[&str], dirs: &[&Path]) -> Self {
        Self::spawn(Command::new(suite::bin("svlog")).args(args).args(dirs))
    }

    /// One that follows `dir` while calls fail, as [`strace::failing`] has it.
    fn failing(calls: &str, fault: &str, trace: &Path, more: &[&str], dir: &Path) -> Self {
        let words = strace::failing(calls, fault, trace, more);
        let mut command = Command::new(&words[0]);
        Self::spawn(command.args(&words[1..]).arg(suite::bin("svlog")).arg("-f").arg(dir))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                if sender.send(line.unwrap()).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    #[track_caller]
    fn next(&self) -> String {
        self.lines.recv_timeout(LIMIT).unwrap()
    }

    #[track_caller]
    fn expect(&self, lines: &[&str]) {
        for line in lines {
            assert_eq!(self.next(), *line);
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn the_last_lines_and_then_new_ones() {
    if !suite::has("svlog") {
        return;
    }
    let temp = TempDir::new();
    let current = temp.path().join("current");
    let lines: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    write(&current, lines.join("\n") + "\n");
    let follower = Follower::start(&["-f"], &[temp.path()]);
    for line in &lines[10..] {
        follower.expect(&[line]);
    }
    // A line is shown when it is whole.
    append(&current, "a\nb");
    follower.expect(&["a"]);
    append(&current, "c\n");
    follower.expect(&["bc"]);
    // Somebody empties the file.
    File::create(&current).unwrap();
    append(&current, "new\n");
    follower.expect(&["new"]);
}

#[test]
fn a_rotation_that_stops_halfway() {
    if !suite::has("svlog") {
        return;
    }
    let temp = TempDir::new();
    let at = |name: &str| temp.path().join(name);
    let archive = |number: u32| at(&format!("@40000000000000{number:02x}00000000.s"));
    write(&at("current"), "1\n");
    let follower = Follower::start(&["-f"], &[temp.path()]);
    follower.expect(&["1"]);
    // What is written just before, and with no file in its place.
    append(&at("current"), "2\n");
    fs::rename(at("current"), archive(20)).unwrap();
    follower.expect(&["2"]);
    append(&archive(20), "3\n");
    write(&at("current.new"), "4\n");
    fs::rename(at("current.new"), at("current")).unwrap();
    follower.expect(&["3", "4"]);
    // Several at once: those between are read, in order.
    write(&archive(22), "6\n");
    write(&archive(23), "7\n");
    append(&at("current"), "5\n");
    write(&at("current.new"), "8\n");
    fs::rename(at("current"), archive(21)).unwrap();
    fs::rename(at("current.new"), at("current")).unwrap();
    follower.expect(&["5", "6", "7", "8"]);
    // A processor's copy of what has been shown is not shown again; what is no file at all is
    // passed over.
    create_dir(&archive(25));
    fs::remove_file(at("current")).unwrap();
    write(&archive(24), "8\n");
    write(&at("current"), "9\n");
    follower.expect(&["9"]);
}

#[test]
fn a_file_that_cannot_be_opened_for_once_is_not_shown_twice() {
    let name = "a_file_that_cannot_be_opened_for_once_is_not_shown_twice";
    if !suite::has("svlog") || !strace::is_there(name) {
        return;
    }
    let (temp, trace) = (TempDir::new(), TempDir::new());
    let at = |name: &str| temp.path().join(name);
    let archive = at("@400000000000001400000000.s");
    write(&at("current"), "1\n");
    let (path, trace) = (archive.display().to_string(), trace.path().join("trace"));
    let opens = "?open,?openat";
    let follower =
        Follower::failing(opens, "error=EMFILE:when=1", &trace, &["-P", &path], temp.path());
    follower.expect(&["1"]);
    fs::rename(at("current"), &archive).unwrap();
    write(&at("current"), "2\n");
    wait_until("the fault", || text(&trace).contains("INJECTED"));
    append(&at("current"), "3\n");
    follower.expect(&["2", "3"]);
}

#[test]
fn what_cannot_be_read_for_once_is_read_at_the_next_look() {
    let name = "what_cannot_be_read_for_once_is_read_at_the_next_look";
    if !suite::has("svlog") || !strace::is_there(name) {
        return;
    }
    let (temp, trace) = (TempDir::new(), TempDir::new());
    let (current, trace) = (temp.path().join("current"), trace.path().join("trace"));
    write(&current, "first\n");
    let follower = Follower::failing("pread64", "error=EIO:when=12", &trace, &[], temp.path());
    follower.expect(&["first"]);
    for number in 0..20 {
        append(&current, &format!("{number}\n"));
        follower.expect(&[&number.to_string()]);
    }
    assert!(text(&trace).contains("INJECTED"));
}

/// How many lines each service logs.
const LINES: usize = 4_000;

/// An `svlogd` that rotates every 2000 bytes, and its input.
fn logger(dir: &Path, config: &str) -> (Child, ChildStdin) {
    create_dir(dir);
    write(&dir.join("config"), config);
    let mut child = Command::new(svlogd())
        .args(["-t", "-b", "256", "-l", "200"])
        .arg(dir)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("svlogd to begin", || dir.join("current").exists());
    let input = child.stdin.take().unwrap();
    (child, input)
}

#[test]
fn no_line_is_lost_or_doubled_by_rotations() {
    if !suite::has("svlog") {
        return;
    }
    for config in ["s2000\nn0\n", "s2000\nn0\n!cat\n"] {
        let temp = TempDir::new();
        let dirs = ["a", "b"].map(|name| temp.path().join(name));
        let mut loggers = dirs.each_ref().map(|dir| logger(dir, config));
        let follower =
            Follower::start(&["-f", "-n0", "--no-name"], &[dirs[0].as_path(), dirs[1].as_path()]);
        // It is at work when it shows a first line.
        let mut first = 0;
        wait_until("a first line", || {
            for (_, input) in &mut loggers {
                writeln!(input, "first {first}").unwrap();
            }
            first += 1;
            follower.lines.try_recv().ok()
        });
        let writers = loggers.map(|(mut child, mut input)| {
            std::thread::spawn(move || {
                for number in 0..LINES {
                    writeln!(input, "line {number}").unwrap();
                }
                drop(input);
                child.wait().unwrap();
            })
        });
        let mut counts = Vec::new();
        while counts.len() < 2 * LINES {
            let line = follower.next();
            if let Some((_, number)) = line.split_once(" line ") {
                counts.push(number.parse::<usize>().unwrap());
            }
        }
        for writer in writers {
            writer.join().unwrap();
        }
        assert!(names(&dirs[0]).len() > 20, "not rotated");
        counts.sort_unstable();
        let expected: Vec<_> = (0..LINES).flat_map(|number| [number, number]).collect();
        assert!(counts == expected, "lost or doubled with {config:?}");
    }
}

#[test]
fn the_reader_of_the_pipe_has_gone() {
    if !suite::has("svlog") {
        return;
    }
    let temp = TempDir::new();
    write(&temp.path().join("current"), "x\n");
    let mut child = Command::new(suite::bin("svlog"))
        .arg("-f")
        .arg(temp.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    // Nothing is written any more, and yet it ends, and says nothing.
    wait_until("svlog to end", || child.try_wait().unwrap());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
}
