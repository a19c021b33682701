//! `examples/ready`: a service that is ready some time after it runs, and one that waits for it.

use runit_tests::dirs::{TempDir, make_fifo, open_gate, set_mode, write_script};
use runit_tests::own::path;
use runit_tests::prelude::*;
use runit_tests::recipe::{Recipe, account_or, log_of, need, wait_log};
use rustix::process::Signal;

/// The last number that was counted.
fn counted(counter: &Service) -> u32 {
    let log = log_of(counter);
    let last = log.rsplit("counted ").next().unwrap_or_default();
    last.lines().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Stops the process that counts, so that it starts nothing until it goes on.
#[track_caller]
fn hold(counter: &Service) -> Proc {
    wait_until("the counter to be held", || {
        let process = counter.try_status()?.process().ok_or("it has no process")?;
        if !process.args().iter().any(|arg| arg == "./count") {
            // It waits for the store, with an `sv` of its own under way.
            return Err("it does not count yet".to_owned());
        }
        if process.state() == Some('T') {
            return Ok(process);
        }
        process.try_kill(Signal::STOP).map_err(|error| error.to_string())?;
        Err("it was told to".to_owned())
    })
}

#[test]
fn the_dependant_waits_until_the_other_is_ready() {
    need("redis-server", "redis-server");
    let mut recipe = Recipe::copy("ready");
    recipe.set("ACCOUNT", account_or("redis"));
    // In front of the real server, so that it takes as long as the test wants.
    let front = TempDir::new();
    let gate = front.path().join("gate");
    make_fifo(&gate);
    set_mode(&gate, 0o644);
    let dirs = path().into_string().unwrap();
    write_script(
        &front.path().join("redis-server"),
        format!(
            "[ ! -e '{gate}' ] || : <'{gate}'\nPATH='{dirs}' exec redis-server \"$@\"",
            gate = gate.display()
        ),
    );
    recipe.set("PATH", format!("{}:{dirs}", front.path().display()));
    recipe.start(&["store", "counter"]);
    let [store, counter] = ["store", "counter"].map(|name| recipe.service(name));

    // Both run; neither is ready, and the dependant has done nothing.
    for service in ["store", "counter"] {
        recipe.service(service).wait_state(State::Run);
        let ran = recipe.check(service);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stdout.starts_with(&format!("timeout: run: {service}: ")), "{ran:?}");
    }
    assert_eq!(counted(&counter), 0);

    // Now it is.
    open_gate(&gate);
    std::fs::remove_file(&gate).unwrap();
    for service in ["store", "counter"] {
        recipe.wait_ready(service);
    }
    wait_log(&counter, "counted 1\n");

    // It crashes: the dependant goes on counting, with nothing lost.
    let before = counted(&counter);
    let first = store.wait_state(State::Run);
    first.process().unwrap().kill(Signal::KILL);
    let second = store.wait_run_again(&first);
    wait_until("more to be counted", || counted(&counter) > before);
    assert_eq!(log_of(&counter).matches("counted 1\n").count(), 1);

    // Stopped, it is started again by the dependant that needs it; not before `sv` has seen that it
    // is down.
    let held = hold(&counter);
    assert!(recipe.sv(&["stop", "store"]).starts_with("ok: down: store: "));
    held.kill(Signal::CONT);
    store.wait_run_again(&second);
    recipe.wait_ready("counter");
    wait_log(&counter, "the store is gone");
    recipe.end();
}
