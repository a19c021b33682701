//! The command line of `runsvdir`: usage, help, version.
#![forbid(unsafe_code)]

use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_runsvdir")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn help_is_on_standard_output() {
    let output = run(&["-P", "--help"]);
    assert!(output.status.success() && output.stderr.is_empty());
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn version_names_the_tool() {
    let output = run(&["--version"]);
    assert!(output.status.success() && output.stderr.is_empty());
    assert!(text(&output.stdout).starts_with("runsvdir (runit-rs) "));
}

#[test]
fn wrong_usage_is_told_and_ends_with_1() {
    for args in [
        &[][..],
        &["-P"],
        &["--"],
        &["-q", "dir"],
        &["-s"],
        &["-x", "-s", "script"],
        &["--stop-on-exit=yes", "dir"],
        &["--stop", "dir"],
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert_eq!(text(&output.stderr), "usage: runsvdir [-P] dir\n\n", "{args:?}");
        assert!(output.stdout.is_empty());
    }
}
