//! `./check`, which says whether a service that runs is ready (CONTRACT
//! section 4): its process, and when to ask it again.

use core::cell::Cell;
use core::ffi::CStr;
use core::time::Duration;

use runit_core::exit::Exit;
use runit_core::tai::Tai64n;
use runit_rt::signal::{Inherited, SignalFd, SignalSet};
use runit_rt::spawn::{Executable, Failure, FixedPath, Session, Spawn};
use runit_rt::stdio;
use runit_rt::strings::{CStrList, Slot, list_in};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

use crate::client::{look_for, retry};
use crate::console::complain;
use crate::place::{self, Place};
use runit_rt::errtext::local;

/// In nanoseconds.
pub const MILLISECOND: u64 = 1_000_000;

/// The signal that tells of a child's end.
pub const CHLD: u32 = 17;

const ENDS: SignalSet = SignalSet::of(&[CHLD]);

/// The program, from the service's directory.
const CHECK: &CStr = c"./check";

/// The program as it is executed: with our session and descriptors.
struct Check;

impl Executable for Check {
    const AS_IS: bool = true;

    fn execute(&self, argv: CStrList<'_>, env: CStrList<'_>) -> Errno {
        FixedPath(CHECK).execute(argv, env)
    }
}

/// How long after a first failure a check is run again; doubled each time.
const FIRST_DELAY: u64 = 10 * MILLISECOND;

/// The longest such time, at which the reference looks from the start.
const LAST_DELAY: u64 = 420 * MILLISECOND;

/// How long a check may run when the time is over.
pub const GRACE: u64 = 1000 * MILLISECOND;

/// What is known of a service's readiness. Times are nanoseconds of the
/// monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Readiness {
    answer: Answer,
    /// The state that was entered then is the one that the answer is about.
    since: Tai64n,
    /// When it was asked; after a failure, when to ask again.
    at: u64,
    /// How long to wait after the next failure.
    delay: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    NotAsked,
    /// The check's process is running.
    Asked(Pid),
    NotReady,
    Ready,
}

/// What to do about a service's readiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is ready.
    Done,
    /// Wait for the check that is running.
    Wait,
    /// Wait until then.
    WaitUntil(u64),
    /// Run the check.
    Ask,
}

impl Readiness {
    /// Of nothing yet.
    pub const UNKNOWN: Self = Self {
        answer: Answer::NotAsked,
        since: Tai64n::from_unix(Duration::ZERO),
        at: 0,
        delay: FIRST_DELAY,
    };

    /// What to do now that the state is the one entered at `since`. An answer
    /// about an earlier state says nothing.
    pub fn step(&mut self, since: Tai64n, now: u64) -> Step {
        if let Answer::Asked(_) = self.answer {
            return Step::Wait;
        }
        if self.since != since {
            *self = Self { since, ..Self::UNKNOWN };
        }
        match self.answer {
            Answer::Ready => Step::Done,
            Answer::NotReady if now < self.at => Step::WaitUntil(self.at),
            _ => Step::Ask,
        }
    }

    /// A check has been started.
    pub fn asked(&mut self, process: Pid, now: u64) {
        self.answer = Answer::Asked(process);
        self.at = now;
    }

    /// The check has ended, in success or not; or none could be started.
    pub fn answered(&mut self, success: bool, now: u64) {
        if success {
            self.answer = Answer::Ready;
        } else {
            self.answer = Answer::NotReady;
            self.at = now + self.delay;
            self.delay = (self.delay * 2).min(LAST_DELAY);
        }
    }

    /// The process of the check that is running, and when it was started.
    pub fn running(&self) -> Option<(Pid, u64)> {
        match self.answer {
            Answer::Asked(process) => Some((process, self.at)),
            _ => None,
        }
    }
}

/// What came of starting a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// It runs; its end will tell.
    Running(Pid),
    /// There is none, or none that can be run: the service counts as ready.
    Ready,
    /// There is no process to be had now.
    Later,
}

/// Starts checks, and hears of their ends.
pub struct Checks<'a> {
    env: CStrList<'a>,
    inherited: &'a Inherited,
    ends: Option<SignalFd>,
    /// Whether there ever was a process.
    used: bool,
}

impl<'a> Checks<'a> {
    /// Checks get this environment and this signal state.
    pub fn new(env: CStrList<'a>, inherited: &'a Inherited) -> Self {
        Self { env, inherited, ends: None, used: false }
    }

    /// Starts the check of the service `name` in `place`, if it has one.
    pub fn start(&mut self, name: &[u8], place: &mut Place<'_>) -> Started {
        let (what, error, started) = match look_for(place.at(place::CHECK)) {
            Ok(()) => match self.spawn(place.at(c".")) {
                (Ok(process), None) => return Started::Running(process),
                (Err(error), _) => ("warning: unable to fork for ", error, Started::Later),
                (_, Some(Failure::Directory(e) | Failure::Descriptor(e) | Failure::Execute(e))) => {
                    ("warning: unable to run ", e, Started::Ready)
                }
            },
            Err(Errno::NOENT) => return Started::Ready,
            Err(error) => ("warning: unable to stat ", error, Started::Ready),
        };
        complain(what, name, "/check", local(error));
        started
    }

    /// Starts a check in the directory `dir`; tells why it could not be, or be
    /// executed.
    #[inline(never)]
    fn spawn(&mut self, dir: &CStr) -> (Result<Pid, Errno>, Option<Failure>) {
        if !self.used {
            self.used = true;
            self.ends = SignalFd::new(ENDS).ok();
            // A check has no standard output. This cannot fail: it is open.
            let _ = fcntl_setfd(stdio::stdout(), FdFlags::CLOEXEC);
        }
        let failure = Cell::new(None);
        let mut argv = [Slot::default(); 2];
        let argv = list_in(&mut argv, [CHECK]).unwrap_or(self.env);
        let spawn = Spawn {
            program: Check,
            argv,
            env: self.env,
            dir: Some(dir),
            fds: &[],
            session: Session::Inherit,
            signals: self.inherited,
            failed: &|reason| failure.set(Some(reason)),
        };
        (spawn.start(), failure.get())
    }

    /// What can be polled for input when checks end; nothing before the first
    /// one, or where there is no descriptor for it.
    pub fn source(&self) -> Option<&SignalFd> {
        self.ends.as_ref()
    }

    /// Tells `hear` which processes have ended since the last time, and how.
    #[inline(never)]
    pub fn reap(&self, mut hear: impl FnMut(Pid, Exit)) {
        if let Some(ends) = &self.ends {
            while ends.read().is_some() {}
        }
        if !self.used {
            return;
        }
        while let Ok(Some((process, status))) = retry(|| wait(WaitOptions::NOHANG)) {
            if let Some(exit) = Exit::from_wait(status) {
                hear(process, exit);
            }
        }
    }
}

/// Ends a check that is not waited for any more.
pub fn give_up(process: Pid) {
    // That it has just ended by itself is as good.
    let _ = kill_process(process, Signal::KILL);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const NOW: u64 = 100_000 * MILLISECOND;
    const SINCE: Tai64n = Tai64n::from_unix(Duration::from_secs(1));
    const LATER: Tai64n = Tai64n::from_unix(Duration::from_secs(2));

    fn process() -> Pid {
        Pid::from_raw(7).unwrap()
    }

    #[test]
    fn a_check_that_fails_is_run_again_ever_more_rarely() {
        let mut readiness = Readiness::UNKNOWN;
        let mut now = NOW;
        let mut delays = Vec::new();
        for _ in 0..9 {
            assert_eq!(readiness.step(SINCE, now), Step::Ask);
            readiness.asked(process(), now);
            assert_eq!(readiness.running(), Some((process(), now)));
            assert_eq!(readiness.step(SINCE, now), Step::Wait);
            readiness.answered(false, now);
            assert_eq!(readiness.running(), None);
            let Step::WaitUntil(at) = readiness.step(SINCE, now) else { panic!("{readiness:?}") };
            delays.push((at - now) / MILLISECOND);
            now = at;
        }
        assert_eq!(delays, [10, 20, 40, 80, 160, 320, 420, 420, 420]);
        readiness.asked(process(), now);
        readiness.answered(true, now);
        assert_eq!(readiness.step(SINCE, now), Step::Done);
    }

    #[test]
    fn an_answer_about_another_start_is_none() {
        for success in [true, false] {
            let mut readiness = Readiness::UNKNOWN;
            assert_eq!(readiness.step(SINCE, NOW), Step::Ask);
            readiness.asked(process(), NOW);
            // Two checks of one service never run at a time.
            assert_eq!(readiness.step(LATER, NOW), Step::Wait);
            readiness.answered(success, NOW);
            assert_eq!(readiness.step(LATER, NOW), Step::Ask);
            readiness.asked(process(), NOW);
            readiness.answered(false, NOW);
            // Its delay is a first one again.
            assert_eq!(readiness.step(LATER, NOW), Step::WaitUntil(NOW + FIRST_DELAY));
        }
    }
}
