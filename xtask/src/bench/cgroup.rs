//! A memory cgroup: what a set of processes costs the machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::error::{Error, OnFile, Result};
use crate::process::silently;

/// How often to look, at most, until the figures no longer change.
const LOOKS: usize = 30;

/// Where the first version of cgroups has its memory controller, and where the
/// second has everything.
const V1: &str = "/sys/fs/cgroup/memory";
const V2: &str = "/sys/fs/cgroup";

/// A cgroup of our own; removed at the end of its life.
pub struct Cgroup {
    directory: PathBuf,
    v2: bool,
}

impl Cgroup {
    /// Makes one, which takes root; with these controllers where one directory has several.
    pub fn new(name: &str, controllers: &[&str]) -> Result<Self> {
        let v2 = Path::new(V2).join("cgroup.controllers").exists();
        if v2 {
            let control = Path::new(V2).join("cgroup.subtree_control");
            for controller in controllers {
                std::fs::write(&control, format!("+{controller}")).on("write", &control)?;
            }
        }
        let directory = Path::new(if v2 { V2 } else { V1 }).join(name);
        std::fs::create_dir(&directory).on("create", &directory)?;
        Ok(Self { directory, v2 })
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether it is of the second version, where one directory has all controllers.
    pub fn is_v2(&self) -> bool {
        self.v2
    }

    /// Allows `more` bytes than are used now; without, any number.
    pub fn limit(&self, more: Option<u64>) -> Result<()> {
        let (usage, file, any) = if self.v2 {
            ("memory.current", "memory.max", "max")
        } else {
            ("memory.usage_in_bytes", "memory.limit_in_bytes", "-1")
        };
        let limit = match more {
            Some(more) => {
                let path = self.directory.join(usage);
                let text = std::fs::read_to_string(&path).on("read", &path)?;
                (number(&text, &path)? + more).to_string()
            }
            None => any.to_owned(),
        };
        let path = self.directory.join(file);
        std::fs::write(&path, limit).on("write", path)
    }

    /// Starts the program once with each of the arguments, from inside, so that
    /// what the kernel keeps for a process is charged here too.
    ///
    /// The shell that does it has ended then, and its children are ours.
    pub fn start(&self, program: &Command, arguments: &[PathBuf]) -> Result<()> {
        let script =
            "echo 0 >\"$0\"; program=$1; shift; for each; do \"$program\" \"$each\" & done";
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script]).arg(self.directory.join("cgroup.procs"));
        shell.arg(program.get_program()).args(arguments);
        shell.env_clear();
        shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        silently(shell.stderr(Stdio::null()))
    }

    /// Its processes.
    pub fn members(&self) -> Result<Vec<u32>> {
        let path = self.directory.join("cgroup.procs");
        let text = std::fs::read_to_string(&path).on("read", path)?;
        Ok(text.lines().filter_map(|pid| pid.parse().ok()).collect())
    }

    /// The bytes that are its members' own: anonymous memory, and the kernel's for them.
    ///
    /// The cache of files is not counted, and what the kernel could drop at any
    /// time it is asked to drop first.
    pub fn charged(&self) -> Result<u64> {
        let (file, request) = if self.v2 {
            ("memory.reclaim", "1G swappiness=0")
        } else {
            ("memory.force_empty", "0")
        };
        // Refused when there is less to drop than asked for, which is fine.
        let _ = std::fs::write(self.directory.join(file), request);
        // The kernel frees some of it a moment later.
        let mut last = self.charged_now()?;
        for _ in 0..LOOKS {
            std::thread::sleep(Duration::from_millis(100));
            let now = self.charged_now()?;
            if now == last {
                break;
            }
            last = now;
        }
        Ok(last)
    }

    fn charged_now(&self) -> Result<u64> {
        if self.v2 {
            return Ok(self.stat("anon")? + self.stat("kernel")?);
        }
        let kernel = self.directory.join("memory.kmem.usage_in_bytes");
        let text = std::fs::read_to_string(&kernel).on("read", &kernel)?;
        Ok(self.stat("rss")? + number(&text, &kernel)?)
    }

    /// A line of `memory.stat`.
    fn stat(&self, key: &str) -> Result<u64> {
        let path = self.directory.join("memory.stat");
        let text = std::fs::read_to_string(&path).on("read", &path)?;
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
        number(value.unwrap_or_default(), &path)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Refused as long as a member is dying; it goes with the machine at the latest.
        let _ = std::fs::remove_dir(&self.directory);
    }
}

fn number(text: &str, path: &Path) -> Result<u64> {
    let number = text.trim().parse();
    number.map_err(|_| Error::Failed(format!("no number in {}", path.display())))
}
