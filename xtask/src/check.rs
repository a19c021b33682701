//! `cargo xtask check`: all that can be said about the sources without running them.

use std::path::PathBuf;
use std::process::Command;

use crate::args::Args;
use crate::error::{OnFile, Result};
use crate::process::{in_path, run};
use crate::tidy;
use crate::verbs::Verb;
use crate::workspace::Workspace;

/// The verb.
pub static VERB: Verb = Verb {
    name: "check",
    summary: "Formatting, lints, documentation, house rules, shell scripts",
    about: "
Runs cargo fmt --check, clippy and cargo doc with warnings as errors, the rules
of `cargo xtask tidy`, and shellcheck, where it is installed, on every shell
script.
",
    options: &[],
    rest: "",
    run: check,
};

fn check(workspace: &Workspace, _: &Args) -> Result<()> {
    let fuzz = "--manifest-path=fuzz/Cargo.toml";
    run(workspace.cargo().args(["fmt", "--all", "--check"]))?;
    run(workspace.cargo().args(["fmt", fuzz, "--check"]))?;
    tidy::check(workspace)?;
    shell_scripts(workspace)?;
    run(workspace.cargo().args([
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    let mut clippy = workspace.cargo();
    clippy.args(["clippy", "--quiet", fuzz, "--all-targets", "--", "-D", "warnings"]);
    run(clippy.env("CARGO_TARGET_DIR", workspace.target.join("fuzz/build")))?;
    run(workspace
        .cargo()
        .args(["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"])
        .env("RUSTDOCFLAGS", "-D warnings"))
}

/// Runs shellcheck on all tracked shell scripts.
fn shell_scripts(workspace: &Workspace) -> Result<()> {
    let mut scripts: Vec<PathBuf> = Vec::new();
    for file in workspace.files()? {
        let path = workspace.root.join(&file);
        if path.is_file() && is_shell(&std::fs::read(&path).on("read", &path)?) {
            scripts.push(file);
        }
    }
    if scripts.is_empty() {
        return Ok(());
    }
    if !in_path("shellcheck") {
        eprintln!("shellcheck is not installed: {} shell scripts unchecked", scripts.len());
        return Ok(());
    }
    run(Command::new("shellcheck").args(scripts).current_dir(&workspace.root))
}

/// Whether the file's first line asks for a shell that shellcheck knows.
fn is_shell(content: &[u8]) -> bool {
    let line = content.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let Some(interpreter) = line.strip_prefix(b"#!") else { return false };
    let interpreter = String::from_utf8_lossy(interpreter);
    let mut words = interpreter.split_whitespace();
    let mut name = words.next().unwrap_or_default();
    if name.ends_with("/env") {
        name = words.next().unwrap_or_default();
    }
    matches!(name.rsplit('/').next(), Some("sh" | "bash" | "dash" | "ksh"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_scripts_are_known_by_their_first_line() {
        for yes in ["#!/bin/sh\n", "#! /bin/bash -e\nx", "#!/usr/bin/env dash\n", "#!/bin/ksh"] {
            assert!(is_shell(yes.as_bytes()), "{yes}");
        }
        for no in ["", "sh\n", "#!/usr/bin/python3\n", "#!/usr/bin/env\n", "\n#!/bin/sh\n"] {
            assert!(!is_shell(no.as_bytes()), "{no}");
        }
    }
}
