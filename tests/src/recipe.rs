//! A recipe of `examples/`: copied, supervised, and looked at as its users do.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::dirs::{TempDir, create_dir};
use crate::logs::LogDir;
use crate::own::{install, path};
use crate::run::{Ran, Run};
use crate::wait::wait_until;
use crate::{Launch, Proc, Service, ServiceDirBuilder, Supervisor};

/// A copy of a recipe, in a directory of its own.
#[derive(Debug)]
pub struct Recipe {
    /// Goes first: then nobody writes into the directory any more.
    runsvdir: Option<Supervisor>,
    top: PathBuf,
    dir: TempDir,
    env: Vec<(OsString, OsString)>,
}

impl Recipe {
    /// Copies `examples/NAME`.
    #[track_caller]
    pub fn copy(name: &str) -> Self {
        let dir = TempDir::new();
        let top = dir.path().join("recipe");
        install(&format!("examples/{name}"), &top);
        create_dir(&dir.path().join("service"));
        Self { runsvdir: None, top, dir, env: Vec::new() }
    }

    /// The path of something in it.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.top.join(name)
    }

    /// A service directory in it.
    #[track_caller]
    pub fn service(&self, name: &str) -> Service {
        ServiceDirBuilder::new().build_in(self.path(name))
    }

    /// A setting, which all services find in their environment.
    pub fn set(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.env.push((name.into(), value.as_ref().to_owned()));
    }

    /// Supervises these of its service directories.
    #[track_caller]
    pub fn start(&mut self, services: &[&str]) {
        let levels = self.dir.path().join("service");
        for service in services {
            let link = levels.join(service);
            symlink(self.path(service), &link)
                .unwrap_or_else(|error| panic!("{}: {error}", link.display()));
        }
        let mut launch = Launch::new("runsvdir").arg("-P").arg(levels).env("PATH", path());
        for (name, value) in &self.env {
            launch = launch.env(name, value);
        }
        self.runsvdir = Some(launch.spawn());
    }

    /// A program, about to be run with the recipe's settings in its directory.
    pub fn run(&self, program: impl AsRef<OsStr>) -> Run {
        let run = Run::path(program).env("PATH", path()).cwd(&self.top);
        let run = run.env("SVDIR", self.dir.path().join("service"));
        self.env.iter().fold(run, |run, (name, value)| run.env(name, value))
    }

    /// Runs `sv`; it must succeed. Gives what it said.
    #[track_caller]
    pub fn sv(&self, words: &[&str]) -> String {
        self.run(crate::suite::bin("sv")).args(["-w", "80"]).args(words).stdout()
    }

    /// What `sv check` says of a service that is given a second.
    #[track_caller]
    pub fn check(&self, service: &str) -> Ran {
        self.run(crate::suite::bin("sv")).args(["-w", "1", "check", service]).run()
    }

    /// Waits until a service runs and is ready, as `sv check` finds it.
    #[track_caller]
    pub fn wait_ready(&self, service: &str) {
        wait_until(&format!("{service} to be ready"), || {
            let ran = self.check(service);
            if ran.code == 0 && ran.stdout.starts_with("ok: run: ") {
                Ok(())
            } else {
                Err(format!("{ran:?}; {}", log_of(&self.service(service))))
            }
        });
    }

    /// Ends it in order, and sees to it that no process is left.
    #[track_caller]
    pub fn end(mut self) {
        let Some(mut runsvdir) = self.runsvdir.take() else { return };
        let family = runsvdir.family();
        runsvdir.kill(Signal::HUP);
        assert_eq!(runsvdir.wait_exit(), 111);
        for process in family {
            process.wait_for_end();
        }
        wait_until("nothing to be left", || {
            let family: Vec<_> = runsvdir.family().into_iter().map(Proc::args).collect();
            if family.is_empty() { Ok(()) } else { Err(format!("{family:?}")) }
        });
    }
}

/// What a service's logger has written to `log/main`.
pub fn log_of(service: &Service) -> String {
    let dir = service.join("log/main");
    if dir.exists() { LogDir::at(dir).everything() } else { String::new() }
}

/// Waits until that log holds `what`.
#[track_caller]
pub fn wait_log(service: &Service, what: &str) {
    wait_until(&format!("{what:?} in the log of {}", service.path().display()), || {
        let log = log_of(service);
        if log.contains(what) { Ok(()) } else { Err(log) }
    });
}

/// Gives a directory and all that is in it to an account.
#[track_caller]
pub fn give(dir: &Path, user: u32, group: u32) {
    let entries = std::fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() && !path.is_symlink() {
            give(&path, user, group);
        } else {
            let result = std::os::unix::fs::lchown(&path, Some(user), Some(group));
            result.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
    chown(dir, Some(user), Some(group)).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
}

/// The number that `id OPTION ACCOUNT` gives.
#[track_caller]
pub fn id(option: &str, account: &str) -> u32 {
    let said = Run::path("id").args([option, account]).stdout();
    said.trim().parse().unwrap_or_else(|_| panic!("id {option} {account}: {said}"))
}

/// The name of the account that runs the tests, or of the other one where that is root.
#[track_caller]
pub fn account_or(other: &str) -> String {
    if crate::run::is_root() {
        return other.to_owned();
    }
    Run::path("id").arg("-un").stdout().trim().to_owned()
}

/// Fails, naming the package, where a program is missing.
#[track_caller]
pub fn need(program: &str, package: &str) {
    let found = std::env::split_paths(&path()).any(|dir| dir.join(program).is_file());
    assert!(
        found,
        "{program} is not installed; this test needs it as a real service \
         (Debian: apt-get install {package})"
    );
}
