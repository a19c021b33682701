//! What must hold of everything that a pair does, and whenever it rests.

use runit_core::control::ControlByte;
use runit_core::status::{State, Want};
use runsv::machine::{Action, Event, Nanoseconds, Program, Role};

use super::Supervisor;
use crate::invariant::Invariant;
use crate::kernel::Kernel;
use crate::process::{Process, Task};
use crate::service::{ROLES, index};

impl Supervisor {
    /// The actions that an event for `of` has led to are those that are due.
    pub(super) fn check_actions(
        &mut self,
        kernel: &mut Kernel,
        of: Option<(Role, Event)>,
        script: Option<ControlByte>,
        mut expected: Vec<Action>,
        all: &[(Role, Action)],
    ) {
        for (place, &(role, action)) in all.iter().enumerate() {
            kernel.note(|| {
                format!("runsv {:?} of {} does {action:?} ({role:?})", self.pid, self.service)
            });
            match action {
                Action::Hook(ControlByte::Up) => {
                    self.check_start(kernel, role, Program::Run);
                    self.check_round(kernel, of, (role, action));
                }
                Action::Kill(..) | Action::Hook(_) => {
                    let due = expected.pop();
                    kernel.check(due == Some(action), Invariant::Signals, || {
                        format!("{action:?} where {due:?} was due")
                    });
                    kernel.check(of.is_some_and(|(of, _)| of == role), Invariant::Signals, || {
                        format!("{action:?} for the other service")
                    });
                }
                Action::Start(program) => {
                    self.check_start(kernel, role, program);
                    let is_done = |(_, event)| matches!(event, Event::HookDone { .. });
                    let after_script = script == Some(ControlByte::Up) && of.is_some_and(is_done);
                    let needs_script = (role, program) == (Role::Service, Program::Run);
                    kernel.check(!needs_script || after_script, Invariant::Signals, || {
                        "a start without its script".into()
                    });
                    // A logger for what is left answers a drain, which has its own check.
                    if !after_script && of.is_some() {
                        self.check_round(kernel, of, (role, action));
                    }
                }
                Action::Drain => {
                    self.check_round(kernel, of, (role, action));
                    self.note_end(kernel);
                }
                Action::Quit => self.check_quit(kernel),
            }
            let answered = !matches!(action, Action::Kill(..) | Action::Quit);
            kernel.check(!answered || place + 1 == all.len(), Invariant::Order, || {
                "an answered action is not the last".into()
            });
        }
        kernel.check(expected.is_empty(), Invariant::Signals, || {
            format!("{expected:?} was due and has not come")
        });
    }

    /// What begins or ends something comes when all that the round brought is known.
    fn check_round(
        &self,
        kernel: &mut Kernel,
        of: Option<(Role, Event)>,
        (role, action): (Role, Action),
    ) {
        let last = matches!(of, Some((_, Event::Tick)));
        kernel.check(last, Invariant::Order, || format!("{action:?} before the round's end"));
        // It waits for a script, and so does the service; its logger need not.
        let heard = !self.term || role == Role::Log;
        kernel.check(heard, Invariant::Order, || format!("{action:?} while TERM waits"));
    }

    fn children<'k>(&self, kernel: &'k Kernel) -> impl Iterator<Item = &'k Process> {
        let pid = self.pid;
        kernel.processes.values().filter(move |process| process.parent == pid)
    }

    /// The end begins: the service is down for good.
    fn note_end(&mut self, kernel: &mut Kernel) {
        let Some(service) = &mut self.models[0] else { return };
        let wanted = service.status.want == Want::Exit;
        let begun = core::mem::replace(&mut service.ending, true);
        kernel.check(wanted, Invariant::Order, || "the end that nobody wanted".into());
        let lives = self.children(kernel).any(|p| p.birth.task != Task::Run(Role::Log));
        kernel.check(!lives, Invariant::Order, || "the end while something lives".into());
        if begun {
            return;
        }
        if let Some(log) = &mut self.models[1] {
            self.logger_left = log.status.want == Want::Up;
            log.ending = true;
            log.once = false;
            log.status.want = Want::Exit;
        }
    }

    /// What is left in the pipe is for one more logger, if there is none and
    /// one was wanted.
    pub(super) fn note_leftover(&mut self, kernel: &mut Kernel) {
        let Some(log) = &mut self.models[1] else { return };
        if log.status.state == State::Down && core::mem::take(&mut self.logger_left) {
            log.once = true;
            kernel.saw("a logger for what is left", true);
        }
    }

    fn check_quit(&mut self, kernel: &mut Kernel) {
        let alone = self.children(kernel).next().is_none();
        kernel.check(alone, Invariant::NoChildLost, || {
            "ended with a process that was not reaped".into()
        });
        let ours = kernel.processes.get(self.pid);
        let open = ours.is_some_and(|process| process.birth.output.is_some());
        kernel.check(!open, Invariant::Order, || "ended before the log service could".into());
        // It is due from the moment at which something is seen to be left.
        let log_due = self.model(Role::Log).is_some_and(|log| log.due().is_some());
        let pipe = self.pipe.and_then(|pipe| kernel.pipes.get(&pipe));
        let content = pipe.is_some_and(crate::pipe::Pipe::has_content);
        let lost = log_due || content && self.logger_left;
        kernel.check(!lost, Invariant::Lines, || "what is left in the pipe gets no logger".into());
    }

    /// Whether `program` may be started now, or its script run.
    fn check_start(&self, kernel: &mut Kernel, role: Role, program: Program) {
        kernel.check(!self.quit, Invariant::Order, || "a start after the end".into());
        let Some(model) = self.model(role) else { return };
        let task = match program {
            Program::Run => Task::Run(role),
            Program::Finish(_) => Task::Finish,
        };
        let same = |p: &Process| {
            p.birth.task == task || (role == Role::Service && p.birth.task == Task::Finish)
        };
        let alone = !self.children(kernel).any(same) && model.status.pid.is_none();
        kernel
            .check(alone, Invariant::OneProcess, || format!("{program:?} beside another process"));
        let now = kernel.clock.mono();
        let due = model.due();
        let in_time = match (due, program) {
            (Some((Program::Run, at)), Program::Run)
            | (Some((Program::Finish(_), at)), Program::Finish(_)) => now >= at,
            _ => false,
        };
        kernel.check(in_time, Invariant::Throttle, || {
            format!("{program:?} of {} where due is {due:?}, at {now}", self.service)
        });
    }

    /// The status tells what the contract says, and of processes that are there.
    pub(super) fn check_status(&self, kernel: &mut Kernel) {
        for role in ROLES {
            let (Some(model), Some(record)) = (self.model(role), self.record(role)) else {
                continue;
            };
            kernel.check(record == model.status, Invariant::Status, || {
                format!("{role:?} is {record:#?} and must be {:#?}", model.status)
            });
            let task = match record.state {
                State::Down => None,
                State::Run => Some(Task::Run(role)),
                State::Finish => Some(Task::Finish),
            };
            if let Some(pid) = record.pid {
                let is = |p: &Process| p.pid == pid && Some(p.birth.task) == task;
                let there = self.children(kernel).any(is);
                kernel.check(there, Invariant::Status, || format!("{pid:?} is no process of it"));
            }
        }
    }

    /// Before the loop waits, all that is due has been done, and what is not
    /// has a time; when there is nothing, it waits for ever.
    pub(super) fn check_due(&self, kernel: &mut Kernel) {
        let now = kernel.clock.mono();
        let mut earliest: Option<Nanoseconds> = None;
        for role in ROLES {
            let Some(model) = self.model(role) else { continue };
            let waits = !self.pair.wants_control(role);
            kernel.check(waits == model.script.is_some(), Invariant::Due, || {
                "deaf to control bytes without cause".into()
            });
            if let Some((program, at)) = model.due() {
                kernel.check(now < at, Invariant::Due, || {
                    format!("{role:?}: {program:?} is due and not started")
                });
                earliest = Some(earliest.map_or(at, |other| other.min(at)));
            }
        }
        kernel.saw("a start held back", earliest.is_some());
        kernel.check(self.pair.deadline() == earliest, Invariant::Due, || {
            format!("waits until {:?}, not {earliest:?}", self.pair.deadline())
        });
        self.check_world(kernel);
    }

    /// What others see of it: processes and status files.
    fn check_world(&self, kernel: &mut Kernel) {
        for role in ROLES {
            let count = self.children(kernel).filter(|p| p.birth.task == Task::Run(role)).count();
            kernel.check(count <= 1, Invariant::OneProcess, || {
                format!("{count} processes of {} ({role:?})", self.service)
            });
            let file = kernel.service(self.service).status[index(role)];
            let behind = self.is_behind();
            kernel.check(behind || file == self.record(role), Invariant::Status, || {
                format!("status of {} says {file:#?}, not {:#?}", self.service, self.record(role))
            });
        }
    }
}
