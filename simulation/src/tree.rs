//! All programs of the world, and who gets the processor when.

use runit_core::exit::Exit;
use runit_init::boot::Program as Stage;
use runsv::machine::{Nanoseconds, Role};
use rustix::process::Pid;

use crate::client::{Client, Outcome};
use crate::directory::Directory;
use crate::habits::Root;
use crate::init::Init;
use crate::invariant::Invariant;
use crate::kernel::Kernel;
use crate::logger::Logger;
use crate::process::{Birth, Process, ServiceId, Task};
use crate::supervisor::Supervisor;
use crate::table::Table;

/// How many rounds all programs may take to come to rest at one moment.
const ROUNDS: usize = 2000;

/// A program that is simulated in full.
enum Program {
    Directory(Box<Directory>),
    Supervisor(Box<Supervisor>),
    Logger(Box<Logger>),
}

/// See the module.
pub struct Tree {
    /// The world around them.
    pub kernel: Kernel,
    /// Process 1, if it is simulated.
    pub init: Option<Init>,
    /// Programs, with the serial number of their process.
    programs: Table<(u64, Program)>,
    /// Commands that wait for their goal.
    pub clients: Vec<Client>,
    /// Who does not get the processor in this step.
    lagging: Table<()>,
}

impl Tree {
    /// Starts what is at the top; `services` are there.
    pub fn new(mut kernel: Kernel) -> Self {
        let habits = kernel.habits.clone();
        // The top itself comes up: before that there is nothing to see.
        kernel.habits.fork_fails = 0;
        kernel.habits.exec_fails = 0;
        let mut init = None;
        let top = match habits.root {
            Root::Init => {
                init = Some(Init::new(&mut kernel));
                None
            }
            Root::Directory => Some(Birth::of(Task::Directory)),
            Root::Supervisor => {
                let service = kernel.services.keys().next().copied().unwrap_or_default();
                Some(Birth { service, ..Birth::of(Task::Supervisor) })
            }
        };
        if let Some(birth) = top {
            let started = kernel.fork(Pid::INIT, birth);
            kernel.check(started.is_ok(), Invariant::Progress, || "no process at all".into());
        }
        kernel.habits.fork_fails = habits.fork_fails;
        kernel.habits.exec_fails = habits.exec_fails;
        let (programs, clients, lagging) = Default::default();
        Self { kernel, init, programs, clients, lagging }
    }

    /// Whether something was wrong.
    pub fn is_wrong(&self) -> bool {
        self.kernel.violation.is_some()
    }

    /// Whether there is nothing left to happen.
    pub fn is_over(&self) -> bool {
        match &self.init {
            Some(init) => init.finished,
            None => self.kernel.root_exit.is_some() && self.programs.is_empty(),
        }
    }

    /// The supervisors.
    pub fn supervisors(&self) -> impl Iterator<Item = &Supervisor> {
        self.programs.values().filter_map(|(_, program)| match program {
            Program::Supervisor(supervisor) => Some(&**supervisor),
            _ => None,
        })
    }

    /// The `runsvdir`, if there is one.
    pub fn directory(&self) -> Option<&Directory> {
        self.programs.values().find_map(|(_, program)| match program {
            Program::Directory(directory) => Some(&**directory),
            _ => None,
        })
    }

    /// Gives a command to `sv`: `word`, or any.
    pub fn request(&mut self, service: ServiceId, word: Option<&str>) {
        let fresh = self.is_fresh(service);
        let client = match word {
            Some(word) => Client::new(&mut self.kernel, service, word, fresh),
            None => Client::random(&mut self.kernel, service, fresh),
        };
        self.clients.extend(client);
    }

    /// Whether the status file of the service says what its supervisor knows.
    fn is_fresh(&self, service: ServiceId) -> bool {
        self.supervisors().any(|supervisor| {
            supervisor.service == service
                && !supervisor.is_behind()
                && self
                    .kernel
                    .services
                    .get(&service)
                    .is_some_and(|dir| dir.status[0] == supervisor.record(Role::Service))
        })
    }

    /// When something happens although nothing is done.
    pub fn deadline(&mut self) -> Option<Nanoseconds> {
        let mut first = self.kernel.next_end();
        let mut take = |at: Option<Nanoseconds>| {
            first = match (first, at) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        };
        take(self.init.as_ref().and_then(Init::deadline));
        for (_, program) in self.programs.values_mut() {
            take(deadline_of(program));
        }
        first
    }

    /// Lets everything happen that is due at this moment, but for programs
    /// that do not get the processor.
    pub fn settle(&mut self) {
        let lag = self.kernel.habits.lag;
        self.lagging = Table::default();
        if lag > 0 && self.kernel.rng.chance(60) {
            for pid in self.programs.pids().into_iter().chain([Pid::INIT]) {
                if self.kernel.rng.chance(lag) {
                    self.lagging.insert(pid, ());
                }
            }
            self.kernel.saw("a program that does not get the processor", !self.lagging.is_empty());
        }
        for _ in 0..ROUNDS {
            self.kernel.live();
            self.load();
            let ran = self.run_all();
            self.look();
            if self.is_wrong() || self.init.as_ref().is_some_and(|init| init.finished) {
                return;
            }
            if !ran && self.kernel.next_end().is_none_or(|at| at > self.kernel.clock.mono()) {
                return self.check_rest();
            }
        }
        self.kernel.check(false, Invariant::Idle, || "they do not come to rest".into());
    }

    /// One turn for each program that has a reason; whether one had.
    fn run_all(&mut self) -> bool {
        let mut ran = false;
        if let Some(init) = &mut self.init {
            let now = self.kernel.clock.mono();
            let pending = self.kernel.processes.get(Pid::INIT).is_some_and(has_signal);
            let due = init.deadline().is_some_and(|at| at <= now);
            if (pending || due) && !self.lagging.has(Pid::INIT) {
                init.turn(&mut self.kernel);
                ran = true;
                self.load();
            }
        }
        for pid in self.programs.pids() {
            if self.is_ready(pid) {
                if let Some((_, program)) = self.programs.get_mut(pid) {
                    match program {
                        Program::Directory(program) => program.turn(&mut self.kernel),
                        Program::Supervisor(program) => program.turn(&mut self.kernel),
                        Program::Logger(program) => program.turn(&mut self.kernel),
                    }
                }
                ran = true;
                self.load();
            }
            if self.is_wrong() {
                break;
            }
        }
        ran
    }

    /// Whether the program wakes up: a signal, something to read, a deadline.
    fn is_ready(&mut self, pid: Pid) -> bool {
        let Some((_, program)) = self.programs.get_mut(pid) else { return false };
        let Some(process) = self.kernel.processes.get(pid) else { return false };
        if process.stopped || self.lagging.has(pid) {
            return false;
        }
        let now = self.kernel.clock.mono();
        let event = match &*program {
            Program::Directory(program) => program.has_event(&self.kernel),
            Program::Supervisor(program) => program.has_event(&self.kernel),
            Program::Logger(program) => program.has_event(&self.kernel),
        };
        event || has_signal(process) || deadline_of(program).is_some_and(|at| at <= now)
    }

    /// Programs of new processes begin; those of ended ones are no more.
    fn load(&mut self) {
        let kernel = &mut self.kernel;
        self.programs.retain(|pid, (serial, _)| {
            let process = kernel.processes.get(pid);
            let lives = process.is_some_and(|p| p.serial == *serial && p.lives());
            if !lives {
                kernel.names.forget(pid);
            }
            lives
        });
        let programs = &self.programs;
        let new = |process: &Process| {
            process.is_program() && process.pid != Pid::INIT && !programs.has(process.pid)
        };
        for pid in kernel.living(new) {
            let Some(process) = kernel.processes.get(pid) else { continue };
            let (serial, birth) = (process.serial, process.birth);
            let program = match birth.task {
                Task::Supervisor => Supervisor::new(kernel, pid, birth.service)
                    .map(|program| Program::Supervisor(Box::new(program))),
                Task::Run(_) => {
                    Logger::new(kernel, pid).map(|program| Program::Logger(Box::new(program)))
                }
                Task::Directory | Task::Boot(Stage::Stage2) => {
                    Some(Program::Directory(Box::new(Directory::new(pid))))
                }
                _ => None,
            };
            match program {
                Some(program) => {
                    self.programs.insert(pid, (serial, program));
                }
                None => kernel.exit(pid, Exit::Code(111)),
            }
        }
    }

    /// Clients look at what has changed.
    fn look(&mut self) {
        let mut clients = core::mem::take(&mut self.clients);
        clients.retain(|client| {
            let fresh = self.is_fresh(client.service);
            client.look(&mut self.kernel, fresh) == Outcome::Waiting
        });
        self.clients = clients;
    }

    /// What must hold of all programs when each has done what it can.
    fn check_rest(&mut self) {
        let kernel = &mut self.kernel;
        let stopped = |process: &Process| process.stopped;
        for (pid, (_, program)) in self.programs.iter_mut() {
            let held = self.lagging.has(pid);
            if held || kernel.processes.get(pid).is_none_or(stopped) {
                continue;
            }
            let lost = kernel.processes.values().any(|p| p.parent == pid && !p.lives());
            // svlogd here has no children.
            kernel.check(!lost, Invariant::NoChildLost, || format!("{pid:?} does not reap"));
            match program {
                Program::Directory(directory) => directory.check_rest(kernel),
                Program::Logger(logger) => logger.check_rest(kernel),
                Program::Supervisor(supervisor) => {
                    let unread = supervisor.has_event(kernel);
                    kernel.check(!unread, Invariant::Due, || "a command is not read".into());
                }
            }
        }
        if self.init.is_some() && !self.lagging.has(Pid::INIT) {
            let lost = kernel.processes.values().any(|p| p.parent == Pid::INIT && !p.lives());
            kernel.check(!lost, Invariant::NoChildLost, || "process 1 does not reap".into());
        }
    }
}

fn deadline_of(program: &mut Program) -> Option<Nanoseconds> {
    match program {
        Program::Directory(program) => program.deadline(),
        Program::Supervisor(program) => program.deadline(),
        Program::Logger(program) => program.deadline(),
    }
}

fn has_signal(process: &Process) -> bool {
    !process.pending.is_empty()
}
