//! What every program answers, under each of its names, to `--help`, `--version` and `-V`
//! (CONTRACT, introduction).

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};

use runit_tests::prelude::*;

/// Program, and the names it also answers to.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("runsv", &[]),
    ("runsvdir", &[]),
    ("sv", &["svc", "svok"]),
    ("svlog", &[]),
    ("runit", &[]),
    ("runit-init", &[]),
    ("runsvchdir", &[]),
    ("utmpset", &[]),
    ("svlogd", &[]),
    (
        "chpst",
        &[
            "setuidgid",
            "dsetuidgid",
            "envuidgid",
            "denvuidgid",
            "envdir",
            "denvdir",
            "pgrphack",
            "dpgrphack",
            "setlock",
            "dsetlock",
            "softlimit",
            "dsoftlimit",
        ],
    ),
];

/// Programs that have `-V`, with the exit code of wrong usage, which that of `-V` is too.
const WITH_ID: &[(&str, i32)] = &[("sv", 100), ("chpst", 100), ("utmpset", 1), ("svlogd", 111)];

fn ask(program: &str, name: &str, option: &str) -> Output {
    let mut command = Command::new(suite::bin(program));
    command.arg0(name).arg(option).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn help_and_version_are_on_standard_output_under_every_name() {
    only_ours!("C runit takes the words for names, or refuses them");
    for (program, others) in PROGRAMS {
        for name in std::iter::once(program).chain(others.iter()) {
            // A `d` before a name of daemontools' changes nothing.
            let plain =
                if *program == "chpst" { name.strip_prefix('d').unwrap_or(name) } else { name };
            let help = ask(program, name, "--help");
            assert_eq!(help.status.code(), Some(0), "{name}");
            assert!(help.stderr.is_empty(), "{name}");
            let said = text(&help.stdout);
            let usage = said.lines().next().unwrap_or_default();
            assert!(format!("{usage} ").starts_with(&format!("usage: {plain} ")), "{name}: {said}");

            let version = ask(program, name, "--version");
            assert_eq!(version.status.code(), Some(0), "{name}");
            assert!(version.stderr.is_empty(), "{name}");
            let said = text(&version.stdout);
            let number = said.strip_prefix(&format!("{plain} (runit-rs) ")).unwrap_or_default();
            let is_number = |part: &str| !part.is_empty() && part.parse::<u32>().is_ok();
            assert!(number.trim_end().split('.').all(is_number), "{name}: {said}");
        }
    }
}

#[test]
fn the_id_is_on_standard_error_before_usage() {
    for (program, code) in WITH_ID {
        let output = ask(program, program, "-V");
        assert_eq!(output.status.code(), Some(*code), "{program}");
        assert!(output.stdout.is_empty(), "{program}");
        let said = text(&output.stderr);
        let (id, usage) = said.split_once('\n').unwrap();
        assert!(id.starts_with("$Id: ") && id.ends_with('$'), "{program}: {said}");
        assert!(usage.starts_with(&format!("usage: {program} [")), "{program}: {said}");
        assert!(usage.ends_with("\n\n") && usage.lines().count() == 2, "{program}: {said}");
    }
}
