//! The rolling log in `runsvdir`'s own command line.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use runit_tests::dirs::{make_fifo, open_gate, write};
use runit_tests::prelude::*;
use runit_tests::tree::Tree;

/// Waits until argument `at` of the process is `wanted`.
#[track_caller]
fn wait_arg(process: Proc, at: usize, wanted: impl Fn(&[u8]) -> bool) {
    wait_until("the argument to change", || {
        let cmdline = process.cmdline();
        let arg = cmdline.split(|&byte| byte == 0).nth(at).unwrap_or_default();
        if wanted(arg) { Ok(()) } else { Err(format!("{:?}", OsStr::from_bytes(&cmdline))) }
    });
}

/// Lets services write to standard error that wait at `../../gate`, once the first dot is there:
/// the reference may take them first.
#[track_caller]
fn open_gate_after_dot(tree: &Tree, process: Proc, at: usize) {
    wait_arg(process, at, |arg| arg.ends_with(b"."));
    open_gate(&tree.path("gate"));
}

#[test]
fn a_dot_at_the_start_pushes_from_the_right() {
    let tree = Tree::new();
    let runsvdir =
        Launch::new("runsvdir").arg("-P").arg(tree.service()).arg("log: 0123456789").spawn();
    wait_arg(runsvdir.process(), 3, |arg| arg == b"log: 123456789.");
}

#[test]
fn seven_characters_are_enough() {
    let tree = Tree::new();
    let runsvdir = Launch::new("runsvdir").arg(tree.service()).arg("1234567").spawn();
    wait_arg(runsvdir.process(), 2, |arg| arg == b"123457.");
    assert_eq!(runsvdir.stderr(), "");
}

#[test]
fn what_services_write_lands_there() {
    let tree = Tree::new();
    make_fifo(&tree.path("gate"));
    let run = ": <../../gate; printf 'abc\\0def\\nlast \\351' >&2; exec sleep 100000";
    let one = tree.add_made("one", ServiceDirBuilder::new().run(run));
    let dashes = "-".repeat(40);
    let runsvdir =
        Launch::new("runsvdir").arg("-P").arg(tree.service()).arg(format!("log: {dashes}")).spawn();
    open_gate_after_dot(&tree, runsvdir.process(), 3);
    one.wait_running("sleep");
    let written = b".abcdef\nlast \xe9";
    let wanted = [b"log: ", &dashes.as_bytes()[written.len()..], written].concat();
    wait_arg(runsvdir.process(), 3, |arg| arg == wanted);
    // Nothing else of the command line has changed.
    let args = runsvdir.process().args();
    assert_eq!(args.len(), 4);
    assert_eq!(args[0], suite::bin("runsvdir"));
    assert_eq!(args[1], "-P");
    assert_eq!(args[2], tree.service());
    // And standard error is no longer written to.
    assert_eq!(runsvdir.stderr(), "");
}

#[test]
fn more_than_fits_leaves_the_newest() {
    let tree = Tree::new();
    make_fifo(&tree.path("gate"));
    let run = ": <../../gate; i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; done >&2; printf end >&2\n\
               exec sleep 100000";
    let one = tree.add_made("one", ServiceDirBuilder::new().run(run));
    let argument = "readproctitle service errors: ".to_owned() + &"-".repeat(100);
    let runsvdir = Launch::new("runsvdir").arg(tree.service()).arg(&argument).spawn();
    open_gate_after_dot(&tree, runsvdir.process(), 2);
    one.wait_running("sleep");
    let all = (2900..=3000).map(|i| format!("line {i}")).collect::<Vec<_>>().join("\n") + "\nend";
    let wanted = "readp".to_owned() + &all[all.len() - (argument.len() - 5)..];
    wait_arg(runsvdir.process(), 2, |arg| arg == wanted.as_bytes());
}

#[test]
fn its_own_messages_land_there_too() {
    let tree = Tree::new();
    let missing = tree.path("missing");
    let log = "log: ".to_owned() + &".".repeat(300);
    let mut runsvdir = Launch::new("runsvdir").arg(&missing).arg(log).spawn();
    let line = format!(
        "runsvdir {0}: warning: unable to stat {0}: file does not exist\n",
        missing.display()
    );
    wait_arg(runsvdir.process(), 2, |arg| arg.windows(line.len()).any(|w| w == line.as_bytes()));
    assert!(runsvdir.lives());
    assert_eq!(runsvdir.stderr(), "");
}

#[test]
fn less_than_seven_characters_is_no_log() {
    for log in ["", "123456"] {
        let tree = Tree::new();
        let one =
            tree.add_made("one", ServiceDirBuilder::new().run("echo error >&2; exec sleep 100000"));
        let runsvdir = Launch::new("runsvdir").arg(tree.service()).arg(log).spawn();
        let prefix = format!("runsvdir {}: warning: ", tree.service().display());
        runsvdir.wait_stderr(&format!(
            "{prefix}log must have at least seven characters.\n{prefix}log service disabled.\n"
        ));
        one.wait_running("sleep");
        runsvdir.wait_stderr("error\n");
        assert_eq!(runsvdir.process().args()[2], log);
    }
}

#[test]
fn the_log_outlives_a_flood() {
    // Much more than a pipe holds, from several at once; nobody is held up for good.
    let tree = Tree::new();
    let run = "until [ -e ../../go ]; do sleep 0.01; done; head -c 1000000 /dev/zero | tr '\\0' x >&2; exec sleep 100000";
    let services: Vec<_> = ["one", "two", "three"]
        .into_iter()
        .map(|name| tree.add_made(name, ServiceDirBuilder::new().run(run)))
        .collect();
    let log = "log: ".to_owned() + &"-".repeat(200);
    let mut runsvdir = Launch::new("runsvdir").arg(tree.service()).arg(&log).spawn();
    wait_arg(runsvdir.process(), 2, |arg| arg.ends_with(b"."));
    write(&tree.path("go"), "");
    for service in &services {
        service.wait_running("sleep");
    }
    let wanted = "log: ".to_owned() + &"x".repeat(200);
    wait_arg(runsvdir.process(), 2, |arg| arg == wanted.as_bytes());
    assert!(runsvdir.lives());
}
