//! The template for Void, checked as `xlint` would: its rules, and a shell's opinion.

use std::process::Command;

use crate::error::{Error, OnFile, Result};
use crate::process::quietly;
use crate::workspace::Workspace;

/// Variables that a template must have.
const REQUIRED: &[&str] = &[
    "pkgname",
    "version",
    "revision",
    "short_desc",
    "maintainer",
    "license",
    "homepage",
    "checksum",
];

/// All that a template may set, in the order that they are written in.
const ORDER: &[&str] = &[
    "pkgname",
    "version",
    "revision",
    "archs",
    "build_style",
    "build_helper",
    "hostmakedepends",
    "makedepends",
    "depends",
    "checkdepends",
    "short_desc",
    "maintainer",
    "license",
    "homepage",
    "changelog",
    "distfiles",
    "checksum",
    "conf_files",
    "make_dirs",
    "system_accounts",
    "provides",
    "replaces",
    "conflicts",
    "nopie",
    "nostrip",
];

/// Fails, having printed it, if anything is wrong with the template.
pub fn check(workspace: &Workspace) -> Result<()> {
    let directory = workspace.root.join("packaging/void/srcpkgs/runit-rs");
    let path = directory.join("template");
    let text = std::fs::read_to_string(&path).on("read", &path)?;
    let found = faults(&text, runit_core::tool::VERSION);
    if !found.is_empty() {
        return Err(Error::Failed(format!("{}:\n{}", path.display(), found.join("\n"))));
    }
    quietly(Command::new("bash").arg("-n").arg(&path))?;
    // SC2034, SC2317: read or called by xbps-src; SC2154: set by it.
    let mut shellcheck = Command::new("shellcheck");
    shellcheck.args(["--shell=bash", "--exclude=SC2034,SC2154,SC2317"]);
    quietly(shellcheck.arg(&path))?;
    for package in text.lines().filter_map(|line| line.strip_suffix("_package() {")) {
        let link = directory.with_file_name(package);
        if std::fs::read_link(&link).ok().as_deref() != Some("runit-rs".as_ref()) {
            let link = link.display();
            return Err(Error::Failed(format!("{link}: no link to runit-rs for this package")));
        }
    }
    println!("the template for Void is as it should be");
    Ok(())
}

/// What is wrong with a template.
fn faults(text: &str, version: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("# Template file for 'runit-rs'\n") {
        found.push("the first line does not say what it is".to_owned());
    }
    let assigned = text.lines().take_while(|line| !line.contains("() {")).filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        let plain = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
        plain.then(|| (name, value.trim_matches('"')))
    });
    let assigned: Vec<_> = assigned.collect();
    let value =
        |name: &str| assigned.iter().find(|(each, _)| *each == name).map(|(_, value)| *value);
    for name in REQUIRED.iter().filter(|name| value(name).is_none_or(str::is_empty)) {
        found.push(format!("no {name}"));
    }
    let mut last = 0;
    for (name, _) in &assigned {
        match ORDER.iter().position(|known| known == name) {
            None => found.push(format!("{name}: not a variable of templates")),
            Some(at) if at < last => found.push(format!("{name}: not in its place")),
            Some(at) => last = at,
        }
    }
    if value("version").is_some_and(|written| written != version) {
        found.push(format!("version: not {version}"));
    }
    if value("revision").is_some_and(|number| number.parse::<u32>().is_ok_and(|number| number == 0))
    {
        found.push("revision: begins with 1".to_owned());
    }
    let description = value("short_desc").unwrap_or_default();
    let article = ["A ", "An ", "The "].iter().any(|article| description.starts_with(article));
    if article || description.ends_with('.') || description.len() > 72 {
        found.push("short_desc: an article, a full stop, or too long".to_owned());
    }
    let sum = value("checksum").unwrap_or_default();
    if sum.len() != 64 || !sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        found.push("checksum: not a SHA-256".to_owned());
    }
    if !value("maintainer").unwrap_or_default().contains('@') {
        found.push("maintainer: no address".to_owned());
    }
    for (number, line) in text.lines().enumerate() {
        let at = number + 1;
        if line.ends_with([' ', '\t']) {
            found.push(format!("line {at}: white space at the end"));
        }
        if line.starts_with("  ") {
            found.push(format!("line {at}: indented by spaces"));
        }
        if line.contains('`') {
            found.push(format!("line {at}: backticks"));
        }
    }
    if !text.ends_with("}\n") {
        found.push("no newline, or too many, at the end".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> String {
        let path = Workspace::locate().root.join("packaging/void/srcpkgs/runit-rs/template");
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn our_own_is_as_it_should_be() {
        check(&Workspace::locate()).unwrap();
    }

    #[test]
    fn each_fault_is_seen() {
        let version = runit_core::tool::VERSION;
        assert_eq!(faults(&ours(), version), [""; 0]);
        for (from, to, fault) in [
            ("# Template file", "# A file", "the first line does not say what it is"),
            ("license=\"BSD-3-Clause\"", "license=\"\"", "no license"),
            ("homepage=", "homapage=", "no homepage"),
            ("build_style=", "style=", "style: not a variable of templates"),
            ("revision=1\n", "revision=0\n", "revision: begins with 1"),
            ("short_desc=\"", "short_desc=\"A ", "short_desc: an article"),
            ("checksum=0", "checksum=x", "checksum: not a SHA-256"),
            ("@", " at ", "maintainer: no address"),
            ("_install() {\n", "_install() {\n    true\n", "indented by spaces"),
            ("_install() {\n", "_install() { \n", "white space at the end"),
        ] {
            let changed = ours().replacen(from, to, 1);
            let found = faults(&changed, version);
            assert!(found.iter().any(|each| each.contains(fault)), "{fault}: {found:?}");
        }
        assert_eq!(faults(&ours(), "9.9"), ["version: not 9.9"]);
    }
}
