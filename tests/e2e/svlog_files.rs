//! `svlog`: where logs are found, and what is said where there is none.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use runit_tests::dirs::{copy_program, create_dir, make_fifo, set_mode};
use runit_tests::prelude::*;
use runit_tests::run::{Ran, Run, only_root};

/// The `svlogd` of the suite; until it has one, Debian's.
pub fn svlogd() -> PathBuf {
    suite::find("svlogd").unwrap_or_else(|| PathBuf::from("/usr/bin/svlogd"))
}

/// Has a logger write these lines, and end.
#[track_caller]
pub fn logged(logger: &Path, args: &[&str], dir: &Path, lines: &str) {
    create_dir(dir);
    let mut child = Command::new(logger)
        .args(args)
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", logger.display()));
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), lines.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// `svlog` in the time zone that the tests are written for, 5:30 ahead of UTC.
pub fn svlog() -> Run {
    Run::new("svlog").env("TZ", "<+0530>-5:30")
}

#[track_caller]
fn shown(service: &Path) -> String {
    svlog().arg(service).stdout()
}

#[test]
fn the_usual_places() {
    if !suite::has("svlog") {
        return;
    }
    for place in ["log/main", "log", "log/deep/er"] {
        let script = format!("exec svlogd -t ../{place}");
        let service = ServiceDirBuilder::sleeper().log_run(script).build();
        logged(&svlogd(), &[], &service.path().join(place), "hello\n");
        assert_eq!(shown(service.path()), "hello\n");
        // As a name, with and without the log service's part, and as a log.
        let (dir, name) = (service.path().parent().unwrap(), "service");
        assert_eq!(svlog().env("SVDIR", dir).arg(name).stdout(), "hello\n");
        let log = format!("{name}/log");
        assert_eq!(svlog().env("SVDIR", dir).arg(log).stdout(), "hello\n");
        assert_eq!(shown(&service.path().join(place)), "hello\n");
        assert_eq!(svlog().cwd(service.path()).arg(".").stdout(), "hello\n");
    }
}

#[test]
fn a_log_run_names_it() {
    if !suite::has("svlog") {
        return;
    }
    let temp = TempDir::new();
    let dir = temp.path().join("a b");
    logged(&svlogd(), &[], &dir, "here\n");
    for script in [
        format!("exec chpst -u log svlogd -tt -l 200 '{}'", dir.display()),
        format!(
            "D=\"{}\"\n[ -d \"$D\" ] || mkdir \"$D\"\nexec svlogd -b4096 \"$D\"",
            dir.display()
        ),
    ] {
        let service = ServiceDirBuilder::sleeper().log_run(script).build();
        assert_eq!(shown(service.path()), "here\n");
    }
    // Through a link, as services are enabled; relative names are from log/.
    let service = ServiceDirBuilder::sleeper().log_run("svlogd ./x").build();
    logged(&svlogd(), &[], &service.path().join("log/x"), "linked\n");
    symlink(service.path(), temp.path().join("link")).unwrap();
    assert_eq!(svlog().env("SVDIR", temp.path()).arg("link").stdout(), "linked\n");
}

#[test]
fn what_cannot_be_shown_is_one_line_and_counts() {
    if !suite::has("svlog") {
        return;
    }
    let temp = TempDir::new();
    let dir = temp.path().display();
    let run = |names: &[&str]| -> Ran { svlog().env("SVDIR", temp.path()).args(names).run() };
    let missing = format!("svlog: fail: no: no such service: {dir}/no: file does not exist\n");
    assert_eq!(run(&["no"]), Ran { code: 1, stdout: String::new(), stderr: missing.clone() });
    create_dir(&temp.path().join("bare"));
    let bare = "svlog: fail: bare: no log directory found\n";
    let both = Ran { code: 2, stdout: String::new(), stderr: format!("{missing}{bare}") };
    assert_eq!(run(&["no", "bare"]), both);
    // One of several is no reason not to show the others.
    logged(&svlogd(), &[], &temp.path().join("good/log/main"), "x\n");
    let ran = run(&["no", "good", "bare"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, "good: x\n"));
    assert_eq!(ran.stderr, both.stderr);
    // A FIFO is not waited for.
    create_dir(&temp.path().join("fifo"));
    make_fifo(&temp.path().join("fifo/current"));
    let ran = run(&["fifo"]);
    let fifo = format!("svlog: fail: fifo: unable to read {dir}/fifo/current: invalid argument\n");
    assert_eq!(ran, Ran { code: 1, stdout: String::new(), stderr: fifo });
    assert!(svlog().arg("-f").fails(100).starts_with("usage: svlog [-f] [-n N] service"));
    assert_eq!(
        svlog().args(["-n", "x", "good"]).fails(100),
        "svlog: fatal: -n x: not a number of lines\n"
    );
}

#[test]
fn a_log_that_may_not_be_read() {
    if !suite::has("svlog") || !only_root("become another user") {
        return;
    }
    let temp = TempDir::new();
    let log = temp.path().join("web/log/main");
    logged(&svlogd(), &[], &log, "secret\n");
    set_mode(&log, 0o700);
    let ran = svlog().env("SVDIR", temp.path()).arg("web").ordinary().run();
    let line = format!("svlog: fail: web: unable to read {}: access denied\n", log.display());
    assert_eq!(ran, Ran { code: 1, stdout: String::new(), stderr: line });
}

#[test]
fn sv_log_is_svlog() {
    if !suite::has("svlog") {
        return;
    }
    only_ours!("sv", "C has no log");
    let temp = TempDir::new();
    logged(&svlogd(), &[], &temp.path().join("web/log/main"), "a\nb\n");
    let sv = || Run::new("sv").env("SVDIR", temp.path());
    assert_eq!(sv().args(["log", "web"]).stdout(), "a\nb\n");
    assert_eq!(sv().args(["log", "-n1", "web"]).stdout(), "b\n");
    assert!(sv().args(["log", "--help"]).stdout().starts_with("usage: svlog "));
    assert_eq!(sv().args(["log", "no", "no"]).run().code, 2);
    // Other words with this letter mean nothing still.
    assert_eq!(sv().args(["l", "web"]).run().code, 100);
    // Beside sv's own file, however it is called, and else in the PATH.
    let other = temp.path().join("bin");
    create_dir(&other);
    copy_program(&suite::bin("sv"), &other.join("sv"));
    let alone = || Run::path(other.join("sv")).env("SVDIR", temp.path()).args(["log", "web"]);
    assert_eq!(alone().stdout(), "a\nb\n");
    let message = "fatal: unable to run svlog: file does not exist\n";
    assert_eq!(alone().env("PATH", "/nonexistent:").fails(100), message);
    symlink(suite::bin("svlog"), other.join("svlog")).unwrap();
    assert_eq!(alone().env("PATH", "").stdout(), "a\nb\n");
}
