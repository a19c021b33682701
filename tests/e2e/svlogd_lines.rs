//! What `svlogd` makes of lines: stamps, cleaning, selection, copies; and its command line.

use std::time::{SystemTime, UNIX_EPOCH};

use runit_tests::logs::{LogDir, Logger, log, numbered};
use runit_tests::prelude::*;

const USAGE: &str = "usage: svlogd [-ttv] [-r c] [-R abc] [-l len] [-b buflen] dir ...\n\n";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn lines_are_written_as_they_are() {
    let dir = LogDir::new("s0\n");
    let long = "y".repeat(300_000);
    let input = format!("one\n\n\ttwo \u{e4}\n{long}\n{}", numbered(20_000, 90));
    assert_eq!(log(&[], &dir, &input), (0, String::new()));
    assert!(dir.current() == input);
    log(&[], &dir, "three\n");
    assert!(dir.current() == input + "three\n");
}

#[test]
fn what_is_read_is_written_before_the_next_line_comes() {
    let dir = LogDir::new("");
    let mut logger = Logger::start(&[], &dir);
    for count in 1..5 {
        logger.write("a line\n");
        wait_until("the line to be there", || dir.current() == "a line\n".repeat(count));
    }
    assert_eq!(logger.finish(), 0);
}

#[test]
fn much_of_a_line_is_written_although_it_goes_on() {
    let dir = LogDir::new("");
    let mut logger = Logger::start(&[], &dir);
    let half = "x".repeat(1500);
    logger.write(&half);
    wait_until("the beginning", || dir.current().len() >= 1000);
    logger.write(format!("{half}\nnext\n"));
    wait_until("the rest", || dir.current() == format!("{half}{half}\nnext\n"));
    assert_eq!(logger.finish(), 0);
}

#[test]
fn a_last_line_without_newline_gets_one() {
    only_ours!("the reference loses a last line without newline when it is short");
    let dir = LogDir::new("");
    log(&[], &dir, "one\nlast");
    assert_eq!(dir.current(), "one\nlast\n");
    let long = "x".repeat(70_000);
    log(&[], &dir, &long);
    assert_eq!(dir.current(), format!("one\nlast\n{long}\n"));
    log(&[], &dir, "");
    assert_eq!(dir.current(), format!("one\nlast\n{long}\n"));
}

/// The seconds since 1970 that a TAI64N label names, if `text` is one.
fn label_seconds(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('@').filter(|digits| digits.len() == 24)?;
    u64::from_str_radix(&digits[..16], 16).ok()?.checked_sub((1 << 62) + 10)
}

#[test]
fn each_line_has_a_label_and_labels_rise() {
    let dir = LogDir::new("pfrom me: \n");
    let before = now();
    log(&["-t"], &dir, numbered(3000, 20));
    let after = now();
    let current = dir.current();
    let (mut labels, mut rest) = (Vec::new(), String::new());
    for line in current.lines() {
        let (label, text) = line.split_once(' ').unwrap();
        let seconds = label_seconds(label).unwrap();
        assert!(before <= seconds && seconds <= after, "{label}");
        labels.push(label);
        rest += text.strip_prefix("from me: ").unwrap();
        rest += "\n";
    }
    assert_eq!(rest, numbered(3000, 20));
    assert!(labels.is_sorted());
    if suite::is_ours() {
        labels.dedup();
        assert_eq!(labels.len(), 3000, "no label twice");
    }
}

#[test]
fn dates_are_utc_and_sortable() {
    for (options, separator) in [("-tt", '_'), ("-ttt", 'T'), ("-tttt", 'T')] {
        let dir = LogDir::new("");
        log(&[options], &dir, "a line\n");
        let current = dir.current();
        let (stamp, text) = current.split_once(' ').unwrap();
        assert_eq!(text, "a line\n");
        let shape: String =
            stamp.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, format!("0000-00-00{separator}00:00:00.00000"));
        // Against the calendar of date(1).
        let words = ["-u", "-d", &stamp.replace(separator, " ")[..19], "+%s"];
        let date = std::process::Command::new("date").args(words).output().unwrap();
        let seconds: u64 = String::from_utf8(date.stdout).unwrap().trim().parse().unwrap();
        assert!(seconds.abs_diff(now()) < 100, "{stamp}");
    }
}

#[test]
fn bytes_that_are_not_printable_are_replaced() {
    let dir = LogDir::new("");
    log(&["-r", "?"], &dir, b"a\tb\x01\xff\x7f~ \n");
    assert_eq!(dir.current(), "a?b???~ \n");
    let dir = LogDir::new("");
    log(&["-R", "b~"], &dir, b"a\tb\x01\xff\x7f~ \n");
    assert_eq!(dir.current(), "a______ \n");
}

#[test]
fn bytes_are_replaced_in_the_whole_line() {
    only_ours!("the reference stops at LEN");
    let dir = LogDir::new("");
    log(&["-r", "_"], &dir, "\t".repeat(100_000) + "\n");
    assert_eq!(dir.current(), "_".repeat(100_000) + "\n");
}

#[test]
fn the_last_pattern_that_matches_decides() {
    let dir = LogDir::new("# all but\n-*\n+*: error: *\n+x_y\n-*minor*\np> \n");
    let input = "a: error: one\nb: fine\nx\ty\nc: error: minor thing\nx_y z\n";
    log(&["-r", "_"], &dir, input);
    assert_eq!(dir.current(), "> a: error: one\n> x_y\n");
}

#[test]
fn patterns_match_whole_lines() {
    for (pattern, line, matches) in [
        ("", "", true),
        ("", "a", false),
        ("abc", "abc", true),
        ("abc", "ab", false),
        ("ab", "abc", false),
        ("a*", "a", true),
        ("*b*", "aab", true),
        // A star ends at the first occurrence, whatever follows it.
        ("*a", "bab", false),
        ("*ab", "aab", false),
        ("+a", "aaa", true),
        ("+ab", "aaab", true),
        ("+ab", "b", false),
        ("+aab", "aab", false),
        ("++a", "++a", true),
        ("+*a", "**a", true),
        ("*+a", "xaa", false),
        ("*++", "x++", true),
        ("**a", "f*a", true),
        ("**a", "fa", false),
    ] {
        let dir = LogDir::new(&format!("-*\n+{pattern}\n"));
        log(&[], &dir, format!("{line}\n"));
        let expected = if matches { format!("{line}\n") } else { String::new() };
        assert_eq!(dir.current(), expected, "pattern {pattern:?}");
    }
}

#[test]
fn a_run_at_the_end_of_the_line_does_not_match_what_follows_in_the_pattern() {
    only_ours!("in the reference a run up to the end of the line matches anything");
    let dir = LogDir::new("-*\n++ab\n");
    log(&[], &dir, "aaa\naab\n");
    assert_eq!(dir.current(), "aab\n");
}

#[test]
fn matching_looks_at_the_first_bytes_only() {
    let dir = LogDir::new("-*\n+abc*de\n");
    log(&["-l", "6", "-b", "10"], &dir, "abcxde\nabcxdeFGH\nabcxxxde\n");
    assert_eq!(dir.current(), "abcxde\nabcxdeFGH\n");
}

#[test]
fn lines_are_copied_to_standard_error() {
    let dir = LogDir::new("e*\nE*no*\n-b*\np: \n");
    let (code, said) = log(&["-l", "10", "-b", "20"], &dir, "one\nno\nbee\n123456789012345\n");
    assert_eq!((code, said.as_str()), (0, ": one\n: bee\n: 1234567890...\n"));
    assert_eq!(dir.current(), ": one\n: no\n: 123456789012345\n");
    let dir = LogDir::new("e*\n");
    let (_, said) = log(&["-t"], &dir, "one\n");
    assert_eq!(said, dir.current());
}

#[test]
fn each_directory_has_its_own_rules() {
    let dirs = ["-*b*\n", "-*\n+*b*\npB \n", "s0\n", ""].map(LogDir::new);
    let mut logger =
        Logger::launch(Launch::new("svlogd").arg("-tt").args(dirs.iter().map(LogDir::path)));
    logger.write("abc\nxyz\n");
    assert_eq!(logger.finish(), 0);
    let texts = dirs.each_ref().map(|dir| {
        let lines: Vec<String> =
            dir.current().lines().map(|line| line.get(26..).unwrap_or("").to_owned()).collect();
        lines
    });
    assert_eq!(
        texts.each_ref().map(|lines| lines.join(",")),
        ["xyz", "B abc", "abc,xyz", "abc,xyz"]
    );
}

#[test]
fn misuse_shows_usage() {
    for args in [
        &[][..],
        &["-t"],
        &["-r", "ab", "x"],
        &["-r", "", "x"],
        &["-l", "2000", "x"],
        &["-l", "50", "-b", "50", "x"],
    ] {
        suite::command("svlogd").args(args).assert().code(111).stdout("").stderr(USAGE);
    }
    let illegal = format!("svlogd: illegal option -- x\n{USAGE}");
    suite::command("svlogd").args(["-x", "x"]).assert().code(111).stderr(illegal);
    let output = suite::command("svlogd").arg("-V").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("$Id: ") && said.ends_with(USAGE), "{said}");
    assert_eq!(output.status.code(), Some(111));
}

#[test]
fn numbers_that_are_none_are_misuse() {
    only_ours!("the reference takes what is no number for the default");
    for args in [["-l", "many", "x"], ["-b", "1k", "x"], ["-l", "-1", "x"]] {
        suite::command("svlogd").args(args).assert().code(111).stderr(USAGE);
    }
}

#[test]
fn help_and_version() {
    only_ours!("the reference knows neither");
    suite::command("svlogd").arg("--version").assert().code(0).stderr("");
    let output = suite::command("svlogd").arg("--help").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn a_directory_that_is_missing_is_not_made() {
    let temp = TempDir::new();
    let missing = LogDir::at(temp.path().join("missing"));
    let (code, said) = log(&[], &missing, "");
    let warning = format!(
        "svlogd: warning: unable to open log directory: {}: file does not exist\n",
        missing.path().display()
    );
    let fatal = "svlogd: fatal: no functional log directories.\n";
    assert_eq!((code, said), (111, format!("{warning}{fatal}")));
    assert!(!missing.path().exists());

    // One of several is no reason to end.
    let dir = LogDir::new("");
    let mut logger = Logger::launch(Launch::new("svlogd").arg(missing.path()).arg(dir.path()));
    logger.write("a line\n");
    assert_eq!(logger.finish(), 0);
    assert_eq!(logger.process.stderr(), warning);
    assert_eq!(dir.current(), "a line\n");
}

#[test]
fn a_directory_is_for_one_svlogd() {
    let dir = LogDir::new("");
    let mut first = Logger::start(&[], &dir);
    wait_until("the lock", || dir.join("current").exists());
    let (code, said) = log(&[], &dir, "lost?\n");
    let path = dir.path().display();
    let expected = format!(
        "svlogd: warning: unable to lock directory: {path}: temporary failure\n\
         svlogd: fatal: no functional log directories.\n"
    );
    assert_eq!((code, said), (111, expected));
    first.write("a line\n");
    assert_eq!(first.finish(), 0);
    assert_eq!(dir.current(), "a line\n");
}

#[test]
fn each_bad_line_of_config_is_named_and_the_rest_counts() {
    only_ours!("the reference is silent about most");
    let dir = LogDir::new("p: \nzap\ns10q\nu1.2.3\nu1.2.3.4:x\nn\n\n   \n-b*\n");
    let (code, said) = log(&[], &dir, "one\nbee\n");
    let path = dir.path().display();
    let expected = [
        "2: unknown setting",
        "3: unable to scan number: 10q",
        "4: unable to scan ip address: 1.2.3",
        "5: unable to scan port number: 1.2.3.4:x",
        "6: unable to scan number: ",
    ]
    .map(|fault| format!("svlogd: warning: {path}/config: line {fault}\n"));
    assert_eq!((code, said), (0, expected.concat()));
    assert_eq!(dir.current(), ": one\n");
}

#[test]
fn a_config_that_cannot_be_read_is_none() {
    let dir = LogDir::new("");
    std::fs::create_dir(dir.join("config")).unwrap();
    let (code, said) = log(&[], &dir, "one\n");
    let path = dir.path().display();
    let expected = format!("svlogd: warning: unable to read config: {path}: is a directory\n");
    assert_eq!((code, said), (0, expected));
    assert_eq!(dir.current(), "one\n");
}

#[test]
fn it_says_what_it_does_when_asked() {
    let dir = LogDir::new("s100\nn1\n");
    let (code, said) = log(&["-v", "-l", "20", "-b", "30"], &dir, numbered(13, 16));
    let path = dir.path().display().to_string();
    let said = said.replace(&path, "DIR");
    assert_eq!(code, 0);
    for part in [
        "svlogd: info: read: DIR/config\n",
        "svlogd: info: new: DIR/current\n",
        "svlogd: info: rename: DIR/current @",
        "svlogd: info: delete: DIR/@",
        "svlogd: info: close: DIR\n",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}
