//! `examples/user-tree`: an account's own services.

use std::os::unix::fs::{MetadataExt, symlink};

use runit_tests::dirs::SLEEP;
use runit_tests::prelude::*;
use runit_tests::proc::Signals;
use runit_tests::recipe::{Recipe, account_or, give, id, wait_log};
use runit_tests::run::{Run, is_root};
use rustix::process::Signal;

/// Whose process this is.
fn owner(process: Proc) -> u32 {
    std::fs::metadata(format!("/proc/{process}")).unwrap().uid()
}

#[test]
fn an_account_has_a_tree_of_its_own() {
    let mut recipe = Recipe::copy("user-tree");
    let account = account_or("nobody");
    let user = id("-u", &account);
    let home = recipe.path("home");
    // What has no logger of its own ends up in that of the tree.
    let loud = ServiceDirBuilder::new().run(format!("echo so loud >&2\n{SLEEP}"));
    let loud = loud.build_in(home.join("sv/loud"));
    if is_root() {
        give(&home, user, id("-g", &account));
    }
    recipe.set("ACCOUNT", &account);
    recipe.set("ACCOUNT_HOME", &home);
    recipe.start(&["user-tree"]);
    let tree = recipe.service("user-tree");
    let running = tree.wait_running("runsvdir");
    assert_eq!(owner(running.process().unwrap()), user);

    // The account turns services on, and controls them.
    let services = home.join("service");
    let sv = |words: &[&str]| {
        let sv = Run::new("sv").args(["-w", "25"]).args(words).ordinary();
        sv.env("SVDIR", &services).env("SVSRC", home.join("sv")).stdout()
    };
    wait_until("a directory for services", || services.is_dir());
    for service in ["clock", "loud"] {
        if suite::is_program_ours("sv") {
            sv(&["enable", service]);
        } else {
            symlink(home.join("sv").join(service), services.join(service)).unwrap();
        }
    }
    let clock = ServiceDirBuilder::new().build_in(home.join("sv/clock"));
    let first = clock.wait_state(State::Run);
    assert_eq!(owner(first.process().unwrap()), user);
    wait_log(&clock, &format!("clock of {account} in {}", services.display()));
    wait_log(&tree, "so loud");
    assert_eq!(std::fs::metadata(tree.join("log/main/current")).unwrap().uid(), user);
    assert!(sv(&["restart", "clock"]).starts_with("ok: run: clock: "));
    let second = clock.wait_run_again(&first);

    // runsvdir crashes: another one takes its place, and the services go on.
    running.process().unwrap().kill(Signal::KILL);
    tree.wait_run_again(&running);
    let another = tree.wait_running("runsvdir").process().unwrap();
    assert_eq!(clock.status(), second);
    // Before that, HUP would end it and nothing else.
    wait_until("it to hear HUP", || {
        let signals = another.signals().ok_or("it is gone")?;
        let heard = (signals.blocked | signals.caught) & Signals::bit(Signal::HUP) != 0;
        if heard { Ok(()) } else { Err("not yet") }
    });

    // The tree is stopped: when that is done, so are all that it held.
    assert!(recipe.sv(&["stop", "user-tree"]).starts_with("ok: down: user-tree: "));
    assert!(!clock.is_supervised() && !loud.is_supervised());
    for service in [&clock, &loud] {
        assert_eq!(service.stat(), "down");
    }
    recipe.end();
}
