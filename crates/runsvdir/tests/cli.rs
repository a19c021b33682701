//! The command line of `runsvdir`: usage, help, version.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::io::Result;
use std::process::{Command, Output};

fn run(args: &[&str]) -> Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_runsvdir")).args(args).output()
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[test]
fn help_is_on_standard_output() {
    let output = run(&["-P", "--help"]).unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn version_names_the_tool() {
    let output = run(&["--version"]).unwrap();
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
        let output = run(args).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert_eq!(text(&output.stderr), "usage: runsvdir [-P] dir\n\n", "{args:?}");
        assert!(output.stdout.is_empty());
    }
}
