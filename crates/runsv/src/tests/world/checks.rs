//! What must hold of everything that the pair does, and whenever it rests.

use std::format;

use runit_core::status::{State, Want};

use super::{Process, Task, World};
use crate::machine::{Nanoseconds, Program, Role};

impl World {
    /// The end begins: the service is down for good.
    pub(super) fn note_end(&mut self) {
        let service = self.model(Role::Service).unwrap();
        self.check(service.status.want == Want::Exit, "the end that nobody wanted");
        let lives = |p: &Process| p.task != Task::Run(Role::Log);
        self.check(!self.processes.iter().any(lives), "the end while something lives");
        if self.model_of(Role::Service).ending {
            return;
        }
        self.model_of(Role::Service).ending = true;
        if let Some(log) = &mut self.models[1] {
            self.logger_left = log.status.want == Want::Up;
            log.ending = true;
            log.once = false;
            log.status.want = Want::Exit;
        }
    }

    /// What is left in the pipe is for one more logger, if there is none and
    /// one was wanted.
    pub(super) fn note_leftover(&mut self) {
        let down = self.model(Role::Log).is_some_and(|log| log.status.state == State::Down);
        if down && core::mem::take(&mut self.logger_left) {
            self.model_of(Role::Log).once = true;
            self.saw("a logger for what is left", true);
        }
    }

    pub(super) fn check_quit(&mut self) {
        self.check(self.processes.is_empty(), "ended with a process that has not");
        self.check(self.pipe.closed, "ended before the log service could");
        // It is due from the moment at which something is seen to be left.
        let log_due = self.model(Role::Log).is_some_and(|log| log.due().is_some());
        let lost = log_due || self.pipe.content > 0 && self.logger_left;
        self.check(!lost, "what is left in the pipe gets no logger");
    }

    /// Whether `program` may be started now, or its script run.
    pub(super) fn check_start(&self, role: Role, program: Program) {
        self.check(!self.quit, "a start after the end");
        let task = match program {
            Program::Run => Task::Run(role),
            Program::Finish(_) => Task::Finish,
        };
        let model = self.model(role).unwrap();
        let (due, status) = (model.due(), model.status);
        let same =
            |p: &Process| p.task == task || (role == Role::Service && p.task == Task::Finish);
        self.check(!self.processes.iter().any(same), "a second process of one service");
        self.check(status.pid.is_none(), "a start while there is a process");
        let in_time = match (due, program) {
            (Some((Program::Run, at)), Program::Run)
            | (Some((Program::Finish(_), at)), Program::Finish(_)) => self.mono >= at,
            _ => false,
        };
        self.check(in_time, "a start that is not due, or too soon");
    }

    /// The status tells what the contract says, and of processes that are there.
    pub(super) fn check_status(&self) {
        for role in [Role::Service, Role::Log] {
            let (Some(model), Some(service)) = (self.model(role), self.pair.get(role)) else {
                continue;
            };
            let status = service.record();
            if status != model.status {
                self.fail(&format!("{role:?} must be {:#?}", model.status));
            }
            let task = match status.state {
                State::Down => None,
                State::Run => Some(Task::Run(role)),
                State::Finish => Some(Task::Finish),
            };
            if let Some(pid) = status.pid {
                let is = |p: &Process| p.pid == pid && Some(p.task) == task;
                self.check(self.processes.iter().any(is), "a pid that is no process of it");
            }
        }
    }

    /// Before the loop waits, all that is due has been done, and what is not
    /// has a time; when there is nothing, it waits for ever.
    pub(super) fn check_due(&mut self) {
        let mut earliest: Option<Nanoseconds> = None;
        for role in [Role::Service, Role::Log] {
            let Some(model) = self.model(role) else { continue };
            let waits = !self.pair.wants_control(role);
            self.check(waits == model.script.is_some(), "deaf to control bytes without cause");
            if let Some((program, at)) = model.due() {
                if self.mono >= at {
                    self.fail(&format!("{role:?}: {program:?} is due and not started"));
                }
                earliest = Some(earliest.map_or(at, |other| other.min(at)));
            }
        }
        self.saw("a start held back", earliest.is_some());
        self.check(self.pair.deadline() == earliest, "waits for another time than it should");
    }
}
