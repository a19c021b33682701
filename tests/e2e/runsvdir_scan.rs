//! Which services `runsvdir` starts, keeps and lets go.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use runit_tests::dirs::write;
use runit_tests::prelude::*;
use runit_tests::protocol::Supervised;
use runit_tests::tree::Tree;
use rustix::process::Signal;

#[test]
fn each_directory_and_each_link_to_one_gets_a_supervisor() {
    let tree = Tree::new();
    let service = tree.service();
    let one = tree.add("link");
    let two = ServiceDirBuilder::sleeper().build_in(service.join("directory"));
    let absolute = tree.make("absolute", ServiceDirBuilder::sleeper());
    symlink(absolute.path(), service.join("absolute")).unwrap();
    // None of these is one.
    ServiceDirBuilder::sleeper().build_in(service.join(".hidden"));
    tree.make("hidden", ServiceDirBuilder::sleeper());
    symlink("../sv/hidden", service.join(".link")).unwrap();
    write(&service.join("file"), "");
    symlink("file", service.join("link-to-file")).unwrap();
    symlink("../sv/missing", service.join("dangling")).unwrap();
    symlink("loop", service.join("loop")).unwrap();

    let runsvdir = tree.scan();
    for service in [&one, &two, &absolute] {
        service.wait_running("sleep");
    }
    tree.wait_for_scan("zz");
    assert_eq!(runsvdir.runsv_names(), ["absolute", "directory", "link", "zz"]);
    for (name, process) in runsvdir.runsvs() {
        assert_eq!(process.parent(), Some(runsvdir.process()), "{name:?}");
        assert_eq!(process.args(), [OsString::from("runsv"), name]);
    }
    assert!(!tree.path("sv/hidden/supervise").exists());
    assert!(!service.join(".hidden/supervise").exists());
}

#[test]
fn runsv_is_the_one_in_the_path() {
    let tree = Tree::new();
    let one = tree.add("one");
    let runsvdir = tree.scan();
    one.wait_running("sleep");
    let runsv = runsvdir.runsv_named("one");
    let program = fs::canonicalize(suite::bin("runsv")).unwrap();
    assert_eq!(fs::read_link(format!("/proc/{runsv}/exe")).unwrap(), program);
}

#[test]
fn sessions() {
    for own in [true, false] {
        let tree = Tree::new();
        let services = [tree.add("one"), tree.add("two")];
        let launch = Launch::new("runsvdir").through(["setsid"]);
        let launch = if own { launch.arg("-P") } else { launch };
        let runsvdir = launch.arg(tree.service()).spawn();
        for service in services {
            service.wait_running("sleep");
        }
        for (name, process) in runsvdir.runsvs() {
            let leader = if own { process } else { runsvdir.process() };
            assert_eq!(process.session(), Some(leader.0), "{name:?}");
            assert_eq!(process.group(), Some(leader.0), "{name:?}");
        }
    }
}

#[test]
fn children_have_a_clean_state() {
    let tree = Tree::new();
    let service = tree.add("one");
    let launch = Launch::new("runsvdir").env("ODD", "a b\tc").arg(tree.service());
    let runsvdir = launch.arg("log: ...................................").spawn();
    let process = service.wait_running("sleep").process().unwrap();
    let signals = process.signals().unwrap();
    assert_eq!((signals.blocked, signals.caught), (0, 0));
    assert_eq!(signals.ignored, Proc::ignored_by_heirs());
    let fds = process.wait_for_three_fds();
    assert_eq!(fds[&0], Path::new("/dev/null"));
    assert!(fds[&2].to_string_lossy().starts_with("pipe:"), "{fds:?}");
    let (_, runsv) = runsvdir.runsvs().remove(0);
    assert_eq!(runsv.environ(), runsvdir.process().environ());
    assert!(runsv.environ().contains(&"ODD=a b\tc".into()));
}

#[test]
fn a_new_service_is_started() {
    let tree = Tree::new();
    let one = tree.add("one");
    let runsvdir = tree.scan();
    let before = one.wait_running("sleep");
    // A link, a directory that is moved in, and one that is made in place.
    let two = tree.add("two");
    let three = tree.make("three", ServiceDirBuilder::sleeper());
    fs::rename(three.path(), tree.service().join("three")).unwrap();
    let four = ServiceDirBuilder::sleeper().build_in(tree.service().join("four"));
    two.wait_running("sleep");
    Supervised::new(tree.service().join("three")).wait_running("sleep");
    four.wait_running("sleep");
    assert_eq!(runsvdir.runsv_names(), ["four", "one", "three", "two"]);
    assert_eq!(one.status(), before);
}

#[test]
fn a_link_that_led_nowhere_is_taken_up_when_the_directory_changes() {
    let tree = Tree::new();
    symlink("../sv/late", tree.service().join("late")).unwrap();
    let _runsvdir = tree.scan();
    tree.wait_for_scan("first");
    let late = tree.make("late", ServiceDirBuilder::sleeper());
    tree.wait_for_scan("second");
    late.wait_running("sleep");
}

#[test]
fn a_name_that_disappears_is_ended_and_forgotten() {
    let tree = Tree::new();
    let (one, two) = (tree.add("one"), tree.add("two"));
    let mut runsvdir = tree.scan();
    let process = one.wait_running("sleep").process().unwrap();
    let before = two.wait_running("sleep");
    let runsv = runsvdir.runsv_named("one");
    fs::remove_file(tree.service().join("one")).unwrap();
    process.wait_for_end();
    one.wait_unsupervised();
    runsv.wait_for_end();
    assert_eq!(one.stat(), "down");
    tree.wait_for_scan("zz");
    assert_eq!(runsvdir.runsv_names(), ["two", "zz"]);
    assert_eq!(two.status(), before);
    assert!(runsvdir.lives());
    // It may come back.
    symlink("../sv/one", tree.service().join("one")).unwrap();
    one.wait_running("sleep");
}

#[test]
fn a_service_that_takes_its_time_to_end_is_not_waited_for() {
    let tree = Tree::new();
    let slow =
        tree.add_made("slow", ServiceDirBuilder::new().run("trap '' TERM; exec sleep 100000"));
    let runsvdir = tree.scan();
    let process = slow.wait_running("sleep").process().unwrap();
    let runsv = runsvdir.runsv_named("slow");
    fs::remove_file(tree.service().join("slow")).unwrap();
    slow.wait_stat("run, got TERM, want exit");
    tree.wait_for_scan("zz");
    assert!(runsv.lives());
    process.kill(Signal::KILL);
    runsv.wait_for_end();
    slow.wait_unsupervised();
}

#[test]
fn a_rename_is_no_change() {
    let tree = Tree::new();
    let one = tree.add("one");
    let two = ServiceDirBuilder::sleeper().build_in(tree.service().join("two"));
    let runsvdir = tree.scan();
    let before = (one.wait_running("sleep"), two.wait_running("sleep"));
    let runsv = runsvdir.runsv_named("one");
    fs::rename(tree.service().join("one"), tree.service().join("uno")).unwrap();
    fs::rename(tree.service().join("two"), tree.service().join("due")).unwrap();
    tree.wait_for_scan("zz");
    let moved = Supervised::new(tree.service().join("due"));
    assert_eq!((one.status(), moved.status()), before);
    assert_eq!(runsvdir.runsv_names(), ["one", "two", "zz"]);
    assert_eq!(runsvdir.runsv_named("one"), runsv);
}

#[test]
fn two_links_to_one_directory_start_one_supervisor() {
    let tree = Tree::new();
    let one = tree.add("one");
    symlink("../sv/one", tree.service().join("again")).unwrap();
    symlink("one", tree.service().join("link-to-link")).unwrap();
    let runsvdir = tree.scan();
    let before = one.wait_running("sleep");
    tree.wait_for_scan("zz");
    assert_eq!(runsvdir.runsvs().len(), 2, "{:?}", runsvdir.runsvs());
    // One name is enough to stay.
    fs::remove_file(tree.service().join("again")).unwrap();
    fs::remove_file(tree.service().join("link-to-link")).unwrap();
    tree.wait_for_scan("zzz");
    assert_eq!(one.status(), before);
    assert_eq!(runsvdir.runsvs().len(), 3, "{:?}", runsvdir.runsvs());
    assert_eq!(runsvdir.stderr(), "");
}

#[test]
fn a_runsv_that_ends_is_started_again() {
    let tree = Tree::new();
    let (one, two) = (tree.add("one"), tree.add("two"));
    let runsvdir = tree.scan();
    let (before, other) = (one.wait_running("sleep"), two.wait_running("sleep"));
    let first = runsvdir.runsv_named("one");
    first.kill(Signal::KILL);
    one.wait_run_again(&before);
    assert_ne!(runsvdir.runsv_named("one"), first);
    assert_eq!(two.status(), other);
    // Also when it ended as it was told to.
    let before = one.wait_running("sleep");
    one.send("x");
    one.wait_run_again(&before);
}

#[test]
fn a_runsv_that_keeps_ending_is_started_at_most_once_a_second() {
    let tree = Tree::new();
    tree.add("one");
    // One second is from when runsvdir looks at the clock, some time before the process is there:
    // two processes may be less apart. From before the first look on, nothing is.
    let before = Instant::now();
    let runsvdir = tree.scan();
    let mut last = None;
    for start in 0..4 {
        let runsv = wait_until("another runsv", || {
            // Not what a runsv that was killed has forked and is still to become `run`.
            let is_own = |process: &Proc| process.parent() == Some(runsvdir.process());
            let own = runsvdir.runsvs().into_iter().map(|(_, process)| process).find(is_own);
            own.filter(|process| Some(*process) != last)
        });
        // The clock that it looks at may be set right a little meanwhile.
        let least = Duration::from_millis(start * 990);
        assert!(before.elapsed() >= least, "start {start} after {:?}", before.elapsed());
        last = Some(runsv);
        runsv.kill(Signal::KILL);
    }
}

#[test]
fn a_runsv_that_cannot_start_does_not_hold_up_the_others() {
    let tree = Tree::new();
    let bad = tree.add_made("bad", ServiceDirBuilder::sleeper().file("supervise/control", ""));
    let good = tree.add("good");
    let mut runsvdir = tree.scan();
    let line = "runsv bad: fatal: supervise/control exists but is not a fifo\n";
    runsvdir.wait_stderr(&format!("{line}{line}"));
    good.wait_running("sleep");
    fs::remove_file(bad.file("control")).unwrap();
    bad.wait_running("sleep");
    assert!(runsvdir.lives());
}

#[test]
fn names_of_every_kind() {
    let tree = Tree::new();
    let names: [&[u8]; 8] = [
        b"with blanks  and\ttabs",
        b"with\nnewline",
        b"\xff\xfe no utf-8",
        b"-P",
        b"--help",
        b"%s%n",
        b"'quotes\"$(x)`",
        "\u{e9}\u{4e2d}".as_bytes(),
    ];
    let services = names.map(|name| tree.add(OsStr::from_bytes(name)));
    let runsvdir = tree.scan();
    for (service, name) in services.iter().zip(names) {
        if !suite::is_ours() || name != b"--help" {
            service.wait_running("sleep");
        }
    }
    assert!(runsvdir.runsvs().len() >= 7, "{:?}", runsvdir.runsvs());
}

#[test]
fn more_than_a_thousand_services() {
    const COUNT: usize = 1100;
    only_ours!("the references handle at most a thousand");
    let tree = Tree::new();
    for number in 0..COUNT {
        ServiceDirBuilder::new().down().build_in(tree.service().join(format!("service-{number}")));
    }
    let mut runsvdir = tree.scan();
    wait_until("all to be supervised", || {
        let missing = (0..COUNT)
            .filter(|number| {
                let dir = tree.service().join(format!("service-{number}"));
                !Supervised::new(dir).is_supervised()
            })
            .count();
        if missing == 0 { Ok(()) } else { Err(format!("{missing} are not")) }
    });
    let last = tree.add("one-more");
    last.wait_running("sleep");
    runsvdir.kill(Signal::HUP);
    assert_eq!(runsvdir.wait_exit(), 111);
    last.wait_unsupervised();
}
