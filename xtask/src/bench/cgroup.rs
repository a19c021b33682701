//! A memory cgroup: what a set of processes costs the machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, OnFile, Result};

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
    /// Makes one, which takes root.
    pub fn new(name: &str) -> Result<Self> {
        let v2 = Path::new(V2).join("cgroup.controllers").exists();
        if v2 {
            let control = Path::new(V2).join("cgroup.subtree_control");
            std::fs::write(&control, "+memory").on("write", control)?;
        }
        let directory = Path::new(if v2 { V2 } else { V1 }).join(name);
        std::fs::create_dir(&directory).on("create", &directory)?;
        Ok(Self { directory, v2 })
    }

    /// The command, to be run as a member from its first instruction on.
    pub fn command(&self, command: &Command) -> Command {
        let mut wrapped = Command::new("/bin/sh");
        wrapped
            .args(["-c", "echo 0 >\"$0\" && exec \"$@\""])
            .arg(self.directory.join("cgroup.procs"));
        wrapped.arg(command.get_program()).args(command.get_args());
        wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        wrapped
    }

    /// The bytes that are its members' own: anonymous memory, and the kernel's for them.
    ///
    /// The cache of files is not counted, and what the kernel could drop at any
    /// time it is asked to drop first.
    pub fn charged(&self) -> Result<f64> {
        let (anonymous, kernel) = if self.v2 {
            // Reclaim answers with an error when it finds less to drop than asked.
            let _ = std::fs::write(self.directory.join("memory.reclaim"), "1G swappiness=0");
            (self.stat("anon")?, self.stat("kernel")?)
        } else {
            let _ = std::fs::write(self.directory.join("memory.force_empty"), "0");
            let kernel = self.directory.join("memory.kmem.usage_in_bytes");
            let text = std::fs::read_to_string(&kernel).on("read", &kernel)?;
            (self.stat("rss")?, number(&text, &kernel)?)
        };
        Ok(anonymous + kernel)
    }

    /// A line of `memory.stat`.
    fn stat(&self, key: &str) -> Result<f64> {
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

fn number(text: &str, path: &Path) -> Result<f64> {
    let number = text.trim().parse();
    number.map_err(|_| Error::Failed(format!("no number in {}", path.display())))
}
