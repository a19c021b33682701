//! `examples/x-session`: an X server, and an account's session on it.

use std::path::PathBuf;

use runit_tests::dirs::write;
use runit_tests::prelude::*;
use runit_tests::recipe::{Recipe, account_or, give, id, need, wait_log};
use runit_tests::run::{Ran, Run, is_root};
use rustix::process::Signal;

/// What the session's client calls its window.
const TITLE: &str = "a window of the recipe";

/// A display that no other server has; what a killed server leaves of it goes with this value.
struct Display(u32);

impl Display {
    fn new() -> Self {
        let first = 1000 + std::process::id() % 50_000;
        let free = |number: &u32| Self(*number).files().iter().all(|file| !file.exists());
        Self((first..first + 1000).find(free).unwrap())
    }

    fn files(&self) -> [PathBuf; 2] {
        [format!("/tmp/.X{}-lock", self.0), format!("/tmp/.X11-unix/X{}", self.0)].map(Into::into)
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        for file in self.files() {
            // A server that ended in order has removed it.
            let _ = std::fs::remove_file(file);
        }
    }
}

#[test]
fn a_session_lives_on_its_server() {
    need("Xvfb", "xvfb");
    need("xauth", "xauth");
    need("xev", "x11-utils");
    // Outlives the recipe, and so its server.
    let display = Display::new();
    let mut recipe = Recipe::copy("x-session");
    let account = account_or("nobody");
    let home = recipe.path("home");
    std::fs::create_dir(&home).unwrap();
    // Each client's window is told from that of the one before, which may be seen for a while.
    let script = format!("echo \"session of $USER on $DISPLAY\"\nexec xev -name \"{TITLE} $$\"\n");
    write(&home.join(".xsession"), script);
    if is_root() {
        give(&home, id("-u", &account), id("-g", &account));
    }
    recipe.set("ACCOUNT", &account);
    recipe.set("ACCOUNT_HOME", &home);
    recipe.set("DISPLAY", format!(":{}", display.0));
    recipe.set("XSERVER", "Xvfb -nolisten tcp -noreset -screen 0 320x240x24");
    // The session first: it starts its server.
    recipe.start(&["session", "xserver"]);
    let [xserver, session] = ["xserver", "session"].map(|name| recipe.service(name));
    recipe.wait_ready("xserver");
    wait_log(&session, &format!("session of {account} on :{}", display.0));

    let ask = |program: &str, cookie: PathBuf| -> Ran {
        let ask = Run::path(program).args(["-display", &format!(":{}", display.0)]);
        let tree: &[&str] = if program == "xwininfo" { &["-root", "-tree"] } else { &[] };
        ask.args(tree).env("XAUTHORITY", cookie).ordinary().run()
    };
    let wait_window = || {
        wait_until("the window", || {
            let window = format!("\"{TITLE} {}\"", session.try_status()?.pid);
            let ran = ask("xwininfo", xserver.join("cookie"));
            if ran.stdout.contains(&window) { Ok(()) } else { Err(format!("{window}: {ran:?}")) }
        });
    };
    wait_window();
    let seen = ask("xdpyinfo", xserver.join("cookie"));
    assert!(seen.stdout.contains("320x240 pixels"), "{seen:?}");
    // Nobody gets in without the cookie.
    let refused = ask("xdpyinfo", "/nonexistent".into());
    assert_ne!(refused.code, 0, "{refused:?}");

    // The session's program ends: it begins anew, on the same server.
    let [server, client] = [&xserver, &session].map(|service| service.wait_state(State::Run));
    client.process().unwrap().kill(Signal::KILL);
    let client = session.wait_run_again(&client);
    wait_window();
    assert_eq!(xserver.status(), server);

    // The server crashes: both are back.
    server.process().unwrap().kill(Signal::KILL);
    xserver.wait_run_again(&server);
    session.wait_run_again(&client);
    recipe.wait_ready("xserver");
    wait_window();

    // Were it told to end later than its server, it could start that again.
    recipe.sv(&["stop", "session"]);
    recipe.end();
    assert!(display.files().iter().all(|file| !file.exists()));
}
