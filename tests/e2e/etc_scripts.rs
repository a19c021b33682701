//! Every script of the checkout: clean under shellcheck, and understood by dash and busybox.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use runit_tests::own::checkout;

/// All files of the checkout that are scripts of `sh` or `bash`, and the name of their shell.
fn scripts() -> Vec<(PathBuf, String)> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(checkout())
        .output()
        .unwrap_or_else(|error| panic!("git: {error}"));
    let listed = String::from_utf8(listed.stdout).unwrap();
    let paths = listed.split_terminator('\0').map(|path| checkout().join(path));
    paths.filter_map(|path| Some((shell_of(&path)?, path))).map(|(a, b)| (b, a)).collect()
}

/// What the first line of a plain file asks for, if it is a shell.
fn shell_of(path: &PathBuf) -> Option<String> {
    if !fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let text = String::from_utf8(fs::read(path).ok()?).ok()?;
    let program = text.lines().next()?.strip_prefix("#!")?.trim();
    let name = program.rsplit(['/', ' ']).next()?;
    matches!(name, "sh" | "bash" | "dash").then(|| name.to_owned())
}

/// Runs a checker on one script; what it says where it is not content.
#[track_caller]
fn complaint(words: &[&str], path: &PathBuf) -> Option<String> {
    let output =
        Command::new(words[0]).args(&words[1..]).arg(path).output().unwrap_or_else(|error| {
            panic!("{} (a package of that name has it): {error}", words[0])
        });
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (!output.status.success() || !said.is_empty()).then(|| format!("{}:\n{said}", path.display()))
}

#[test]
fn all_are_clean() {
    let scripts = scripts();
    assert!(scripts.len() > 30, "{scripts:?}");
    let mut complaints = Vec::new();
    for (path, shell) in &scripts {
        complaints.extend(complaint(&["shellcheck"], path));
        if shell == "bash" {
            complaints.extend(complaint(&["bash", "-n"], path));
        } else {
            complaints.extend(complaint(&["dash", "-n"], path));
            complaints.extend(complaint(&["busybox", "sh", "-n"], path));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn service_directories_are_whole() {
    let directory = checkout().join("etc/sv");
    let mut seen = 0;
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        seen += 1;
        // State is kept in /run, so that /etc may be read-only and packages leave nothing behind.
        let state = fs::read_link(path.join("supervise")).unwrap();
        assert_eq!(state, PathBuf::from(format!("/run/runit/supervise.{name}")));
        if path.join("log").exists() {
            let state = fs::read_link(path.join("log/supervise")).unwrap();
            assert_eq!(state, PathBuf::from(format!("/run/runit/supervise.{name}-log")));
        }
        for program in ["run", "finish", "check", "log/run", "control/t"] {
            if let Ok(data) = fs::metadata(path.join(program)) {
                assert_eq!(data.permissions().mode() & 0o111, 0o111, "{name}/{program}");
            }
        }
        assert!(path.join("run").is_file(), "{name} has no run");
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn run_levels_lead_to_services() {
    let levels = checkout().join("etc/runit/runsvdir");
    for link in ["current", "previous"] {
        assert_eq!(fs::read_link(levels.join(link)).unwrap(), PathBuf::from("default"));
    }
    for level in ["default", "single", "archlinux-default"] {
        let services: Vec<_> = fs::read_dir(levels.join(level)).unwrap().flatten().collect();
        assert!(!services.is_empty(), "{level} is empty");
        for service in services {
            assert!(service.path().join("run").is_file(), "{}", service.path().display());
        }
    }
}

#[test]
fn recipes_are_whole() {
    let directory = checkout().join("examples");
    let table = fs::read_to_string(directory.join("README.md")).unwrap();
    let modules = fs::read_to_string(checkout().join("tests/e2e/main.rs")).unwrap();
    let mut seen = 0;
    for entry in fs::read_dir(&directory).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name == "demo" || !entry.path().is_dir() {
            continue;
        }
        seen += 1;
        let text = fs::read_to_string(entry.path().join("README.md")).unwrap();
        for part in ["**What.**", "**Why.**", "**How.**"] {
            assert!(text.contains(part), "examples/{name}/README.md lacks {part}");
        }
        let test = format!("recipe_{}", name.replace('-', "_"));
        assert!(modules.contains(&format!("mod {test};")), "{name} has no test");
        assert!(table.contains(&format!("| [{name}]({name}/README.md) |")), "{name} is not listed");
        assert!(table.contains(&format!("tests/e2e/{test}.rs")), "{test} is not listed");
    }
    assert!(seen >= 6, "{seen}");
    // `conf` is read by the others; all else is run.
    for (path, _) in scripts() {
        if path.starts_with(&directory) && path.file_name().is_some_and(|name| name != "conf") {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o111, 0o111, "{}", path.display());
        }
    }
}
