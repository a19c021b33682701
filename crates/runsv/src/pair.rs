//! A service and its log service, and the order in which they end (CONTRACT
//! section 2): the service first, then the log pipe is closed, and the log
//! service reads to its end and ends by itself.

use core::time::Duration;

use runit_core::control::ControlByte;
use runit_core::status::{State, Want};

use crate::machine::{Action, Actions, Event, Now, Role, Service};

/// What happened to the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairEvent {
    /// Something that concerns one of the two.
    For(Role, Event),
    /// The supervisor was told to end (SIGTERM): as `x`. Only while
    /// [`Pair::wants_control`] of the service.
    Term,
    /// The answer to [`PairAction::Drain`].
    Drained {
        /// Whether the log pipe still holds something that nobody has read.
        leftover: bool,
    },
}

/// What is to be done for the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairAction {
    /// Something for one of the two.
    For(Role, Action),
    /// Close our writing end of the log pipe if it is open, and answer
    /// [`PairEvent::Drained`].
    Drain,
    /// End: everything is down.
    Quit,
}

/// The actions that one event leads to, in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct PairActions {
    service: Actions,
    log: Actions,
    end: Option<PairAction>,
}

impl IntoIterator for PairActions {
    type Item = PairAction;
    type IntoIter =
        core::iter::Chain<core::iter::Chain<For, For>, core::option::IntoIter<PairAction>>;

    fn into_iter(self) -> Self::IntoIter {
        For(Role::Log, self.log.into_iter())
            .chain(For(Role::Service, self.service.into_iter()))
            .chain(self.end)
    }
}

/// The actions of one of the two.
pub struct For(Role, <Actions as IntoIterator>::IntoIter);

impl Iterator for For {
    type Item = PairAction;

    fn next(&mut self) -> Option<PairAction> {
        self.1.next().map(|action| PairAction::For(self.0, action))
    }
}

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    /// The service is down for good, the log service reads what is left.
    Draining {
        /// Whether it may be started for what is left when it has ended.
        again: bool,
    },
}

/// A service, and its log service if it has one.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    service: Service,
    log: Option<Service>,
    phase: Phase,
}

impl Pair {
    /// The pair of these two.
    pub fn new(service: Service, log: Option<Service>) -> Self {
        Self { service, log, phase: Phase::Serving }
    }

    /// One of the two, if there.
    pub fn get(&self, role: Role) -> Option<&Service> {
        match role {
            Role::Service => Some(&self.service),
            Role::Log => self.log.as_ref(),
        }
    }

    /// Adds a log service that has appeared while the service was running.
    pub fn add_log(&mut self, log: Service) {
        self.log = Some(log);
    }

    /// Whether the next control byte for one of the two may be read.
    pub fn wants_control(&self, role: Role) -> bool {
        self.get(role).is_some_and(Service::wants_control)
    }

    /// When [`Event::Tick`] is due for either, on the monotonic clock.
    pub fn deadline(&self) -> Option<Duration> {
        let service = self.service.deadline();
        let log = self.log.as_ref().and_then(Service::deadline);
        match (service, log) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Takes in an event; gives what to do.
    pub fn step(&mut self, now: Now, event: PairEvent) -> PairActions {
        let mut out = PairActions::default();
        match event {
            PairEvent::For(role, Event::Control(command)) => {
                self.control(now, role, command, &mut out);
            }
            PairEvent::For(Role::Service, event) => out.service = self.service.step(now, event),
            PairEvent::For(Role::Log, event) => self.step_log(now, event, &mut out),
            PairEvent::Term => self.control(now, Role::Service, ControlByte::Exit, &mut out),
            PairEvent::Drained { leftover } => return self.drained(now, leftover),
        }
        self.end_if_due(&mut out);
        out
    }

    fn control(&mut self, now: Now, role: Role, command: ControlByte, out: &mut PairActions) {
        let event = Event::Control(command);
        match (self.phase, role) {
            (Phase::Serving, Role::Service) => out.service = self.service.step(now, event),
            // The service is gone for good; nothing can be done for it.
            (Phase::Draining { .. }, Role::Service) => {}
            // Without its pipe the log service must not start another time,
            // but it can be told to hurry.
            (Phase::Draining { .. }, Role::Log)
                if matches!(command, ControlByte::Up | ControlByte::Once) => {}
            (_, Role::Log) => self.step_log(now, event, out),
        }
    }

    fn step_log(&mut self, now: Now, event: Event, out: &mut PairActions) {
        if let Some(log) = &mut self.log {
            out.log = log.step(now, event);
        }
    }

    /// Goes on with the end of the pair when the service is down for good, and
    /// when the log service has come down after it.
    fn end_if_due(&mut self, out: &mut PairActions) {
        let record = self.service.record();
        if self.phase == Phase::Serving && self.service.is_down() && record.want == Want::Exit {
            let again = self.log.as_mut().is_some_and(Service::release);
            self.phase = Phase::Draining { again };
            out.end = Some(PairAction::Drain);
        } else if matches!(self.phase, Phase::Draining { .. })
            && self.log.as_ref().is_some_and(|log| log.is_down() && log.deadline().is_none())
        {
            out.end = Some(PairAction::Drain);
        }
    }

    fn drained(&mut self, now: Now, leftover: bool) -> PairActions {
        let mut out = PairActions::default();
        match &mut self.log {
            Some(log) if log.record().state != State::Down => {}
            Some(log) if leftover && self.phase == (Phase::Draining { again: true }) => {
                // It crashed, or was waiting to be started again: what the
                // service wrote last is not lost for that.
                self.phase = Phase::Draining { again: false };
                log.start_again();
                out.log = log.step(now, Event::Tick);
            }
            _ => out.end = Some(PairAction::Quit),
        }
        out
    }
}
