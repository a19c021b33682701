//! `rsvlog` and `nsvlog`: the log service of any service.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::{Path, PathBuf};

use runit_tests::dirs::{create_dir, mode, names, set_mode, text, write};
use runit_tests::own::Own;
use runit_tests::run::{Ran, only_root};

const NOBODY: u32 = 65534;
const SOMEONE: u32 = 61003;

/// A service's `log/` in a `/etc` of its own.
struct Log {
    own: Own,
}

impl Log {
    fn new() -> Self {
        let own = Own::new();
        create_dir(&own.path("etc/sv/web/log"));
        Self { own }
    }

    /// Runs the log service on `input`, called as `program`.
    fn run(&self, program: &str, input: &str) -> Ran {
        self.sh(&format!("printf '%s' '{input}' | {program}"))
    }

    fn sh(&self, script: &str) -> Ran {
        self.own.sh(&format!("cd /etc/sv/web/log && {script}")).run()
    }

    #[track_caller]
    fn logs(&self, program: &str, input: &str) {
        let ran = self.run(program, input);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    }

    fn conf(&self, settings: &str) {
        write(&self.own.path("etc/sv/web/log/conf"), settings);
    }

    fn dir(&self) -> PathBuf {
        self.own.path("var/log/web")
    }
}

fn owner(path: &Path) -> (u32, u32) {
    let data = fs::symlink_metadata(path).unwrap();
    (data.uid(), data.gid())
}

#[test]
fn rsvlog_keeps_lines_with_their_time_as_an_account() {
    if !only_root("become an account") {
        return;
    }
    let log = Log::new();
    log.logs("rsvlog", "first\nsecond\n");
    let dir = log.dir();
    assert_eq!((owner(&dir), mode(&dir)), ((NOBODY, 4), 0o750));
    assert_eq!(owner(&dir.join("current")).0, NOBODY);
    let lines: Vec<_> = text(&dir.join("current")).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2);
    for (line, what) in lines.iter().zip(["first", "second"]) {
        let (stamp, rest) = line.split_once(' ').unwrap();
        assert_eq!((stamp.len(), stamp.as_bytes()[10], rest), (25, b'_', what));
    }
    assert_eq!(names(&log.own.path("var/log")), ["web"]);
    // The next start finds it as it is.
    log.logs("rsvlog", "third\n");
    assert_eq!(text(&dir.join("current")).lines().count(), 3);
}

#[test]
fn nsvlog_keeps_lines_as_they_are() {
    if !only_root("become an account") {
        return;
    }
    let log = Log::new();
    log.logs("nsvlog", "first\nlast\n");
    assert_eq!(text(&log.dir().join("current")), "first\nlast\n");
}

#[test]
fn linked_as_run_it_knows_which_it_is() {
    if !only_root("become an account") {
        return;
    }
    let log = Log::new();
    for (program, stamped) in [("rsvlog", true), ("nsvlog", false)] {
        let script =
            format!("ln -sf \"$(command -v {program})\" run && printf '{program}\\n' | ./run");
        let ran = log.sh(&script);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        let all = text(&log.dir().join("current"));
        assert_eq!(all.lines().last().unwrap() == program, !stamped, "{all}");
    }
}

#[test]
fn settings_are_read_from_conf() {
    if !only_root("become an account") {
        return;
    }
    let log = Log::new();
    log.conf("LOGUSER=someone LOGGROUP=some LOGMODE=0700 LOGTAG='a name' LOGARGS='-t'");
    write(&log.own.path("etc/sv/web/log/config"), "-*no*\n");
    log.logs("rsvlog", "yes\nno\n");
    let dir = log.own.path("var/log/a name");
    assert_eq!((owner(&dir), mode(&dir)), ((SOMEONE, SOMEONE), 0o700));
    let all = text(&dir.join("current"));
    assert!(all.starts_with('@') && all.ends_with(" yes\n") && all.lines().count() == 1, "{all}");
    // A configuration of the directory's own is left alone.
    fs::remove_file(dir.join("config")).unwrap();
    write(&dir.join("config"), "");
    log.logs("rsvlog", "no\n");
    assert!(text(&dir.join("current")).ends_with(" no\n"));
    log.conf("LOGDIR=/var/log/deep");
    log.logs("rsvlog", "x\n");
    assert_eq!(owner(&log.own.path("var/log/deep/current")).0, NOBODY);
}

#[test]
fn a_directory_of_another_account_is_used_as_that_account() {
    if !only_root("become an account") {
        return;
    }
    let log = Log::new();
    create_dir(&log.dir());
    set_mode(&log.dir(), 0o755);
    chown(log.dir(), Some(SOMEONE), Some(SOMEONE)).unwrap();
    log.logs("rsvlog", "x\n");
    assert_eq!((owner(&log.dir()), mode(&log.dir())), ((SOMEONE, SOMEONE), 0o755));
    assert_eq!(owner(&log.dir().join("current")), (SOMEONE, SOMEONE));
}

#[test]
fn a_link_in_an_accounts_directory_leads_nowhere_it_may_not_go() {
    if !only_root("become an account") {
        return;
    }
    let log = Log::new();
    write(&log.own.path("etc/secret"), "secret\n");
    set_mode(&log.own.path("etc/secret"), 0o600);
    write(&log.own.path("etc/sv/web/log/config"), "s1000\n");
    create_dir(&log.dir());
    for name in ["current", "config", "lock", "state"] {
        symlink("/etc/secret", log.dir().join(name)).unwrap();
    }
    chown(log.dir(), Some(SOMEONE), Some(SOMEONE)).unwrap();
    let ran = log.run("rsvlog", "x\n");
    assert_eq!(ran.code, 111, "{ran:?}");
    let secret = log.own.path("etc/secret");
    assert_eq!(
        (text(&secret).as_str(), owner(&secret), mode(&secret)),
        ("secret\n", (0, 0), 0o600)
    );
}

#[test]
fn a_directory_of_roots_gets_one_below_it() {
    if !only_root("become an account") {
        return;
    }
    let log = Log::new();
    create_dir(&log.dir());
    write(&log.dir().join("access.log"), "");
    for _ in 0..2 {
        log.logs("rsvlog", "x\n");
    }
    assert_eq!(owner(&log.dir()), (0, 0));
    assert_eq!(names(&log.dir()), ["access.log", "runit"]);
    assert_eq!(owner(&log.dir().join("runit")), (NOBODY, 4));
    assert_eq!(text(&log.dir().join("runit/current")).lines().count(), 2);
}

#[test]
fn what_could_mislead_root_is_refused() {
    if !only_root("become an account") {
        return;
    }
    let log = Log::new();
    let says = |sentence: &str| {
        let expected = format!("rsvlog: fatal: {sentence}\n");
        let ran = log.run("rsvlog", "x\n");
        assert_eq!((ran.code, ran.stderr), (111, expected));
    };
    symlink("/etc", log.dir()).unwrap();
    says("/var/log/web is a symlink; LOGDIR in conf names another place");
    fs::remove_file(log.dir()).unwrap();
    write(&log.dir(), "");
    says("/var/log/web is not a directory");
    fs::remove_file(log.dir()).unwrap();
    create_dir(&log.dir());
    set_mode(&log.dir(), 0o777);
    says("/var/log/web belongs to root and others may write it");
    set_mode(&log.dir(), 0o755);
    create_dir(&log.dir().join("runit"));
    says("/var/log/web/runit belongs to root; chown it to nobody");
    log.conf("LOGUSER=root");
    says("LOGUSER is root; logs are kept by an account without privileges");
    log.conf("LOGUSER=none");
    says("unknown account: none");
    log.conf("LOGGROUP=none");
    says("unknown group: none");
    log.conf("LOGTAG=../x");
    says("no name for a log directory: ../x");
    let ran = log.own.sh("cd /etc && rsvlog").run();
    assert_eq!(ran.stderr, "rsvlog: fatal: /etc is not the log directory of a service\n");
    assert_eq!(names(&log.own.path("var/log")), ["web"]);
}

#[test]
fn without_privileges_it_logs_below_the_accounts_home() {
    let log = Log::new();
    let home = log.own.path("run/someone");
    create_dir(&home);
    set_mode(&home, 0o777);
    let script = "cd /etc/sv/web/log && export HOME=/run/someone && echo x | exec $0 nsvlog";
    let words = runit_tests::supervisor::unprivileged().join(" ");
    let ran = log.own.sh(&script.replace("$0", &words)).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(text(&home.join(".local/state/log/web/current")), "x\n");
}

#[test]
fn help_and_usage() {
    let log = Log::new();
    let ran = log.own.sh("nsvlog --help").run();
    assert!(ran.code == 0 && ran.stdout.starts_with("usage: nsvlog\n"), "{ran:?}");
    let ran = log.own.sh("rsvlog --version").run();
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "rsvlog (runit-rs)\n"));
    let ran = log.own.sh("rsvlog x").run();
    assert_eq!((ran.code, ran.stderr.as_str()), (100, "usage: rsvlog\n\n"));
}
