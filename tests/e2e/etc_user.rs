//! `runit-user`: an account's own tree of services.

use std::fs;

use runit_tests::dirs::{create_dir, set_mode, text, write_script};
use runit_tests::only_ours;
use runit_tests::own::Own;
use runit_tests::run::{Ran, only_root};

/// The account's id; see the harness's passwd.
const SOMEONE: u32 = 61003;

struct Machine {
    own: Own,
}

impl Machine {
    fn new() -> Self {
        let own = Own::new().with_processes();
        let home = own.path("run/someone");
        create_dir(&home);
        std::os::unix::fs::chown(&home, Some(SOMEONE), Some(SOMEONE)).unwrap();
        create_dir(&own.path("run/runit"));
        create_dir(&own.path("etc/sv"));
        Self { own }
    }

    fn sh(&self, script: &str) -> Ran {
        let functions = "until_true() { until \"$@\" >/dev/null 2>&1; do sleep 0.02; done; }\n";
        self.own.sh(&format!("{functions}{script}")).run()
    }
}

#[test]
fn a_tree_runs_as_the_account_and_stops_in_order() {
    only_ours!("runsvdir", "it has runsvdir stop its services, with -x");
    if !only_root("become an account") {
        return;
    }
    let machine = Machine::new();
    let service = machine.own.path("run/someone/service/mine");
    create_dir(&service.join("log"));
    write_script(
        &service.join("run"),
        "trap 'echo stopped; echo stopped >>/run/someone/ends; exit' TERM
{ id -u; id -G; echo \"$HOME $USER $LOGNAME $SVDIR\"; pwd; } >/run/someone/looks
mv /run/someone/looks /run/someone/seen
while :; do sleep 0.1; done",
    );
    // The log service gets the last word of the service, and ends after it.
    write_script(
        &service.join("log/run"),
        "cat >/run/someone/log; echo 'log ended' >>/run/someone/ends",
    );
    let chown = std::process::Command::new("chown")
        .args(["-R", "61003:61003"])
        .arg(machine.own.path("run/someone"))
        .status();
    assert!(chown.unwrap().success());
    let ran = machine.sh("runit-user add someone || exit
runsvdir -P /var/service >/run/runsvdir 2>&1 &
until_true test -s /run/someone/seen
until_true test -s /var/log/user-someone/current -o -e /var/log/user-someone/lock
ls -ldn /var/log/user-someone | cut -d' ' -f3
setpriv --reuid=61003 --regid=61003 --clear-groups env SVDIR=/run/someone/service \
    sv -w 20 stop mine | cut -d' ' -f1-2
rm /run/someone/seen
setpriv --reuid=61003 --regid=61003 --clear-groups env SVDIR=/run/someone/service \
    sv -w 20 start mine | cut -d' ' -f1-2
# Only then it has set its trap.
until_true test -s /run/someone/seen
runit-user remove someone; echo $?
pgrep -u 61003 -l; ls /var/service /etc/sv");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.stdout,
        "runit-user: someone has services of its own in /run/someone/service\n\
         61003\nok: down:\nok: run:\n0\n/etc/sv:\n\n/var/service:\n",
        "{}",
        ran.stderr
    );
    let seen = text(&machine.own.path("run/someone/seen"));
    assert_eq!(
        seen,
        "61003\n61003 61004\n/run/someone someone someone /run/someone/service\n\
         /run/someone/service/mine\n"
    );
    let ends = text(&machine.own.path("run/someone/ends"));
    assert_eq!(ends, "stopped\nstopped\nlog ended\n");
    assert_eq!(text(&machine.own.path("run/someone/log")), "stopped\nstopped\n");
}

#[test]
fn accounts_that_cannot_have_one() {
    let own = Own::new().alone();
    let says = |args: &str, code: i32, message: &str| {
        let ran = own.sh(&format!("runit-user {args}")).run();
        assert_eq!((ran.code, ran.stderr.as_str()), (code, message), "{args}");
    };
    says("add none", 111, "runit-user: fatal: there is no account none\n");
    says("add root", 111, "runit-user: fatal: root is root; its services are the system's\n");
    says("add ../x", 111, "runit-user: fatal: not the name of an account: ../x\n");
    says("add 'a b'", 111, "runit-user: fatal: not the name of an account: a b\n");
    says("remove someone", 111, "runit-user: fatal: there is no /etc/sv/user-someone\n");
    let usage = "usage: runit-user add|remove ACCOUNT\n\n";
    says("", 100, usage);
    says("add", 100, usage);
    says("change someone", 100, usage);
    says("add someone", 0, "");
    says("add someone", 111, "runit-user: fatal: /etc/sv/user-someone is there already\n");
    let run = own.path("etc/sv/user-someone/run");
    let shown = fs::read_to_string(&run).unwrap();
    assert!(shown.starts_with("#!/bin/sh\n"));
    for checker in ["shellcheck", "dash -n", "busybox sh -n"] {
        let ran = own.sh(&format!("{checker} /etc/sv/user-someone/run")).run();
        assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{checker}: {ran:?}");
    }
    set_mode(&run, 0o755);
    says("remove someone", 0, "");
    assert!(!own.path("etc/sv/user-someone").exists());
    assert!(fs::symlink_metadata(own.path("var/service/user-someone")).is_err());
}
