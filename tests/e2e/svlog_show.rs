//! `svlog`: what is shown of a log, and how.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use runit_tests::dirs::{create_dir, write};
use runit_tests::prelude::*;

use crate::svlog_files::{logged, svlog, svlogd};

/// What `svlogd` names an archive of so many seconds after 1970.
fn archive(seconds: u64, suffix: &str) -> String {
    format!("@{:016x}00000000.{suffix}", (1 << 62) + 10 + seconds)
}

/// A label as `svlogd -t` writes it.
fn label(seconds: u64) -> String {
    format!("@{:016x}075bcd15", (1 << 62) + 10 + seconds)
}

/// A log with two archives and what else may lie around, and the lines 1 to 6.
fn log(dir: &Path) {
    create_dir(dir);
    write(&dir.join(archive(200, "u")), "3\n4\n");
    write(&dir.join(archive(200, "t")), "part of 3\n");
    write(&dir.join(archive(100, "s")), "1\n2\n");
    write(&dir.join("current"), "5\n6");
    for other in ["lock", "state", "newstate", "config", "@400000000000000a.s"] {
        write(&dir.join(other), "not a log\n");
    }
}

#[test]
fn archives_and_current_in_order() {
    if !suite::has("svlog") {
        return;
    }
    let temp = TempDir::new();
    log(temp.path());
    assert_eq!(svlog().arg(temp.path()).stdout(), "1\n2\n3\n4\n5\n6\n");
    for (lines, expected) in [
        ("0", ""),
        ("1", "6\n"),
        ("2", "5\n6\n"),
        ("3", "4\n5\n6\n"),
        ("5", "2\n3\n4\n5\n6\n"),
        ("6", "1\n2\n3\n4\n5\n6\n"),
        ("99", "1\n2\n3\n4\n5\n6\n"),
    ] {
        assert_eq!(svlog().args(["-n", lines]).arg(temp.path()).stdout(), expected, "-n {lines}");
    }
    // Archives alone are a log too.
    fs::remove_file(temp.path().join("current")).unwrap();
    assert_eq!(svlog().arg("-n1").arg(temp.path()).stdout(), "4\n");
}

#[test]
fn stamps_are_local_time() {
    if !suite::has("svlog") {
        return;
    }
    let temp = TempDir::new();
    let text = format!(
        "{} label\n2026-03-29_00:59:59.12345 before\n2026-03-29T01:00:00.12345 after\nnone\n\
         2026-03-29_01:00:01.00000\n",
        label(1_774_000_000)
    );
    write(&temp.path().join("current"), &text);
    let shown = |zone: &str| svlog().env("TZ", zone).arg(temp.path()).stdout();
    let berlin = "2026-03-20 10:46:40.12345 label\n2026-03-29 01:59:59.12345 before\n\
                  2026-03-29 03:00:00.12345 after\nnone\n2026-03-29 03:00:01.00000\n";
    assert_eq!(shown("CET-1CEST,M3.5.0,M10.5.0/3"), berlin);
    if Path::new("/usr/share/zoneinfo/Europe/Berlin").exists() {
        assert_eq!(shown("Europe/Berlin"), berlin);
        assert_eq!(shown(":/usr/share/zoneinfo/Europe/Berlin"), berlin);
    }
    let utc = "2026-03-20 09:46:40.12345 label\n2026-03-29 00:59:59.12345 before\n\
               2026-03-29 01:00:00.12345 after\nnone\n2026-03-29 01:00:01.00000\n";
    for zone in ["", "UTC0", "no/such/zone"] {
        assert_eq!(shown(zone), utc);
    }
    assert_eq!(svlog().arg("--utc").arg(temp.path()).stdout(), utc);
    assert_eq!(svlog().arg("--raw").arg(temp.path()).stdout(), text);
}

/// The seconds from 1970 that `date` makes of a local time of the tests' zone.
fn seconds(shown: &str) -> u64 {
    let output = Command::new("date")
        .env("TZ", "<+0530>-5:30")
        .args(["+%s", "-d", &shown[..19]])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn what_every_logger_writes() {
    if !suite::has("svlog") {
        return;
    }
    let svlogd = svlogd();
    let mut loggers = vec![(svlogd.clone(), "-t", "svlogd -t")];
    loggers.push((svlogd.clone(), "-tt", "svlogd -tt"));
    loggers.push((svlogd, "-ttt", "svlogd -ttt"));
    for (path, name) in [("/usr/bin/multilog", "multilog t"), ("/usr/bin/s6-log", "s6-log -b t")] {
        if Path::new(path).exists() {
            loggers.push((path.into(), "t", name));
        }
    }
    for (logger, arg, name) in loggers {
        let script = format!("exec {name} ./here");
        let service = ServiceDirBuilder::sleeper().log_run(script).build();
        let before = now();
        logged(&logger, &[arg], &service.path().join("log/here"), "one line\n");
        let shown = svlog().arg(service.path()).stdout();
        let after = now();
        assert_eq!(&shown[25..], " one line\n", "{name}");
        assert!((before..=after).contains(&seconds(&shown)), "{name}: {shown}");
    }
}

#[test]
fn several_services_by_time() {
    if !suite::has("svlog") {
        return;
    }
    let temp = TempDir::new();
    let line = |seconds, text: &str| format!("{} {text}\n", label(seconds));
    for (name, text) in [
        ("a", format!("{}  more\n{}{}", line(1, "a1"), line(5, "a5"), line(7, "a7"))),
        ("long", format!("{}{}  more\n", line(1, "b1"), line(6, "b6"))),
    ] {
        create_dir(&temp.path().join(name));
        write(&temp.path().join(name).join("current"), text);
    }
    let run = || svlog().env("TZ", "UTC0").env("SVDIR", temp.path());
    let time = |second| format!("1970-01-01 00:00:0{second}.12345");
    let expected = format!(
        "a:    {} a1\na:      more\nlong: {} b1\na:    {} a5\nlong: {} b6\nlong:   more\na:    {} a7\n",
        time(1),
        time(1),
        time(5),
        time(6),
        time(7)
    );
    assert_eq!(run().args(["a", "long"]).stdout(), expected);
    let last: String = expected.split_inclusive('\n').skip(4).collect();
    assert_eq!(run().args(["-n3", "a", "long"]).stdout(), last);
    assert_eq!(run().args(["-n1", "--no-name", "--raw", "a", "long"]).stdout(), line(7, "a7"));
}

#[test]
fn compressed_archives_are_named_not_shown() {
    if !suite::has("svlog") {
        return;
    }
    let temp = TempDir::new();
    log(temp.path());
    for name in [archive(1, "s"), archive(2, "s")] {
        write(&temp.path().join(name), b"\x1f\x8b\x08\x00\xff\n\n");
    }
    let ran = svlog().arg(temp.path()).run();
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "1\n2\n3\n4\n5\n6\n"));
    let path = temp.path().display();
    assert_eq!(
        ran.stderr,
        format!(
            "svlog: warning: {path}: archives that are compressed and not shown: 2, such as \
             {path}/@400000000000000b00000000 (gzip)\n"
        )
    );
    assert_eq!(svlog().arg("-n2").arg(temp.path()).stdout(), "5\n6\n");
}

#[test]
fn lines_of_every_kind() {
    if !suite::has("svlog") {
        return;
    }
    let temp = TempDir::new();
    let mut text = vec![b'x'; 10_000_000];
    text.extend(b"\n\xff\0\x1b[1m\r\n\n");
    write(&temp.path().join("current"), &text);
    let output = suite::command("svlog").arg(temp.path()).output().unwrap();
    assert!(output.status.success() && output.stdout == text);
    let output = suite::command("svlog").arg("-n2").arg(temp.path()).output().unwrap();
    assert_eq!(output.stdout, b"\xff\0\x1b[1m\r\n\n");
}

#[test]
fn a_terminal_is_not_steered() {
    if !suite::has("svlog") || !Path::new("/usr/bin/script").exists() {
        return;
    }
    let temp = TempDir::new();
    write(&temp.path().join("current"), b"\x1b[31m\xff\tgr\xc3\xbcn\n");
    let command = format!("'{}' '{}'", suite::bin("svlog").display(), temp.path().display());
    let output = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "\\x1b[31m\\xff\tgrün\r\n");
}

#[test]
fn output_that_nobody_reads_or_that_has_no_room() {
    if !suite::has("svlog") {
        return;
    }
    let temp = TempDir::new();
    write(&temp.path().join("current"), "line\n".repeat(1_000_000));
    let sh = |script: &str| {
        let script =
            format!("'{}' '{}' {script}", suite::bin("svlog").display(), temp.path().display());
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(sh("| head -n 1"), ("line\n".into(), String::new()));
    let full = "svlog: fatal: unable to write to standard output: out of disk space\n";
    assert_eq!(sh(">/dev/full; echo $?"), ("1\n".into(), full.into()));
}
