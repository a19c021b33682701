//! The supervisor's loop and its actions, as the shell has them.

use std::vec::Vec;

use runit_core::control::ControlByte;
use runit_core::status::Want;

use super::{Note, Task, World, index};
use crate::machine::{Action, Event, Now, Program, Role, Service};
use crate::pair::PairEvent;
use crate::tests::model::Model;

impl World {
    /// Collects all that have ended, in any order.
    pub(super) fn reap(&mut self, now: Now) {
        let ended = self.processes.iter().filter(|p| p.ended.is_some());
        let (count, stopped) = (ended.clone().count(), ended.clone().any(|p| p.stopped));
        self.saw("many ends at once", count > 1);
        self.saw("a stopped process killed", stopped);
        while let Some(first) = self.processes.iter().position(|p| p.ended.is_some()) {
            let last = self.processes.iter().rposition(|p| p.ended.is_some()).unwrap_or(first);
            let which = if self.rng.chance(50) { first } else { last };
            let process = self.processes.swap_remove(which);
            let exit = process.ended.unwrap();
            if self.script == Some(process.pid) {
                self.check(process.task == Task::Script, "the script's pid is another's");
                self.script = None;
                let handled = exit.success();
                self.saw("a script that handles it", handled);
                self.saw("a script that fails", !handled);
                self.handle(now, PairEvent::For(Role::Service, Event::HookDone { handled }));
                continue;
            }
            self.saw("an end while a script runs", self.script.is_some());
            let is = |role: &Role| {
                self.pair.get(*role).is_some_and(|s| s.record().pid == Some(process.pid))
            };
            let Some(role) = [Role::Service, Role::Log].into_iter().find(is) else {
                self.fail("a process that nobody knows has ended");
            };
            let of_role = match process.task {
                Task::Run(of) => of == role,
                Task::Finish => role == Role::Service,
                Task::Script => false,
            };
            self.check(of_role, "the process belongs to the other");
            let finish = role == Role::Service && self.rng.chance(self.habits.finish);
            self.handle(now, PairEvent::For(role, Event::Exited { exit, finish }));
        }
    }

    pub(super) fn read_control(&mut self, now: Now, role: Role) {
        if !self.pair.wants_control(role) {
            return;
        }
        if let Some(command) = self.fifos[index(role)].pop_front() {
            let ending = self.model(role).is_some_and(|model| model.ending);
            self.saw("a control byte while the pair ends", ending);
            self.handle(now, PairEvent::For(role, Event::Control(command)));
        }
    }

    pub(super) fn tick(&mut self, now: Now) {
        if self.term && self.pair.wants_control(Role::Service) {
            self.term = false;
            self.handle(now, PairEvent::Term);
        }
        self.handle(now, PairEvent::For(Role::Log, Event::Tick));
        self.handle(now, PairEvent::For(Role::Service, Event::Tick));
    }

    /// Hands an event to the pair, does what comes of it, and checks both.
    fn handle(&mut self, now: Now, event: PairEvent) {
        self.notes.push((self.mono, Note::Happened(event)));
        if self.quit {
            self.saw("an event after the end", true);
            let nothing = self.pair.step(now, event).get(0).is_none();
            return self.check(nothing, "an action after the end");
        }
        let mut expected = Vec::new();
        let script = self.model(Role::Service).and_then(|model| model.script);
        let of = match event {
            PairEvent::For(role, event) => Some((role, event)),
            PairEvent::Term => Some((Role::Service, Event::Control(ControlByte::Exit))),
            PairEvent::Drained { .. } => None,
        };
        if let Some((role, event)) = of {
            if let Some(model) = &mut self.models[index(role)] {
                expected = model.expect(now, event);
                expected.reverse();
            }
        }
        if event == (PairEvent::Drained { leftover: true }) {
            self.note_leftover();
        }
        let actions = self.pair.step(now, event);
        let all: Vec<_> = (0..).map_while(|index| actions.get(index)).collect();
        for (place, &(role, action)) in all.iter().enumerate() {
            self.notes.push((self.mono, Note::Done(role, action)));
            match action {
                Action::Hook(ControlByte::Up) => self.check_start(role, Program::Run),
                Action::Kill(..) | Action::Hook(_) => {
                    let due = expected.pop();
                    self.check(due == Some(action), "not the signal or script that was due");
                    self.check(of.is_some_and(|(of, _)| of == role), "for the other service");
                }
                Action::Start(program) => {
                    self.check_start(role, program);
                    let is_done = |(_, event)| matches!(event, Event::HookDone { .. });
                    let after_script = script == Some(ControlByte::Up) && of.is_some_and(is_done);
                    let needs_script = (role, program) == (Role::Service, Program::Run);
                    self.check(!needs_script || after_script, "a start without its script");
                }
                Action::Drain => self.note_end(),
                Action::Quit => self.check_quit(),
            }
            let answered = !matches!(action, Action::Kill(..) | Action::Quit);
            self.check(!answered || place + 1 == all.len(), "an answered action is not the last");
        }
        self.check(expected.is_empty(), "a signal or script that was due has not come");
        self.check_status();
        for (role, action) in all {
            self.act(now, role, action);
        }
    }

    /// Does an action, and hands back the answer.
    fn act(&mut self, now: Now, role: Role, action: Action) {
        let answer = match action {
            Action::Kill(pid, signal) => return self.deliver(pid, signal),
            Action::Hook(command) => {
                if self.rng.chance(self.habits.script) && !self.fork_fails() {
                    let pid = self.start(Task::Script);
                    self.script = Some(pid);
                    self.model_of(role).script = Some(command);
                    return;
                }
                self.model_of(role).script = Some(command);
                PairEvent::For(role, Event::HookDone { handled: false })
            }
            Action::Start(program) => {
                if (role, program) == (Role::Service, Program::Run) {
                    self.adopt_log(now);
                }
                let task = match program {
                    Program::Run => Task::Run(role),
                    Program::Finish(_) => Task::Finish,
                };
                let event = if self.fork_fails() {
                    self.saw("a fork that fails", true);
                    Event::StartFailed
                } else {
                    Event::Started(self.start(task))
                };
                PairEvent::For(role, event)
            }
            Action::Drain => {
                self.pipe.closed = true;
                PairEvent::Drained { leftover: self.pipe.content > 0 }
            }
            Action::Quit => {
                self.quit = true;
                return;
            }
        };
        self.handle(now, answer);
    }

    pub(super) fn model_of(&mut self, role: Role) -> &mut Model {
        self.models[index(role)].as_mut().unwrap()
    }

    fn fork_fails(&mut self) -> bool {
        self.rng.chance(self.habits.fork_fails)
    }

    fn adopt_log(&mut self, now: Now) {
        if self.model(Role::Log).is_none() && self.rng.chance(self.habits.late_log) {
            self.pair.add_log(Service::new(Role::Log, Want::Up, now));
            self.models[1] = Some(Model::new(Role::Log, Want::Up, now));
            self.handle(now, PairEvent::For(Role::Log, Event::Tick));
        }
    }
}
