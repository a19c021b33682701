//! A world in which a pair of services lives: processes, control scripts, a
//! log pipe, two clocks and a supervisor's loop, none of them real.
//!
//! The loop is the shell's: everything that has ended is collected at once,
//! then one control byte is read of each FIFO, then time is looked at. After
//! each event the pair is compared with the [`Model`]s.

mod checks;
mod shell;

use core::fmt::Write as _;
use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};
use std::string::String;
use std::vec::Vec;

use runit_core::control::ControlByte;
use runit_core::exit::Exit;
use runit_core::status::Want;
use runit_core::tai::Tai64n;
use rustix::process::{Pid, Signal};

use super::model::Model;
use super::rng::Rng;
use crate::machine::{Action, Nanoseconds, Now, Role, Service};
use crate::pair::{Pair, PairEvent};

/// A thousandth of a second.
const MS: Nanoseconds = 1_000_000;

/// How often things happen in a world, in percent, and what there is in it.
#[derive(Debug)]
pub struct Habits {
    /// A process ends at once, or within a second or two.
    pub short_lived: u64,
    /// A process does not care for TERM.
    pub deaf: u64,
    /// `finish` is there.
    pub finish: u64,
    /// A control script is there.
    pub script: u64,
    /// It takes its time.
    pub slow_script: u64,
    /// It handles what it is asked.
    pub handles: u64,
    /// No process can be made.
    pub fork_fails: u64,
    /// The log service reads what is in the pipe.
    pub reads: u64,
    /// A process that the service left behind writes to the pipe.
    pub stray: u64,
    /// A `log/` appears.
    pub late_log: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Task {
    Run(Role),
    Finish,
    Script,
}

/// A process that has not been collected.
#[derive(Debug)]
struct Process {
    pid: Pid,
    task: Task,
    deaf: bool,
    stopped: bool,
    /// TERM waits for the process to be continued.
    term_waits: bool,
    ends_at: Option<Nanoseconds>,
    code: Exit,
    ended: Option<Exit>,
}

/// One line of what is told when something is wrong.
#[derive(Clone, Copy, Debug)]
#[expect(dead_code, reason = "read through Debug")]
enum Note {
    Happened(PairEvent),
    Done(Role, Action),
}

/// The world, and the supervisor in it.
pub struct World {
    /// What happens next.
    pub rng: Rng,
    /// How often what happens.
    pub habits: Habits,
    seed: u64,
    pair: Pair,
    mono: Nanoseconds,
    wall: Duration,
    fifos: [VecDeque<ControlByte>; 2],
    processes: Vec<Process>,
    script: Option<Pid>,
    term: bool,
    pipe: Pipe,
    models: [Option<Model>; 2],
    /// Another logger is due for what is left at the end.
    logger_left: bool,
    quit: bool,
    notes: Vec<(Nanoseconds, Note)>,
    /// What has been seen in this world, see [`RARE`].
    pub seen: BTreeSet<&'static str>,
}

/// The log pipe.
#[derive(Default)]
struct Pipe {
    /// How much is in it.
    content: u64,
    /// The supervisor has closed its writing end.
    closed: bool,
    /// A process that belongs to nobody can write to it.
    stray: bool,
}

/// What has to be seen now and then, or a world is too tame.
pub const RARE: [&str; 10] = [
    "a logger for what is left",
    "a start held back",
    "a fork that fails",
    "a script that handles it",
    "a script that fails",
    "an end while a script runs",
    "a stopped process killed",
    "many ends at once",
    "a control byte while the pair ends",
    "an event after the end",
];

const fn index(role: Role) -> usize {
    match role {
        Role::Service => 0,
        Role::Log => 1,
    }
}

impl World {
    /// A world that has just begun.
    pub fn new(seed: u64, mut rng: Rng, habits: Habits, with_log: bool) -> Self {
        let mono = rng.pick(&[0, 5 * MS, 100_000 * MS]);
        let wall = Duration::from_secs(1_700_000_000);
        let now = Now { mono, tai: Tai64n::from_unix(wall) };
        let mut want = || if rng.chance(20) { Want::Down } else { Want::Up };
        let wants = [want(), want()];
        let log = with_log.then(|| Service::new(Role::Log, wants[1], now));
        Self {
            rng,
            habits,
            seed,
            pair: Pair::new(Service::new(Role::Service, wants[0], now), log),
            mono,
            wall,
            fifos: Default::default(),
            processes: Vec::new(),
            script: None,
            term: false,
            pipe: Pipe::default(),
            models: [
                Some(Model::new(Role::Service, wants[0], now)),
                with_log.then(|| Model::new(Role::Log, wants[1], now)),
            ],
            logger_left: false,
            quit: false,
            notes: Vec::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Ends the test, telling what led here.
    #[track_caller]
    pub fn fail(&self, what: &str) -> ! {
        let mut told = String::new();
        for (at, note) in &self.notes[self.notes.len().saturating_sub(60)..] {
            writeln!(told, "{:>10} ms  {note:?}", at / MS).unwrap();
        }
        panic!(
            "{what}\n{:#?}\n{:#?}\nat {} ms, before that:\n{told}\nRUNSV_SEED={} does it again",
            self.pair,
            self.habits,
            self.mono / MS,
            self.seed
        );
    }

    #[track_caller]
    fn check(&self, holds: bool, what: &str) {
        if !holds {
            self.fail(what);
        }
    }

    fn saw(&mut self, rarity: &'static str, really: bool) {
        if really {
            debug_assert!(RARE.contains(&rarity));
            self.seen.insert(rarity);
        }
    }

    /// Whether the supervisor has ended.
    pub fn has_quit(&self) -> bool {
        self.quit
    }

    /// What must be true of the service.
    pub fn model(&self, role: Role) -> Option<&Model> {
        self.models[index(role)].as_ref()
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: Nanoseconds) {
        self.mono += time;
        self.wall += Duration::from_nanos(time);
    }

    /// Lets time pass until what the pair waits for, less `early`.
    pub fn pass_to_deadline(&mut self, early: Nanoseconds) -> bool {
        let Some(left) = self.pair.deadline().map(|at| at.saturating_sub(self.mono)) else {
            return false;
        };
        self.pass(left.saturating_sub(early));
        true
    }

    /// Sets the wall clock.
    pub fn set_wall(&mut self, to: Duration) {
        self.wall = to;
    }

    /// Writes a control byte.
    pub fn write(&mut self, role: Role, command: ControlByte) {
        if self.model(role).is_some() {
            self.fifos[index(role)].push_back(command);
        }
    }

    /// Whether every byte written to a FIFO has been read.
    pub fn is_read(&self, role: Role) -> bool {
        self.fifos[index(role)].is_empty()
    }

    /// Sends SIGTERM to the supervisor.
    pub fn terminate(&mut self) {
        self.term = true;
    }

    /// Something is written to the log pipe, if anybody is there to do it.
    pub fn write_log(&mut self) {
        if self.has_writer() && self.model(Role::Log).is_some() {
            self.pipe.content += 1;
        }
    }

    fn has_writer(&self) -> bool {
        let ours = |p: &Process| p.ended.is_none() && p.task != Task::Run(Role::Log);
        self.pipe.stray || self.processes.iter().any(ours)
    }

    /// What a process left behind, or ends.
    pub fn set_stray(&mut self, stray: bool) {
        // It has got the pipe from a service that lives.
        self.pipe.stray = stray && self.has_writer();
    }

    /// Ends one of the processes, whichever.
    pub fn end_some(&mut self, exit: Exit) {
        let count = self.processes.len() as u64;
        if count > 0 {
            let which = usize::try_from(self.rng.below(count)).unwrap();
            // Even a stopped one can be killed.
            self.processes[which].ended.get_or_insert(exit);
        }
    }

    /// One round of the loop, with what the processes do before it.
    pub fn turn(&mut self) {
        self.live();
        let now = self.now();
        self.reap(now);
        self.read_control(now, Role::Log);
        self.read_control(now, Role::Service);
        self.tick(now);
        if !self.quit {
            self.check_due();
        }
    }

    /// What the supervisor does when it starts.
    pub fn begin(&mut self) {
        self.tick(self.now());
        self.check_due();
    }

    fn now(&self) -> Now {
        Now { mono: self.mono, tai: Tai64n::from_unix(self.wall) }
    }

    /// Processes end in their time; the log service reads.
    fn live(&mut self) {
        let reads = self.rng.chance(self.habits.reads);
        let has_writer = self.has_writer() || !self.pipe.closed;
        for process in &mut self.processes {
            if process.stopped || process.ended.is_some() {
                continue;
            }
            if process.task == Task::Run(Role::Log) && reads {
                self.pipe.content = 0;
                if !has_writer {
                    process.ended = Some(Exit::Code(0));
                    continue;
                }
            }
            if process.ends_at.is_some_and(|at| at <= self.mono) {
                process.ended = Some(process.code);
            }
        }
    }

    /// Makes a process. Numbers are used again as soon as they can be.
    fn start(&mut self, task: Task) -> Pid {
        let taken = |pid| self.processes.iter().any(|p| p.pid == pid);
        let pid = (2..100).filter_map(Pid::from_raw).find(|&pid| !taken(pid)).unwrap();
        let (short, code) = match task {
            Task::Script => {
                let code = if self.rng.chance(self.habits.handles) { 0 } else { 111 };
                (100 - self.habits.slow_script, code)
            }
            _ => (self.habits.short_lived, self.rng.pick(&[0, 1, 111])),
        };
        let life = if self.rng.chance(short) {
            Some(self.rng.pick(&[0, 0, 1, 300, 999, 1000, 1001]))
        } else if task == Task::Run(Role::Service) || task == Task::Run(Role::Log) {
            None
        } else {
            Some(self.rng.below(5000))
        };
        let deaf = self.rng.chance(self.habits.deaf);
        let killed = Exit::Signal { number: 9, core_dumped: false };
        self.processes.push(Process {
            pid,
            task,
            deaf,
            stopped: false,
            term_waits: false,
            ends_at: life.map(|ms| self.mono + ms * MS),
            code: if self.rng.chance(10) { killed } else { Exit::Code(code) },
            ended: None,
        });
        pid
    }

    fn deliver(&mut self, pid: Pid, signal: Signal) {
        let ends_at = self.mono + self.rng.pick(&[0, 0, 10 * MS, 2000 * MS]);
        let deadly = self.rng.chance(20);
        let process = self.processes.iter_mut().find(|p| p.pid == pid);
        let Some(process) = process.filter(|p| matches!(p.task, Task::Run(_))) else {
            self.fail("a signal for what is no `run`");
        };
        match signal {
            Signal::KILL => {
                process.ended.get_or_insert(Exit::Signal { number: 9, core_dumped: false });
            }
            Signal::STOP => process.stopped = true,
            Signal::CONT => {
                process.stopped = false;
                if core::mem::take(&mut process.term_waits) {
                    process.ends_at = Some(ends_at);
                }
            }
            Signal::TERM if process.deaf => {}
            Signal::TERM if process.stopped => process.term_waits = true,
            Signal::TERM => process.ends_at = Some(ends_at),
            _ if deadly => process.ends_at = Some(ends_at),
            _ => {}
        }
    }
}
