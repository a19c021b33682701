//! What `sv` writes into the control FIFO, for each letter and word.

use std::time::Duration;

use runit_tests::prelude::*;
use runit_tests::sv::{Played, Services, status};

const AGO: Duration = Duration::from_secs(7);

const UP: (State, u32, char) = (State::Run, 42, 'u');
const DOWN: (State, u32, char) = (State::Down, 0, 'd');

fn played(services: &Services, (state, pid, want): (State, u32, char)) -> Played {
    Played::new(services.path().join("a"), &status(state, pid, want, AGO))
}

#[test]
fn each_first_letter_sends_its_byte_and_says_nothing() {
    let services = Services::new();
    let mut service = played(&services, DOWN);
    for (words, byte) in [
        ("up u upp", "u"),
        ("down d disabled", "d"),
        ("once o", "o"),
        ("pause p", "p"),
        ("cont c continue checks", "c"),
        ("hup h", "h"),
        ("alarm a", "a"),
        ("interrupt i", "i"),
        ("quit q", "q"),
        ("1 1x", "1"),
        ("2 22", "2"),
        ("term t try", "t"),
        ("kill k", "k"),
        ("exit e x xyz en", "x"),
    ] {
        for word in words.split(' ') {
            services.sv(&format!("{word} a")).is_all(0, "", "");
            assert_eq!(service.heard(), byte, "{word}");
        }
    }
}

#[test]
fn words_send_their_bytes_and_wait() {
    let services = Services::new();
    let mut service = played(&services, DOWN);
    let down = "down: a: Ns, normally up\n";
    for (word, bytes, label) in [
        ("start", "u", "timeout"),
        ("stop", "d", "ok"),
        ("restart", "tcu", "timeout"),
        ("reload", "h", "ok"),
        ("shutdown", "x", "timeout"),
        ("check", "", "ok"),
        ("try-restart", "tc", "ok"),
        ("force-stop", "d", "ok"),
        ("force-reload", "tc", "ok"),
        ("force-restart", "tcu", "kill"),
        ("force-shutdown", "x", "kill"),
        ("D", "d", "ok"),
        ("T", "tc", "ok"),
        ("X", "x", "kill"),
        ("E", "x", "kill"),
    ] {
        let code = i32::from(label != "ok");
        services.sv(&format!("-w 0 {word} a")).is_all(code, &format!("{label}: {down}"), "");
        let kill = if label == "kill" { "k" } else { "" };
        assert_eq!(service.heard(), format!("{bytes}{kill}"), "{word}");
    }
}

#[test]
fn what_is_wanted_already_is_not_sent() {
    let services = Services::new();
    let mut service = played(&services, UP);
    for (word, answer) in [("up", ""), ("start", "ok: run: a: (pid N) Ns\n")] {
        services.sv(&format!("{word} a")).is(0, answer);
        assert_eq!(service.heard(), "", "{word}");
    }
    services.sv("down a").is(0, "");
    assert_eq!(service.heard(), "d");
    service.set(&status(State::Run, 42, 'd', AGO));
    services.sv("down a").is(0, "");
    assert_eq!(service.heard(), "d");
    service.set(&Status { got_term: true, ..status(State::Run, 42, 'd', AGO) });
    services.sv("down a").is(0, "");
    assert_eq!(service.heard(), "");
    services.sv("up a").is(0, "");
    services.sv("exit a").is(0, "");
    services.sv("once a").is(0, "");
    assert_eq!(service.heard(), "uxo");
}

#[test]
fn wrong_usage() {
    const USAGE: &str = "usage: sv [-v] [-w sec] command service ...\n\n";
    let services = Services::new();
    let mut service = played(&services, UP);
    for words in [
        "",
        "a",
        "foo a",
        "restar a",
        "rest a",
        "force-x a",
        "force a",
        "list2 a",
        "start",
        "up",
        "-v",
        "-w 5",
        "-v start",
        "reloads a",
        "Y a",
        "- a",
    ] {
        services.sv(words).is_all(100, "", USAGE);
    }
    services.sv("-z up a").is_all(100, "", &format!("sv: illegal option -- z\n{USAGE}"));
    let no_value = format!("sv: option requires an argument -- w\n{USAGE}");
    services.sv("-w").is_all(100, "", &no_value);
    services.sv("-vw").is_all(100, "", &no_value);
    let version = services.sv("-V");
    assert_eq!((version.code, version.out.as_str()), (100, ""));
    let id = version.err.strip_suffix(USAGE).unwrap();
    assert!(id.starts_with("$Id") && id.ends_with(" $\n"), "{id:?}");
    services.sv("-- up a").is(0, "");
    assert_eq!(service.heard(), "");
}

#[test]
fn a_number_of_seconds_that_is_none() {
    only_ours!("sv", "the reference takes what is no number for 0");
    let services = Services::new();
    let mut service = played(&services, UP);
    for value in ["x", "", "-1", "1s", "1.5"] {
        services.sv_args(["-w", value, "down", "a"]).is_all(
            100,
            "",
            &format!("fatal: -w {value}: not a number of seconds\n"),
        );
    }
    assert_eq!(service.heard(), "");
    let mut command = services.command(["check", "a"]);
    command.env("SVWAIT", "soon");
    runit_tests::sv::answer(&mut command).is_all(
        0,
        "ok: run: a: (pid N) Ns\n",
        "warning: SVWAIT soon: not a number of seconds\n",
    );
}

#[test]
fn help_and_version() {
    only_ours!("sv", "the reference has neither");
    let services = Services::new();
    let help = services.sv("--help");
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    assert!(help.out.starts_with("usage: sv [-v] [-w SEC] COMMAND SERVICE ...\n"), "{}", help.out);
    let version = services.sv("--version");
    assert_eq!((version.code, version.err.as_str()), (0, ""));
    assert!(version.out.starts_with("sv (runit-rs) "), "{}", version.out);
}
