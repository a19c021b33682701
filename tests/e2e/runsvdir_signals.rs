//! Signals to `runsvdir`.

use std::fs;
use std::time::Duration;

use runit_tests::dirs::write;
use runit_tests::prelude::*;
use runit_tests::protocol::{TAI_EPOCH, now};
use runit_tests::tree::Tree;
use rustix::process::Signal;

#[test]
fn term_ends_it_and_nothing_else() {
    let tree = Tree::new();
    let services = [tree.add("one"), tree.add("two")];
    let mut runsvdir = tree.scan();
    let before = services.each_ref().map(|service| service.wait_running("sleep"));
    runsvdir.kill(Signal::TERM);
    assert_eq!(runsvdir.wait_exit(), 0);
    assert_eq!(services.each_ref().map(|service| service.status()), before);
    assert_eq!(runsvdir.runsvs().len(), 2);
    // They are left for good: each still obeys.
    for service in &services {
        service.send("x");
        service.wait_unsupervised();
    }
    assert_eq!(runsvdir.stderr(), "");
}

#[test]
fn a_successor_finds_what_was_left_running() {
    let tree = Tree::new();
    let service = tree.add("one");
    let mut first = tree.scan();
    let before = service.wait_running("sleep");
    first.kill(Signal::TERM);
    assert_eq!(first.wait_exit(), 0);
    let second = tree.scan();
    second.wait_stderr("runsv one: fatal: unable to lock supervise/lock: temporary failure\n");
    assert_eq!(service.status(), before);
    service.send("x");
    service.wait_run_again(&before);
    assert_eq!(second.runsvs().len(), 1);
}

#[test]
fn hup_ends_everything() {
    let tree = Tree::new();
    let services = [tree.add("one"), tree.add("two")];
    let mut runsvdir = tree.scan();
    let processes = services.each_ref().map(|service| service.wait_running("sleep"));
    runsvdir.kill(Signal::HUP);
    assert_eq!(runsvdir.wait_exit(), 111);
    for (service, status) in services.iter().zip(processes) {
        service.wait_unsupervised();
        status.process().unwrap().wait_for_end();
        assert_eq!(service.stat(), "down");
    }
    wait_until("everything to end", || {
        let family = runsvdir.family();
        if family.is_empty() { Ok(()) } else { Err(format!("{family:?}")) }
    });
}

#[test]
fn alrm_looks_at_once_and_says_when() {
    let tree = Tree::new();
    let one = tree.add("one");
    let mut runsvdir = tree.scan();
    one.wait_running("sleep");
    let stamp = tree.service().join(".forced-rescan");
    assert!(!stamp.exists());
    let mut last = Duration::ZERO;
    let mut last_text = String::new();
    for _ in 0..3 {
        // The reference forgets a signal that comes before it is done with the last.
        runsvdir.process().wait_for_state('S');
        let before = now();
        runsvdir.kill(Signal::ALARM);
        let text = wait_until("a new stamp", || {
            let text = fs::read_to_string(&stamp).map_err(|error| error.to_string())?;
            // By its content: that of a moment ago may be of the same time and inode.
            let new = text != last_text && text.len() == 25;
            if new { Ok(text) } else { Err(format!("{text:?}")) }
        });
        let label = text.strip_prefix('@').unwrap();
        assert!(label.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{text:?}");
        let seconds = u64::from_str_radix(&label[..16], 16).unwrap() - TAI_EPOCH;
        let time = Duration::new(seconds, u32::from_str_radix(&label[16..], 16).unwrap());
        assert!(time >= before && time <= now(), "{text:?}");
        assert!(time > last);
        last = time;
        last_text = text;
    }
    assert!(runsvdir.lives());
    assert_eq!(runsvdir.runsvs().len(), 1);
}

#[test]
fn alrm_sees_what_has_not_changed_the_directory() {
    let tree = Tree::new();
    let late = tree.path("sv/late");
    std::os::unix::fs::symlink(&late, tree.service().join("late")).unwrap();
    let runsvdir = tree.scan();
    tree.wait_for_scan("first");
    let late = tree.make("late", ServiceDirBuilder::sleeper());
    // The reference forgets a signal that comes while it looks.
    runsvdir.process().wait_for_state('S');
    runsvdir.kill(Signal::ALARM);
    late.wait_running("sleep");
}

#[test]
fn alrm_in_a_directory_that_cannot_be_written() {
    let tree = Tree::new();
    let one = tree.add("one");
    // A directory of that name cannot be replaced by a file.
    fs::create_dir(tree.service().join(".forced-rescan")).unwrap();
    write(&tree.service().join(".forced-rescan/full"), "");
    let mut runsvdir = tree.scan();
    let before = one.wait_running("sleep");
    runsvdir.kill(Signal::ALARM);
    tree.wait_for_scan("zz");
    runsvdir.kill(Signal::ALARM);
    tree.wait_for_scan("zzz");
    assert!(runsvdir.lives());
    assert_eq!(one.status(), before);
}

#[test]
fn a_death_and_a_signal_together() {
    let tree = Tree::new();
    let one = tree.add("one");
    let mut runsvdir = tree.scan();
    let before = one.wait_running("sleep");
    runsvdir.kill(Signal::STOP);
    runsvdir.process().wait_for_state('T');
    for (_, runsv) in runsvdir.runsvs() {
        runsv.kill(Signal::KILL);
        runsv.wait_for_end();
    }
    runsvdir.kill(Signal::ALARM);
    runsvdir.kill(Signal::CONT);
    one.wait_run_again(&before);
    assert!(runsvdir.lives());
}
