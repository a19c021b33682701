//! `svlogd` and TERM, HUP and KILL.

use std::io::{Read as _, Write as _};
use std::sync::mpsc::channel;

use rustix::process::Signal;

use runit_tests::dirs::{create_dir, mode};
use runit_tests::logs::{LogDir, Logger, kind, log, numbered, pipe};
use runit_tests::prelude::*;

#[test]
fn term_writes_the_line_that_was_begun() {
    only_ours!("the reference drops it");
    let dir = LogDir::new("");
    let mut logger = Logger::start(&["-v"], &dir);
    logger.write("one\nbegun");
    wait_until("the first line", || dir.current() == "one\n");
    assert_eq!(logger.terminate(), 0);
    assert_eq!(dir.current(), "one\nbegun\n");
    assert_eq!(mode(&dir.join("current")), 0o744);
    assert!(logger.process.stderr().contains("svlogd: info: sigterm received.\n"));
}

#[test]
fn term_ends_it_although_its_input_stays_open() {
    let dir = LogDir::new("");
    let mut logger = Logger::start(&[], &dir);
    logger.write("one\n");
    wait_until("the line", || dir.current() == "one\n");
    assert_eq!(logger.terminate(), 0);
    assert_eq!(mode(&dir.join("current")), 0o744);
}

#[test]
fn what_follows_in_the_pipe_is_for_the_next_one() {
    only_ours!("the reference tears a line in two");
    let dir = LogDir::new("s0\n");
    let (mut output, input) = pipe();
    let lines = numbered(200_000, 50);
    let text = lines.clone();
    let (turns, turn) = channel();
    let writer = std::thread::spawn(move || {
        let mut input = input;
        let (first, rest) = text.as_bytes().split_at(text.len() / 2);
        first.chunks(777).for_each(|part| input.write_all(part).unwrap());
        // However slowly this test gets on, there are two rounds.
        turn.recv().unwrap();
        rest.chunks(777).for_each(|part| input.write_all(part).unwrap());
    });
    let mut rounds = 0;
    while !writer.is_finished() {
        let from = output.try_clone().unwrap();
        let mut process =
            Launch::new("svlogd").arg(dir.path()).stdin(std::process::Stdio::from(from)).spawn();
        let size = dir.current().len();
        wait_until("some lines", || dir.current().len() > size || writer.is_finished());
        // One that has just been started would be ended by it.
        process.process().wait_for_blocked(Signal::TERM);
        process.kill(Signal::TERM);
        assert_eq!(process.wait_exit(), 0);
        rounds += 1;
        // From now on there is one more to come.
        turns.send(()).unwrap_or_default();
    }
    writer.join().unwrap();
    let mut last = String::new();
    output.read_to_string(&mut last).unwrap();
    assert!(rounds > 1);
    // Nothing is lost and nothing is there twice. A newline has come in only where the writer was
    // within a line at that time.
    let all = dir.current() + &last;
    assert!(all.replace('\n', "") == lines.replace('\n', ""));
    assert!(all.len() - lines.len() <= rounds, "{} newlines", all.len() - lines.len());
}

#[test]
fn hup_reads_config_again() {
    let dir = LogDir::new("pone: \n");
    let mut logger = Logger::start(&["-v"], &dir);
    logger.write("a\n");
    wait_until("the line", || dir.current() == "one: a\n");
    dir.configure("ptwo: \n-x*\n");
    logger.process.kill(Signal::HUP);
    logger.process.wait_stderr("svlogd: info: append: ");
    logger.write("b\nxyz\nc\n");
    assert_eq!(logger.finish(), 0);
    assert_eq!(dir.current(), "one: a\ntwo: b\ntwo: c\n");
}

#[test]
fn hup_opens_the_directory_that_has_the_name_now() {
    let temp = TempDir::new();
    let (path, moved) = (temp.path().join("log"), temp.path().join("moved"));
    create_dir(&path);
    let dir = LogDir::at(&path);
    let mut logger = Logger::start(&[], &dir);
    logger.write("one\n");
    wait_until("the line", || dir.current() == "one\n");
    std::fs::rename(&path, &moved).unwrap();
    create_dir(&path);
    logger.process.kill(Signal::HUP);
    wait_until("a new file", || path.join("current").exists());
    logger.write("two\n");
    assert_eq!(logger.finish(), 0);
    assert_eq!((LogDir::at(&moved).current().as_str(), dir.current().as_str()), ("one\n", "two\n"));
    assert_eq!(mode(&moved.join("current")), 0o744);
}

#[test]
fn hup_without_a_directory_left_is_the_end() {
    let temp = TempDir::new();
    let path = temp.path().join("log");
    create_dir(&path);
    let dir = LogDir::at(&path);
    let mut logger = Logger::start(&[], &dir);
    logger.write("one\n");
    wait_until("the line", || dir.current() == "one\n");
    let moved = temp.path().join("moved");
    std::fs::rename(&path, &moved).unwrap();
    logger.process.kill(Signal::HUP);
    assert_eq!(logger.process.wait_exit(), 111);
    let said = logger.process.stderr();
    let expected = format!(
        "svlogd: warning: unable to open log directory: {}: file does not exist\n\
         svlogd: fatal: no functional log directories.\n",
        path.display()
    );
    assert_eq!(said, expected);
    assert_eq!(LogDir::at(&moved).current(), "one\n");
}

#[test]
fn hup_brings_back_a_directory_that_was_missing() {
    let temp = TempDir::new();
    let there = LogDir::new("");
    let late = LogDir::at(temp.path().join("late"));
    let mut logger = Logger::launch(Launch::new("svlogd").arg(late.path()).arg(there.path()));
    logger.write("one\n");
    wait_until("the line", || there.current() == "one\n");
    create_dir(late.path());
    logger.process.kill(Signal::HUP);
    wait_until("its file", || late.join("current").exists());
    logger.write("two\n");
    assert_eq!(logger.finish(), 0);
    assert_eq!((there.current().as_str(), late.current().as_str()), ("one\ntwo\n", "two\n"));
}

#[test]
fn no_line_is_lost_while_signals_come() {
    let dir = LogDir::new("s50000\nn0\n");
    let mut logger = Logger::start(&["-l", "100", "-b", "200"], &dir);
    let lines = numbered(40_000, 30);
    let (first, rest) = lines.split_once('\n').unwrap();
    logger.write(format!("{first}\n"));
    // Before it waits for signals they would end it.
    wait_until("the first line", || !dir.everything().is_empty());
    let mut input = logger.input();
    let text = rest.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()).unwrap());
    let mut sent = 0;
    while !writer.is_finished() || sent < 10 {
        logger.process.kill(if sent % 2 == 0 { Signal::HUP } else { Signal::ALARM });
        sent += 1;
        std::thread::yield_now();
    }
    writer.join().unwrap();
    assert_eq!(logger.finish(), 0);
    assert!(dir.everything() == lines);
}

/// How often it is killed at least.
const LEAST: usize = 4;

#[test]
fn a_kill_at_any_instant_tears_no_line_but_the_last_and_doubles_none() {
    only_ours!("the reference is not tried");
    let dir = LogDir::new("s20000\nn0\n");
    let (output, input) = pipe();
    let count = 300_000;
    let (turns, turn) = channel();
    let writer = std::thread::spawn(move || {
        let mut input = input;
        let lines = numbered(count, 40);
        let mut parts = lines.as_bytes().chunks(lines.len().div_ceil(LEAST + 1));
        input.write_all(parts.next().unwrap()).unwrap();
        for part in parts {
            // However slowly this test gets on, it comes to kill.
            turn.recv().unwrap();
            input.write_all(part).unwrap();
        }
        input
    });
    let start = || {
        let from = output.try_clone().unwrap();
        let args = ["-l", "100", "-b", "200"];
        Launch::new("svlogd").args(args).arg(dir.path()).stdin(std::process::Stdio::from(from))
    };
    let mut kills = 0;
    while !writer.is_finished() {
        let size = dir.archives().len();
        let mut process = start().spawn();
        let wanted = size + kills % 4;
        wait_until("some files", || dir.archives().len() > wanted || writer.is_finished());
        process.kill(Signal::KILL);
        process.wait_exit();
        kills += 1;
        turns.send(()).unwrap_or_default();
    }
    // What a killed one had read and not written is gone: the last lines must come later.
    let mut input = writer.join().unwrap();
    let mut last = start().spawn();
    let end = numbered(count + 1_000, 40);
    input.write_all(&end.as_bytes()[numbered(count, 40).len()..]).unwrap();
    drop((input, output));
    assert_eq!(last.wait_exit(), 0);
    assert!(kills >= LEAST, "{kills}");

    let (mut before, mut torn) = (0, 0);
    let files = dir.archives().into_iter().chain(["current".to_owned()]);
    for file in files {
        let text = dir.text(&file);
        let whole = numbered(1, 40).len();
        for line in text.split_inclusive('\n') {
            let number: usize = line.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
            if line.len() == whole && line.ends_with("x\n") && number > 0 {
                assert!(number > before, "{number} in {file} after {before}");
                before = number;
            } else {
                // The end of what was written, or the rest of a line that was read in part.
                torn += 1;
                let edge = text.ends_with(line) || text.starts_with(line);
                assert!(edge, "{line:?} in the middle of {file}");
            }
        }
        if kind(&file) == 's' {
            assert_eq!(mode(&dir.join(&file)), 0o744, "{file}");
        }
    }
    assert!(torn <= 2 * kills, "{torn} lines torn by {kills} kills");
    assert_eq!(before, count + 1_000, "the last line is there");
}

#[test]
fn it_ends_when_its_input_does_and_starts_again_where_it_was() {
    let dir = LogDir::new("");
    for round in 1..4 {
        assert_eq!(log(&[], &dir, "a line\n"), (0, String::new()));
        assert_eq!(dir.current(), "a line\n".repeat(round));
    }
    assert!(dir.archives().is_empty());
}
