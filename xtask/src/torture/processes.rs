//! What runs in this namespace, told apart by what it is for.

use std::path::{Path, PathBuf};

use super::plan::{Plan, place_of};

/// What a process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The one above all.
    Runsvdir,
    /// The supervisor of that service.
    Supervisor(u32),
    /// The service itself.
    Service(u32),
    /// Its `finish`.
    Finish(u32),
    /// Its logger, or what becomes it.
    Logger(u32),
    /// Anything else.
    Other,
}

impl Role {
    /// The service that it is of.
    pub fn service(self) -> Option<u32> {
        match self {
            Self::Supervisor(id) | Self::Service(id) | Self::Finish(id) | Self::Logger(id) => {
                Some(id)
            }
            Self::Runsvdir | Self::Other => None,
        }
    }
}

/// A process.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// Ended, but not yet waited for.
    pub zombie: bool,
    /// What it is for.
    pub role: Role,
}

/// All but ourselves and our clients' (`sv`); those that end meanwhile are left out.
pub fn all(plan: &Plan) -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| pid != std::process::id()).filter_map(|pid| read(plan, pid)).collect()
}

fn read(plan: &Plan, pid: u32) -> Option<Process> {
    let directory = PathBuf::from(format!("/proc/{pid}"));
    let stat = std::fs::read_to_string(directory.join("stat")).ok()?;
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
    let mut rest = rest.split(' ');
    let zombie = rest.next()? == "Z";
    let parent = rest.next()?.parse().ok()?;
    let cwd = std::fs::read_link(directory.join("cwd")).unwrap_or_default();
    let command = std::fs::read(directory.join("cmdline")).unwrap_or_default();
    let first = command.split(|&byte| byte == 0).next().unwrap_or_default();
    Some(Process { pid, parent, zombie, role: role(plan, name, first, &cwd) })
}

/// By the name that the kernel keeps, the first word of the command and the directory.
fn role(plan: &Plan, name: &str, command: &[u8], cwd: &Path) -> Role {
    if name == "runsvdir" {
        return Role::Runsvdir;
    }
    match (place_of(plan, cwd), name, command) {
        (Some((id, _)), "runsv", _) => Role::Supervisor(id),
        (Some((id, true)), ..) => Role::Logger(id),
        (Some((id, false)), _, b"./run") => Role::Service(id),
        (Some((id, false)), _, b"./finish") => Role::Finish(id),
        _ => Role::Other,
    }
}

/// The number of its open descriptors.
pub fn descriptors(pid: u32) -> Option<usize> {
    Some(std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
}

/// Its private memory that has been written to, in KiB.
pub fn private_memory(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Private_Dirty:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_told_by_name_command_and_directory() {
        let plan = Plan { seed: 1, services: 9, clients: 2, base: "/b".into() };
        let role =
            |name, command: &str, cwd: &str| role(&plan, name, command.as_bytes(), Path::new(cwd));
        assert_eq!(role("runsvdir", "runsvdir", "/b/services"), Role::Runsvdir);
        assert_eq!(role("runsv", "runsv", "/b/services/s0004"), Role::Supervisor(4));
        assert_eq!(role("run", "./run", "/b/services/s0004"), Role::Service(4));
        assert_eq!(role("finish", "./finish", "/b/services/s0004"), Role::Finish(4));
        assert_eq!(role("run", "/bin/sh", "/b/services/s0004/log"), Role::Logger(4));
        assert_eq!(role("svlogd", "svlogd", "/b/logs/s0004"), Role::Logger(4));
        assert_eq!(role("sv", "sv", "/"), Role::Other);
    }

    #[test]
    fn this_process_has_descriptors_and_memory() {
        let pid = std::process::id();
        assert!(descriptors(pid).unwrap() > 2);
        assert!(private_memory(pid).unwrap() > 4);
    }
}
