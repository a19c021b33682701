//! `runit`: the shell of process 1 around the real machine of stages.

use runit_core::exit::Exit;
use runit_init::boot::{Action, Actions, Boot, Event, PATIENCE, Program};
use runsv::machine::Nanoseconds;
use rustix::process::{Pid, Signal};

use crate::clock::SECOND;
use crate::invariant::Invariant;
use crate::kernel::{CHLD, Kernel};
use crate::process::{Birth, Task};
use crate::sabotage::Sabotage;

const INT: u32 = 2;
const TERM: u32 = 15;
const CONT: u32 = 18;
const PWR: u32 = 30;

/// See the module.
pub struct Init {
    boot: Boot,
    /// `stopit` is executable.
    pub stopit: bool,
    /// When stage 2 was asked to end: stage 3 is due soon.
    asked: Option<Nanoseconds>,
    /// The stages that were entered.
    entered: Vec<Program>,
    /// The stages are over.
    pub finished: bool,
}

impl Init {
    /// Starts stage 1.
    pub fn new(kernel: &mut Kernel) -> Self {
        let mut init = Self {
            boot: Boot::new(),
            stopit: false,
            asked: None,
            entered: Vec::new(),
            finished: false,
        };
        init.handle(kernel, Event::Tick);
        init
    }

    /// The stage it is in.
    pub fn stage(&self) -> Option<Program> {
        self.boot.stage()
    }

    /// When it wakes up although nothing happens.
    pub fn deadline(&self) -> Option<Nanoseconds> {
        self.boot.deadline()
    }

    /// One round of its loop: a signal, then whatever time has brought.
    pub fn turn(&mut self, kernel: &mut Kernel) {
        if let Some(signal) = kernel.take_signal(Pid::INIT) {
            if let Some(event) = event_of(kernel, signal) {
                self.handle(kernel, event);
            }
            if signal == CHLD {
                self.reap(kernel);
            }
        }
        self.handle(kernel, Event::Tick);
        self.check(kernel);
    }

    fn reap(&mut self, kernel: &mut Kernel) {
        let lazy = kernel.sabotages(Sabotage::LazyInit);
        while let Some((process, exit)) = kernel.wait(Pid::INIT) {
            self.handle(kernel, Event::Ended(process.pid, exit));
            if lazy {
                return;
            }
        }
    }

    fn handle(&mut self, kernel: &mut Kernel, event: Event) {
        let now = kernel.clock.mono();
        if event != Event::Tick {
            kernel.note(|| format!("runit hears {event:?}"));
        }
        self.note_request(kernel, event);
        let mut actions = Actions::default();
        self.boot.step(now, event, &mut actions);
        let all: Vec<_> = (0..).map_while(|index| actions.get(index)).collect();
        for action in all {
            kernel.note(|| format!("runit does {action:?}"));
            match action {
                Action::Say(_) => {}
                Action::Start(program) => {
                    let event = self.start(kernel, program);
                    self.handle(kernel, event);
                }
                Action::Terminate(pid) => kernel.kill(Pid::INIT, pid, Signal::TERM),
                Action::Kill(pid) => kernel.kill(Pid::INIT, pid, Signal::KILL),
                Action::KillGroup(pid) => kernel.kill_group(pid),
                Action::TakeStopit => {
                    let taken = core::mem::take(&mut self.stopit);
                    self.handle(kernel, Event::Stopit { taken });
                }
                Action::Finish => self.finish(kernel),
            }
        }
    }

    fn start(&mut self, kernel: &mut Kernel, program: Program) -> Event {
        self.check_entry(kernel, program);
        let session = matches!(program, Program::Stage2 | Program::Stage3);
        let birth = Birth { session, ..Birth::of(Task::Boot(program)) };
        match kernel.fork(Pid::INIT, birth) {
            Ok(pid) => {
                self.entered.push(program);
                if program == Program::Stage3 {
                    self.asked = None;
                    shut_down_services(kernel);
                }
                Event::Started(program, pid)
            }
            Err(error) => Event::StartFailed(program, error),
        }
    }

    fn finish(&mut self, kernel: &mut Kernel) {
        let last = self.entered.last();
        let limited = kernel.habits.container;
        kernel.check(limited || last == Some(&Program::Stage3), Invariant::Stages, || {
            format!("the end after {last:?}")
        });
        self.finished = true;
    }

    /// Notes that the end of stage 2 was asked for, and granted.
    fn note_request(&mut self, kernel: &Kernel, event: Event) {
        let container = matches!(
            event,
            Event::Term { container: true } | Event::Pwr { container: true, script: false }
        );
        let stage = self.stage();
        let waits = matches!(stage, Some(Program::Stage1 | Program::Stage2));
        if event == (Event::Stopit { taken: true }) && stage == Some(Program::Stage2)
            || container && waits
        {
            self.asked.get_or_insert(kernel.clock.mono());
        }
    }

    /// Stages come in their order, one at a time.
    fn check_entry(&self, kernel: &mut Kernel, program: Program) {
        let stage = |program: &Program| {
            matches!(program, Program::Stage1 | Program::Stage2 | Program::Stage3)
        };
        if !stage(&program) {
            return;
        }
        let last = self.entered.iter().rev().find(|program| stage(program));
        let in_order = match last {
            None => program != Program::Stage2,
            Some(Program::Stage1 | Program::Stage2) => program != Program::Stage1,
            Some(_) => false,
        };
        kernel.check(in_order, Invariant::Stages, || format!("{program:?} after {last:?}"));
        let beside = kernel.processes.values().any(|process| {
            process.parent == Pid::INIT
                && process.lives()
                && process.birth.task != Task::Boot(Program::CtrlAltDel)
                && process.birth.task != Task::Boot(Program::PwrFail)
                && matches!(process.birth.task, Task::Boot(_))
        });
        kernel.check(!beside, Invariant::OneProcess, || {
            format!("{program:?} while another stage runs")
        });
    }

    fn check(&mut self, kernel: &mut Kernel) {
        let now = kernel.clock.mono();
        if kernel.habits.fork_fails > 0 || kernel.habits.lag > 0 {
            // It takes as long as it takes.
            self.asked = self.asked.map(|_| now);
        }
        // TERM, KILL after five seconds, then the next stage at once; or within
        // a second, if no process was to be had.
        let late = self.asked.is_some_and(|at| now > at + PATIENCE + 2 * SECOND);
        kernel.check(self.finished || !late, Invariant::Stages, || {
            "stage 3 was asked for and does not come".into()
        });
        kernel.check(self.finished || self.stage().is_some(), Invariant::Stages, || {
            "no stage, and no end".into()
        });
    }

    /// How the end looks to whoever waits for it.
    pub fn exit(&self) -> Option<Exit> {
        self.finished.then_some(Exit::Code(0))
    }
}

fn event_of(kernel: &mut Kernel, signal: u32) -> Option<Event> {
    let container = kernel.habits.container;
    if signal == CONT && kernel.sabotages(Sabotage::DeafInit) {
        return None;
    }
    Some(match signal {
        CONT => Event::Cont,
        INT => Event::Int { script: kernel.rng.chance(50) },
        PWR => Event::Pwr { script: kernel.rng.chance(50), container },
        TERM => Event::Term { container },
        _ => return None,
    })
}

/// What stage 3 does first.
fn shut_down_services(kernel: &mut Kernel) {
    for service in kernel.services.values_mut().filter(|service| service.lock.is_some()) {
        service.fifos[0].push_back(runit_core::control::ControlByte::Exit);
    }
}
