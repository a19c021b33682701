//! The directories of a run: services, logs, and what services write for us.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::plan::{Plan, has_finish, id_of, name};
use super::service::{HOG, IDENTITY, identity};
use crate::error::{OnFile, Result};
use crate::process::silently;

/// What each log directory is told: many small files, none deleted.
const CONFIG: &str = "s20000\nn0\n";

/// Mounts a disk in memory over the base, a small one in it, and lays out all services.
pub fn lay_out(plan: &Plan, minutes: u64) -> Result<()> {
    mount(&plan.base, "size=2g")?;
    let own = ["ledger", "locks", "progress", "logs", "parked", "services", "disk", "bin"];
    for directory in own {
        let path = plan.base.join(directory);
        std::fs::create_dir(&path).on("create", path)?;
    }
    // Room for all lines, so that only the ballast fills it.
    let room = (2 + minutes * u64::from(plan.services).div_ceil(60)) * 1024;
    mount(&plan.base.join("disk"), &format!("size={room}k"))?;
    let program = std::env::current_exe().on("find", "/proc/self/exe")?;
    for link in ["service", HOG] {
        let link = plan.base.join("bin").join(link);
        symlink(&program, &link).on("create", link)?;
    }
    (0..plan.services).try_for_each(|id| add(plan, id))
}

/// Where the service program is.
pub fn program(plan: &Plan, name: &str) -> PathBuf {
    plan.base.join("bin").join(name)
}

fn mount(on: &Path, options: &str) -> Result<()> {
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", options, "torture"]).arg(on);
    silently(&mut mount)
}

/// Makes the service in a directory nearby, and puts it whole among the others.
pub fn add(plan: &Plan, id: u32) -> Result<()> {
    let log = plan.log(id);
    std::fs::create_dir(&log).on("create", &log)?;
    write(&log.join("config"), CONFIG)?;
    let new = plan.parked().join(name(id));
    let logger = new.join("log");
    std::fs::create_dir_all(&logger).on("create", &logger)?;
    let program = program(plan, "service");
    let finish = has_finish(id).then_some("finish");
    for file in ["run"].into_iter().chain(finish) {
        symlink(&program, new.join(file)).on("create", new.join(file))?;
    }
    write(&new.join(IDENTITY), &identity(plan, id))?;
    let run = logger.join("run");
    write(&run, &format!("#!/bin/sh\nexec svlogd {}\n", log.display()))?;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&run, mode).on("change the mode of", run)?;
    std::fs::rename(&new, plan.services_directory().join(name(id))).on("rename", new)
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).on("write", path)
}

/// The directories of services in `directory`: of which service, and their names now.
pub fn present(directory: &Path) -> Vec<(u32, String)> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<_> = names.filter_map(|name| Some((id_of(&name)?, name))).collect();
    found.sort();
    found
}
