//! `runsv`: the loop and the actions of its shell, around the real pair of
//! machines, each event compared with what the [`Model`]s say.

mod checks;

use runit_core::control::ControlByte;
use runit_core::exit::Exit;
use runit_core::status::{StatusRecord, Want};
use runsv::machine::{Action, Event, Nanoseconds, Now, Program, Role, Service};
use runsv::pair::{Pair, PairEvent};
use rustix::process::{Pid, Signal};

use crate::clock::{MS, SECOND};
use crate::invariant::Invariant;
use crate::kernel::Kernel;
use crate::model::Model;
use crate::pipe::PipeId;
use crate::process::{Birth, Process, ServiceId, Task};
use crate::sabotage::Sabotage;
use crate::service::{ROLES, index};

const TERM: u32 = 15;

/// How long a status file that could not be written waits to be tried again.
const RETRY: Nanoseconds = SECOND;

/// See the module.
pub struct Supervisor {
    pid: Pid,
    /// Which directory it supervises.
    pub service: ServiceId,
    pair: Pair,
    script: Option<Pid>,
    term: bool,
    pipe: Option<PipeId>,
    models: [Option<Model>; 2],
    /// Another logger is due for what is left at the end.
    logger_left: bool,
    /// When to write what could not be written.
    retry: Option<Nanoseconds>,
    quit: bool,
}

impl Supervisor {
    /// Starts in its directory; `None` where another one has the lock.
    pub fn new(kernel: &mut Kernel, pid: Pid, service: ServiceId) -> Option<Self> {
        let serial = kernel.processes.get(pid)?.serial;
        let now = kernel.clock.now();
        let dir = kernel.service(service);
        if dir.lock.is_some() {
            kernel.saw("a supervisor that is refused", true);
            return None;
        }
        dir.lock = Some(serial);
        dir.fifos.iter_mut().for_each(std::collections::VecDeque::clear);
        let wants = dir.down.map(|down| if down { Want::Down } else { Want::Up });
        let has_log = dir.log;
        let log = has_log.then(|| Service::new(Role::Log, wants[1], now));
        let mut supervisor = Self {
            pid,
            service,
            pair: Pair::new(Service::new(Role::Service, wants[0], now), log),
            script: None,
            term: false,
            pipe: None,
            models: [
                Some(Model::new(Role::Service, wants[0], now)),
                has_log.then(|| Model::new(Role::Log, wants[1], now)),
            ],
            logger_left: false,
            retry: None,
            quit: false,
        };
        if has_log {
            supervisor.pipe = kernel.make_pipe(pid).ok();
        }
        supervisor.report_all(kernel);
        supervisor.tick(kernel, now);
        supervisor.rest(kernel);
        Some(supervisor)
    }

    /// What must be true of one of its services.
    pub fn model(&self, role: Role) -> Option<&Model> {
        self.models[index(role)].as_ref()
    }

    /// Whether what it last wrote is out of date.
    pub fn is_behind(&self) -> bool {
        self.retry.is_some()
    }

    /// Whether its `runsvdir` is gone.
    pub fn is_left_alone(&self, kernel: &Kernel) -> bool {
        kernel.processes.get(self.pid).is_some_and(|process| process.parent == Pid::INIT)
    }

    /// When it wakes up although nothing happens.
    pub fn deadline(&self) -> Option<Nanoseconds> {
        [self.pair.deadline(), self.retry].into_iter().flatten().min()
    }

    /// Whether something waits to be read.
    pub fn has_event(&self, kernel: &Kernel) -> bool {
        let Some(dir) = kernel.services.get(&self.service) else { return false };
        ROLES
            .into_iter()
            .any(|role| self.pair.wants_control(role) && !dir.fifos[index(role)].is_empty())
    }

    /// One round of its loop.
    pub fn turn(&mut self, kernel: &mut Kernel) {
        let now = kernel.clock.now();
        self.read_signals(kernel, now);
        self.read_control(kernel, now, Role::Log);
        self.read_control(kernel, now, Role::Service);
        self.tick(kernel, now);
        self.rest(kernel);
    }

    /// What comes before the next wait.
    fn rest(&mut self, kernel: &mut Kernel) {
        self.report_all(kernel);
        if self.quit {
            kernel.exit(self.pid, Exit::Code(0));
        } else {
            self.check_due(kernel);
        }
        if kernel.sabotage == Some(Sabotage::Spinning) {
            self.retry = Some(0);
        }
    }

    fn read_signals(&mut self, kernel: &mut Kernel, now: Now) {
        while let Some(number) = kernel.take_signal(self.pid) {
            self.term |= number == TERM;
        }
        if kernel.sabotages(Sabotage::LostChild) {
            return;
        }
        while let Some((process, exit)) = kernel.wait(self.pid) {
            self.reap(kernel, now, &process, exit);
        }
    }

    fn reap(&mut self, kernel: &mut Kernel, now: Now, process: &Process, exit: Exit) {
        let task = process.birth.task;
        if self.script == Some(process.pid) {
            kernel.check(task == Task::Script, Invariant::NoChildLost, || {
                "the script's pid is another's".into()
            });
            self.script = None;
            let handled = exit.success();
            kernel.saw("a script that handles it", handled);
            kernel.saw("a script that fails", !handled);
            return self.handle(
                kernel,
                now,
                PairEvent::For(Role::Service, Event::HookDone { handled }),
            );
        }
        kernel.saw("an end while a script runs", self.script.is_some());
        let is =
            |role: &Role| self.pair.get(*role).is_some_and(|s| s.record().pid == Some(process.pid));
        let Some(role) = ROLES.into_iter().find(is) else {
            return kernel.check(false, Invariant::NoChildLost, || {
                format!("{:?}, which nobody knows, has ended", process.pid)
            });
        };
        let of_role = match task {
            Task::Run(of) => of == role,
            Task::Finish => role == Role::Service,
            _ => false,
        };
        kernel.check(of_role, Invariant::NoChildLost, || "the process belongs to the other".into());
        let finish = role == Role::Service && kernel.rng.chance(kernel.habits.finish);
        self.handle(kernel, now, PairEvent::For(role, Event::Exited { exit, finish }));
    }

    fn read_control(&mut self, kernel: &mut Kernel, now: Now, role: Role) {
        if !self.pair.wants_control(role) {
            return;
        }
        if let Some(command) = kernel.service(self.service).fifos[index(role)].pop_front() {
            let ending = self.model(role).is_some_and(|model| model.ending);
            kernel.saw("a control byte while the pair ends", ending);
            kernel.saw("a control byte when a start is due", self.is_due(role, now));
            self.handle(kernel, now, PairEvent::For(role, Event::Control(command)));
        }
    }

    /// Whether a start is due at the end of the round, unless something else comes before.
    fn is_due(&self, role: Role, now: Now) -> bool {
        let due = self.model(role).and_then(Model::due);
        due.is_some_and(|(_, at)| at <= now.mono)
    }

    fn tick(&mut self, kernel: &mut Kernel, mut now: Now) {
        if self.term && self.pair.wants_control(Role::Service) {
            self.term = false;
            kernel.saw("TERM when a start is due", self.is_due(Role::Service, now));
            self.handle(kernel, now, PairEvent::Term);
        }
        if kernel.sabotages(Sabotage::HastyStart) {
            now.mono += 900 * MS;
        }
        if kernel.sabotages(Sabotage::Oversleeping) {
            return;
        }
        self.handle(kernel, now, PairEvent::For(Role::Log, Event::Tick));
        self.handle(kernel, now, PairEvent::For(Role::Service, Event::Tick));
    }

    /// Hands an event to the pair, does what comes of it, and checks both.
    fn handle(&mut self, kernel: &mut Kernel, now: Now, event: PairEvent) {
        if event != PairEvent::For(Role::Log, Event::Tick)
            && event != PairEvent::For(Role::Service, Event::Tick)
        {
            kernel.note(|| format!("runsv {:?} of {} hears {event:?}", self.pid, self.service));
        }
        if self.quit {
            kernel.saw("an event after the end", true);
            let nothing = self.pair.step(now, event).get(0).is_none();
            return kernel
                .check(nothing, Invariant::Order, || "an action after the end".to_owned());
        }
        let of = match event {
            PairEvent::For(role, event) => Some((role, event)),
            PairEvent::Term => Some((Role::Service, Event::Control(ControlByte::Exit))),
            PairEvent::Drained { .. } => None,
        };
        let script = self.model(Role::Service).and_then(|model| model.script);
        let mut expected = Vec::new();
        if let Some((role, event)) = of {
            if let Some(model) = &mut self.models[index(role)] {
                expected = model.expect(now, event);
                expected.reverse();
            }
        }
        if event == (PairEvent::Drained { leftover: true }) {
            self.note_leftover(kernel);
        }
        let actions = self.pair.step(now, event);
        let all: Vec<_> = (0..).map_while(|index| actions.get(index)).collect();
        self.check_actions(kernel, of, script, expected, &all);
        self.check_status(kernel);
        for (role, action) in all {
            self.act(kernel, now, role, action);
        }
    }

    /// Does an action, and hands back the answer.
    fn act(&mut self, kernel: &mut Kernel, now: Now, role: Role, action: Action) {
        let answer = match action {
            Action::Kill(pid, signal) => {
                let swallowed = signal == Signal::TERM && kernel.sabotages(Sabotage::SwallowedTerm);
                if !swallowed {
                    kernel.kill(self.pid, pid, signal);
                }
                return;
            }
            Action::Hook(command) => {
                let birth =
                    Birth { service: self.service, output: self.pipe, ..Birth::of(Task::Script) };
                self.set_script(role, command);
                if kernel.rng.chance(kernel.habits.script) {
                    self.report_all(kernel);
                    if let Ok(pid) = kernel.fork(self.pid, birth) {
                        self.script = Some(pid);
                        return;
                    }
                }
                PairEvent::For(role, Event::HookDone { handled: false })
            }
            Action::Start(program) => {
                if (role, program) == (Role::Service, Program::Run) {
                    self.adopt_log(kernel, now);
                }
                PairEvent::For(role, self.start(kernel, role, program))
            }
            Action::Drain => {
                if let Some(process) = kernel.processes.get_mut(self.pid) {
                    process.birth.output = None;
                }
                kernel.let_go_of_pipes();
                let pipe = self.pipe.and_then(|pipe| kernel.pipes.get(&pipe));
                PairEvent::Drained { leftover: pipe.is_some_and(crate::pipe::Pipe::has_content) }
            }
            Action::Quit => {
                self.quit = true;
                return;
            }
        };
        self.handle(kernel, now, answer);
        if matches!(action, Action::Start(_)) {
            self.report_all(kernel);
        }
    }

    fn start(&mut self, kernel: &mut Kernel, role: Role, program: Program) -> Event {
        let task = match program {
            Program::Run => Task::Run(role),
            Program::Finish(_) => Task::Finish,
        };
        let output = if role == Role::Service { self.pipe } else { None };
        let input = if role == Role::Log { self.pipe } else { None };
        let birth = Birth { task, service: self.service, session: false, output, input };
        if task == Task::Run(Role::Service) {
            kernel.service(self.service).starts += 1;
        }
        if kernel.sabotages(Sabotage::SecondStart) {
            // Twice, and the first is forgotten.
            let _ = kernel.fork(self.pid, birth);
        }
        kernel.fork(self.pid, birth).map_or(Event::StartFailed, Event::Started)
    }

    fn set_script(&mut self, role: Role, command: ControlByte) {
        if let Some(model) = &mut self.models[index(role)] {
            model.script = Some(command);
        }
    }

    /// Takes up a `log/` that has appeared.
    fn adopt_log(&mut self, kernel: &mut Kernel, now: Now) {
        if self.model(Role::Log).is_some() {
            return;
        }
        let late = kernel.rng.chance(kernel.habits.late_log);
        let dir = kernel.service(self.service);
        dir.log |= late;
        if !dir.log {
            return;
        }
        kernel.saw("a log directory that comes late", true);
        let Ok(pipe) = kernel.make_pipe(self.pid) else { return };
        self.pipe = Some(pipe);
        self.pair.add_log(Service::new(Role::Log, Want::Up, now));
        self.models[1] = Some(Model::new(Role::Log, Want::Up, now));
        self.handle(kernel, now, PairEvent::For(Role::Log, Event::Tick));
    }

    /// Brings the status files up to date, if the disk lets it.
    fn report_all(&mut self, kernel: &mut Kernel) {
        let mut failing = false;
        for role in ROLES {
            let Some(record) = self.record(role) else { continue };
            if kernel.service(self.service).status[index(role)] == Some(record) {
                continue;
            }
            if kernel.sabotages(Sabotage::StaleStatus) {
                continue;
            }
            if kernel.disk.replace().is_ok() {
                kernel.service(self.service).status[index(role)] = Some(record);
            } else {
                failing = true;
            }
        }
        kernel.saw("a status that cannot be written", failing);
        self.retry = failing.then(|| kernel.clock.mono() + RETRY);
    }

    /// What the pair says of one of its services.
    pub fn record(&self, role: Role) -> Option<StatusRecord> {
        self.pair.get(role).map(Service::record)
    }
}
