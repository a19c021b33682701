//! Temporary directories, and service directories in them.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, io};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::protocol::Supervised;
use crate::wait::wait_until;

/// A directory of its own that is removed, with all that is in it, when this value goes.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// A new, empty directory with mode 0755.
    pub fn new() -> Self {
        Self::new_in(&env::temp_dir())
    }

    /// The same below another directory.
    #[track_caller]
    pub fn new_in(dir: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = dir.join(format!("runit-e2e-{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => {
                    set_mode(&path, 0o755);
                    return Self(path);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for TempDir {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // A process that is being ended may still write here: once more then. Directories that a
        // test closed are opened first.
        for _ in 0..100 {
            match fs::remove_dir_all(&self.0) {
                Ok(()) => return,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return,
                Err(_) => open_up(&self.0),
            }
        }
        eprintln!("{}: cannot be removed", self.0.display());
    }
}

/// Gives the owner access to `dir` and the directories below it.
fn open_up(dir: &Path) {
    let _ = fs::set_permissions(dir, Permissions::from_mode(0o700));
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

/// Sets the mode of a file.
#[track_caller]
pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// The permission bits of a file.
#[track_caller]
pub fn mode(path: &Path) -> u32 {
    let data = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    data.permissions().mode() & 0o7777
}

/// The names in a directory, sorted.
#[track_caller]
pub fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut names: Vec<_> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Device and inode of a file, and when it was modified: what changes when it is replaced.
#[track_caller]
pub fn identity(path: &Path) -> (u64, u64, i64, i64) {
    let data = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (data.dev(), data.ino(), data.mtime(), data.mtime_nsec())
}

/// Creates a directory and what is missing above it.
#[track_caller]
pub fn create_dir(path: &Path) {
    fs::create_dir_all(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Writes a file.
#[track_caller]
pub fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::write(path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// The text of a file that may not be there yet: then it is empty.
pub fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// The lines of a file that may not be there yet; the last is whole or left out.
pub fn lines(path: &Path) -> Vec<String> {
    let text = text(path);
    let mut all: Vec<_> = text.split('\n').map(str::to_owned).collect();
    all.pop();
    all
}

/// Waits until the file's lines are `wanted`.
#[track_caller]
pub fn wait_lines(path: &Path, wanted: &[&str]) {
    wait_until(&format!("{} to hold {wanted:?}", path.display()), || {
        let seen = lines(path);
        if seen == wanted { Ok(()) } else { Err(format!("{seen:?}")) }
    });
}

/// Waits until the file has at least `count` lines and gives them.
#[track_caller]
pub fn wait_line_count(path: &Path, count: usize) -> Vec<String> {
    wait_until(&format!("{count} lines in {}", path.display()), || {
        let seen = lines(path);
        if seen.len() >= count { Ok(seen) } else { Err(format!("{seen:?}")) }
    })
}

/// Makes a FIFO.
#[track_caller]
pub fn make_fifo(path: &Path) {
    let bytes = path.as_os_str().as_bytes();
    mknodat(CWD, bytes, FileType::Fifo, Mode::from_raw_mode(0o600), 0)
        .unwrap_or_else(|errno| panic!("{}: {errno}", path.display()));
}

/// Opens a FIFO for writing and closes it: lets go on what waits at `: <FIFO`.
#[track_caller]
pub fn open_gate(path: &Path) {
    let opened = fs::OpenOptions::new().write(true).open(path);
    drop(opened.unwrap_or_else(|error| panic!("{}: {error}", path.display())));
}

/// Writes an executable script; text that does not start with `#!` is one for `sh`. It is whole
/// when it gets its name: a supervisor may be about to start what was there before.
///
/// A child writes it: were it this process, then another test's fork could hold the file open for
/// writing at the moment it is to be executed, which fails (ETXTBSY).
#[track_caller]
pub fn write_script(path: &Path, script: impl AsRef<OsStr>) {
    let script = script.as_ref();
    let first = if script.as_bytes().starts_with(b"#!") { "" } else { "#!/bin/sh\n" };
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let status = Command::new("/bin/sh")
        .args(["-c", r#"printf '%s%s\n' "$2" "$3" >"$1""#, "sh"])
        .args([&new, OsStr::new(first), script])
        .status()
        .unwrap_or_else(|error| panic!("/bin/sh: {error}"));
    assert!(status.success(), "{} not written", path.display());
    set_mode(Path::new(&new), 0o755);
    fs::rename(&new, path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Copies a program, by a child for the reason that [`write_script`] has.
#[track_caller]
pub fn copy_program(from: &Path, to: &Path) {
    let status = Command::new("cp").arg(from).arg(to).status();
    assert!(status.is_ok_and(|status| status.success()), "{} not copied", from.display());
}

/// A `run` that does nothing for as long as it is let.
pub const SLEEP: &str = "exec sleep 100000";

/// A `log/run` that appends its input to the file `lines` in `log/`.
pub const APPEND: &str = "exec cat >>lines";

/// A program that writes `ready` and then the name of each signal it gets, a line each, to the file
/// `got` in its directory, and stays.
pub const RECORDER: &str = "\
for signal in TERM ALRM HUP INT QUIT USR1 USR2 CONT; do trap \"echo $signal >>got\" $signal; done
echo ready >>got
sleep 100000 &
while :; do wait; done";

/// What a service directory is to hold.
#[derive(Debug, Default)]
pub struct ServiceDirBuilder {
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Script(PathBuf, Vec<u8>),
    File(PathBuf, Vec<u8>),
    Link(PathBuf, PathBuf),
    Dir(PathBuf, u32),
}

impl ServiceDirBuilder {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// A service that sleeps.
    pub fn sleeper() -> Self {
        Self::new().run(SLEEP)
    }

    /// An executable script at `path`; text without `#!` is for `sh`.
    #[must_use]
    pub fn script(mut self, path: impl Into<PathBuf>, script: impl AsRef<[u8]>) -> Self {
        self.steps.push(Step::Script(path.into(), script.as_ref().to_vec()));
        self
    }

    /// A file at `path`.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>, content: impl AsRef<[u8]>) -> Self {
        self.steps.push(Step::File(path.into(), content.as_ref().to_vec()));
        self
    }

    /// A symlink at `path`.
    #[must_use]
    pub fn link(mut self, path: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        self.steps.push(Step::Link(path.into(), target.into()));
        self
    }

    /// A directory at `path`.
    #[must_use]
    pub fn dir(mut self, path: impl Into<PathBuf>, mode: u32) -> Self {
        self.steps.push(Step::Dir(path.into(), mode));
        self
    }

    /// `run`
    #[must_use]
    pub fn run(self, script: impl AsRef<[u8]>) -> Self {
        self.script("run", script)
    }

    /// `finish`
    #[must_use]
    pub fn finish(self, script: impl AsRef<[u8]>) -> Self {
        self.script("finish", script)
    }

    /// `check`
    #[must_use]
    pub fn check(self, script: impl AsRef<[u8]>) -> Self {
        self.script("check", script)
    }

    /// `control/BYTE`
    #[must_use]
    pub fn control(self, byte: char, script: impl AsRef<[u8]>) -> Self {
        self.script(format!("control/{byte}"), script)
    }

    /// `down`
    #[must_use]
    pub fn down(self) -> Self {
        self.file("down", "")
    }

    /// `log/run`
    #[must_use]
    pub fn log_run(self, script: impl AsRef<[u8]>) -> Self {
        self.script("log/run", script)
    }

    /// `log/down`
    #[must_use]
    pub fn log_down(self) -> Self {
        self.file("log/down", "")
    }

    /// Makes the directory in a temporary one of its own, which goes with the result.
    #[track_caller]
    pub fn build(self) -> Service {
        let temp = TempDir::new();
        let dir = temp.path().join("service");
        let mut service = self.build_in(&dir);
        service.temp = Some(temp);
        service
    }

    /// Makes the directory at `dir`.
    #[track_caller]
    pub fn build_in(self, dir: impl AsRef<Path>) -> Service {
        let dir = dir.as_ref();
        create_dir(dir);
        for step in self.steps {
            let (Step::Script(path, _)
            | Step::File(path, _)
            | Step::Link(path, _)
            | Step::Dir(path, _)) = &step;
            let path = dir.join(path);
            if let Some(parent) = path.parent() {
                create_dir(parent);
            }
            match step {
                Step::Script(_, script) => write_script(&path, OsStr::from_bytes(&script)),
                Step::File(_, content) => write(&path, content),
                Step::Link(_, target) => symlink(target, &path)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
                Step::Dir(_, mode) => {
                    create_dir(&path);
                    set_mode(&path, mode);
                }
            }
        }
        Service { main: Supervised::new(dir), log: Supervised::new(dir.join("log")), temp: None }
    }
}

/// A service directory. Stands for its [`Supervised`] main service.
#[derive(Debug)]
pub struct Service {
    main: Supervised,
    /// Its log service.
    pub log: Supervised,
    temp: Option<TempDir>,
}

impl Deref for Service {
    type Target = Supervised;
    fn deref(&self) -> &Supervised {
        &self.main
    }
}

impl Service {
    /// Its path.
    pub fn path(&self) -> &Path {
        &self.main.dir
    }

    /// The path of something in it.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.main.dir.join(name)
    }

    /// The directory that holds it, removed with it.
    pub fn parent(&self) -> &Path {
        self.temp.as_ref().map_or_else(|| panic!("made in a given place"), TempDir::path)
    }
}
