//! `sv`: commands whose goals are judged by the real code, and then by what
//! has really happened.

use runit_core::control::ControlByte;
use runit_core::status::{State, StatusRecord};
use runit_core::tai::Tai64n;
use runsv::machine::{Nanoseconds, Role};
use sv::client::is_wanted_already;
use sv::command::{Caller, Command, Order, parse, words};
use sv::goal::{Before, Goal, Moment, Verdict};

use crate::clock::SECOND;
use crate::invariant::Invariant;
use crate::kernel::Kernel;
use crate::process::{ServiceId, Task};
use crate::sabotage::Sabotage;

/// How long a client waits.
const WAIT: Nanoseconds = 7 * SECOND;

/// A command that waits for its goal.
pub struct Client {
    /// Which service.
    pub service: ServiceId,
    order: Order,
    before: Before,
    /// No process of then has a higher serial number.
    serial: u64,
    /// How often the wall clock had been set.
    jumps: u64,
    until: Nanoseconds,
    /// What the status file said was true.
    fresh: bool,
}

/// What has come of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It still waits.
    Waiting,
    /// The goal is reached.
    Reached,
    /// Its time is over, or its supervisor is gone.
    Over,
}

impl Client {
    /// Gives a command of chance to the service; `None` where there is nobody
    /// to hear it, or nothing to be waited for.
    pub fn random(kernel: &mut Kernel, service: ServiceId, fresh: bool) -> Option<Self> {
        let all: Vec<_> = words().collect();
        let word = *all.get(kernel.rng.index(all.len()))?;
        Self::new(kernel, service, word, fresh)
    }

    /// Gives the command `word` to the service.
    pub fn new(kernel: &mut Kernel, service: ServiceId, word: &str, fresh: bool) -> Option<Self> {
        let Some(Command::Order(order)) = parse(word.as_bytes(), Caller::Sv) else { return None };
        let (moment, serial) = (kernel.clock.moment(), kernel.serial());
        let mut before = Before { since: Tai64n::default(), sent: moment };
        let dir = kernel.services.get_mut(&service)?;
        let record = dir.status[0]?;
        dir.lock?;
        before.since = record.since;
        if !is_wanted_already(order.bytes(), &record) {
            let bytes = order.bytes().iter().filter_map(|&byte| ControlByte::from_byte(byte));
            dir.fifos[0].extend(bytes);
        }
        kernel.note(|| format!("sv {word} {service}"));
        if kernel.sabotages(Sabotage::GullibleClient) {
            before = Before { since: Tai64n::default(), sent: Moment { real: 0, monotonic: 0 } };
        }
        let (jumps, until) = (kernel.clock.jumps, kernel.clock.mono() + WAIT);
        Some(Self { service, order, before, serial, jumps, until, fresh })
    }

    /// Looks at the status; `fresh`: the file says what the supervisor knows.
    pub fn look(&self, kernel: &mut Kernel, fresh: bool) -> Outcome {
        let Some(dir) = kernel.services.get(&self.service) else { return Outcome::Over };
        let (Some(record), Some(holder)) = (dir.status[0], dir.lock) else {
            let gone = self.order.goal == Goal::Gone;
            return if gone { Outcome::Reached } else { Outcome::Over };
        };
        let now = kernel.clock.moment();
        if self.order.goal.judge(&record, &self.before, now) != Verdict::NotYet {
            if fresh && self.fresh {
                self.check(kernel, &record, holder);
            }
            return Outcome::Reached;
        }
        if now.monotonic >= self.until { Outcome::Over } else { Outcome::Waiting }
    }

    /// Whether a goal that is said to be reached is.
    fn check(&self, kernel: &mut Kernel, record: &StatusRecord, holder: u64) {
        let goal = self.order.goal;
        let supervisor = kernel.processes.values().find(|p| p.serial == holder).map(|p| p.pid);
        let of = |task| {
            let of = move |p: &&crate::process::Process| {
                Some(p.parent) == supervisor && p.birth.task == task
            };
            kernel.processes.values().find(of).map(|process| (process.pid, process.serial))
        };
        let run = of(Task::Run(Role::Service));
        let down = run.is_none() && of(Task::Finish).is_none();
        let up = run.is_some_and(|(pid, _)| Some(pid) == record.pid);
        let new = run.is_some_and(|(_, serial)| serial > self.serial);
        let jumped = kernel.clock.jumps != self.jumps;
        let wanted = record.want == runit_core::status::Want::Up;
        let true_ = match goal {
            Goal::Up => up,
            Goal::Restarted => up && (new || jumped),
            Goal::RestartedIfWanted if wanted => up && (new || jumped),
            Goal::RestartedIfWanted => run.is_none(),
            Goal::AsWanted if wanted => up,
            Goal::Down | Goal::AsWanted => down,
            Goal::Gone => false,
            Goal::Ran => record.state != State::Run || up,
            Goal::Sent | Goal::Paused | Goal::Continued => true,
        };
        kernel.saw("a goal reached", true);
        kernel.check(true_, Invariant::Goal, || {
            format!("{goal:?} of {} is said to be reached: {record:?}, {run:?}", self.service)
        });
    }
}
