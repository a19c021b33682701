//! `cargo xtask size`: what the tools take on disk, and how they are loaded.

use std::path::Path;

use crate::args::Args;
use crate::elf::Loading;
use crate::error::{Error, OnFile, Result};
use crate::table::{Table, thousands};
use crate::verbs::Verb;
use crate::workspace::Profile;

/// The verb.
pub static VERB: Verb = Verb {
    name: "size",
    summary: "File sizes of the release build, against their limits",
    about: "
Also read from the ELF program headers: every tool is static, and the one that
runs once for each service, runsv, and process 1, runit, write to no page of
their file.
",
    options: &[],
    rest: "",
    run: |workspace, _: &Args| {
        let directory = workspace.build_tools(Profile::Release)?;
        check(&directory, &workspace.tools()?)
    },
};

/// The most bytes that a tool's file may have.
const LIMITS: &[(&str, u64)] = &[
    // Five pages; what paths the checkout has moves the file's size by some bytes.
    ("runsv", 19_600),
    ("sv", 29_800),
    ("chpst", 28_000),
    ("svlog", 36_500),
    ("svlogd", 40_000),
    ("runit", 14_800),
    ("runit-init", 5_000),
    ("runsvchdir", 6_500),
    ("utmpset", 8_000),
];

/// The most bytes for all tools together that C runit has too, with which the
/// sum is compared.
const LIMIT_ALL: u64 = 190_000;

/// The tools that it has not.
const BEYOND: &[&str] = &["svlog"];

/// The tools without a writable load segment: state of theirs is on the stack.
const READ_ONLY: &[&str] = &["runsv", "runit"];

/// Prints the table for these tools and fails if one is over a limit.
fn check(directory: &Path, tools: &[String]) -> Result<()> {
    let violations = show(directory, tools)?;
    for violation in &violations {
        eprintln!("{violation}");
    }
    if violations.is_empty() { Ok(()) } else { Err(Error::Reported) }
}

/// Prints the table for these tools; a line for each limit that is not kept.
pub fn show(directory: &Path, tools: &[String]) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for name in tools {
        let path = directory.join(name);
        files.push((name.as_str(), std::fs::read(&path).on("read", &path)?));
    }
    let (table, violations) = judge(&files)?;
    print!("{}", table.markdown());
    Ok(violations)
}

/// The table, and a line for each limit that is not kept.
fn judge(files: &[(&str, Vec<u8>)]) -> Result<(Table, Vec<String>)> {
    let mut table = Table::new(["tool", "bytes", "limit", "segments", "writable"]);
    let mut violations = Vec::new();
    let mut all = 0;
    for (name, content) in files {
        let size = content.len() as u64;
        if !BEYOND.contains(name) {
            all += size;
        }
        let limit = LIMITS.iter().find(|(tool, _)| tool == name).map(|&(_, limit)| limit);
        let loading =
            Loading::of(content).map_err(|error| Error::Failed(format!("{name}: {error}")))?;
        table.row([
            (*name).to_owned(),
            thousands(size),
            limit.map(thousands).unwrap_or_default(),
            loading.segments.to_string(),
            loading.writable.to_string(),
        ]);
        if let Some(limit) = limit.filter(|&limit| size > limit) {
            violations.push(format!("{name} has {size} bytes, limit {limit}"));
        }
        if loading.dynamic {
            violations.push(format!("{name} is not static"));
        }
        if READ_ONLY.contains(name) && loading.writable > 0 {
            violations.push(format!("{name} has {} writable load segments", loading.writable));
        }
    }
    table.row(["all that C has", &thousands(all), &thousands(LIMIT_ALL)]);
    if all > LIMIT_ALL {
        violations.push(format!("all that C has too have {all} bytes, limit {LIMIT_ALL}"));
    }
    Ok((table, violations))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elf::tests::file;

    fn violations(name: &str, headers: &[(u8, u8)], size: usize) -> Vec<String> {
        let mut content = file(headers);
        content.resize(size, 0);
        judge(&[(name, content)]).unwrap().1
    }

    #[test]
    fn limits_are_kept_to_the_byte() {
        assert!(violations("runsv", &[(1, 5)], 19_600).is_empty());
        assert_eq!(violations("runsv", &[(1, 5)], 19_601), ["runsv has 19601 bytes, limit 19600"]);
        assert!(violations("runsvdir", &[(1, 5)], 190_000).is_empty());
        let all = "all that C has too have 190001 bytes, limit 190000";
        assert_eq!(violations("runsvdir", &[(1, 5)], 190_001), [all]);
        assert_eq!(
            violations("svlog", &[(1, 5)], 200_001),
            ["svlog has 200001 bytes, limit 36500"]
        );
    }

    #[test]
    fn segments_are_judged() {
        let writable = [(1, 5), (1, 6)];
        assert_eq!(violations("runit", &writable, 999), ["runit has 1 writable load segments"]);
        assert!(violations("svlogd", &writable, 999).is_empty());
        assert_eq!(violations("svlogd", &[(1, 5), (2, 6)], 999), ["svlogd is not static"]);
        assert!(
            judge(&[("sv", b"#!/bin/sh".to_vec())])
                .is_err_and(|error| { error.to_string() == "sv: not a little-endian ELF file" })
        );
    }
}
