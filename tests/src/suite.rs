//! Which programs are tested: `RUNIT_UNDER_TEST=DIR`, or else the workspace's own build.

use std::collections::{BTreeMap, HashMap};
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::wait::LIMIT;

/// The variable that names the directory of the programs to test.
pub const VARIABLE: &str = "RUNIT_UNDER_TEST";

/// The variable that names another directory for the supervisors alone, so that `sv` of one suite
/// is tested on the `runsv` of another.
pub const SUPERVISORS: &str = "RUNSV_UNDER_TEST";

/// The program called `name` of the suite under test.
///
/// With [`VARIABLE`] set that is `DIR/name`, or `DIR/../sbin/name`, where distributions put those
/// for the administrator, or `DIR/../lib/runit/name`, where Debian keeps `runit-init`. Otherwise the
/// workspace is built, once, and the build says where the program is.
pub fn bin(name: &str) -> PathBuf {
    find(name).unwrap_or_else(|| match env::var_os(VARIABLE) {
        Some(dir) => panic!("no {name} in {VARIABLE}={}", dir.to_string_lossy()),
        None => panic!("the workspace builds no program called {name}"),
    })
}

/// The program called `name` of the suite under test, if there is one.
pub fn find(name: &str) -> Option<PathBuf> {
    let supervisor = matches!(name, "runsv" | "runsvdir").then(|| env::var_os(SUPERVISORS));
    let dir = supervisor.flatten().or_else(|| env::var_os(VARIABLE));
    let Some(dir) = dir.map(PathBuf::from) else {
        return built().get(name).cloned();
    };
    let places = [".", "../sbin", "../lib/runit"];
    places.into_iter().map(|place| dir.join(place).join(name)).find(|path| path.exists())
}

/// The program called `name`, to be run to its end with a time limit. It is found in the PATH, and
/// so sees the mere name as its own.
pub fn command(name: &str) -> assert_cmd::Command {
    // It must be there: the rest of the PATH may hold another.
    bin(name);
    let mut command = assert_cmd::Command::new(name);
    command.timeout(LIMIT).env("PATH", search_path());
    command
}

/// The PATH that tested programs get: the suite's directories first, so that `runsvdir` starts the
/// `runsv` that is under test.
pub fn search_path() -> OsString {
    let mut dirs: Vec<PathBuf> = ["runsv", "runit"]
        .into_iter()
        .filter_map(|name| Some(find(name)?.parent()?.to_path_buf()))
        .collect();
    dirs.dedup();
    dirs.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    env::join_paths(dirs).unwrap_or_else(|error| panic!("PATH: {error}"))
}

/// Whether the supervisors under test are this project's.
pub fn is_ours() -> bool {
    is_program_ours("runsv")
}

/// Whether the program called `name` is this project's, which answers `--version` with its name.
pub fn is_program_ours(name: &str) -> bool {
    static OURS: Mutex<BTreeMap<String, bool>> = Mutex::new(BTreeMap::new());
    // Nothing is left undone by a test that panicked with it.
    let mut ours = OURS.lock().unwrap_or_else(PoisonError::into_inner);
    *ours.entry(name.to_owned()).or_insert_with(|| {
        let program = bin(name);
        let output = Command::new(&program)
            .arg("--version")
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains("runit-rs")
    })
}

/// Whether the supervisors are this project's; if not, says on standard error that the calling test
/// does not apply, and why.
pub fn only_ours(reason: &str) -> bool {
    only_our_program("runsv", reason)
}

/// The same of the program called `name`.
pub fn only_our_program(name: &str, reason: &str) -> bool {
    let ours = is_program_ours(name);
    if !ours {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        eprintln!("{test}: does not apply to this suite: {reason}");
    }
    ours
}

/// Whether the suite has a program called `name`; if not, says on standard error that the calling
/// test does not apply.
pub fn has(name: &str) -> bool {
    let found = find(name).is_some();
    if !found {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        eprintln!("{test}: does not apply to this suite: it has no {name}");
    }
    found
}

/// Builds the workspace's programs; their names and where they are.
fn built() -> &'static HashMap<String, PathBuf> {
    static BUILT: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
    BUILT.get_or_init(|| {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["build", "--workspace", "--bins", "--message-format=json"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap_or_else(|error| panic!("cargo build: {error}"));
        assert!(
            output.status.success(),
            "cargo build failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(executable)
            .filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path)))
            .collect()
    })
}

/// The value of `"executable"` in one line of cargo's messages, if it is a string.
fn executable(message: &str) -> Option<PathBuf> {
    let (_, rest) = message.split_once(r#""executable":""#)?;
    let mut path = String::new();
    let mut bytes = rest.chars();
    loop {
        match bytes.next()? {
            '"' => return Some(path.into()),
            '\\' => path.push(bytes.next()?),
            other => path.push(other),
        }
    }
}
