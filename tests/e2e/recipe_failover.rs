//! `examples/failover`: two nodes, of which one serves and the other takes over.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use runit_tests::dirs::{TempDir, create_dir, wait_line_count};
use runit_tests::own::{Own, install, path};
use runit_tests::prelude::*;
use runit_tests::recipe::{need, wait_log};
use runit_tests::run::{Ran, Run};
use rustix::process::Signal;

/// A machine with an `/etc` of its own.
struct Node {
    own: Own,
}

impl Node {
    /// With the recipe installed, as its README says, and that level current.
    fn new(level: &str) -> Self {
        let own = Own::new().alone();
        for part in ["sv", "runit"] {
            install(&format!("examples/failover/{part}"), &own.path("etc").join(part));
        }
        let node = Self { own };
        symlink(level, node.current()).unwrap();
        node
    }

    fn current(&self) -> PathBuf {
        self.own.path("etc/runit/runsvdir/current")
    }

    /// A service, as seen from outside.
    fn service(&self, name: &str) -> Service {
        ServiceDirBuilder::new().build_in(self.own.path("etc/sv/failover").join(name))
    }

    fn level(&self) -> PathBuf {
        fs::read_link(self.current()).unwrap()
    }

    fn wait_level(&self, level: &str) {
        wait_until(&format!("level {level}"), || {
            // There is none for a moment while the reference switches.
            let seen = fs::read_link(self.current()).map_err(|error| error.to_string())?;
            if seen == Path::new(level) { Ok(()) } else { Err(seen.display().to_string()) }
        });
    }

    /// Starts its services with these settings.
    fn start(&self, settings: &[(&str, String)]) -> Supervisor {
        let mut words = self.own.words();
        words.extend(["runsvdir", "-P", "/etc/runit/runsvdir/current"].map(Into::into));
        let launch = Launch::path(&words[0]).args(&words[1..]).env("PATH", path());
        // Patient: a machine with much else to do answers late, and is not to be fenced for it.
        let launch = launch.env("PAUSE", "1").env("PATIENCE", "5");
        settings.iter().fold(launch, |launch, (name, value)| launch.env(name, value)).spawn()
    }
}

/// Ends a node's services in order.
fn end(mut runsvdir: Supervisor) {
    let family = runsvdir.family();
    runsvdir.kill(Signal::HUP);
    assert_eq!(runsvdir.wait_exit(), 111);
    for process in family {
        process.wait_for_end();
    }
}

/// Storage that both nodes have, and the address of the service.
struct Shared(TempDir);

impl Shared {
    fn new() -> Self {
        let shared = Self(TempDir::new());
        create_dir(&shared.0.path().join("data"));
        shared
    }

    fn socket(&self) -> String {
        self.0.path().join("socket").display().to_string()
    }

    /// The settings of a node beside this other one.
    fn settings(&self, other: &Node) -> Vec<(&'static str, String)> {
        let socket = self.socket();
        let data = self.0.path().join("data");
        let app = other.service("app").path().display().to_string();
        vec![
            (
                "APP",
                format!(
                    "redis-server --port 0 --unixsocket {socket} --dir {} --save  \
                     --appendonly yes --appendfsync always",
                    data.display()
                ),
            ),
            ("PEER_ALIVE", format!("redis-cli -e -s {socket} ping")),
            (
                "FENCE",
                format!(
                    "sv -w 2 force-stop {app}
                     while [ -s {app}/supervise/pid ]; do sleep 0.1; done"
                ),
            ),
        ]
    }

    fn ask(&self, words: &[&str]) -> Ran {
        Run::path("redis-cli").args(["-e", "-s", &self.socket()]).args(words).run()
    }

    #[track_caller]
    fn wait_answer(&self, words: &[&str], wanted: &str) {
        wait_until(&format!("{wanted} to {words:?}"), || {
            let ran = self.ask(words);
            if ran.stdout.trim() == wanted { Ok(()) } else { Err(format!("{ran:?}")) }
        });
    }
}

#[test]
fn the_passive_node_takes_over_and_back() {
    need("redis-server", "redis-server");
    suite::bin("runsvchdir");
    let shared = Shared::new();
    let [one, two] = ["active", "passive"].map(Node::new);
    let first = one.start(&shared.settings(&two));
    shared.wait_answer(&["set", "key", "kept"], "OK");
    let second = two.start(&shared.settings(&one));
    wait_log(&two.service("monitor"), "the other node serves");

    // The active node's service hangs: it is there, and does not answer.
    let hung = one.service("app").wait_state(State::Run).process().unwrap();
    one.service("app").send("p");
    hung.wait_for_state('T');
    two.wait_level("active");
    wait_log(&two.service("monitor"), "taking over");
    // It was made sure that there is one only.
    hung.wait_for_end();
    shared.wait_answer(&["get", "key"], "kept");
    shared.wait_answer(&["set", "key", "kept again"], "OK");
    two.service("monitor").wait_unsupervised();
    let serving = two.service("app").wait_state(State::Run);

    // The first is repaired, and is the passive node from now on.
    let change = |node: &Node, level: &str| {
        let ran = node.own.sh(&format!("exec runsvchdir {level}")).run();
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    };
    change(&one, "passive");
    one.service("app").wait_unsupervised();
    wait_log(&one.service("monitor"), "the other node serves");
    assert_eq!(two.service("app").status(), serving);

    // The administrator moves the service back: it stops here, and so goes there.
    change(&two, "passive");
    two.service("app").wait_unsupervised();
    one.wait_level("active");
    shared.wait_answer(&["get", "key"], "kept again");
    one.service("app").wait_state(State::Run);
    end(first);
    end(second);
}

#[test]
fn no_node_takes_over_what_may_still_run() {
    let node = Node::new("passive");
    // It answers once, and no second time.
    // The first answer counts however late it comes: there is no other.
    let settings = [("PEER_ALIVE", "mkdir /run/asked"), ("TRIES", "2"), ("PATIENCE", "1000")];
    let runsvdir = node.start(&settings.map(|(name, value)| (name, value.into())));
    let monitor = node.service("monitor");
    wait_log(&monitor, "the other node does not answer (2 of 2)");
    // There is no way to fence in `conf`, as it is shipped.
    wait_log(&monitor, "the other node may still serve: not taking over");
    assert_eq!(node.level(), Path::new("passive"));
    end(runsvdir);
}

#[test]
fn no_node_takes_over_from_one_that_it_never_saw() {
    let node = Node::new("passive");
    let settings = [("PEER_ALIVE", "echo asked >>/run/asked; false"), ("FENCE", "true")];
    let runsvdir = node.start(&settings.map(|(name, value)| (name, value.into())));
    // More often than is needed to take over from one that was seen.
    wait_line_count(&node.own.path("run/asked"), 5);
    // The logger may be later than that.
    wait_log(&node.service("monitor"), "waiting for the other node to serve");
    assert_eq!(node.level(), Path::new("passive"));
    end(runsvdir);
}
