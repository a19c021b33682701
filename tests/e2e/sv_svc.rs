//! `svc` and `svok`. The reference here is daemontools, whose programs speak to
//! the same supervisors.

use std::path::{Path, PathBuf};
use std::time::Duration;

use runit_tests::dirs::create_dir;
use runit_tests::prelude::*;
use runit_tests::sv::{Answer, Played, Services, status};

const AGO: Duration = Duration::from_secs(7);

/// Runs `svc` or `svok`: ours, or daemontools', if it is installed.
fn run(services: &Services, name: &str, words: &str) -> Option<Answer> {
    if suite::is_program_ours("sv") {
        return Some(services.called(name, words));
    }
    let daemontools: Option<PathBuf> = ["/usr/bin", "/command"]
        .map(|dir| Path::new(dir).join(name))
        .into_iter()
        .find(|p| p.exists());
    Some(services.run(&daemontools?, words))
}

#[test]
fn svc_sends_letters_in_the_order_given_to_every_directory() {
    let services = Services::new();
    let mut played: Vec<_> = ["a", "b"]
        .map(|name| Played::new(services.path().join(name), &status(State::Run, 42, 'u', AGO)))
        .into();
    for (words, bytes) in [
        ("-u", "u"),
        ("-d -u", "du"),
        ("-tcu", "tcu"),
        ("-opchaitkx", "opchaitkx"),
        ("-x -- ", "x"),
        ("", ""),
    ] {
        let Some(answer) = run(&services, "svc", &format!("{words} a b")) else { return };
        answer.is_all(0, "", "");
        for service in &mut played {
            assert_eq!(service.heard(), bytes, "{words}");
        }
    }
    only_ours!("sv", "daemontools knows no q, 1 and 2");
    services.called("svc", "-q1 -2 a").is_all(0, "", "");
    assert_eq!(played[0].heard(), "q12");
}

#[test]
fn svc_warns_of_what_it_cannot_control_and_goes_on() {
    let services = Services::new();
    Played::new(services.path().join("gone"), &status(State::Run, 42, 'u', AGO)).leave();
    create_dir(&services.path().join("never"));
    let mut played = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    let Some(answer) = run(&services, "svc", "-d missing never gone a") else { return };
    answer.is_all(
        0,
        "",
        "svc: warning: unable to chdir to missing: file does not exist\n\
         svc: warning: unable to control never: file does not exist\n\
         svc: warning: unable to control gone: supervise not running\n",
    );
    assert_eq!(played.heard(), "d");
}

#[test]
fn svc_refuses_letters_it_does_not_know() {
    let services = Services::new();
    let mut played = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    let Some(answer) = run(&services, "svc", "-dz a") else { return };
    assert_eq!((answer.code, answer.out.as_str()), (100, ""));
    let start = "svc: illegal option -- z\n\
                 svc options: u up, d down, o once, x exit, p pause, c continue, h hup, \
                 a alarm, i interrupt, t term, k kill";
    let rest = answer.err.strip_prefix(start).unwrap();
    let ours = ", q quit, 1 usr1, 2 usr2\n";
    assert_eq!(rest, if suite::is_program_ours("sv") { ours } else { "\n" });
    assert_eq!(played.heard(), "");
}

#[test]
fn svok_tells_by_its_code() {
    let services = Services::new();
    Played::new(services.path().join("gone"), &status(State::Run, 42, 'u', AGO)).leave();
    create_dir(&services.path().join("never"));
    let _played = Played::new(services.path().join("a"), &status(State::Run, 42, 'u', AGO));
    for (words, code, error) in [
        ("a", 0, ""),
        ("gone", 100, ""),
        ("never", 100, ""),
        ("missing", 111, "svok: fatal: unable to chdir to missing: file does not exist\n"),
        ("", 100, "svok: usage: svok dir\n"),
    ] {
        let Some(answer) = run(&services, "svok", words) else { return };
        answer.is_all(code, "", error);
    }
}

#[test]
fn both_have_help_and_version() {
    only_ours!("sv", "daemontools has neither");
    let services = Services::new();
    for name in ["svc", "svok"] {
        let help = services.called(name, "--help");
        assert_eq!((help.code, help.err.as_str()), (0, ""));
        assert!(help.out.starts_with(&format!("usage: {name} ")), "{}", help.out);
        let version = services.called(name, "--version");
        assert!(version.out.starts_with(&format!("{name} (runit-rs) ")), "{}", version.out);
    }
}
