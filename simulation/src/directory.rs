//! `runsvdir`: the shell of its tree and loop, around the real plan and watch.

use core::time::Duration;

use runit_core::exit::Exit;
use runsv::machine::Nanoseconds;
use runsvdir::plan::{Id, Plan, Seen};
use runsvdir::watch::Changes;
use rustix::io::Errno;
use rustix::process::{Pid, Signal};
use std::ffi::{CStr, CString};

use crate::invariant::Invariant;
use crate::kernel::{CHLD, Kernel};
use crate::process::{Birth, Task};
use crate::sabotage::Sabotage;

const HUP: u32 = 1;
const ALRM: u32 = 14;
const TERM: u32 = 15;

/// How often the directory is looked at where events do not tell of all.
const LOOK: Duration = Duration::from_secs(5);

/// How many supervisors are started before signals are looked at again.
const BATCH: usize = 32;

/// See the module.
pub struct Directory {
    pid: Pid,
    plan: Plan,
    changes: Changes,
    scanned: Option<Id>,
    missing: bool,
    next_look: Option<Duration>,
    /// After this signal, waiting for all supervisors to end.
    stopping: Option<u32>,
}

impl Directory {
    /// Starts; looks at everything with the first turn.
    pub fn new(pid: Pid) -> Self {
        Self {
            pid,
            plan: Plan::new(),
            changes: Changes { way: true, ..Changes::default() },
            scanned: None,
            missing: false,
            next_look: None,
            stopping: None,
        }
    }

    /// Whether something waits to be read.
    pub fn has_event(&self, kernel: &Kernel) -> bool {
        self.stopping.is_none() && kernel.names.has_events(self.pid)
    }

    /// When it wakes up although nothing happens.
    pub fn deadline(&mut self) -> Option<Nanoseconds> {
        if self.stopping.is_some() {
            return None;
        }
        let changes = (!self.changes.is_empty()).then_some(Duration::ZERO);
        let start = if self.missing { None } else { self.plan.deadline() };
        let first = [changes, start, self.next_look].into_iter().flatten().min()?;
        Some(u64::try_from(first.as_nanos()).unwrap_or(u64::MAX))
    }

    /// One round of its loop.
    pub fn turn(&mut self, kernel: &mut Kernel) {
        if kernel.sabotages(Sabotage::LostEvent) {
            kernel.names.drop_events();
        }
        if self.stopping.is_none() && kernel.names.has_events(self.pid) {
            let news = kernel.names.read(self.pid);
            self.changes.way |= news.way;
            self.changes.moved_away |= news.moved_away;
            self.changes.names.extend(news.names);
            self.changes.vanished.extend(news.vanished);
        }
        while let Some(signal) = kernel.take_signal(self.pid) {
            self.take_signal(kernel, signal);
        }
        if !kernel.is_alive(self.pid) {
            return;
        }
        if self.stopping.is_none() {
            self.refresh(kernel);
            self.start_due(kernel);
        }
        if let (Some(signal), true) = (self.stopping, self.plan.is_idle()) {
            self.end(kernel, signal);
        }
    }

    fn take_signal(&mut self, kernel: &mut Kernel, signal: u32) {
        match signal {
            CHLD => self.reap(kernel),
            ALRM => self.changes.way = true,
            HUP | TERM if self.stopping.is_some() => {
                self.plan.stop_all();
                self.send_stops(kernel);
            }
            HUP | TERM => {
                let waits = kernel.habits.stop_on_exit;
                if waits || signal == HUP {
                    self.plan.stop_all();
                    self.send_stops(kernel);
                }
                if waits {
                    self.stopping = Some(signal);
                } else {
                    self.end(kernel, signal);
                }
            }
            _ => {}
        }
    }

    fn end(&self, kernel: &mut Kernel, signal: u32) {
        kernel.exit(self.pid, Exit::Code(if signal == HUP { 111 } else { 0 }));
    }

    fn reap(&mut self, kernel: &mut Kernel) {
        if kernel.sabotages(Sabotage::LostChild) {
            return;
        }
        let now = kernel.clock.uptime();
        while let Some((process, _)) = kernel.wait(self.pid) {
            self.plan.exited(process.pid, now);
        }
    }

    fn send_stops(&mut self, kernel: &mut Kernel) {
        for process in self.plan.take_stops() {
            if !kernel.sabotages(Sabotage::ForgottenStop) {
                kernel.kill(self.pid, process, Signal::TERM);
            }
        }
    }

    fn look_later(&mut self, now: Duration) {
        self.next_look.get_or_insert(now + LOOK);
    }

    fn refresh(&mut self, kernel: &mut Kernel) {
        let now = kernel.clock.uptime();
        let due = self.next_look.take_if(|time| *time <= now).is_some();
        let mut changes = core::mem::take(&mut self.changes);
        if due {
            changes.names.extend(self.plan.troubled().iter().map(|name| CString::from(&**name)));
        } else if changes.is_empty() {
            return;
        }
        let blind = kernel.habits.blind;
        if (due || changes.way) && !blind {
            kernel.names.follow(self.pid);
        }
        self.missing = kernel.names.directory().is_none();
        if let Some(id) = kernel.names.directory() {
            if changes.way || self.scanned != Some(id) || due && blind {
                self.scan(kernel, id);
            } else {
                self.look(kernel, &changes);
            }
        } else {
            kernel.saw("no directory of services", true);
            self.scanned = None;
        }
        self.send_stops(kernel);
        if blind || self.plan.has_trouble() {
            self.look_later(now);
        }
    }

    fn look(&mut self, kernel: &mut Kernel, changes: &Changes) {
        let now = kernel.clock.uptime();
        for name in &changes.vanished {
            self.plan.vanish(name, now);
        }
        for name in &changes.names {
            self.see(kernel, name);
        }
        if changes.moved_away && self.plan.is_loose() {
            if let Some(id) = kernel.names.directory() {
                self.scan(kernel, id);
            }
        } else {
            self.plan.settle();
        }
    }

    fn see(&mut self, kernel: &mut Kernel, name: &CStr) -> Seen {
        let trouble = kernel.rng.chance(kernel.habits.io_error);
        kernel.saw("a name that cannot be followed", trouble);
        let seen = if trouble { Seen::Unknown(Errno::IO) } else { kernel.names.see(name) };
        self.plan.see(name, seen, kernel.clock.uptime());
        seen
    }

    fn scan(&mut self, kernel: &mut Kernel, id: Id) {
        self.scanned = Some(id);
        let names: Vec<CString> = kernel.names.entries().keys().cloned().collect();
        let now = kernel.clock.uptime();
        self.plan.begin_scan();
        for name in names {
            self.see(kernel, &name);
        }
        self.plan.end_scan(true, now);
    }

    fn start_due(&mut self, kernel: &mut Kernel) {
        let now = kernel.clock.uptime();
        if self.missing || self.plan.next_start(now).is_none() {
            return;
        }
        let Some(directory) = kernel.names.directory() else {
            self.missing = true;
            self.scanned = None;
            return;
        };
        if self.scanned != Some(directory) {
            self.changes.way = true;
            return;
        }
        for _ in 0..BATCH {
            let Some((id, name)) = self.plan.next_start(now) else { break };
            let seen = self.see(kernel, &name);
            if !self.plan.confirm(id, seen, now) {
                continue;
            }
            self.check_start(kernel, id);
            let session = kernel.habits.sessions;
            let birth = Birth { service: id.inode, session, ..Birth::of(Task::Supervisor) };
            match kernel.fork(self.pid, birth) {
                Ok(process) => self.plan.started(id, process, now),
                Err(_) => {
                    self.plan.failed(id, now);
                }
            }
        }
        self.send_stops(kernel);
        if self.plan.has_trouble() {
            self.look_later(now);
        }
    }

    fn check_start(&self, kernel: &mut Kernel, id: Id) {
        let (inode, pid) = (id.inode, self.pid);
        let other = kernel.processes.values().any(|process| {
            process.parent == pid
                && process.birth.task == Task::Supervisor
                && process.birth.service == inode
        });
        kernel.check(!other, Invariant::OneProcess, || format!("a second supervisor of {inode}"));
    }

    /// What must hold when all is seen and nothing is under way: each service
    /// has a supervisor or a time for its start, and what is none has none
    /// that was not told to end.
    pub fn check_rest(&mut self, kernel: &mut Kernel) {
        let now = kernel.clock.mono();
        if self.stopping.is_some() || self.missing || self.next_look.is_some() {
            return;
        }
        let entries = kernel.names.entries().values().filter_map(|entry| entry.service());
        let wanted: std::collections::BTreeSet<_> = entries.collect();
        let soon = self.deadline().is_some_and(|at| at <= now + crate::clock::SECOND);
        let pid = self.pid;
        let ours: Vec<_> = kernel
            .processes
            .values()
            .filter(|p| p.parent == pid && p.birth.task == Task::Supervisor)
            .map(|p| p.birth.service)
            .collect();
        for service in &wanted {
            kernel.check(soon || ours.contains(service), Invariant::Tree, || {
                format!("{service} has no supervisor, and none is due")
            });
        }
        kernel.check(self.deadline().is_none_or(|at| at > now), Invariant::Due, || {
            "runsvdir rests although something is due".into()
        });
    }

    /// When nothing stands against anything: exactly the services that are
    /// there have a supervisor, each one.
    pub fn is_as_wanted(&self, kernel: &Kernel) -> bool {
        let entries = kernel.names.entries().values().filter_map(|entry| entry.service());
        let wanted: std::collections::BTreeSet<_> = entries.collect();
        let mut ours: Vec<_> = kernel
            .processes
            .values()
            .filter(|p| p.parent == self.pid && p.lives() && p.birth.task == Task::Supervisor)
            .map(|p| p.birth.service)
            .collect();
        ours.sort_unstable();
        !self.plan.has_trouble() && self.changes.is_empty() && ours.into_iter().eq(wanted)
    }
}

impl Directory {
    /// Whether it waits for all supervisors to end.
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }
}
