//! `chpst`: usage, values that are refused, and programs that cannot be run.

use runit_tests::prelude::*;
use runit_tests::run::Run;

const USAGE: &str = "usage: chpst [-vVP012] [-u user[:group]] [-U user[:group]] [-b argv0] \
    [-e dir] [-/ root] [-C pwd] [-n nice] [-l|-L lock] [-m n] [-d n] [-o n] [-p n] [-f n] [-c n] \
    [-t n] prog\n\n";

fn chpst<const N: usize>(args: [&str; N]) -> Run {
    Run::new("chpst").args(args)
}

/// The usage of the suite under test: C runit before 2.2 has no `-C`.
fn usage() -> String {
    if has_chdir() { USAGE.into() } else { USAGE.replace("[-C pwd] ", "") }
}

/// Whether the suite under test has `-C`, as ours must.
pub fn has_chdir() -> bool {
    suite::is_ours() || chpst([]).run().stderr.contains("[-C pwd]")
}

#[test]
fn no_program_is_wrong_usage() {
    for args in [&[] as &[&str], &["-v"], &["-o", "5"], &["--"]] {
        assert_eq!(Run::new("chpst").args(args).fails(100), usage(), "{args:?}");
    }
}

#[test]
fn an_illegal_option_is_named_before_usage() {
    for (args, what) in [
        (["-x", "true"], "illegal option -- x"),
        (["-vPx", "true"], "illegal option -- x"),
        (["-vo", ""], "option requires an argument -- o"),
    ] {
        let args = args.into_iter().filter(|arg| !arg.is_empty());
        let said = Run::new("chpst").args(args).fails(100);
        assert_eq!(said, format!("chpst: {what}\n{}", usage()));
    }
    only_ours!("C runit has no long options");
    for (arg, what) in [
        ("--nonsense", "illegal option -- nonsense"),
        ("--umask", "option requires an argument -- umask"),
        ("--no-new-privileges=1", "option takes no argument -- no-new-privileges"),
    ] {
        assert_eq!(chpst([arg]).fails(100), format!("chpst: {what}\n{USAGE}"));
    }
}

#[test]
fn version_and_usage_on_standard_error() {
    let said = chpst(["-V", "true"]).fails(100);
    let (first, rest) = said.split_once('\n').unwrap();
    assert!(first.starts_with("$Id") && first.ends_with('$'), "{first}");
    assert_eq!(rest, usage());
    if suite::is_ours() {
        let words: Vec<_> = first.split(' ').collect();
        assert_eq!((words.len(), words[1]), (4, "chpst"));
    }
}

#[test]
fn help_and_version_on_standard_output() {
    only_ours!("C runit has no --help");
    let help = chpst(["--help"]).stdout();
    assert!(help.starts_with("usage: chpst [OPTION...] PROG [ARG...]\n"), "{help}");
    for option in ["-u USER[:GROUP...]", "-/ DIR", "--no-new-privileges", "--cgroup PATH"] {
        assert!(help.contains(option), "{option} in {help}");
    }
    assert!(chpst(["--version"]).stdout().starts_with("chpst (runit-rs) "));
    // Where it cannot be written, that is no success.
    let ran = chpst(["--help"]).through_sh("exec >/dev/full").run();
    assert_eq!((ran.code, ran.stderr.as_str()), (111, ""));
}

#[test]
fn values_that_are_no_numbers_are_refused() {
    for (option, value) in [
        ("-o", "x"),
        ("-o", "5x"),
        ("-o", "-1"),
        ("-o", "+5"),
        ("-o", " 5"),
        ("-m", "-1"),
        ("-d", "0x10"),
        ("-p", "1.5"),
        ("-f", "5 "),
        ("-c", "5kk"),
        ("-r", "x"),
        ("-t", "5m"),
        ("-n", "x"),
        ("-n", "5x"),
        ("-n", "+-5"),
    ] {
        let said = chpst([option, value, "echo", "ran"]).fails(100);
        if suite::is_ours() {
            // One line, which names it.
            assert!(said.starts_with("chpst: fatal: invalid "), "{option} {value}: {said}");
            assert!(said.ends_with(&format!(": {value}\n")), "{option} {value}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        } else {
            assert_eq!(said, usage());
        }
    }
}

/// [better] The reference takes an empty value as 0, and 2^64 as 0 too.
#[test]
fn values_that_do_not_fit_are_refused() {
    only_ours!("C runit takes what does not fit as something else");
    for (args, said) in [
        (["-o", "18446744073709551616"], "limit on open files: 18446744073709551616"),
        (["-m", ""], "limit on memory: "),
        (["-f", "17179869184g"], "limit on file size: 17179869184g"),
        (["-n", "2147483648"], "nice value: 2147483648"),
        (["-n", ""], "nice value: "),
        (["--umask", "1000"], "umask: 1000"),
        (["--stack", "5t"], "limit on stack size: 5t"),
        (["--bounding", "flying"], "list of capabilities: flying"),
        (["--ambient", "chown,"], "list of capabilities: chown,"),
    ] {
        let ran = chpst([args[0], args[1], "echo", "ran"]).fails(100);
        assert_eq!(ran, format!("chpst: fatal: invalid {said}\n"));
    }
}

#[test]
fn a_program_that_cannot_be_run() {
    let dir = TempDir::new();
    let plain = dir.path().join("plain");
    runit_tests::dirs::write(&plain, "#!/bin/sh\n");
    let (text, source) = (dir.path().join("text"), dir.path().join("source"));
    runit_tests::dirs::write(&source, "no program\n");
    // By a child: a file that another test's fork holds open for writing is busy instead.
    runit_tests::dirs::copy_program(&source, &text);
    runit_tests::dirs::set_mode(&text, 0o755);
    for (program, cause) in [
        ("no-such-program", "file does not exist"),
        ("/nonexistent/program", "file does not exist"),
        ("/etc", "access denied"),
        ("/etc/passwd/x", "not a directory"),
        (plain.to_str().unwrap(), "access denied"),
        (text.to_str().unwrap(), "exec format error"),
    ] {
        let said = chpst([program, "arg"]).fails(111);
        assert_eq!(said, format!("chpst: fatal: unable to run: {program}: {cause}\n"));
    }
}

#[test]
fn the_path_is_searched_as_a_shell_does() {
    let dir = TempDir::new();
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    for (place, name, mode) in [(&first, "tool", 0o644), (&second, "tool", 0o755)] {
        runit_tests::dirs::create_dir(place);
        let path = place.join(name);
        runit_tests::dirs::write_script(&path, "echo $0 $1");
        runit_tests::dirs::set_mode(&path, mode);
    }
    let path = format!("/nonexistent:{}:{}", first.display(), second.display());
    let ran = chpst(["tool", "x"]).env("PATH", path).stdout();
    assert_eq!(ran, format!("{} x\n", second.join("tool").display()));
    // What was found but not executable is the cause, not what was not found.
    let path = format!("{}:/nonexistent", first.display());
    let said = chpst(["tool"]).env("PATH", path).fails(111);
    assert_eq!(said, "chpst: fatal: unable to run: tool: access denied\n");
    if suite::is_ours() {
        // A part that is a file is no end of the search.
        let path = format!("/etc/passwd:{}", second.display());
        assert!(chpst(["tool", "x"]).env("PATH", path).stdout().ends_with("tool x\n"));
    }
    // An empty part is the current directory; without PATH there is a default.
    let ran = chpst(["tool", "x"]).env("PATH", ":/nonexistent").cwd(&second).stdout();
    assert!(ran.ends_with("tool x\n"), "{ran}");
    assert_eq!(chpst(["echo", "x"]).env_clear().stdout(), "x\n");
}

#[test]
fn options_end_at_the_program() {
    assert_eq!(chpst(["echo", "-o", "x"]).stdout(), "-o x\n");
    assert_eq!(chpst(["--", "echo", "--", "-v"]).stdout(), "-- -v\n");
    assert_eq!(chpst(["-vb", "name", "sh", "-c", "echo $0"]).stdout(), "name\n");
}

#[test]
fn exit_codes_are_the_programs() {
    assert_eq!(chpst(["sh", "-c", "exit 17"]).run().code, 17);
}
