//! The processor of a log directory.

use rustix::process::Signal;

use runit_tests::dirs::{mode, set_mode};
use runit_tests::logs::{LogDir, Logger, log, numbered};
use runit_tests::prelude::*;

/// So that few lines make an old file.
const SMALL: [&str; 4] = ["-l", "20", "-b", "30"];

fn kinds(dir: &LogDir) -> String {
    dir.archives().iter().filter_map(|name| name.chars().last()).collect()
}

#[test]
fn its_output_takes_the_place_of_its_input() {
    let dir = LogDir::new("s100\n!tr x y\n");
    assert_eq!(log(&SMALL, &dir, numbered(13, 16)), (0, String::new()));
    assert_eq!(kinds(&dir), "ss");
    assert_eq!(dir.archived().concat(), numbered(10, 16).replace('x', "y"));
    assert_eq!(dir.current(), numbered(13, 16)[160..]);
    for name in dir.archives() {
        assert_eq!(mode(&dir.join(name)), 0o744);
    }
}

#[test]
fn it_keeps_a_state_from_file_to_file() {
    let dir = LogDir::new("s100\n!cat; cat <&4; echo another >&5\n");
    log(&SMALL, &dir, numbered(5, 16));
    assert_eq!(dir.archived(), [numbered(5, 16)]);
    assert_eq!(dir.text("state"), "another\n");
    assert!(!dir.join("newstate").exists());
    log(&SMALL, &dir, numbered(5, 16));
    assert_eq!(dir.archived().last().unwrap(), &(numbered(5, 16) + "another\n"));
}

#[test]
fn it_runs_in_the_directory_with_five_descriptors_and_a_clean_signal_state() {
    let dir = LogDir::new(
        "s100\n!cat; pwd -P >where; ls -l /proc/self/fd >fds; cat /proc/self/status >status\n",
    );
    let launch = Launch::new("svlogd").args(SMALL).arg(dir.path()).env("MINE", "1");
    // A descriptor that it was started with is not for the processor either.
    let launch = if suite::is_ours() { launch.through_sh("exec 9</dev/null") } else { launch };
    let mut logger = Logger::launch(launch);
    logger.write(numbered(5, 16));
    assert_eq!(logger.finish(), 0);
    let path = dir.path().canonicalize().unwrap();
    assert_eq!(dir.text("where").trim_end(), path.to_str().unwrap());
    let fds = dir.text("fds");
    let leads = |number: u32, end: &str| {
        fds.lines().any(|line| line.contains(&format!(" {number} -> ")) && line.ends_with(end))
    };
    assert!(leads(0, ".u") && leads(4, "/state") && leads(5, "/newstate"), "{fds}");
    if suite::is_ours() {
        // 1 is `fds` itself, 3 the directory that ls reads.
        let numbers: Vec<&str> =
            fds.lines().filter_map(|line| line.split_once(" -> ")?.0.rsplit(' ').next()).collect();
        assert_eq!(numbers, ["0", "1", "2", "3", "4", "5"], "{fds}");
    }
    let status = dir.text("status");
    for name in ["SigBlk", "SigIgn"] {
        let value = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let set = u64::from_str_radix(value.trim_start_matches(":\t"), 16).unwrap();
        // Those of the C library's own are as they were.
        assert_eq!(set & 0x7fff_ffff, 0, "{name}");
    }
}

#[test]
fn what_fails_is_run_again() {
    let dir = LogDir::new("s100\n!cat; test -e tried || { >tried; exit 1; }\n");
    let (code, said) = log(&SMALL, &dir, numbered(5, 16));
    assert_eq!((code, dir.archived()), (0, vec![numbered(5, 16)]));
    let expected =
        format!("svlogd: warning: processor failed, restart: {}\n", dir.path().display());
    assert_eq!(said, expected);
}

#[test]
fn what_a_signal_ends_is_run_again() {
    only_ours!("the reference takes it for a success");
    let dir = LogDir::new("s100\n!cat; test -e tried || { >tried; kill -9 $$; }\n");
    log(&SMALL, &dir, numbered(5, 16));
    assert_eq!((kinds(&dir).as_str(), dir.archived()), ("s", vec![numbered(5, 16)]));
}

#[test]
fn what_cannot_succeed_stays_and_is_taken_up_by_the_next_svlogd() {
    only_ours!("the reference tries for ever, and leaves it where it is for good");
    let dir = LogDir::new("s100\n!exit 1\n");
    let (code, said) = log(&SMALL, &dir, numbered(10, 16));
    assert_eq!((code, kinds(&dir).replace('t', "").as_str()), (0, "uu"));
    assert!(said.contains("processor failed, given up until the next start: "), "{said}");
    dir.configure("s100\n!tr x y\n");
    log(&SMALL, &dir, "");
    assert_eq!(kinds(&dir), "ss");
    assert_eq!(dir.archived().concat(), numbered(10, 16).replace('x', "y"));
}

#[test]
fn many_old_files_wait_for_a_slow_one_and_lines_do_not() {
    only_ours!("the reference waits, and so do those who write to it");
    // Each run notes whether another one is under way, and waits until it may go on.
    let script = "mkdir busy || >twice; cat; while test -e wait; do sleep .01; done; rmdir busy";
    let dir = LogDir::new(&format!("s100\nn2\n!{script}\n"));
    dir.put("wait", "");
    let mut logger = Logger::start(&SMALL, &dir);
    logger.write(numbered(50, 16));
    // All is written while the first one still runs.
    wait_until("ten files", || kinds(&dir).matches('u').count() == 10);
    wait_until("the first one to run", || dir.join("busy").exists());
    assert_eq!(kinds(&dir).matches('t').count(), 1);
    std::fs::remove_file(dir.join("wait")).unwrap();
    wait_until("the backlog to be worked off", || kinds(&dir) == "ss");
    assert!(!dir.join("twice").exists());
    // The order was kept, and only the oldest are gone.
    assert_eq!(dir.archived().concat(), numbered(50, 16)[640..]);
    assert_eq!(logger.finish(), 0);
}

#[test]
fn the_file_that_it_works_on_is_not_deleted() {
    only_ours!("the reference waits for it instead");
    let dir = LogDir::new("s100\nn1\n!while test -e wait; do sleep .01; done; cat\n");
    dir.put("wait", "");
    let mut logger = Logger::start(&SMALL, &dir);
    logger.write(numbered(30, 16));
    wait_until("six files", || kinds(&dir).matches('u').count() == 6);
    std::fs::remove_file(dir.join("wait")).unwrap();
    assert_eq!(logger.finish(), 0);
    assert_eq!((kinds(&dir).as_str(), dir.everything()), ("s", numbered(30, 16)[400..].to_owned()));
}

#[test]
fn the_end_waits_for_it() {
    let dir = LogDir::new("s100\n!while test -e wait; do sleep .01; done; tr x y\n");
    dir.put("wait", "");
    let mut logger = Logger::start(&["-v", "-l", "20", "-b", "30"], &dir);
    logger.write(numbered(5, 16));
    wait_until("it to run", || !logger.process.process().children().is_empty());
    logger.process.kill(Signal::TERM);
    logger.process.wait_stderr("sigterm received.");
    assert!(logger.process.lives());
    std::fs::remove_file(dir.join("wait")).unwrap();
    assert_eq!(logger.process.wait_exit(), 0);
    assert_eq!(dir.archived(), [numbered(5, 16).replace('x', "y")]);
}

#[test]
fn what_a_crash_interrupted_is_finished() {
    only_ours!("the reference leaves it so");
    let dir = LogDir::new("!tr x y\n");
    let name = |kind: char| format!("@400000001000000100000000.{kind}");
    // After the first step of putting the output in its place.
    dir.put(&name('s'), "output\n");
    dir.put(&name('u'), "input\n");
    dir.put("newstate", "new\n");
    dir.put("state", "old\n");
    // Left by a crash of svlogd itself, and half processed.
    dir.put("@400000001000000200000000.u", "xx\n");
    dir.put("@400000001000000200000000.t", "y");
    dir.put("current", "x\n");
    set_mode(&dir.join("current"), 0o644);
    assert_eq!(log(&[], &dir, ""), (0, String::new()));
    assert_eq!((kinds(&dir).as_str(), dir.archived().concat()), ("sss", "output\nyy\ny\n".into()));
    assert!(!dir.join("newstate").exists());
}
