//! Processes of the world.

use runit_core::exit::Exit;
use runit_init::boot::Program;
use runsv::machine::{Nanoseconds, Role};
use rustix::process::Pid;

use crate::pipe::PipeId;

/// Which directory, by its inode.
pub type ServiceId = u64;

/// What a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Process 1.
    Init,
    /// A stage or script of process 1. Stage 2 is `runsvdir`.
    Boot(Program),
    /// `runsvdir` where there is no `runit`.
    Directory,
    /// `runsv`.
    Supervisor,
    /// `run` of a service, or of a log service, which is `svlogd`.
    Run(Role),
    /// `finish`.
    Finish,
    /// A control script.
    Script,
    /// Left behind by `run`.
    Stray,
    /// Somebody's child that is nobody's concern.
    Orphan,
}

/// What a new process is given.
#[derive(Clone, Copy, Debug)]
pub struct Birth {
    /// What it runs.
    pub task: Task,
    /// For which directory.
    pub service: ServiceId,
    /// Whether it leads a session, and so a process group, of its own.
    pub session: bool,
    /// Where its standard output goes.
    pub output: Option<PipeId>,
    /// Where its standard input comes from.
    pub input: Option<PipeId>,
}

impl Birth {
    /// Of a task without a service.
    pub fn of(task: Task) -> Self {
        Self { task, service: 0, session: false, output: None, input: None }
    }
}

/// Signals that wait to be read, a bit for each number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending(u32);

impl Pending {
    /// Adds one; many of a kind are one.
    pub fn add(&mut self, signal: u32) {
        self.0 |= 1 << signal;
    }

    /// Takes one out, the lowest first.
    pub fn take(&mut self) -> Option<u32> {
        let lowest = (self.0 != 0).then(|| self.0.trailing_zeros())?;
        self.0 &= self.0 - 1;
        Some(lowest)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A process that has not been reaped.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub struct Process {
    /// Its number, which another may have later.
    pub pid: Pid,
    /// Its number among all that ever were.
    pub serial: u64,
    /// Who reaps it.
    pub parent: Pid,
    /// Its process group.
    pub group: Pid,
    /// What it is given.
    pub birth: Birth,
    /// It does not care for TERM.
    pub deaf: bool,
    /// STOP.
    pub stopped: bool,
    /// TERM waits for the process to be continued.
    pub term_waits: bool,
    /// Signals for a program that reads them.
    pub pending: Pending,
    /// Its program could not be executed.
    pub broken: bool,
    /// When it ends by itself.
    pub ends_at: Option<Nanoseconds>,
    /// How.
    pub code: Exit,
    /// It has ended, and waits to be reaped.
    pub ended: Option<Exit>,
}

impl Process {
    /// Whether it is one of the programs that the simulation has in full.
    pub fn is_program(&self) -> bool {
        let full = matches!(
            self.birth.task,
            Task::Init
                | Task::Boot(Program::Stage2)
                | Task::Directory
                | Task::Supervisor
                | Task::Run(Role::Log)
        );
        full && !self.broken
    }

    /// Whether it runs or could.
    pub fn lives(&self) -> bool {
        self.ended.is_none()
    }
}
