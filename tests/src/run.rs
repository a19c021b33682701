//! Running a program to its end.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::dirs::TempDir;
use crate::suite;
use crate::wait::LIMIT;

/// The ids of the ordinary user that tests become: `nobody`, as Linux has it.
pub const NOBODY: u32 = 65534;

/// A program to be run to its end, with a time limit and nothing on standard input.
#[derive(Debug)]
pub struct Run {
    command: Command,
}

/// How a program ended and what it wrote.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Run {
    /// The suite's program `name`.
    pub fn new(name: &str) -> Self {
        Self::path(suite::bin(name))
    }

    /// The program at `path`.
    pub fn path(path: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(path);
        command.env("PATH", suite::search_path());
        Self { command }
    }

    /// An argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// A variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// No variable but those that follow.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.command.env_clear();
        self
    }

    /// The directory to start in.
    #[must_use]
    pub fn cwd(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Commands for `sh`, run in the process that then becomes the program, as `exec <&-`.
    #[must_use]
    pub fn through_sh(self, commands: &str) -> Self {
        let mut sh = Command::new("/bin/sh");
        sh.args(["-c", &format!("{commands}\nexec \"$@\""), "sh"]);
        sh.arg(self.command.get_program()).args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => sh.env(name, value),
                None => sh.env_remove(name),
            };
        }
        if let Some(dir) = self.command.get_current_dir() {
            sh.current_dir(dir);
        }
        Self { command: sh }
    }

    /// As an ordinary user: `nobody`, if this is root.
    #[must_use]
    pub fn ordinary(mut self) -> Self {
        if is_root() {
            self.command.uid(NOBODY).gid(NOBODY);
        }
        self
    }

    /// Runs it.
    #[track_caller]
    pub fn run(self) -> Ran {
        let shown = format!("{:?}", self.command);
        let output = assert_cmd::Command::from_std(self.command)
            .timeout(LIMIT)
            .output()
            .unwrap_or_else(|error| panic!("{shown}: {error}"));
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs it; it must succeed and say nothing on standard error. Gives its standard output.
    #[track_caller]
    pub fn stdout(self) -> String {
        let ran = self.run();
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "standard output: {}", ran.stdout);
        ran.stdout
    }

    /// Runs it; it must fail with `code` and write nothing to standard output. Gives its standard
    /// error.
    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        let ran = self.run();
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "standard error: {}", ran.stderr);
        ran.stderr
    }
}

/// A program of the suite under other names: symlinks to it, in a directory that goes with this
/// value.
#[derive(Debug)]
pub struct Names {
    dir: TempDir,
    program: PathBuf,
}

impl Names {
    /// For the suite's program `name`.
    pub fn of(name: &str) -> Self {
        Self { dir: TempDir::new(), program: suite::bin(name) }
    }

    /// The program under another name.
    #[track_caller]
    pub fn called(&self, name: &str) -> PathBuf {
        let link = self.dir.path().join(name);
        if !link.exists() {
            symlink(&self.program, &link)
                .unwrap_or_else(|error| panic!("{}: {error}", link.display()));
        }
        link
    }
}

/// Whether this is root, who may do what the tests of users, roots and limits do.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether this is root; if not, says on standard error that the calling test is left out.
pub fn only_root(what: &str) -> bool {
    if !is_root() {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        eprintln!("{test}: left out, since only root may {what}");
    }
    is_root()
}

/// The original `name` of daemontools, where it is installed.
pub fn daemontools(name: &str) -> Option<PathBuf> {
    let original = |dir: &str| {
        let path = Path::new(dir).join(name).canonicalize().ok()?;
        // Not one of the links that suites like this one install.
        (path.file_name() == Some(&OsString::from(name))).then_some(path)
    };
    ["/usr/bin", "/command"].into_iter().find_map(original)
}
