//! `runsvdir` as process 1 of a container, `-x`, and `-s`: beyond the reference.

use std::process::Command;

use runit_tests::dirs::{APPEND, SLEEP, lines, text, wait_line_count, wait_lines, write_script};
use runit_tests::prelude::*;
use runit_tests::supervisor::is_root;
use runit_tests::tree::Tree;
use rustix::process::Signal;

const REASON: &str = "the reference knows no containers";

/// Starts `runsvdir` as process 1 of a PID namespace; the launched process is the one that waits
/// for it. Nothing where the system does not allow that.
fn as_process_1(tree: &Tree, options: &[&str]) -> Option<(Supervisor, Proc)> {
    let words: &[&str] = if is_root() {
        &["unshare", "--pid", "--fork"]
    } else {
        &["unshare", "--user", "--map-root-user", "--pid", "--fork"]
    };
    if !Command::new(words[0]).args(&words[1..]).arg("true").status().unwrap().success() {
        eprintln!("no PID namespaces here: not tested");
        return None;
    }
    let launch = Launch::new("runsvdir").through(words).args(options).arg(tree.service());
    let outer = launch.spawn();
    let inner = wait_until("process 1 of the namespace", || {
        let child = outer.process().children().first().copied().ok_or("no child")?;
        let args = child.args();
        let program = args.first().ok_or("no arguments")?;
        if program == suite::bin("runsvdir").as_os_str() { Ok(child) } else { Err("not yet") }
    });
    Some((outer, inner))
}

/// A service whose logger notes what it was given, and which says good-bye.
fn polite() -> ServiceDirBuilder {
    ServiceDirBuilder::new()
        .run(
            // KILL, since a TERM may come before the child has become `sleep`.
            "trap 'echo bye; kill -9 $!; exit 0' TERM; sleep 100000 >/dev/null &\n\
             echo hello; echo ready >ready; while :; do wait; done",
        )
        .finish("echo finish")
        .log_run(APPEND)
}

/// Checks that the end of process 1 was the end of all.
#[track_caller]
fn assert_all_gone(runsvdir: &Supervisor) {
    let family = runsvdir.family();
    assert!(family.is_empty(), "{family:?}");
}

/// Checks that no supervisor is left; what a service did not wait for may take a moment.
#[track_caller]
fn wait_all_gone(runsvdir: &Supervisor) {
    assert_eq!(runsvdir.runsvs(), []);
    wait_until("everything to end", || {
        let family = runsvdir.family();
        if family.is_empty() { Ok(()) } else { Err(format!("{family:?}")) }
    });
}

#[test]
fn term_stops_everything_and_ends_with_0() {
    only_ours!(REASON);
    let tree = Tree::new();
    let services = ["one", "two", "three"].map(|name| tree.add_made(name, polite()));
    let Some((mut outer, inner)) = as_process_1(&tree, &["-P"]) else { return };
    for service in &services {
        wait_lines(&service.join("ready"), &["ready"]);
    }
    inner.kill(Signal::TERM);
    assert_eq!(outer.wait_exit(), 0);
    assert_all_gone(&outer);
    for service in services {
        assert_eq!(lines(&service.join("log/lines")), ["hello", "bye", "finish"]);
        assert_eq!(service.stat(), "down");
        assert!(!service.is_supervised());
    }
}

#[test]
fn hup_stops_everything_and_ends_with_111() {
    only_ours!(REASON);
    let tree = Tree::new();
    let service = tree.add_made("one", polite());
    let Some((mut outer, inner)) = as_process_1(&tree, &[]) else { return };
    wait_lines(&service.join("ready"), &["ready"]);
    inner.kill(Signal::HUP);
    assert_eq!(outer.wait_exit(), 111);
    assert_all_gone(&outer);
    assert_eq!(lines(&service.join("log/lines")), ["hello", "bye", "finish"]);
}

#[test]
fn process_1_collects_orphans() {
    only_ours!(REASON);
    let tree = Tree::new();
    // Each leaves a child behind that ends after its parent.
    let orphans = "i=0; while [ $i -lt 20 ]; do i=$((i+1)); (sleep 0.2 & exec true); done\n\
                   echo left >left; exec sleep 100000";
    let service = tree.add_made("one", ServiceDirBuilder::new().run(orphans));
    let Some((mut outer, inner)) = as_process_1(&tree, &["-P"]) else { return };
    wait_lines(&service.join("left"), &["left"]);
    wait_until("no orphan to be left", || {
        let children: Vec<_> = Proc::all()
            .into_iter()
            .filter(|process| process.parent() == Some(inner))
            .map(|process| (process, process.state(), process.args()))
            .collect();
        if children.len() == 1 { Ok(()) } else { Err(format!("{children:?}")) }
    });
    inner.kill(Signal::TERM);
    assert_eq!(outer.wait_exit(), 0);
}

#[test]
fn process_1_waits_for_a_service_that_takes_its_time() {
    only_ours!(REASON);
    let tree = Tree::new();
    let run = "trap '' TERM; echo $$ >ready; exec sleep 100000";
    let service = tree.add_made("one", ServiceDirBuilder::new().run(run));
    let quick = tree.add("quick");
    let Some((mut outer, inner)) = as_process_1(&tree, &[]) else { return };
    wait_line_count(&service.join("ready"), 1);
    quick.wait_state(State::Run);
    inner.kill(Signal::TERM);
    quick.wait_unsupervised();
    service.wait_stat("run, got TERM, want exit");
    assert!(outer.lives());
    // Nothing new is started any more, nothing again.
    let late = tree.add("late");
    service.send("k");
    assert_eq!(outer.wait_exit(), 0);
    assert!(!late.join("supervise").exists());
    assert_all_gone(&outer);
}

#[test]
fn with_x_term_stops_everything_and_ends_with_0() {
    only_ours!(REASON);
    let tree = Tree::new();
    let services = ["one", "two", "three"].map(|name| tree.add_made(name, polite()));
    let mut runsvdir = Launch::new("runsvdir").arg("-x").arg(tree.service()).spawn();
    for service in &services {
        wait_lines(&service.join("ready"), &["ready"]);
    }
    runsvdir.kill(Signal::TERM);
    assert_eq!(runsvdir.wait_exit(), 0);
    wait_all_gone(&runsvdir);
    for service in services {
        assert_eq!(lines(&service.join("log/lines")), ["hello", "bye", "finish"]);
    }
}

#[test]
fn with_x_hup_stops_everything_and_ends_with_111() {
    only_ours!(REASON);
    let tree = Tree::new();
    let service = tree.add_made("one", polite());
    let mut runsvdir = Launch::new("runsvdir").args(["-x", "-P"]).arg(tree.service()).spawn();
    wait_lines(&service.join("ready"), &["ready"]);
    runsvdir.kill(Signal::HUP);
    assert_eq!(runsvdir.wait_exit(), 111);
    wait_all_gone(&runsvdir);
}

#[test]
fn with_x_and_nothing_to_stop_it_ends_at_once() {
    only_ours!(REASON);
    let tree = Tree::new();
    let mut runsvdir = Launch::new("runsvdir").arg("-xP").arg(tree.service()).spawn();
    tree.wait_for_scan("zz");
    std::fs::remove_file(tree.service().join("zz")).unwrap();
    wait_until("no service to be left", || runsvdir.runsvs().is_empty());
    runsvdir.kill(Signal::TERM);
    assert_eq!(runsvdir.wait_exit(), 0);
}

#[test]
fn a_removed_service_that_still_ends_is_waited_for_too() {
    only_ours!(REASON);
    let tree = Tree::new();
    let run = "trap '' TERM; exec sleep 100000";
    let slow = tree.add_made("slow", ServiceDirBuilder::new().run(run));
    let mut runsvdir = Launch::new("runsvdir").arg("-x").arg(tree.service()).spawn();
    let process = slow.wait_running("sleep").process().unwrap();
    std::fs::remove_file(tree.service().join("slow")).unwrap();
    slow.wait_stat("run, got TERM, want exit");
    runsvdir.kill(Signal::TERM);
    tree.add("late");
    assert!(runsvdir.lives());
    process.kill(Signal::KILL);
    assert_eq!(runsvdir.wait_exit(), 0);
    wait_all_gone(&runsvdir);
}

#[test]
fn a_script_is_told_the_signal() {
    only_ours!("-s is an option of busybox");
    for (signal, code) in [(Signal::TERM, 0), (Signal::HUP, 111)] {
        let tree = Tree::new();
        let service = tree.add_made("one", ServiceDirBuilder::new().run(SLEEP));
        let script = tree.path("script");
        write_script(&script, format!("echo \"$# $1\" >>{}", tree.path("told").display()));
        let launch = Launch::new("runsvdir").arg("-s").arg(&script).arg("-P");
        let mut runsvdir = launch.arg(tree.service()).spawn();
        service.wait_running("sleep");
        runsvdir.kill(signal);
        assert_eq!(runsvdir.wait_exit(), code);
        wait_lines(&tree.path("told"), &[&format!("1 {}", signal.as_raw())]);
    }
}

#[test]
fn a_script_that_cannot_be_run_changes_nothing() {
    only_ours!("-s is an option of busybox");
    let tree = Tree::new();
    let service = tree.add("one");
    let launch = Launch::new("runsvdir").args(["-s", "/nonexistent/script"]);
    let mut runsvdir = launch.arg(tree.service()).spawn();
    service.wait_running("sleep");
    runsvdir.kill(Signal::TERM);
    assert_eq!(runsvdir.wait_exit(), 0);
    runsvdir.wait_stderr("/nonexistent/script");
    assert_eq!(text(&service.file("stat")), "run\n");
}

#[test]
fn process_1_tells_its_script_of_user_signals_and_goes_on() {
    only_ours!("-s is an option of busybox");
    let tree = Tree::new();
    let service = tree.add_made("one", polite());
    let script = tree.path("script");
    write_script(&script, format!("echo \"$1\" >>{}", tree.path("told").display()));
    let options = ["-s", script.to_str().unwrap()];
    let Some((mut outer, inner)) = as_process_1(&tree, &options) else { return };
    wait_lines(&service.join("ready"), &["ready"]);
    let mut wanted = Vec::new();
    for (signal, number) in [(Signal::USR1, "10"), (Signal::USR2, "12"), (Signal::USR1, "10")] {
        inner.kill(signal);
        wanted.push(number);
        wait_lines(&tree.path("told"), &wanted);
    }
    service.wait_stat("run");
    inner.kill(Signal::TERM);
    assert_eq!(outer.wait_exit(), 0);
    wanted.push("15");
    assert_eq!(lines(&tree.path("told")), wanted);
}
