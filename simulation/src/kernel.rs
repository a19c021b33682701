//! The world without the programs: processes, signals, directories, pipes and
//! a disk, none of them kind.

use std::collections::{BTreeMap, BTreeSet};

use runit_core::exit::Exit;
use runsv::machine::Nanoseconds;
use rustix::io::Errno;
use rustix::process::Pid;

use crate::clock::{Clock, MS};
use crate::disk::Disk;
use crate::habits::{Habits, Root};
use crate::invariant::{Invariant, Violation};
use crate::names::Names;
use crate::pipe::{Pipe, PipeId};
use crate::process::{Birth, Pending, Process, ServiceId, Task};
use crate::rng::Rng;
use crate::sabotage::Sabotage;
use crate::service::ServiceDir;
use crate::table::Table;

/// The number of SIGCHLD.
pub const CHLD: u32 = 17;

/// The end of what got KILL.
pub const KILLED: Exit = Exit::Signal { number: 9, core_dumped: false };

/// See the module.
pub struct Kernel {
    /// What time it is.
    pub clock: Clock,
    /// What happens next.
    pub rng: Rng,
    /// How often what happens.
    pub habits: Habits,
    /// What is done wrong on purpose.
    pub sabotage: Option<Sabotage>,
    /// All processes that were not reaped.
    pub processes: Table<Process>,
    /// All service directories that ever were.
    pub services: BTreeMap<ServiceId, ServiceDir>,
    /// Log pipes that somebody has.
    pub pipes: BTreeMap<PipeId, Pipe>,
    /// The directory of services, and the way to it.
    pub names: Names,
    /// Where files are.
    pub disk: Disk,
    /// How the program at the top ended, where that is not process 1.
    pub root_exit: Option<Exit>,
    /// The first thing that was wrong.
    pub violation: Option<Violation>,
    /// What has been seen, see [`RARE`](crate::life::RARE).
    pub seen: BTreeSet<&'static str>,
    /// What has happened, if that is to be told.
    pub notes: Option<Vec<String>>,
    serial: u64,
    last_pid: i32,
    last_pipe: PipeId,
}

impl Kernel {
    /// A world in which nothing runs but process 1.
    pub fn new(mut rng: Rng, habits: Habits, sabotage: Option<Sabotage>, tracing: bool) -> Self {
        let mono = rng.pick([0, 5 * MS, 100_000 * MS]);
        let mut kernel = Self {
            clock: Clock::new(mono),
            rng,
            habits,
            sabotage,
            processes: Table::default(),
            services: BTreeMap::new(),
            pipes: BTreeMap::new(),
            names: Names::new(),
            disk: Disk::new(),
            root_exit: None,
            violation: None,
            seen: BTreeSet::new(),
            notes: tracing.then(Vec::new),
            serial: 0,
            last_pid: 1,
            last_pipe: 0,
        };
        let init = kernel.process(Pid::INIT, Pid::INIT, Birth::of(Task::Init));
        kernel.processes.insert(Pid::INIT, init);
        kernel
    }

    /// Has it told, if anything is.
    pub fn note(&mut self, what: impl FnOnce() -> String) {
        if let (Some(notes), None) = (&mut self.notes, &self.violation) {
            let at = self.clock.mono();
            notes.push(format!("{:>8}.{:03} ms  {}", at / MS, at % MS / 1000, what()));
        }
    }

    /// Notes down that something does not hold; the first time counts.
    pub fn check(&mut self, holds: bool, invariant: Invariant, what: impl FnOnce() -> String) {
        if !holds && self.violation.is_none() {
            let violation = Violation { invariant, what: what() };
            self.note(|| format!("VIOLATION {violation}"));
            self.violation = Some(violation);
        }
    }

    /// Notes that something rare has been seen.
    pub fn saw(&mut self, rarity: &'static str, really: bool) {
        if really {
            debug_assert!(crate::life::RARE.contains(&rarity), "{rarity}");
            self.seen.insert(rarity);
        }
    }

    /// Whether this is done wrong, this time.
    pub fn sabotages(&mut self, which: Sabotage) -> bool {
        self.sabotage == Some(which) && self.rng.chance(30)
    }

    fn process(&mut self, pid: Pid, parent: Pid, birth: Birth) -> Process {
        self.serial += 1;
        let group = match self.processes.get(parent) {
            Some(parent) if !birth.session => parent.group,
            _ => pid,
        };
        Process {
            pid,
            serial: self.serial,
            parent,
            group,
            birth,
            deaf: false,
            stopped: false,
            term_waits: false,
            pending: Pending::default(),
            broken: false,
            ends_at: None,
            code: Exit::Code(0),
            ended: None,
        }
    }

    /// The serial number of the process that was made last.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// Makes a process, or does not.
    pub fn fork(&mut self, parent: Pid, birth: Birth) -> Result<Pid, Errno> {
        let percent = self.habits.fork_fails;
        if self.rng.chance(percent) {
            self.saw("a fork that fails", true);
            self.note(|| format!("fork of {:?} {} fails", birth.task, birth.service));
            return Err(Errno::AGAIN);
        }
        let pid = self.free_pid();
        let mut process = self.process(pid, parent, birth);
        self.decide_life(&mut process);
        let now = self.clock.mono();
        self.note(|| {
            let Birth { task, service, .. } = birth;
            let life = process.ends_at.map(|at| at.saturating_sub(now) / MS);
            format!("{pid:?} is {task:?} of {service}, for {life:?} ms, deaf: {}", process.deaf)
        });
        self.processes.insert(pid, process);
        Ok(pid)
    }

    fn free_pid(&mut self) -> Pid {
        let mut number = if self.habits.pids_again { 1 } else { self.last_pid };
        loop {
            number = if number >= 400 { 2 } else { number + 1 };
            if let Some(pid) = Pid::from_raw(number) {
                if !self.processes.has(pid) {
                    self.last_pid = number;
                    return pid;
                }
            }
        }
    }

    /// How long it lives, if nobody ends it, and how it ends then.
    fn decide_life(&mut self, process: &mut Process) {
        let now = self.clock.mono();
        let (exec_fails, deaf) = (self.habits.exec_fails, self.habits.deaf);
        process.deaf = self.rng.chance(deaf);
        if self.rng.chance(exec_fails) {
            process.broken = true;
            process.code = Exit::Code(111);
            process.ends_at = Some(now);
            self.saw("a program that cannot be executed", true);
            return;
        }
        let (short, code) = match process.birth.task {
            Task::Script => {
                let handles = self.habits.handles;
                let code = if self.rng.chance(handles) { 0 } else { 111 };
                (100 - self.habits.slow_script, code)
            }
            Task::Boot(_) => (self.habits.short_lived, self.rng.pick([0, 0, 0, 100, 111])),
            _ => (self.habits.short_lived, self.rng.pick([0, 1, 111])),
        };
        let lasts = matches!(process.birth.task, Task::Run(_) | Task::Stray);
        let life = if process.is_program() {
            None
        } else if self.rng.chance(short) {
            Some(self.rng.pick([0, 0, 1, 300, 999, 1000, 1001]))
        } else if lasts {
            None
        } else {
            Some(self.rng.below(5000))
        };
        process.ends_at = life.map(|ms| now + ms * MS);
        process.code = if self.rng.chance(10) { KILLED } else { Exit::Code(code) };
    }

    /// Ends a process: its parent hears of it, its children are process 1's.
    pub fn exit(&mut self, pid: Pid, exit: Exit) {
        let Some(process) = self.processes.get_mut(pid).filter(|process| process.lives()) else {
            return;
        };
        process.ended = Some(exit);
        let (parent, birth, serial) = (process.parent, process.birth, process.serial);
        self.note(|| format!("{pid:?} ({:?} of {}) ends: {exit:?}", birth.task, birth.service));
        let mut orphans = false;
        for child in self.processes.values_mut().filter(|child| child.parent == pid) {
            child.parent = Pid::INIT;
            orphans |= !child.lives();
        }
        if orphans {
            self.tell_of_child(Pid::INIT);
        }
        self.tell_of_child(parent);
        for service in self.services.values_mut().filter(|s| s.lock == Some(serial)) {
            service.lock = None;
            service.fifos.iter_mut().for_each(std::collections::VecDeque::clear);
        }
        for service in self.services.values_mut() {
            service.logs.unlock(serial);
        }
        self.let_go_of_pipes();
    }

    /// SIGCHLD. A process 1 that is not simulated reaps at once.
    fn tell_of_child(&mut self, parent: Pid) {
        if parent == Pid::INIT && self.habits.root != Root::Init {
            let exit = self.processes.values().find(|process| {
                let task = process.birth.task;
                let is_root = match self.habits.root {
                    Root::Directory => task == Task::Directory,
                    _ => task == Task::Supervisor,
                };
                is_root && !process.lives() && process.parent == Pid::INIT
            });
            if let (Some(exit), None) = (exit.and_then(|process| process.ended), self.root_exit) {
                self.root_exit = Some(exit);
            }
            self.processes.retain(|_, process| process.lives() || process.parent != Pid::INIT);
        } else if let Some(process) = self.processes.get_mut(parent) {
            process.pending.add(CHLD);
        }
    }

    /// Closes pipes that have no writer, and forgets those that nobody has.
    pub fn let_go_of_pipes(&mut self) {
        let lives = |process: &&Process| process.lives();
        let held: BTreeSet<_> =
            self.processes.values().filter(lives).filter_map(|p| p.birth.output).collect();
        let read: BTreeSet<_> =
            self.processes.values().filter(lives).filter_map(|p| p.birth.input).collect();
        for (id, pipe) in &mut self.pipes {
            if !held.contains(id) {
                pipe.close();
            }
        }
        self.pipes.retain(|id, _| held.contains(id) || read.contains(id));
    }

    /// Makes a log pipe and gives both ends to the process.
    pub fn make_pipe(&mut self, of: Pid) -> Result<PipeId, Errno> {
        let pipe = Pipe::new()?;
        self.last_pipe += 1;
        self.pipes.insert(self.last_pipe, pipe);
        if let Some(process) = self.processes.get_mut(of) {
            process.birth.output = Some(self.last_pipe);
            process.birth.input = Some(self.last_pipe);
        }
        Ok(self.last_pipe)
    }

    /// Processes end in their time.
    pub fn live(&mut self) {
        let now = self.clock.mono();
        let due: Vec<_> = self
            .processes
            .values()
            .filter(|p| p.lives() && !p.stopped && p.ends_at.is_some_and(|at| at <= now))
            .map(|p| (p.pid, p.code))
            .collect();
        for (pid, code) in due {
            self.exit(pid, code);
        }
    }

    /// When the next process ends by itself.
    pub fn next_end(&self) -> Option<Nanoseconds> {
        let running = self.processes.values().filter(|p| p.lives() && !p.stopped);
        running.filter_map(|process| process.ends_at).min()
    }

    /// The service directory, which is made if there is none.
    pub fn service(&mut self, id: ServiceId) -> &mut ServiceDir {
        self.services.entry(id).or_default()
    }

    /// Live processes of a kind.
    pub fn living(&self, wanted: impl Fn(&Process) -> bool) -> Vec<Pid> {
        let living = self.processes.values().filter(|process| process.lives());
        living.filter(|process| wanted(process)).map(|process| process.pid).collect()
    }

    /// One of the live processes of a kind.
    pub fn some(&mut self, wanted: impl Fn(&Process) -> bool) -> Option<Pid> {
        let living = self.living(wanted);
        living.get(self.rng.index(living.len())).copied()
    }
}
