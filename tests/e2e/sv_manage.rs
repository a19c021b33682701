//! `list`, `enable`, `disable` and `--json`, which the reference does not have.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use runit_tests::dirs::{create_dir, write};
use runit_tests::prelude::*;
use runit_tests::sv::{Answer, Played, Services, answer, name, status};

const AGO: Duration = Duration::from_secs(7);

/// Two directories of services: of those that run, and of those there are.
struct Both {
    running: Services,
    source: Services,
}

impl Both {
    fn new() -> Self {
        Self { running: Services::new(), source: Services::new() }
    }

    fn sv(&self, words: &str) -> Answer {
        let mut sv = self.running.command(words.split_whitespace());
        sv.env("SVSRC", self.source.path());
        answer(&mut sv)
    }

    fn link(&self, name: &str) -> Option<PathBuf> {
        fs::read_link(self.running.path().join(name)).ok()
    }
}

#[test]
fn enable_links_and_disable_unlinks() {
    only_ours!("sv", "new");
    let both = Both::new();
    for name in ["a", "b"] {
        both.source.add(name, ServiceDirBuilder::sleeper());
    }
    both.sv("enable a b").is_all(0, "ok: a: enabled\nok: b: enabled\n", "");
    assert_eq!(both.link("a"), Some(both.source.path().join("a")));
    both.sv("enable a").is_all(0, "ok: a: already enabled\n", "");
    both.sv("disable a").is_all(0, "ok: a: disabled\n", "");
    assert_eq!(both.link("a"), None);
    assert!(both.source.path().join("a/run").exists());
    both.sv("disable a b").is_all(0, "ok: a: already disabled\nok: b: disabled\n", "");
}

#[test]
fn enable_never_replaces_anything() {
    only_ours!("sv", "new");
    let both = Both::new();
    for name in ["real", "other", "dangling", "same"] {
        both.source.add(name, ServiceDirBuilder::sleeper());
    }
    both.running.add("real", ServiceDirBuilder::sleeper());
    symlink("real", both.running.path().join("other")).unwrap();
    symlink("nowhere", both.running.path().join("dangling")).unwrap();
    let roundabout = both.source.path().join("../.").join(both.source.path()).join("same");
    symlink(&roundabout, both.running.path().join("same")).unwrap();
    let taken = "unable to enable: file already exists\n";
    both.sv("enable real other dangling same").is_all(
        3,
        &format!(
            "fail: real: {taken}fail: other: {taken}fail: dangling: {taken}\
             ok: same: already enabled\n"
        ),
        "",
    );
    assert_eq!(both.link("other"), Some("real".into()));
    assert_eq!(both.link("same"), Some(roundabout));
    write(&both.source.path().join("file"), "");
    both.sv("enable missing file").is_all(
        2,
        "fail: missing: unable to enable: file does not exist\n\
         fail: file: unable to enable: not a directory\n",
        "",
    );
    for bad in ["a/b", "/etc", ".hidden", ".."] {
        for word in ["enable", "disable"] {
            let expected = format!("fail: {bad}: unable to {word}: not the name of a service\n");
            both.sv(&format!("{word} {bad}")).is(1, &expected);
        }
    }
    let mut relative = both.running.command(["enable", "real"]);
    relative.env("SVSRC", "sv");
    answer(&mut relative).is(1, "fail: real: unable to enable: SVSRC is not an absolute path\n");
}

#[test]
fn disable_removes_links_only() {
    only_ours!("sv", "new");
    let both = Both::new();
    both.running.add("real", ServiceDirBuilder::sleeper());
    write(&both.running.path().join("file"), "");
    symlink("nowhere", both.running.path().join("dangling")).unwrap();
    both.sv("disable real file dangling typo").is_all(
        3,
        "fail: real: unable to disable: not a symbolic link\n\
         fail: file: unable to disable: not a symbolic link\n\
         ok: dangling: disabled\n\
         fail: typo: unable to disable: file does not exist\n",
        "",
    );
    assert!(both.running.path().join("real/run").exists());
    assert!(both.running.path().join("file").exists());
    let usage = "usage: sv [-v] [-w sec] command service ...\n\n";
    for word in ["enable", "disable"] {
        both.sv(word).is_all(100, "", usage);
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_told_of() {
    only_ours!("sv", "new");
    let both = Both::new();
    both.source.add("a", ServiceDirBuilder::sleeper());
    let mut sv = both.running.command(["enable", "a"]);
    sv.env("SVSRC", both.source.path()).env("SVDIR", "/nonexistent/dir");
    answer(&mut sv).is(1, "fail: a: unable to enable: file does not exist\n");
}

#[test]
fn list_tells_of_all_services_there_are() {
    only_ours!("sv", "new");
    let both = Both::new();
    for name in ["a", "b", "d"] {
        both.source.add(name, ServiceDirBuilder::sleeper());
    }
    both.sv("enable b").is(0, "ok: b: enabled\n");
    both.running.add("c", ServiceDirBuilder::sleeper());
    both.sv("list").is_all(
        0,
        "disabled: a\n\
         enabled: warning: b: unable to open supervise/ok: file does not exist\n\
         enabled: warning: c: unable to open supervise/ok: file does not exist\n\
         disabled: d\n",
        "",
    );
    let _b = Played::new(both.source.path().join("b"), &status(State::Run, 42, 'u', AGO));
    // Its supervisor has not ended, or was started by hand.
    let _d = Played::new(both.source.path().join("d"), &status(State::Run, 43, 'd', AGO));
    both.sv("list").is_all(
        0,
        "disabled: a\n\
         enabled: run: b: (pid N) Ns\n\
         enabled: warning: c: unable to open supervise/ok: file does not exist\n\
         disabled: run: d: (pid N) Ns, want down\n",
        "",
    );
    both.sv("list a").is_all(100, "", "usage: sv [-v] [-w sec] command service ...\n\n");
    let mut sv = both.running.command(["list"]);
    answer(sv.env("SVSRC", "/nonexistent/source")).is(
        0,
        "enabled: run: b: (pid N) Ns\n\
         enabled: warning: c: unable to open supervise/ok: file does not exist\n",
    );
    let mut sv = both.running.command(["list"]);
    sv.env("SVSRC", both.source.path()).env("SVDIR", "/nonexistent/dir");
    assert_eq!(answer(&mut sv).out.lines().next(), Some("disabled: a"));
    sv.env("SVSRC", "/nonexistent/source");
    answer(&mut sv).is_all(
        100,
        "",
        "fatal: unable to read directory /nonexistent/source: file does not exist\n",
    );
}

#[test]
fn a_service_is_enabled_runs_and_is_disabled() {
    only_ours!("sv", "new");
    let both = Both::new();
    let a = both.source.add("a", ServiceDirBuilder::sleeper());
    both.sv("enable a").is(0, "ok: a: enabled\n");
    let _runsv = Supervisor::runsv(both.running.path().join("a"));
    both.sv("start a").is(0, "ok: run: a: (pid N) Ns\n");
    both.sv("list").is(0, "enabled: run: a: (pid N) Ns\n");
    both.sv("disable a").is(0, "ok: a: disabled\n");
    // That it goes down is runsvdir's doing.
    both.sv("list").is(0, "disabled: run: a: (pid N) Ns\n");
    a.send("x");
    a.wait_unsupervised();
    both.sv("list").is(0, "disabled: a\n");
}

#[test]
fn json_has_one_object_for_each_service() {
    only_ours!("sv", "new");
    let services = Services::new();
    let since = Status {
        tai_seconds: runit_tests::protocol::TAI_EPOCH + 1_000_000_000,
        nanoseconds: 5,
        ..status(State::Run, 42, 'u', AGO)
    };
    let _a = Played::new(services.path().join("a"), &since);
    create_dir(&services.path().join("a/log"));
    let paused = Status { paused: true, got_term: true, want: 'd', pid: 41, ..since };
    let _log = Played::new(services.path().join("a/log"), &paused);
    write(&services.path().join("a/log/down"), "");
    let json = |args: &[&[u8]]| {
        let output = services.command(args.iter().map(|arg| name(arg))).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = json(&[b"--json", b"status"]);
    assert_eq!(code, Some(0));
    let seconds = text.split("\"seconds\":").nth(1).unwrap().split(',').next().unwrap();
    assert!(seconds.parse::<u64>().unwrap() > 500_000_000);
    let path = services.path().to_str().unwrap();
    let common = format!(
        "\"since_tai\":\"@400000003b9aca0a00000005\",\"since_unix\":1000000000,\
         \"seconds\":{seconds}"
    );
    let expected = format!(
        "[\n{{\"name\":\"a\",\"path\":\"{path}/a\",\"supervised\":true,\"state\":\"run\",\"pid\":42,\
         {common},\"want\":\"up\",\"paused\":false,\"got_term\":false,\"normally\":\"up\",\
         \"error\":null,\"log\":{{\"name\":\"a/log\",\"path\":\"{path}/a/log\",\
         \"supervised\":true,\"state\":\"run\",\"pid\":41,{common},\"want\":\"down\",\
         \"paused\":true,\"got_term\":true,\"normally\":\"down\",\"error\":null}}}}\n]\n"
    );
    assert_eq!(text, expected);

    let nothing = "\"state\":null,\"pid\":null,\"since_tai\":null,\"since_unix\":null,\
                   \"seconds\":null,\"want\":null,\"paused\":null,\"got_term\":null,\
                   \"normally\":null";
    let error = "unable to change to service directory: file does not exist";
    let (code, text) = json(&[b"--json", b"status", b"x\"\xff\\", b"y\n"]);
    assert_eq!(code, Some(2));
    let object = |name: &str| {
        format!(
            "{{\"name\":\"{name}\",\"path\":\"{path}/{name}\",\"supervised\":false,{nothing},\
             \"error\":\"{error}\",\"log\":null}}"
        )
    };
    let expected = format!("[\n{},\n{}\n]\n", object(r#"x\"\\xff\\\\"#), object(r"y\u000a"));
    assert_eq!(text, expected);

    let (code, text) = json(&[b"--json", b"list"]);
    assert_eq!(code, Some(0));
    let start = format!("[\n{{\"name\":\"a\",\"path\":\"{path}/a\",\"enabled\":true,");
    assert!(text.starts_with(&start), "{text}");
    services.sv("--json start a").is_all(
        100,
        "",
        "usage: sv [-v] [-w sec] command service ...\n\n",
    );
    let empty = Services::new();
    empty.sv("--json status").is(0, "[]\n");
}
