//! What all tormentors share, and what they have done.

use std::collections::{HashMap, HashSet};
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::limits::Limits;
use super::plan::Plan;
use super::reaper::Reaper;
use super::service::now;
use crate::bench::suite::Suite;
use crate::error::{OnFile, Result};

/// The run that is under way.
pub struct World {
    /// What the seed has determined.
    pub plan: Plan,
    /// The programs under test.
    pub suite: Suite,
    /// The cgroups of the tree.
    pub limits: Limits,
    /// Waits for all children.
    pub reaper: Reaper,
    /// When the torment ends.
    pub end: OnceLock<Instant>,
    /// Nobody torments any more.
    pub over: AtomicBool,
    /// The runsvdir of now.
    pub runsvdir: AtomicU32,
    deeds: Mutex<Deeds>,
}

/// What was done, for the ledger.
#[derive(Default)]
pub struct Deeds {
    /// How often each thing was done, by its words in the report.
    pub counts: HashMap<&'static str, u64>,
    /// Supervisors that were killed: service and process, and when.
    pub supervisors: Vec<(u32, u32, u64)>,
    /// Loggers that were killed, or told to end by a signal that they do not handle.
    pub loggers: HashMap<u32, u64>,
    /// Loggers that were told to be down.
    pub downs: HashMap<u32, u64>,
    /// Finishes that were killed.
    pub finishes: HashMap<u32, u64>,
    /// Services whose directory was deleted.
    pub deleted: HashSet<u32>,
    /// Which processes `sv` has named as running: service, process, when.
    pub named: HashSet<(u32, u32)>,
    /// What was wrong with answers of `sv`.
    pub answers: Vec<String>,
    /// Broken promises to witnesses.
    pub witnessed: Vec<String>,
    /// What was done to which service, and when.
    pub story: Vec<(u64, u32, String)>,
    /// All services that there ever were.
    pub services: u32,
}

impl World {
    /// Before anything runs.
    pub fn new(plan: Plan, suite: Suite, limits: Limits) -> Self {
        let deeds = Deeds { services: plan.services, ..Deeds::default() };
        Self {
            plan,
            suite,
            limits,
            reaper: Reaper::default(),
            end: OnceLock::new(),
            over: AtomicBool::new(false),
            runsvdir: AtomicU32::new(0),
            deeds: Mutex::new(deeds),
        }
    }

    /// What was done so far.
    pub fn deeds(&self) -> MutexGuard<'_, Deeds> {
        self.deeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a deed.
    pub fn count(&self, what: &'static str) {
        *self.deeds().counts.entry(what).or_default() += 1;
    }

    /// Notes for the service's story what is about to be done to it.
    pub fn tell(&self, id: u32, what: String) {
        self.deeds().story.push((now(), id, what));
    }

    /// Notes that this supervisor is about to be killed.
    pub fn kills_supervisor(&self, id: u32, pid: u32) {
        self.deeds().supervisors.push((id, pid, now()));
    }

    /// Notes that this service's logger is about to be killed.
    pub fn kills_logger(&self, id: u32) {
        *self.deeds().loggers.entry(id).or_default() += 1;
    }

    /// Whether the torment goes on; waits so many milliseconds first, or until it is over.
    pub fn goes_on(&self, wait: u64) -> bool {
        let end = self.end.get().copied().unwrap_or_else(Instant::now);
        let left = end.saturating_duration_since(Instant::now());
        std::thread::sleep(left.min(Duration::from_millis(wait)));
        !self.over.load(Ordering::Relaxed) && Instant::now() < end
    }

    /// Starts runsvdir in the cgroups.
    pub fn start_runsvdir(&self) -> Result<()> {
        let path = self.messages();
        let messages = OpenOptions::new().append(true).create(true).open(&path).on("open", path)?;
        let program = self.suite.command("runsvdir");
        let mut command = self.limits.command(0, program.get_program().as_ref());
        command.arg(self.plan.services_directory()).env_clear().env("PATH", self.suite.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(messages);
        let child = self.reaper.start(&mut command)?;
        self.runsvdir.store(child.id(), Ordering::Relaxed);
        Ok(())
    }

    /// The file that all standard error goes to.
    pub fn messages(&self) -> PathBuf {
        self.plan.base.join("messages")
    }

    /// `sv` with those words.
    pub fn sv(&self, words: &[&str]) -> Command {
        let mut command = self.suite.command("sv");
        command.env("SVDIR", self.plan.services_directory()).args(words);
        command
    }
}
