//! The demo's directory below `target/`, and what runs there.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FlockOperation, Mode, OFlags};

use crate::error::{Error, OnFile, Result};
use crate::workspace::Workspace;

/// A fresh copy of the example services.
pub struct Demo {
    /// The directory for runsvdir.
    pub services: PathBuf,
    tools: PathBuf,
    /// Held as long as this lives: one demo at a time.
    _lock: rustix::fd::OwnedFd,
}

impl Demo {
    /// Copies the services, replacing what an earlier demo left.
    pub fn lay_out(workspace: &Workspace, tools: PathBuf) -> Result<Self> {
        let top = workspace.target.join("demo");
        std::fs::create_dir_all(&top).on("create", &top)?;
        let lock = lock(&top.join("lock"))?;
        let services = top.join("service");
        let demo = Self { services, tools, _lock: lock };
        if let Some(pid) = demo.processes()?.first() {
            let what = format!("process {pid} of an earlier demo is still there");
            return Err(Error::Failed(what));
        }
        if demo.services.exists() {
            std::fs::remove_dir_all(&demo.services).on("remove", &demo.services)?;
        }
        copy(&workspace.root.join("examples/demo"), &demo.services)?;
        Ok(demo)
    }

    /// A tool, set up to find the others and the services.
    ///
    /// It is in a process group of its own: Ctrl-C is ours to act on.
    pub fn command(&self, tool: &str) -> Command {
        use std::os::unix::process::CommandExt as _;
        let mut path = self.tools.clone().into_os_string();
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        let mut command = Command::new(self.tools.join(tool));
        command.env("PATH", path).env("SVDIR", &self.services).process_group(0);
        command
    }

    /// Where the logger of `clock` writes.
    pub fn clock_log(&self) -> PathBuf {
        self.services.join("clock/log/main/current")
    }

    /// Prints the last lines of that log.
    pub fn show_log(&self) {
        let log = std::fs::read_to_string(self.clock_log()).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        println!("the log of clock has {} lines, at the end:", lines.len());
        for line in &lines[lines.len().saturating_sub(3)..] {
            println!("    {line}");
        }
    }

    /// The processes that have their current directory among the services.
    pub fn processes(&self) -> Result<Vec<u32>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").on("read", "/proc")?.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // Another's process cannot be looked at, and is none of ours.
            let current = std::fs::read_link(entry.path().join("cwd"));
            if current.is_ok_and(|directory| directory.starts_with(&self.services)) {
                found.push(pid);
            }
        }
        Ok(found)
    }
}

/// An exclusive lock on the file.
fn lock(path: &Path) -> Result<rustix::fd::OwnedFd> {
    let name = path.as_os_str().as_encoded_bytes();
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
    let open = rustix::fs::open(name, flags, Mode::from_raw_mode(0o644))
        .map_err(|error| Error::Failed(format!("unable to open {}: {error}", path.display())))?;
    rustix::fs::flock(&open, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| Error::Failed("another demo runs in this checkout".into()))?;
    Ok(open)
}

/// Copies a directory with all in it; modes stay.
fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).on("create", to)?;
    for entry in std::fs::read_dir(from).on("read", from)? {
        let entry = entry.on("read", from)?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            std::fs::copy(&from, &to).on("copy", from)?;
        }
    }
    Ok(())
}
