//! Directories of services, and supervisors on them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitOptions};

use super::Bench;
use super::family::{self, Family};
use super::suite::Suite;
use crate::error::{Error, OnFile, Result};

/// How long anything may take before it counts as failed.
pub const LIMIT: Duration = Duration::from_secs(120);

/// A directory of services, removed at the end of its life.
pub struct Services {
    /// What runsvdir is given.
    pub directory: PathBuf,
}

impl Services {
    /// An empty one.
    pub fn new(directory: PathBuf) -> Result<Self> {
        if directory.exists() {
            std::fs::remove_dir_all(&directory).on("remove", &directory)?;
        }
        std::fs::create_dir_all(&directory).on("create", &directory)?;
        Ok(Self { directory })
    }

    /// `count` services in `directory`, each of which is the program `pause`.
    pub fn filled(directory: &Path, pause: &Path, count: usize) -> Result<Self> {
        let services = Self::new(directory.to_path_buf())?;
        for index in 0..count {
            services.add(index, pause)?;
        }
        Ok(services)
    }

    /// The path of service number `index`.
    pub fn path(&self, index: usize) -> PathBuf {
        self.directory.join(format!("s{index:05}"))
    }

    /// Makes service number `index`, whose `run` is the program at `run`.
    pub fn add(&self, index: usize, run: &Path) -> Result<PathBuf> {
        let path = self.path(index);
        make_service(&path, run)?;
        Ok(path)
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Makes a service directory whose `run` is a link to the program at `run`.
pub fn make_service(path: &Path, run: &Path) -> Result<()> {
    std::fs::create_dir(path).on("create", path)?;
    let link = path.join("run");
    std::os::unix::fs::symlink(run, &link).on("create", link)
}

/// Where `name` is in a file system in memory. On a disk the journal's mood of the
/// moment weighs more than what many services cost.
pub fn in_memory(name: &str) -> PathBuf {
    Path::new("/dev/shm").join(format!("runit-bench-{}-{name}", std::process::id()))
}

/// What a supervisor says of its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// The service's process; 0 if there is none.
    pub pid: u32,
    /// Whether it is `run` that runs.
    pub runs: bool,
}

impl Status {
    /// Reads `supervise/status` of the service; `None` if that is not there yet.
    pub fn read(service: &Path) -> Option<Self> {
        let record = std::fs::read(service.join("supervise/status")).ok()?;
        let (pid, runs) = family::status(&record)?;
        Some(Self { pid, runs })
    }

    /// Waits until `condition` holds of the service's status, looking every `interval`.
    pub fn wait(
        service: &Path,
        interval: Duration,
        condition: impl Fn(Self) -> bool,
    ) -> Result<Self> {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = Self::read(service).filter(|&status| condition(status)) {
                return Ok(status);
            }
            if Instant::now() > end {
                let what = format!("{} is not as it should be in time", service.display());
                return Err(Error::Failed(what));
            }
            std::thread::sleep(interval);
        }
    }
}

/// A running runsvdir, or another suite's scanner; ended with all below it at the end of its
/// life.
pub struct Tree {
    family: Family,
    services: PathBuf,
    runsvdir: Child,
    /// Its runsv processes, once it has ended.
    orphans: Vec<u32>,
}

impl Tree {
    /// Starts the suite's runsvdir on the directory.
    pub fn start(suite: &Suite, services: &Services) -> Result<Self> {
        let mut command = suite.command("runsvdir");
        command.args(suite.family.scanner_options()).arg(&services.directory);
        Ok(Self {
            family: suite.family,
            services: services.directory.clone(),
            runsvdir: spawn(&mut command)?,
            orphans: Vec::new(),
        })
    }

    /// runsvdir and its runsv processes.
    pub fn supervisors(&self) -> Result<Vec<u32>> {
        let mut all = vec![self.runsvdir.id()];
        all.extend(children(self.runsvdir.id())?);
        Ok(all)
    }

    /// Ends everything, services first, and waits for that.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    /// As [`Self::stop`]; does nothing if that has been done.
    fn end(&mut self) -> Result<()> {
        if self.runsvdir.try_wait().on("wait for", "runsvdir")?.is_none() {
            // A supervisor that is started only now would be missed: all bench
            // trees are settled when they are stopped.
            self.orphans = children(self.runsvdir.id())?;
            // The scanner ends first; they become ours.
            self.family.end(self.runsvdir.id(), &self.services)?;
            self.runsvdir.wait().on("wait for", "runsvdir")?;
        }
        reap(std::mem::take(&mut self.orphans))
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("xtask: {error}");
        }
    }
}

/// A tree for each suite, all up at the same time.
pub(super) struct Forest {
    // Trees are ended before their services are removed.
    trees: Vec<Tree>,
    services: Vec<Services>,
}

impl Forest {
    /// Starts each suite on as many services that only wait; all run then.
    pub fn start(bench: &Bench, suites: &[&Suite], count: usize) -> Result<Self> {
        let mut forest = Self { trees: Vec::new(), services: Vec::new() };
        for (index, suite) in suites.iter().enumerate() {
            let services =
                Services::filled(&bench.scratch.join(format!("tree{index}")), &bench.pause, count)?;
            forest.trees.push(Tree::start(suite, &services)?);
            forest.services.push(services);
        }
        for services in &forest.services {
            all_run(services, count)?;
        }
        Ok(forest)
    }

    /// Each suite's tree.
    pub fn trees(&self) -> impl Iterator<Item = &Tree> {
        self.trees.iter()
    }

    /// The path of a service of the suite.
    pub fn service(&self, suite: usize, service: usize) -> PathBuf {
        self.services[suite].path(service)
    }

    /// Ends all of them.
    pub fn stop(mut self) -> Result<()> {
        self.trees.drain(..).try_for_each(Tree::stop)
    }
}

/// Waits until the first `count` services run.
pub fn all_run(services: &Services, count: usize) -> Result<()> {
    for index in 0..count {
        Status::wait(&services.path(index), Duration::from_millis(1), |status| status.runs)?;
    }
    Ok(())
}

/// Starts a supervisor that says nothing and hears nothing.
pub fn spawn(command: &mut Command) -> Result<Child> {
    let program = command.get_program().to_owned();
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.spawn().map_err(|cause| Error::Start { program, cause })
}

/// The processes that the process has started and that are still its own.
pub fn children(of: u32) -> Result<Vec<u32>> {
    let path = format!("/proc/{of}/task/{of}/children");
    let text = std::fs::read_to_string(&path).on("read", path)?;
    Ok(text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}

/// Waits until these processes have ended, whose parents have ended before them.
pub fn reap(mut processes: Vec<u32>) -> Result<()> {
    let end = Instant::now() + LIMIT;
    while let Some(&process) = processes.last() {
        let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
        match rustix::process::waitpid(pid, WaitOptions::NOHANG) {
            Ok(None) if Instant::now() > end => {
                return Err(Error::Failed(format!("process {process} does not end")));
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(1)),
            // An error: it was not ours to wait for, and is gone.
            Ok(Some(_)) | Err(_) => {
                processes.pop();
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_records_are_read() {
        let services = Services::new(
            std::env::temp_dir().join(format!("xtask-status-{}", std::process::id())),
        )
        .unwrap();
        let service = services.add(7, Path::new("/bin/true")).unwrap();
        assert_eq!(Status::read(&service), None);
        std::fs::create_dir(service.join("supervise")).unwrap();
        let record = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x39, 0x30, 0, 0, 0, b'u', 0, 1];
        std::fs::write(service.join("supervise/status"), record).unwrap();
        assert_eq!(Status::read(&service), Some(Status { pid: 12345, runs: true }));
        std::fs::write(service.join("supervise/status"), &record[..19]).unwrap();
        assert_eq!(Status::read(&service), None);
    }
}
