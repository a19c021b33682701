//! `chpst`: session, root, directory, nice value, descriptors, locks, `argv[0]`, and the order.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use runit_tests::dirs::{copy_program, create_dir, mode, write};
use runit_tests::locks::{Lock, is_locked, waits};
use runit_tests::prelude::*;
use runit_tests::run::{Names, Run, daemontools, is_root, only_root};

use crate::chpst_usage::has_chdir;

fn chpst<const N: usize>(args: [&str; N]) -> Run {
    Run::new("chpst").args(args)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Shows process group and session beside the process's own id.
const SHOW_SESSION: &str = "exec cat /proc/self/stat";

fn leads_session(stat: &str) -> bool {
    let (pid, rest) = stat.split_once(' ').unwrap();
    let (_, rest) = rest.rsplit_once(") ").unwrap();
    let fields: Vec<_> = rest.split(' ').collect();
    (fields[2], fields[3]) == (pid, pid)
}

#[test]
fn a_session_of_its_own() {
    assert!(!leads_session(&chpst(["sh", "-c", SHOW_SESSION]).stdout()));
    assert!(leads_session(&chpst(["-P", "sh", "-c", SHOW_SESSION]).stdout()));
    let names = Names::of("chpst");
    let all = [names.called("pgrphack"), names.called("dpgrphack")].into_iter();
    for program in all.chain(daemontools("pgrphack")) {
        let out = Run::path(&program).args(["sh", "-c", SHOW_SESSION]).stdout();
        assert!(leads_session(&out), "{}: {out}", program.display());
        // It takes no options.
        let said = Run::path(&program).args(["--", "true"]).fails(111);
        assert!(said.contains("--: file does not exist"), "{said}");
    }
}

/// Who leads a session already keeps it.
#[test]
fn a_session_twice() {
    assert!(leads_session(
        &chpst(["-P", text(&suite::bin("chpst")), "-P", "sh", "-c", SHOW_SESSION]).stdout()
    ));
}

#[test]
fn descriptors_are_closed() {
    // What the shell opens for itself has numbers above 9.
    let show = "for fd in 0 1 2; do test -e /proc/self/fd/$fd && echo $fd >&3; done; true";
    for (options, open) in
        [("-v", "0 1 2 "), ("-0", "1 2 "), ("-1", "0 2 "), ("-2", "0 1 "), ("-012", "")]
    {
        let dir = TempDir::new();
        let out = dir.path().join("out");
        // `test` asks for the shell's own descriptors, being a part of it.
        let ran =
            chpst([options, "sh", "-c", show]).env("OUT", &out).through_sh("exec 3>$OUT").run();
        assert_eq!(ran.code, 0, "{options}");
        let seen = fs::read_to_string(&out).unwrap().replace('\n', " ");
        assert_eq!(seen, open, "{options}");
    }
}

/// [better] The reference fails at closing what is closed, and says nothing once it has closed its
/// standard error.
#[test]
fn closed_descriptors_stay_so_and_failures_are_said() {
    only_ours!("C runit fails there");
    let show = "for fd in 0 1; do test -e /proc/self/fd/$fd && echo $fd >&2; done; true";
    for options in [["-v", "-v"], ["-0", "-1"]] {
        let ran = Run::new("chpst").args(options).args(["sh", "-c", show]);
        let ran = ran.through_sh("exec <&- >&-").run();
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{options:?}");
    }
    let said = chpst(["-2", "no-such-program"]).fails(111);
    assert_eq!(said, "chpst: fatal: unable to run: no-such-program: file does not exist\n");
}

#[test]
fn a_name_for_the_program() {
    let out = chpst(["-b", "a name", "sh", "-c", "cat /proc/$$/cmdline"]).stdout();
    assert_eq!(out, "a name\0-c\0cat /proc/$$/cmdline\0");
    assert_eq!(chpst(["-b", "", "sh", "-c", "echo \"($0)\""]).stdout(), "()\n");
    assert_eq!(chpst(["sh", "-c", "echo $0"]).stdout(), "sh\n");
}

#[test]
fn the_nice_value_is_added_to() {
    let now: i32 = chpst(["nice"]).stdout().trim().parse().unwrap();
    for (value, expected) in [("5", now + 5), ("+5", now + 5), ("0", now), ("100", 19)] {
        let out = chpst(["-n", value, "nice"]).ordinary().stdout();
        assert_eq!(out.trim(), expected.min(19).to_string(), "{value}");
    }
    if is_root() {
        assert_eq!(chpst(["-n", "-3", "nice"]).stdout().trim(), (now - 3).max(-20).to_string());
        assert_eq!(chpst(["-n", "-100", "nice"]).stdout().trim(), "-20");
    }
    let said = chpst(["-n", "-5", "nice"]).ordinary().fails(111);
    assert_eq!(said, "chpst: fatal: unable to set nice level: permission denied\n");
}

#[test]
fn another_directory() {
    if !has_chdir() {
        eprintln!("left out: this suite has no -C");
        return;
    }
    assert_eq!(chpst(["-C", "/usr", "pwd"]).stdout(), "/usr\n");
    // PROG and the lock are meant from there, the environment directory is not.
    let dir = TempDir::new();
    create_dir(&dir.path().join("there"));
    create_dir(&dir.path().join("env"));
    write(&dir.path().join("env/A"), "a");
    let out = chpst(["-C", "there", "-l", "lock", "-e", "env", "sh", "-c", "echo $A; pwd"]);
    let here = dir.path().canonicalize().unwrap();
    assert_eq!(out.cwd(&here).stdout(), format!("a\n{}\n", here.join("there").display()));
    assert!(dir.path().join("there/lock").exists());
    let said = chpst(["-C", "/nonexistent", "pwd"]).fails(111);
    assert_eq!(
        said,
        "chpst: fatal: unable to change directory: /nonexistent: file does not exist\n"
    );
}

#[test]
fn another_root() {
    let said = chpst(["-/", "/nonexistent", "true"]).fails(111);
    assert_eq!(
        said,
        "chpst: fatal: unable to change directory: /nonexistent: file does not exist\n"
    );
    let said = chpst(["-/", "/", "true"]).ordinary().fails(111);
    assert_eq!(said, "chpst: fatal: unable to change root directory: permission denied\n");
    if !only_root("change the root directory") {
        return;
    }
    let Some(root) = small_root() else { return };
    let run = || chpst(["-/", text(root.path())]).env("PATH", "/nonexistent:/bin").cwd("/usr");
    // The new root is the current directory, and PROG is searched there.
    assert_eq!(run().args(["pwd"]).stdout(), "/\n");
    assert_eq!(run().args(["ls", "/"]).stdout(), "bin\nenv\netc\n");
    // The environment directory is read before.
    let env = root.path().join("env");
    let out = run().args(["-e", text(&env), "sh", "-c", "echo $WHERE"]).stdout();
    assert_eq!(out, "outside\n");
    // The lock is opened after.
    assert_eq!(run().args(["-l", "/etc/lock", "ls", "/etc/lock"]).stdout(), "/etc/lock\n");
    assert!(root.path().join("etc/lock").exists());
    if has_chdir() {
        assert_eq!(run().args(["-C", "etc", "pwd"]).stdout(), "/etc\n");
    }
}

/// A root directory with a few programs, if there is a static busybox.
pub fn small_root() -> Option<TempDir> {
    let busybox = ["/usr/bin/busybox", "/bin/busybox"].into_iter().find(|path| {
        let file = fs::read(path).unwrap_or_default();
        // A dynamic one names its interpreter.
        !file.is_empty() && !file.windows(8).take(4096).any(|bytes| bytes == b"/ld-linu")
    });
    let Some(busybox) = busybox else {
        eprintln!("left out: there is no static busybox to live in a root of its own");
        return None;
    };
    let root = TempDir::new();
    for dir in ["bin", "etc", "env"] {
        create_dir(&root.path().join(dir));
    }
    write(&root.path().join("env/WHERE"), "outside\n");
    copy_program(Path::new(busybox), &root.path().join("bin/busybox"));
    for name in ["sh", "pwd", "ls", "id", "cat", "echo"] {
        std::os::unix::fs::symlink("busybox", root.path().join("bin").join(name)).unwrap();
    }
    Some(root)
}

/// A `chpst` or `setlock` that holds the lock while its program runs.
fn holder(program: &Path, args: &[&str], lock: &Path) -> Supervisor {
    let script = "echo held; exec sleep 100000";
    let held = Launch::path(program).args(args).arg(lock).args(["sh", "-c", script]).spawn();
    wait_until("the program to run", || {
        let out = held.stdout();
        if out == "held\n" { Ok(()) } else { Err(format!("{out:?} {:?}", held.stderr())) }
    });
    held
}

#[test]
fn the_program_holds_the_lock() {
    let names = Names::of("chpst");
    let mut all = vec![
        (suite::bin("chpst"), vec!["-l"]),
        (suite::bin("chpst"), vec!["-L"]),
        (names.called("setlock"), vec![]),
        (names.called("dsetlock"), vec!["-X"]),
    ];
    all.extend(daemontools("setlock").map(|program| (program, vec![])));
    for (program, args) in all {
        let dir = TempDir::new();
        let file = dir.path().join("lock");
        let held = holder(&program, &args, &file);
        assert_eq!((mode(&file), fs::metadata(&file).unwrap().size()), (0o600, 0));
        assert!(is_locked(&file), "{program:?} {args:?}");
        // Another one is refused at once, and does not run its program.
        let said = chpst(["-L", text(&file), "echo", "ran"]).fails(111);
        let expected =
            format!("chpst: fatal: unable to lock: {}: temporary failure\n", file.display());
        assert_eq!(said, expected);
        drop(held);
        assert_eq!(chpst(["-L", text(&file), "echo", "ran"]).stdout(), "ran\n");
    }
}

/// C runit's `setlock` does not wait, see below.
#[test]
fn waiting_for_the_lock() {
    let names = Names::of("chpst");
    let mut all = vec![(suite::bin("chpst"), vec!["-l"])];
    if suite::is_ours() {
        all.push((names.called("setlock"), vec![]));
    }
    all.extend(daemontools("setlock").map(|program| (program, vec!["-N"])));
    for (program, args) in all {
        let dir = TempDir::new();
        let file = dir.path().join("lock");
        write(&file, "kept");
        let lock = Lock::new(&file);
        let mut second =
            Launch::path(&program).args(&args).arg(&file).args(["echo", "ran"]).spawn();
        wait_until("the program to wait for the lock", || waits(second.process()));
        assert_eq!(second.stdout(), "");
        drop(lock);
        assert_eq!(second.wait_exit(), 0);
        assert_eq!(second.stdout(), "ran\n");
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    }
}

#[test]
fn a_lock_that_cannot_be_opened() {
    for option in ["-l", "-L"] {
        let said = chpst([option, "/nonexistent/lock", "true"]).fails(111);
        assert_eq!(
            said,
            "chpst: fatal: unable to open lock: /nonexistent/lock: file does not exist\n"
        );
    }
    // One lock only.
    assert!(chpst(["-l", "a", "-L", "b", "true"]).fails(100).starts_with("usage: "));
}

/// What setlock's options mean, as daemontools has them. [better] C runit has -n the wrong way
/// round.
#[test]
fn setlock_options() {
    let names = Names::of("chpst");
    let dir = TempDir::new();
    let (file, missing) = (dir.path().join("lock"), dir.path().join("no/lock"));
    let _lock = Lock::new(&file);
    let mut all = vec![];
    if suite::is_ours() {
        all.extend([names.called("setlock"), names.called("dsetlock")]);
    }
    all.extend(daemontools("setlock"));
    for program in all {
        let run = |options: &[&str], file: &Path| {
            let ran = Run::path(&program).args(options).args([text(file), "echo", "ran"]).run();
            assert_eq!(ran.stdout, "", "{program:?} {options:?}");
            (ran.code, !ran.stderr.is_empty())
        };
        for (options, quiet) in [
            (&["-n"] as &[&str], false),
            (&["-Nn"], false),
            (&["-nxX"], false),
            (&["-nx"], true),
            (&["-x", "-n"], true),
        ] {
            let expected = if quiet { (0, false) } else { (111, true) };
            assert_eq!(run(options, &file), expected, "{program:?} {options:?}");
            assert_eq!(run(options, &missing), expected, "{program:?} {options:?}");
        }
        // -x is about the lock, not about the program.
        let free = dir.path().join("free");
        let ran = Run::path(&program).args(["-x", text(&free), "/nonexistent"]).run();
        assert!(ran.code == 111 && ran.stderr.contains("/nonexistent: "), "{program:?}");
    }
}

#[test]
fn setlock_takes_a_file_and_a_program() {
    let names = Names::of("chpst");
    let usage = "usage: setlock [ -nNxX ] file program [ arg ... ]\n\n";
    for program in [names.called("setlock"), names.called("dsetlock")] {
        for args in [&[] as &[&str], &["file"], &["-n", "file"]] {
            assert_eq!(Run::path(&program).args(args).fails(100), usage);
        }
    }
    let said = Run::path(names.called("setlock")).args(["-Z", "file", "true"]).fails(100);
    assert_eq!(said, format!("setlock: illegal option -- Z\n{usage}"));
}

/// A step that fails keeps the program from running, whatever was done before.
#[test]
fn nothing_half_done_reaches_the_program() {
    let dir = TempDir::new();
    let lock = dir.path().join("lock");
    let said = chpst([
        "-P",
        "-n",
        "1",
        "-l",
        text(&lock),
        "-e",
        "/nonexistent",
        "-o",
        "10",
        "echo",
        "ran",
    ]);
    let expected =
        "chpst: fatal: unable to switch to directory: /nonexistent: file does not exist\n";
    assert_eq!(said.fails(111), expected);
    // The lock comes after the environment directory.
    assert!(!lock.exists());
}
