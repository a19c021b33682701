//! What a package must be like: what namcap and lintian look at, as far as it can
//! concern these packages.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use super::content::{Content, Entry};
use crate::elf::{Loading, machine};
use crate::error::{Error, Result};

/// Directories that files may be below.
const PLACES: &[&str] = &["usr/bin", "usr/sbin", "usr/lib", "usr/share", "etc", "sbin"];

/// What the archive of a package has beside files: makepkg's.
const RECORDS: &[&str] = &[".BUILDINFO", ".MTREE", ".PKGINFO", ".INSTALL"];

/// Fails, having printed it, if anything is wrong with the packages of one set.
pub fn hold(packages: &[Content], licence: fn(&str) -> PathBuf) -> Result<()> {
    let mut found = links_that_lead_nowhere(packages);
    for package in packages {
        found.extend(faults(package)?);
        let licence = licence(&package.package);
        if !package.entries.iter().any(|entry| entry.path == licence) {
            found.push(format!("{}: no {}", package.package, licence.display()));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::Failed(format!("not as packages should be:\n{}", found.join("\n"))))
}

/// What is wrong with one package.
fn faults(package: &Content) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in &package.entries {
        if RECORDS.iter().any(|record| entry.path == Path::new(record)) {
            continue;
        }
        let mut wrong = of_entry(entry, &package.entries);
        if entry.mode.starts_with('-') {
            let content = package.file(&entry.path)?;
            wrong.extend(of_file(entry, &content, package.processor));
        }
        let path = entry.path.display();
        found.extend(wrong.iter().map(|what| format!("{}: {path}: {what}", package.package)));
    }
    Ok(found)
}

/// What is wrong with an entry as such.
fn of_entry(entry: &Entry, all: &[Entry]) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    let mut is = |wrong_if: bool, what| {
        if wrong_if {
            wrong.push(what);
        }
    };
    let kind = entry.mode.chars().next().unwrap_or('?');
    let below = |place: &str| entry.path.starts_with(place);
    is(!"-dl".contains(kind), "neither file, directory nor symbolic link");
    is(entry.owner != ("0".into(), "0".into()), "not root's");
    let bits: Vec<char> = entry.mode.chars().collect();
    if kind != 'l' {
        let shared = [5, 8].iter().any(|at| bits.get(*at) == Some(&'w'));
        is(shared, "others may write it");
        is(entry.mode.contains(['s', 'S', 't', 'T']), "has a special mode");
        is([1, 4, 7].iter().any(|at| bits.get(*at) != Some(&'r')), "not for all to read");
    }
    let leads_to = |place: &&str| Path::new(place).starts_with(&entry.path);
    let placed = PLACES.iter().any(|place| below(place)) || PLACES.iter().any(leads_to);
    is(!placed, "not in a place for packages");
    let hidden = |part: &std::ffi::OsStr| part.to_string_lossy().starts_with('.');
    is(entry.path.iter().any(hidden), "hidden");
    let program = ["usr/bin", "usr/sbin", "sbin"].into_iter().any(below);
    is(kind == '-' && program && bits.get(9) != Some(&'x'), "not for all to execute");
    is(kind == '-' && below("usr/share") && entry.mode.contains('x'), "executable data");
    let page = below("usr/share/man") && kind != 'd';
    is(page && entry.path.extension() != Some("gz".as_ref()), "not compressed");
    let inside = |other: &Entry| other.path != entry.path && other.path.starts_with(&entry.path);
    is(kind == 'd' && !all.iter().any(inside), "an empty directory");
    wrong
}

/// What is wrong with the content of a file.
fn of_file(entry: &Entry, content: &[u8], processor: Option<&str>) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    let executable = entry.mode.contains('x');
    if content.starts_with(b"\x7fELF") {
        if machine(content) != processor {
            wrong.push("a program for another processor");
        }
        if !Loading::of(content).is_ok_and(|loading| !loading.dynamic) {
            wrong.push("not a static program");
        }
        if !executable {
            wrong.push("a program that is not executable");
        }
    } else if executable && !content.starts_with(b"#!/bin/sh\n") {
        wrong.push("a script of neither /bin/sh nor a program");
    }
    let compressed = entry.path.extension() == Some("gz".as_ref());
    if compressed && (!content.starts_with(b"\x1f\x8b") || content.get(4..8) != Some(&[0; 4])) {
        wrong.push("not compressed, or with a time in it");
    }
    if content.is_empty() {
        wrong.push("an empty file");
    }
    wrong
}

/// Links that lead to nothing in any of the packages; what a running system makes aside.
fn links_that_lead_nowhere(packages: &[Content]) -> Vec<String> {
    let mut there: HashSet<&Path> = HashSet::new();
    for entry in packages.iter().flat_map(|package| &package.entries) {
        there.extend(entry.path.ancestors());
    }
    let mut found = Vec::new();
    for package in packages {
        for entry in &package.entries {
            let Some(target) = &entry.target else { continue };
            // Levels are copied to where their links lead to services.
            if target.starts_with("/run") || entry.path.starts_with("usr/lib/runit-rs/runsvdir") {
                continue;
            }
            let to = resolved(&entry.path, target);
            if !there.contains(to.as_path()) {
                let (path, target) = (entry.path.display(), target.display());
                found.push(format!("{}: {path} leads to {target}", package.package));
            }
        }
    }
    found
}

/// Where a link leads, relative to the root, by names alone.
fn resolved(link: &Path, target: &Path) -> PathBuf {
    let mut path = link.parent().map(Path::to_owned).unwrap_or_default();
    for part in target.components() {
        match part {
            Component::RootDir => path = PathBuf::new(),
            Component::ParentDir => _ = path.pop(),
            Component::Normal(name) => path.push(name),
            Component::CurDir | Component::Prefix(_) => {}
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(mode: &str, path: &str, target: Option<&str>) -> Entry {
        Entry {
            mode: mode.into(),
            owner: ("0".into(), "0".into()),
            path: path.into(),
            target: target.map(Into::into),
        }
    }

    #[test]
    fn entries_as_they_should_be_pass() {
        let all = [
            made("drwxr-xr-x", "usr", None),
            made("drwxr-xr-x", "usr/bin", None),
            made("-rwxr-xr-x", "usr/bin/sv", None),
            made("lrwxrwxrwx", "usr/bin/svc", Some("sv")),
            made("-rw-r--r--", "usr/share/man/man8/sv.8.gz", None),
            made("-rw-r--r--", "etc/runit/rc.conf", None),
        ];
        for entry in &all {
            assert_eq!(of_entry(entry, &all), [""; 0], "{entry:?}");
        }
    }

    #[test]
    fn each_fault_of_an_entry_is_seen() {
        for (mode, path, fault) in [
            ("prw-r--r--", "usr/lib/fifo", "neither file, directory nor symbolic link"),
            ("-rw-rw-r--", "etc/conf", "others may write it"),
            ("-rwsr-xr-x", "usr/bin/sv", "has a special mode"),
            ("-rwx--x--x", "usr/bin/sv", "not for all to read"),
            ("-rw-r--r--", "usr/local/share/x", "not in a place for packages"),
            ("-rw-r--r--", "etc/.git", "hidden"),
            ("-rw-r--r--", "usr/bin/sv", "not for all to execute"),
            ("-rwxr-xr-x", "usr/share/doc/x", "executable data"),
            ("-rw-r--r--", "usr/share/man/man8/sv.8", "not compressed"),
            ("drwxr-xr-x", "usr/lib/empty", "an empty directory"),
        ] {
            let entry = made(mode, path, None);
            assert_eq!(of_entry(&entry, std::slice::from_ref(&entry)), [fault], "{path}");
        }
        let mut entry = made("-rw-r--r--", "etc/conf", None);
        entry.owner.1 = "65534".into();
        assert_eq!(of_entry(&entry, &[]), ["not root's"]);
    }

    #[test]
    fn each_fault_of_a_file_is_seen() {
        let mut program = crate::elf::tests::file(&[(1, 5)]);
        program[18] = 183;
        let dynamic = {
            let mut file = crate::elf::tests::file(&[(1, 5), (2, 4)]);
            file[18] = 183;
            file
        };
        let wrong = |mode: &str, path: &str, content: &[u8], processor| {
            of_file(&made(mode, path, None), content, processor)
        };
        let (executable, data) = ("-rwxr-xr-x", "-rw-r--r--");
        assert_eq!(wrong(executable, "usr/bin/sv", &program, Some("aarch64")), [""; 0]);
        let foreign = ["a program for another processor"];
        assert_eq!(wrong(executable, "usr/bin/sv", &program, Some("x86_64")), foreign);
        assert_eq!(wrong(executable, "usr/bin/sv", &program, None), foreign);
        let faults = wrong(data, "usr/bin/sv", &dynamic, Some("aarch64"));
        assert_eq!(faults, ["not a static program", "a program that is not executable"]);
        let faults = wrong(executable, "usr/bin/x", b"#!/usr/bin/perl\n", None);
        assert_eq!(faults, ["a script of neither /bin/sh nor a program"]);
        let dated = wrong(data, "usr/share/man/x.gz", b"\x1f\x8b\x08\0\x01\0\0\0", None);
        assert_eq!(dated, ["not compressed, or with a time in it"]);
        assert_eq!(wrong(data, "etc/x", b"", None), ["an empty file"]);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let package = |entries| Content {
            package: "p".into(),
            processor: None,
            entries,
            root: PathBuf::new(),
        };
        let entries = vec![
            made("-rwxr-xr-x", "etc/sv/one/run", None),
            made("lrwxrwxrwx", "etc/sv/two/run", Some("../one/run")),
            made("lrwxrwxrwx", "etc/sv/one/supervise", Some("/run/runit/supervise.one")),
            made("lrwxrwxrwx", "usr/bin/away", Some("/etc/sv/three")),
        ];
        assert_eq!(
            links_that_lead_nowhere(&[package(entries)]),
            ["p: usr/bin/away leads to /etc/sv/three"]
        );
    }
}
