//! When `svlogd` rotates, and what it leaves in the directory.

use rustix::process::Signal;

use runit_tests::dirs::{mode, names, set_mode};
use runit_tests::logs::{LogDir, Logger, kind, log, numbered};
use runit_tests::prelude::*;

fn lengths(dir: &LogDir) -> Vec<usize> {
    dir.archived().iter().map(String::len).collect()
}

#[test]
fn rotation_is_at_the_first_line_end_within_len_of_the_limit() {
    let dir = LogDir::new("s100\n");
    log(&["-l", "20", "-b", "30"], &dir, numbered(13, 16));
    assert_eq!((lengths(&dir), dir.current().len()), (vec![80, 80], 48));
    assert_eq!(dir.everything(), numbered(13, 16));
}

#[test]
fn it_happens_within_what_is_read_at_once() {
    let dir = LogDir::new("s10000\nn0\n");
    let input = numbered(2000, 100);
    for options in [&[][..], &["-l", "2000", "-b", "4000"]] {
        let dir = LogDir::new("s10000\nn0\n");
        log(options, &dir, &input);
        let expected = if options.is_empty() { 9000 } else { 8000 };
        assert!(lengths(&dir).iter().all(|&length| length == expected));
        assert!(dir.everything() == input);
    }
    log(&[], &dir, &input[..9000]);
    assert_eq!((lengths(&dir), dir.current().len()), (vec![9000], 0));
}

#[test]
fn a_line_is_split_only_when_it_alone_is_longer_than_the_limit() {
    only_ours!("the reference splits a line that is longer than LEN");
    let dir = LogDir::new("s2000\nn0\n");
    let line = |length: usize| "x".repeat(length - 1) + "\n";
    let input = [line(900), line(1900), line(500), line(5000), line(10)].concat();
    log(&[], &dir, &input);
    assert_eq!((lengths(&dir), dir.current().len()), (vec![900, 1900, 500, 2000, 2000, 1000], 10));
    assert!(dir.everything() == input);
}

#[test]
fn a_line_as_long_as_it_likes_is_written_whole() {
    let dir = LogDir::new("s0\n");
    let input = "x".repeat(10_000_000) + "\nnext\n";
    log(&["-tt"], &dir, &input);
    let current = dir.current();
    let texts: Vec<&str> = current.lines().map(|line| &line[26..]).collect();
    assert!(texts == input.lines().collect::<Vec<_>>());
}

#[test]
fn files_are_safe_when_their_mode_says_so() {
    let dir = LogDir::new("s100\n");
    let mut logger = Logger::start(&["-l", "20", "-b", "30"], &dir);
    logger.write(numbered(6, 16));
    wait_until("the last line", || dir.current() == numbered(6, 16)[80..]);
    assert_eq!(mode(&dir.join("current")), 0o644);
    assert_eq!(mode(&dir.join("lock")), 0o600);
    let archives = dir.archives();
    assert_eq!(archives.len(), 1);
    assert!(archives[0].len() == 27 && kind(&archives[0]) == 's', "{archives:?}");
    assert_eq!(mode(&dir.join(&archives[0])), 0o744);
    assert_eq!(logger.finish(), 0);
    assert_eq!(mode(&dir.join("current")), 0o744);
    assert_eq!(names(dir.path()), [&archives[0], "config", "current", "lock"]);
}

#[test]
fn a_current_left_by_a_crash_is_kept() {
    let dir = LogDir::new("");
    for (marked, left) in [(0o644, "one\n"), (0o600, "two\n")] {
        dir.put("current", left);
        set_mode(&dir.join("current"), marked);
        log(&[], &dir, "new\n");
        assert_eq!(dir.current(), "new\n");
        let name = dir.archives().pop().unwrap();
        assert!(kind(&name) == 'u', "{name}");
        assert_eq!(dir.text(&name), left);
    }
    assert_eq!(dir.archived(), ["one\n", "two\n"]);
    // Nothing in it, or safe: it goes on.
    log(&[], &dir, "more\n");
    assert_eq!(dir.current(), "new\nmore\n");
    dir.put("current", "");
    set_mode(&dir.join("current"), 0o644);
    log(&[], &dir, "again\n");
    assert_eq!((dir.current().as_str(), dir.archives().len()), ("again\n", 2));
}

/// A label of a moment, counted from some start.
fn old(number: u32, kind: char) -> String {
    format!("@400000001000{number:04}00000000.{kind}")
}

#[test]
fn the_oldest_files_are_deleted() {
    let dir = LogDir::new("s100\nn3\n");
    log(&["-l", "20", "-b", "30"], &dir, numbered(60, 16));
    assert_eq!(dir.archives().len(), 3);
    assert_eq!(dir.everything(), numbered(60, 16)[16 * 45..]);
    // None is deleted with 0.
    let dir = LogDir::new("s100\nn0\n");
    log(&["-l", "20", "-b", "30"], &dir, numbered(60, 16));
    assert_eq!(dir.archives().len(), 12);
}

#[test]
fn all_files_beyond_the_number_are_deleted_and_leftovers_too() {
    only_ours!("the reference deletes one old file each time");
    let dir = LogDir::new("s100\nn3\n");
    for number in 0..8 {
        dir.put(&old(number, 's'), "old\n");
    }
    dir.put(&old(8, 'u'), "crashed\n");
    dir.put(&old(9, 't'), "half processed\n");
    dir.put("@something else", "not ours\n");
    log(&["-l", "20", "-b", "30"], &dir, numbered(6, 16));
    let left = dir.archives();
    assert_eq!(left.len(), 4, "{left:?}");
    assert_eq!(left[..2], [old(7, 's'), old(8, 'u')]);
    assert_eq!(left[3], "@something else");
}

#[test]
fn alrm_rotates_what_is_not_empty() {
    let dir = LogDir::new("");
    let mut logger = Logger::start(&["-v"], &dir);
    logger.write("one\n");
    wait_until("the line", || dir.current() == "one\n");
    logger.process.kill(Signal::ALARM);
    wait_until("an old file", || dir.archived() == ["one\n"] && dir.current().is_empty());
    logger.process.kill(Signal::ALARM);
    wait_until("the second ALRM to be taken", || {
        logger.process.stderr().matches("sigalarm received.").count() == 2
    });
    // The reference says so first, and would read the line before it looks what to rotate.
    logger.process.process().wait_for_state('S');
    logger.write("two\n");
    wait_until("the line", || dir.current() == "two\n");
    assert_eq!(dir.archives().len(), 1);
    assert_eq!(logger.terminate(), 0);
}

#[test]
fn it_rotates_what_is_old_enough_and_not_empty() {
    let dir = LogDir::new("t1\n");
    let mut logger = Logger::start(&[], &dir);
    logger.write("one\n");
    wait_until("an old file", || dir.archived() == ["one\n"]);
    logger.write("two\n");
    wait_until("another", || dir.archived() == ["one\n", "two\n"]);
    assert_eq!(logger.finish(), 0);
    assert_eq!(dir.current(), "");
}

#[test]
fn age_counts_from_when_the_file_was_made() {
    only_ours!("the reference counts from when it was opened");
    let dir = LogDir::new("t2\n");
    log(&[], &dir, "one\n");
    // Opened again and again in less than its age, it never got old.
    wait_until("an old file", || {
        log(&[], &dir, "");
        let mut logger = Logger::start(&[], &dir);
        let deadline = std::time::Instant::now() + std::time::Duration::from_millis(300);
        wait_until("a while", || std::time::Instant::now() > deadline);
        logger.finish();
        dir.archived() == ["one\n"]
    });
}

#[test]
fn names_never_run_backwards_when_the_clock_does() {
    only_ours!("the reference names a file by the clock alone");
    let dir = LogDir::new("s100\nn0\n");
    // Written by a clock that was centuries ahead.
    let future = "@4000000fffffffff3b9ac9ff.s";
    dir.put(future, "from the future\n");
    log(&["-l", "20", "-b", "30"], &dir, numbered(16, 16));
    assert_eq!(
        dir.archives(),
        [
            future,
            "@400000100000000000000000.s",
            "@400000100000000000000001.s",
            "@400000100000000000000002.s"
        ]
    );
    assert_eq!(dir.everything(), "from the future\n".to_owned() + &numbered(16, 16));
}
