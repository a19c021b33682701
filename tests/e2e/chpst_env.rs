//! `chpst -e` and `-U`, `envdir` and `envuidgid`: the environment.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use runit_tests::dirs::{create_dir, set_mode, write};
use runit_tests::prelude::*;
use runit_tests::run::{Names, Ran, Run, daemontools};

/// Everything that is to have the behaviour of an environment directory, `chpst -e` first, then
/// `envdir` of the suite and that of daemontools.
struct Everyone {
    programs: Vec<(PathBuf, Option<&'static str>)>,
    _names: Names,
}

impl Everyone {
    fn new() -> Self {
        let names = Names::of("chpst");
        let mut programs = vec![(suite::bin("chpst"), Some("-e"))];
        for envdir in [names.called("envdir"), names.called("denvdir")] {
            programs.push((envdir, None));
        }
        programs.extend(daemontools("envdir").map(|envdir| (envdir, None)));
        Self { programs, _names: names }
    }

    /// Runs `env -0` with each, with A, AB and PATH inherited.
    fn run(&self, dir: &Path) -> Vec<(&Path, Ran)> {
        let run = |(program, option): &(PathBuf, Option<&str>)| {
            let run = Run::path(program).args(option.iter()).arg(dir).args(["env", "-0"]);
            with_environment(run).run()
        };
        self.programs.iter().map(|program| (program.0.as_path(), run(program))).collect()
    }
}

fn with_environment(run: Run) -> Run {
    run.env_clear().env("A", "inherited a").env("AB", "inherited ab").env("PATH", "/usr/bin:/bin")
}

/// `env -0` under `chpst OPTIONS`.
fn env_under<const N: usize>(options: [&str; N]) -> Run {
    with_environment(Run::new("chpst").args(options).args(["env", "-0"]))
}

fn variables(output: &str) -> Vec<&str> {
    let mut all: Vec<_> = output.split_terminator('\0').collect();
    all.sort_unstable();
    all
}

#[test]
fn files_set_and_unset_variables() {
    let dir = TempDir::new();
    for (name, content) in [
        ("A", "new a\nsecond line\n"),
        ("B", "no newline"),
        ("BLANKS", "  both ends \t \t\n"),
        ("ONLY", " \t \n"),
        ("NEWLINE", "\n"),
        ("NUL", "a\0b\0\0c \n"),
        ("NULS", "\0\0"),
        ("AB", ""),
        ("UNKNOWN", ""),
        (".hidden", "x"),
        ("a b\nc", "odd name"),
    ] {
        write(&dir.path().join(name), content);
    }
    write(&dir.path().join("BYTES"), b"\xff\x01=x\n");
    for (who, ran) in Everyone::new().run(dir.path()) {
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", who.display());
        let expected = [
            "A=new a",
            "B=no newline",
            "BLANKS=  both ends",
            "BYTES=\u{fffd}\u{1}=x",
            "NEWLINE=",
            "NUL=a\nb\n\nc",
            "NULS=\n\n",
            "ONLY=",
            "PATH=/usr/bin:/bin",
            "a b\nc=odd name",
        ];
        assert_eq!(variables(&ran.stdout), expected, "{}", who.display());
    }
}

#[test]
fn the_last_of_two_directories_counts() {
    let dir = TempDir::new();
    for (place, name) in [("1", "ONE"), ("2", "TWO")] {
        create_dir(&dir.path().join(place));
        write(&dir.path().join(place).join(name), "x");
    }
    let path = |name| dir.path().join(name).to_str().unwrap().to_owned();
    let out = env_under(["-e", &path("1"), "-e", &path("2")]).stdout();
    let expected = ["A=inherited a", "AB=inherited ab", "PATH=/usr/bin:/bin", "TWO=x"];
    assert_eq!(variables(&out), expected);
}

#[test]
fn a_subdirectory_is_skipped_but_to_envdir_it_is_an_error() {
    let dir = TempDir::new();
    create_dir(&dir.path().join("SUB"));
    write(&dir.path().join("B"), "b");
    let shown = dir.path().display();
    let said = format!("unable to read {shown}/SUB: is a directory");
    for (place, (who, ran)) in Everyone::new().run(dir.path()).into_iter().enumerate() {
        if place == 0 {
            assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
            assert!(variables(&ran.stdout).contains(&"B=b"));
        } else {
            assert_eq!((ran.code, ran.stdout.as_str()), (111, ""), "{}", who.display());
            assert!(ran.stderr.ends_with(&format!(": fatal: {said}\n")), "{}", ran.stderr);
        }
    }
    let ran = env_under(["-v", "-e", dir.path().to_str().unwrap()]).run();
    assert_eq!((ran.code, ran.stderr), (0, format!("chpst: warning: {said}\n")));
    assert!(variables(&ran.stdout).contains(&"B=b"));
}

/// [better] To the references, a dangling symlink is an empty file.
#[test]
fn a_dangling_symlink_is_no_file() {
    let dir = TempDir::new();
    symlink("nowhere", dir.path().join("A")).unwrap();
    let ours = suite::is_ours();
    for (who, ran) in Everyone::new().run(dir.path()) {
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", who.display());
        let original = Some(who) == daemontools("envdir").as_deref();
        assert_eq!(
            variables(&ran.stdout).contains(&"A=inherited a"),
            ours && !original,
            "{}",
            who.display()
        );
    }
}

/// [better] The references set a variable with the part before the `=` as its name.
#[test]
fn a_name_that_is_none_is_reported_and_the_rest_is_done() {
    only_ours!("C runit makes variables of such names");
    let dir = TempDir::new();
    for name in ["A=B", "=", "C"] {
        write(&dir.path().join(name), "x");
    }
    let ran = env_under(["-e", dir.path().to_str().unwrap()]).run();
    let mut said: Vec<_> = ran.stderr.lines().collect();
    said.sort_unstable();
    let expected = ["=", "A=B"].map(|name| {
        format!("chpst: warning: no name for a variable: {}/{name}", dir.path().display())
    });
    assert_eq!((ran.code, said), (0, expected.iter().map(String::as_str).collect()));
    let expected = ["A=inherited a", "AB=inherited ab", "C=x", "PATH=/usr/bin:/bin"];
    assert_eq!(variables(&ran.stdout), expected);
}

#[test]
fn what_cannot_be_read_stops_everything() {
    let dir = TempDir::new();
    let path = dir.path().to_str().unwrap();
    let file = dir.path().join("SECRET");
    write(&file, "x");
    set_mode(&file, 0);
    let said = env_under(["-e", path]).ordinary().fails(111);
    assert_eq!(said, format!("chpst: fatal: unable to read {path}/SECRET: access denied\n"));
    fs::remove_file(&file).unwrap();
    symlink("LOOP", dir.path().join("LOOP")).unwrap();
    let said = env_under(["-e", path]).fails(111);
    assert_eq!(said, format!("chpst: fatal: unable to read {path}/LOOP: symbolic link loop\n"));
    let missing = format!("{path}/missing");
    let said = env_under(["-e", &missing]).fails(111);
    let expected = "file does not exist";
    assert_eq!(
        said,
        format!("chpst: fatal: unable to switch to directory: {missing}: {expected}\n")
    );
    let said = env_under(["-e", "/etc/passwd"]).fails(111);
    let expected = "not a directory";
    assert_eq!(
        said,
        format!("chpst: fatal: unable to switch to directory: /etc/passwd: {expected}\n")
    );
}

/// A FIFO that nobody writes to holds up nobody.
#[test]
fn a_fifo_is_an_empty_file() {
    let dir = TempDir::new();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join("A").to_str().unwrap(), mode).unwrap();
    for (who, ran) in Everyone::new().run(dir.path()) {
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", who.display());
        assert_eq!(variables(&ran.stdout), ["AB=inherited ab", "PATH=/usr/bin:/bin"]);
    }
}

#[test]
fn four_megabytes_of_values_arrive_whole() {
    let dir = TempDir::new();
    // A single one can be 128 KiB, which is the kernel's limit.
    let size = 130_000;
    for number in 0..32_u8 {
        write(&dir.path().join(format!("V{number}")), vec![b'a' + number % 26; size]);
    }
    // This much fits beside a stack of 32 MiB.
    let run = env_under(["-e", dir.path().to_str().unwrap()]);
    let out = run.through_sh("ulimit -s 32768").stdout();
    let found = variables(&out);
    for number in 0..32_u8 {
        let value = char::from(b'a' + number % 26).to_string().repeat(size);
        let expected = format!("V{number}={value}");
        assert!(found.contains(&expected.as_str()), "V{number}");
    }
}

/// The first line counts, however long the file is, and what is cut does not.
#[test]
fn a_file_of_four_megabytes_is_read_whole() {
    let dir = TempDir::new();
    let path = dir.path().to_str().unwrap();
    let blanks = format!("A value\0{}", " \t".repeat(2 << 20));
    write(&dir.path().join("A"), &blanks);
    write(&dir.path().join("B"), format!("{blanks}\nsecond line"));
    write(&dir.path().join("C"), format!("first line\n{blanks}"));
    let out = env_under(["-e", path]).stdout();
    assert!(variables(&out).starts_with(&[
        "A=A value\n",
        "AB=inherited ab",
        "B=A value\n",
        "C=first line"
    ]));
    // What the kernel does not take is not cut but refused.
    write(&dir.path().join("A"), vec![b'x'; 4 << 20]);
    let said = env_under(["-e", path]).fails(111);
    assert_eq!(said, "chpst: fatal: unable to run: env: argument list too long\n");
}

#[test]
fn thousands_of_files() {
    let dir = TempDir::new();
    let mut expected = vec!["AB=inherited ab".to_owned(), "PATH=/usr/bin:/bin".to_owned()];
    for number in 0..5000 {
        write(&dir.path().join(format!("VARIABLE_{number}")), format!("value {number}"));
        expected.push(format!("VARIABLE_{number}=value {number}"));
    }
    write(&dir.path().join("A"), "");
    expected.sort_unstable();
    for (who, ran) in Everyone::new().run(dir.path()) {
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", who.display());
        assert!(variables(&ran.stdout) == expected, "{}", who.display());
    }
}

/// PROG is searched in the PATH that chpst was started with, not in the one that it sets.
#[test]
fn the_search_path_is_the_inherited_one() {
    let dir = TempDir::new();
    write(&dir.path().join("PATH"), "/nonexistent\n");
    let out = env_under(["-e", dir.path().to_str().unwrap()]).stdout();
    assert!(variables(&out).contains(&"PATH=/nonexistent"));
}

#[test]
fn ids_are_shown_in_the_environment() {
    let out = env_under(["-U", ":5:6:7"]).stdout();
    let expected = ["A=inherited a", "AB=inherited ab", "GID=6", "PATH=/usr/bin:/bin", "UID=5"];
    assert_eq!(variables(&out), expected);
    // In place of what is there, and after the environment directory.
    let dir = TempDir::new();
    write(&dir.path().join("UID"), "wrong");
    write(&dir.path().join("GID"), "wrong");
    let run = env_under(["-U", ":8:9", "-e", dir.path().to_str().unwrap()]);
    let out = run.env("UID", "1").env("GID", "2").stdout();
    let expected = ["A=inherited a", "AB=inherited ab", "GID=9", "PATH=/usr/bin:/bin", "UID=8"];
    assert_eq!(variables(&out), expected);
    // An ordinary user may ask as well, and nothing else changes.
    let out = env_under(["-U", "root"]).ordinary().stdout();
    assert!(variables(&out).contains(&"UID=0") && variables(&out).contains(&"GID=0"));
    assert_eq!(env_under(["-U", ":"]).fails(111), "chpst: fatal: invalid uid/gids: \n");
    let said = env_under(["-U", "no-such-user"]).fails(111);
    assert_eq!(said, "chpst: fatal: unknown user/group: no-such-user\n");
}

#[test]
fn envuidgid_takes_an_account_alone() {
    let names = Names::of("chpst");
    let originals = daemontools("envuidgid").into_iter();
    let all = [names.called("envuidgid"), names.called("denvuidgid")].into_iter().chain(originals);
    for program in all {
        let run = |account: &str| {
            with_environment(Run::path(&program).args([account, "env", "-0"])).run()
        };
        let ran = run("root");
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", program.display());
        let expected = ["A=inherited a", "AB=inherited ab", "GID=0", "PATH=/usr/bin:/bin", "UID=0"];
        assert_eq!(variables(&ran.stdout), expected);
        for account in ["no-such-user", "root:root", ":1:2"] {
            let ran = run(account);
            assert_eq!((ran.code, ran.stdout.as_str()), (111, ""), "{}", program.display());
            assert!(ran.stderr.contains("unknown account"), "{}", ran.stderr);
        }
    }
}

#[test]
fn names_that_are_no_text_go_through() {
    let dir = TempDir::new();
    write(&dir.path().join(OsStr::from_bytes(b"caf\xe9")), "x");
    for (who, ran) in Everyone::new().run(dir.path()) {
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", who.display());
        assert!(variables(&ran.stdout).contains(&"caf\u{fffd}=x"), "{}", ran.stdout);
    }
}
