//! A service and its log service, and the order in which they end (CONTRACT
//! section 2): the service first, then the log pipe is closed, and the log
//! service reads to its end and ends by itself.

use runit_core::control::ControlByte;
use runit_core::status::{State, Want};

use crate::machine::{Action, Actions, Event, Nanoseconds, Now, Role, Service};

/// What happened to the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairEvent {
    /// Something that concerns one of the two.
    For(Role, Event),
    /// The supervisor was told to end (SIGTERM): as `x`. Only while
    /// [`Pair::wants_control`] of the service.
    Term,
    /// The answer to [`Action::Drain`].
    Drained {
        /// Whether the log pipe still holds something that nobody has read.
        leftover: bool,
    },
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
    /// All is down, and stays so.
    Ended,
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
    pub fn deadline(&self) -> Option<Nanoseconds> {
        let service = self.service.deadline();
        let log = self.log.as_ref().and_then(Service::deadline);
        match (service, log) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Takes in an event; gives what to do.
    pub fn step(&mut self, now: Now, event: PairEvent) -> Actions {
        let mut out = Actions::default();
        if self.phase == Phase::Ended {
            return out;
        }
        match event {
            PairEvent::For(role, event) => {
                // As a start, the end waits for all that has come: `u` may take it back. It
                // goes first, so that no logger is started that has nothing to read.
                if event == Event::Tick {
                    self.end_if_due(&mut out);
                }
                self.step_one(now, role, event, &mut out);
            }
            PairEvent::Term => {
                let exit = Event::Control(ControlByte::Exit);
                self.step_one(now, Role::Service, exit, &mut out);
            }
            PairEvent::Drained { leftover } => self.drained(now, leftover, &mut out),
        }
        out
    }

    fn step_one(&mut self, now: Now, role: Role, event: Event, out: &mut Actions) {
        if let (Phase::Draining { .. }, Event::Control(command)) = (self.phase, event) {
            // The service is gone for good; nothing can be done for it. The
            // log service must not start another time without its pipe, but
            // can be told to hurry.
            let start = matches!(command, ControlByte::Up | ControlByte::Once);
            if role == Role::Service || start {
                return;
            }
        }
        match role {
            Role::Service => self.service.step(now, event, out),
            Role::Log => {
                if let Some(log) = &mut self.log {
                    log.step(now, event, out);
                }
            }
        }
    }

    /// Goes on with the end of the pair when the service is down for good, and
    /// when the log service has come down after it.
    fn end_if_due(&mut self, out: &mut Actions) {
        let due = match (self.phase, &mut self.log) {
            (Phase::Serving, log) => {
                let ends = self.service.is_down() && self.service.record().want == Want::Exit;
                if ends {
                    let again = log.as_mut().is_some_and(Service::release);
                    self.phase = Phase::Draining { again };
                }
                ends
            }
            (Phase::Draining { .. }, Some(log)) => log.is_down() && log.deadline().is_none(),
            (Phase::Draining { .. }, None) | (Phase::Ended, _) => false,
        };
        if due {
            out.push(Role::Service, Action::Drain);
        }
    }

    fn drained(&mut self, now: Now, leftover: bool, out: &mut Actions) {
        match &mut self.log {
            Some(log) if log.record().state != State::Down => {}
            Some(log) if leftover && self.phase == (Phase::Draining { again: true }) => {
                // It crashed, or was waiting to be started again: what the
                // service wrote last is not lost for that.
                self.phase = Phase::Draining { again: false };
                log.start_again();
                log.step(now, Event::Tick, out);
            }
            _ => {
                self.phase = Phase::Ended;
                out.push(Role::Service, Action::Quit);
            }
        }
    }
}
