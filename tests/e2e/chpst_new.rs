//! What `chpst` does beyond C runit's, by long options: capabilities, no new privileges, control
//! groups, the file mode mask.

use std::fs;
use std::path::{Path, PathBuf};

use runit_tests::dirs::{mode, text};
use runit_tests::prelude::*;
use runit_tests::run::{Run, only_root};

fn chpst<const N: usize>(args: [&str; N]) -> Run {
    Run::new("chpst").args(args)
}

/// A line of `/proc/self/status` of the process that `run` becomes.
fn status(run: Run, name: &str) -> String {
    let out = run.args(["cat", "/proc/self/status"]).stdout();
    let line = out.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {name} in {out}")).trim().to_owned()
}

fn capabilities(run: Run, set: &str) -> u64 {
    u64::from_str_radix(&status(run, set), 16).unwrap()
}

const CHOWN: u64 = 1;
const KILL: u64 = 1 << 5;
const NET_BIND_SERVICE: u64 = 1 << 10;
const NET_RAW: u64 = 1 << 13;

/// What this process could have at most.
fn all() -> u64 {
    capabilities(Run::path("env"), "CapBnd")
}

#[test]
fn no_new_privileges() {
    only_ours!("C runit has no such option");
    assert_eq!(status(chpst([]), "NoNewPrivs"), "0");
    assert_eq!(status(chpst(["--no-new-privileges"]), "NoNewPrivs"), "1");
    // Nobody has to be asked for giving something up.
    assert_eq!(status(chpst(["--no-new-privileges"]).ordinary(), "NoNewPrivs"), "1");
    if only_root("become others") {
        let run = || chpst(["--no-new-privileges", "-u", ":12:34"]);
        assert_eq!(status(run(), "NoNewPrivs"), "1");
        assert!(status(run(), "Uid").starts_with("12\t"));
    }
}

#[test]
fn the_bounding_set_is_reduced() {
    only_ours!("C runit has no such option");
    let said = chpst(["--bounding", "none", "echo", "ran"]).ordinary().fails(111);
    let step = "reduce the bounding set";
    assert_eq!(said, format!("chpst: fatal: unable to {step}: permission denied\n"));
    if !only_root("reduce the bounding set") {
        return;
    }
    let all = all();
    for (list, kept) in [
        ("none", 0),
        ("chown", CHOWN),
        ("CAP_KILL,cap_net_raw,0", CHOWN | KILL | NET_RAW),
        ("~net_raw,kill", all & !(KILL | NET_RAW)),
        ("~none", all),
    ] {
        assert_eq!(capabilities(chpst(["--bounding", list]), "CapBnd"), kept & all, "{list}");
        // Root loses by exec what is not in it, and -u still works.
        assert_eq!(capabilities(chpst(["--bounding", list]), "CapPrm"), kept & all, "{list}");
        let run = chpst(["--bounding", list, "-u", ":12:34"]);
        assert_eq!(capabilities(run, "CapBnd"), kept & all, "{list}");
    }
}

#[test]
fn an_ordinary_user_gets_ambient_capabilities() {
    only_ours!("C runit has no such option");
    let said = chpst(["--ambient", "kill", "echo", "ran"]).ordinary().fails(111);
    assert_eq!(said, "chpst: fatal: unable to set ambient capabilities: permission denied\n");
    if !only_root("give capabilities") {
        return;
    }
    let wanted = NET_BIND_SERVICE | KILL;
    let run = || chpst(["-u", ":12:34", "--ambient", "net_bind_service,kill"]);
    for set in ["CapAmb", "CapPrm", "CapEff", "CapInh"] {
        assert_eq!(capabilities(run(), set), wanted, "{set}");
    }
    assert_eq!(status(run(), "Uid"), "12\t12\t12\t12");
    // It is handed on, and works.
    let out =
        run().args(["sh", "-c", "grep CapEff /proc/self/status; kill -0 1 && echo signalled"]);
    assert!(out.stdout().ends_with("signalled\n"));
    let without = chpst(["-u", ":12:34", "sh", "-c", "kill -0 1"]).run();
    assert_ne!(without.code, 0);
    // Together with a bounding set that has it, and one that has not.
    let run =
        chpst(["-u", ":12:34", "--ambient", "kill", "--bounding", "kill", "--no-new-privileges"]);
    assert_eq!(capabilities(run, "CapEff"), KILL);
    let said = chpst(["-u", ":12:34", "--ambient", "kill", "--bounding", "none", "echo", "ran"]);
    let expected = "chpst: fatal: unable to set ambient capabilities: permission denied\n";
    assert_eq!(said.fails(111), expected);
}

#[test]
fn the_file_mode_mask() {
    only_ours!("C runit has no such option");
    assert_eq!(chpst(["--umask", "027", "sh", "-c", "umask"]).stdout(), "0027\n");
    assert_eq!(chpst(["--umask=0", "sh", "-c", "umask"]).ordinary().stdout(), "0000\n");
    // It is for PROG, not for the lock file.
    let dir = TempDir::new();
    let lock = dir.path().join("lock");
    let run = chpst(["--umask", "777", "-l", lock.to_str().unwrap(), "sh", "-c", "umask"]);
    assert_eq!(run.stdout(), "0777\n");
    assert_eq!(mode(&lock), 0o600);
}

/// The root of the hierarchy of version 2, if there is one.
fn hierarchy() -> Option<PathBuf> {
    let mounts = text(Path::new("/proc/self/mounts"));
    let mount = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        (words.get(2) == Some(&"cgroup2")).then(|| PathBuf::from(words[1]))
    };
    let usual = |path: &PathBuf| {
        ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
            .into_iter()
            .any(|usual| path == Path::new(usual))
    };
    let found = mounts.lines().filter_map(mount).find(usual);
    if found.is_none() {
        eprintln!("left out: there is no cgroup v2 hierarchy here");
    }
    found
}

/// A control group of the test's own, removed with what is in it.
struct Group(PathBuf, String);

impl Group {
    fn new(hierarchy: &Path, name: &str) -> Self {
        let name = format!("runit-e2e-{}-{name}", std::process::id());
        Self(hierarchy.join(&name), name)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for dir in [self.0.join("a b/c"), self.0.join("a b"), self.0.clone()] {
            // A process that has just ended may still count for a moment.
            if dir.exists() {
                wait_until(&format!("{} to be empty", dir.display()), || fs::remove_dir(&dir));
            }
        }
    }
}

#[test]
fn a_control_group_is_joined() {
    only_ours!("C runit has no such option");
    let Some(hierarchy) = hierarchy() else { return };
    if !only_root("make control groups") {
        return;
    }
    let group = Group::new(&hierarchy, "join");
    let joined = |path: &str| {
        let out = chpst(["--cgroup", path, "cat", "/proc/self/cgroup"]).stdout();
        let line = out.lines().find_map(|line| line.strip_prefix("0::").map(str::to_owned));
        line.unwrap_or_else(|| panic!("no version 2 in {out}"))
    };
    // Created with all that is missing above it, by either way to name it.
    assert_eq!(joined(&format!("{}/a b/c", group.1)), format!("/{}/a b/c", group.1));
    assert_eq!(joined(group.0.to_str().unwrap()), format!("/{}", group.1));
    assert_eq!(mode(&group.0), 0o755);
    // A user who may not is one after the group was joined.
    let run = chpst(["--cgroup", &group.1, "-u", ":12:34", "cat", "/proc/self/cgroup"]);
    assert!(run.stdout().contains(&format!("0::/{}\n", group.1)));
}

#[test]
fn a_directory_that_is_no_control_group() {
    only_ours!("C runit has no such option");
    let dir = TempDir::new();
    let path = dir.path().to_str().unwrap();
    let said = chpst(["--cgroup", path, "echo", "ran"]).fails(111);
    assert_eq!(said, format!("chpst: fatal: not in a cgroup v2 file system: {path}\n"));
    // Nothing is created where it makes no sense.
    let missing = format!("{path}/missing");
    let said = chpst(["--cgroup", &missing, "echo", "ran"]).fails(111);
    let expected = format!("chpst: fatal: unable to join cgroup: {missing}: file does not exist\n");
    assert_eq!(said, expected);
    assert!(!Path::new(&missing).exists());
    let Some(hierarchy) = hierarchy() else { return };
    let path = hierarchy.join(format!("runit-e2e-{}-denied", std::process::id()));
    let path = path.to_str().unwrap();
    let said = chpst(["--cgroup", path, "echo", "ran"]).ordinary().fails(111);
    assert_eq!(said, format!("chpst: fatal: unable to create cgroup: {path}: access denied\n"));
}
