//! The cgroups that the tree is in: few processes at times, little memory at others.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::cgroup::Cgroup;
use crate::error::{OnFile, Result};

/// Where the first version of cgroups counts processes.
const V1_PROCESSES: &str = "/sys/fs/cgroup/pids";

/// The cgroups.
pub struct Limits {
    memory: Cgroup,
    /// Where processes are counted.
    processes: PathBuf,
}

impl Limits {
    /// Makes them, which takes root and both controllers.
    pub fn new(name: &str) -> Result<Self> {
        let memory = Cgroup::new(name, &["memory", "pids"])?;
        let processes = if memory.is_v2() {
            memory.directory().to_owned()
        } else {
            let directory = Path::new(V1_PROCESSES).join(name);
            std::fs::create_dir(&directory).on("create", &directory)?;
            directory
        };
        Ok(Self { memory, processes })
    }

    /// The program, started inside; the score tells whom the kernel kills first.
    pub fn command(&self, score: i32, program: &Path) -> Command {
        let script = "echo 0 >\"$0/cgroup.procs\" && echo 0 >\"$1/cgroup.procs\" \
                      && echo \"$2\" >/proc/self/oom_score_adj && shift 2 && exec \"$@\"";
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).args([self.memory.directory(), &self.processes]);
        command.arg(score.to_string()).arg(program);
        command
    }

    /// Allows `more` processes than there are; without, any number.
    pub fn limit_processes(&self, more: Option<u64>) -> Result<()> {
        let now = self.processes.join("pids.current");
        let text = std::fs::read_to_string(&now).on("read", now)?;
        let limit = match (more, text.trim().parse::<u64>()) {
            (Some(more), Ok(now)) => (now + more).to_string(),
            _ => "max".to_owned(),
        };
        let path = self.processes.join("pids.max");
        std::fs::write(&path, limit).on("write", path)
    }

    /// How often a process could not be made for lack of room.
    pub fn forks_refused(&self) -> u64 {
        let text = std::fs::read_to_string(self.processes.join("pids.events")).unwrap_or_default();
        text.split_whitespace().nth(1).and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// Allows `more` bytes than are used; without, any number.
    pub fn limit_memory(&self, more: Option<u64>) -> Result<()> {
        self.memory.limit(more)
    }
}

/// Removes the cgroups of that name, once all in them has ended.
pub fn remove(name: &str) {
    for controller in ["", "memory", "pids"] {
        // Most are not there.
        let _ = std::fs::remove_dir(Path::new("/sys/fs/cgroup").join(controller).join(name));
    }
}
