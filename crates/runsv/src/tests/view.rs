//! A look inside a service, for the table of its states.

use std::string::String;

use runit_core::exit::Exit;
use runit_core::status::{State, Want};
use runit_core::tai::Tai64n;

use super::{Now, Pending, Program, Service, THROTTLE};

impl Service {
    /// The same state as if it were `now`, its process had just been started
    /// and had ended with code 0 if it has: what a later event depends on is
    /// kept of the times, and nothing else.
    pub(crate) fn normalized(mut self, at: Now, now: Now) -> Self {
        self.record.since = Tai64n::default();
        self.not_before = if self.is_held(at) { now.mono + THROTTLE } else { 0 };
        self.started = now.mono;
        self.last = Exit::Code(0);
        self
    }

    /// Whether the next start, of `run` or of `finish`, has to wait. With a
    /// process there is none.
    fn is_held(&self, now: Now) -> bool {
        self.record.pid.is_none() && now.mono < self.not_before
    }

    /// The state in words; two states that differ have different ones.
    pub(crate) fn words(&self, now: Now) -> String {
        let mut words = String::from(match (self.record.state, self.record.pid) {
            (State::Down, None) => "down",
            (State::Run, Some(_)) => "run",
            (State::Finish, Some(_)) => "finish",
            (State::Finish, None) => "finish due",
            (state, pid) => panic!("{state:?} with {pid:?}"),
        });
        words += match self.record.want {
            Want::Up => ", want up",
            Want::Down => ", want down",
            Want::Exit => ", want exit",
        };
        for (word, applies) in [
            (", paused", self.record.paused),
            (", got TERM", self.record.got_term),
            (", once", self.once),
            (", held", self.is_held(now)),
        ] {
            words += if applies { word } else { "" };
        }
        match self.pending {
            Pending::Nothing => {}
            Pending::Signal(command) => {
                words += ": script ";
                words.push(char::from(command.byte()));
            }
            Pending::Stop => words += ": script t",
            Pending::Notice => words += ": last script",
            Pending::BeforeStart => words += ": script u",
            Pending::Start(Program::Run) => words += ": starting",
            Pending::Start(Program::Finish(_)) => words += ": starting finish",
        }
        words
    }
}
