//! On trees with Debian's busybox, and with one that has all applets.

use super::*;
use crate::install::lay::tests::{Scratch, make_executable};
use crate::install::lay::{Tell, lay};
use crate::install::plan::plan;
use crate::suite::SUITE;
use crate::workspace::Workspace;
use std::collections::BTreeMap;
use std::os::unix::fs::symlink;

/// Every busybox that serves all the names that one can be configured to have.
const APPLETS: &[&str] = &[
    "chpst",
    "envdir",
    "envuidgid",
    "runsv",
    "runsvdir",
    "setuidgid",
    "softlimit",
    "sv",
    "svc",
    "svlogd",
    "svok",
];

fn layout(prefix: &str) -> Layout {
    let prefix = PathBuf::from(prefix);
    Layout {
        bin: prefix.join("bin"),
        sbin: prefix.join("sbin"),
        init: prefix.join("sbin"),
        services: "/var/service".into(),
        prefix,
        names: true,
        package: "runit-rs".into(),
        systemd: false,
    }
}

/// What every path of the tree is: the target of a link, or the file's number.
fn picture(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut picture = BTreeMap::new();
    let mut left = vec![root.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let kind = path.symlink_metadata().unwrap();
            if kind.is_dir() {
                left.push(path);
            } else if kind.is_symlink() {
                let target = std::fs::read_link(&path).unwrap();
                picture.insert(path, format!("-> {}", target.display()));
            } else {
                picture.insert(path, kind.ino().to_string());
            }
        }
    }
    picture
}

/// Replaces, and gives the paths that are other than before.
fn replaced(root: &Path, prefix: &str) -> Vec<PathBuf> {
    let built = Scratch::with_programs("built");
    let layout = layout(prefix);
    let programs: Vec<&'static Program> = SUITE.iter().collect();
    let items = plan(&Workspace::locate(), &programs, &built.0, &layout).unwrap();
    let before = picture(root);
    let found = find(root, &programs, &layout).unwrap();
    record(&found, root).unwrap();
    lay(&items, root, Tell::Nothing).unwrap();
    replace(&found, root, &layout).unwrap();
    let after = picture(root);
    let changed = before.iter().filter(|(path, was)| after.get(*path) != Some(was));
    changed.map(|(path, _)| Path::new("/").join(path.strip_prefix(root).unwrap())).collect()
}

/// A busybox with all applets, in `bin`.
fn install_full(root: &Path) {
    std::fs::create_dir_all(root.join("bin")).unwrap();
    let mut text = String::from("#!/bin/sh\nfor name in ls mount");
    for applet in APPLETS {
        text.push(' ');
        text.push_str(applet);
    }
    text.push_str("; do echo $name; done\n");
    let path = root.join("bin/busybox");
    std::fs::write(&path, text).unwrap();
    make_executable(&path);
}

fn paths(names: &[&str], directory: &str) -> Vec<PathBuf> {
    names.iter().map(|name| Path::new(directory).join(name)).collect()
}

fn runs(root: &Path, path: &str) -> String {
    let file = resolve(root, Path::new(path)).unwrap();
    make_executable(&file);
    stdout(Command::new(file).arg("x")).unwrap().trim_end().to_owned()
}

#[test]
fn debian_s_busybox_gives_up_what_we_have_and_no_more() {
    let scratch = Scratch::new("busybox");
    let root = &scratch.0;
    std::fs::create_dir_all(root.join("bin")).unwrap();
    let busybox = root.join("bin/busybox");
    std::fs::copy("/bin/busybox", &busybox).expect("busybox-static is installed");
    make_executable(&busybox);
    let listed = stdout(Command::new(&busybox).arg("--list")).unwrap();
    for name in listed.lines().filter(|name| *name != "busybox") {
        symlink("/bin/busybox", root.join("bin").join(name)).unwrap();
    }
    let before = picture(root);
    assert_eq!(replaced(root, "/usr/local"), paths(&["svc", "svok"], "/bin"));
    assert_eq!(std::fs::read_link(root.join("bin/svok")).unwrap(), Path::new("/usr/local/bin/sv"));
    undo(root).unwrap();
    let after = picture(root);
    for (path, was) in &before {
        assert_eq!(after.get(path), Some(was), "{}", path.display());
    }
    assert!(!root.join("var/lib/runit-rs").exists());
}

#[test]
fn all_names_are_taken_over_in_their_own_place() {
    let scratch = Scratch::new("busybox");
    let root = &scratch.0;
    install_full(root);
    for name in APPLETS.iter().chain(&["ls", "mount"]) {
        symlink("busybox", root.join("bin").join(name)).unwrap();
    }
    let before = picture(root);
    assert_eq!(replaced(root, "/"), paths(APPLETS, "/bin"));
    assert_eq!(runs(root, "/bin/runsv"), "runsv as runsv");
    assert_eq!(std::fs::read_link(root.join("bin/ls")).unwrap(), Path::new("busybox"));
    // Again, as an upgrade does: nothing leads to busybox any more, and nothing is forgotten.
    replaced(root, "/");
    undo(root).unwrap();
    let after = picture(root);
    assert!(before.iter().all(|(path, was)| after.get(path) == Some(was)), "{after:?}");
}

#[test]
fn hard_links_are_taken_over_and_given_back() {
    let scratch = Scratch::new("busybox");
    let root = &scratch.0;
    install_full(root);
    std::fs::create_dir_all(root.join("usr/sbin")).unwrap();
    symlink("../bin", root.join("usr/bin")).unwrap();
    for path in ["bin/chpst", "bin/ls", "usr/sbin/runsvdir"] {
        std::fs::hard_link(root.join("bin/busybox"), root.join(path)).unwrap();
    }
    let before = picture(root);
    let taken = [PathBuf::from("/bin/chpst"), PathBuf::from("/usr/sbin/runsvdir")];
    assert_eq!(replaced(root, "/usr/local"), taken);
    assert_eq!(runs(root, "/bin/chpst"), "chpst as chpst");
    undo(root).unwrap();
    let after = picture(root);
    assert!(before.iter().all(|(path, was)| after.get(path) == Some(was)));
}

#[test]
fn what_does_not_lead_to_busybox_is_left_alone() {
    let scratch = Scratch::new("busybox");
    let root = &scratch.0;
    install_full(root);
    std::fs::write(root.join("bin/sv"), "another").unwrap();
    symlink("sv", root.join("bin/svc")).unwrap();
    symlink("nowhere", root.join("bin/svok")).unwrap();
    symlink("envdir", root.join("bin/envdir")).unwrap();
    assert!(replaced(root, "/usr/local").is_empty());
}

#[test]
fn what_somebody_else_has_taken_since_stays() {
    let scratch = Scratch::new("busybox");
    let root = &scratch.0;
    install_full(root);
    for name in ["sv", "runsv"] {
        symlink("busybox", root.join("bin").join(name)).unwrap();
    }
    replaced(root, "/usr/local");
    std::fs::remove_file(root.join("bin/sv")).unwrap();
    std::fs::write(root.join("bin/sv"), "another").unwrap();
    undo(root).unwrap();
    assert_eq!(std::fs::read_to_string(root.join("bin/sv")).unwrap(), "another");
    assert_eq!(std::fs::read_link(root.join("bin/runsv")).unwrap(), Path::new("busybox"));
    let record = std::fs::read_to_string(below(root, Path::new(RECORD))).unwrap();
    assert!(record.starts_with("/bin/sv\t") && record.lines().count() == 1, "{record}");
}

#[test]
fn a_tree_without_busybox_is_refused() {
    let scratch = Scratch::new("busybox");
    let error = find(&scratch.0, &[], &layout("/usr")).unwrap_err().to_string();
    assert!(error.starts_with("no busybox below"), "{error}");
}
