//! Whether a service is where a command wanted it: a function of its status
//! before and after, without a system call in it.

use core::time::Duration;

use runit_core::status::{State, StatusRecord, Want};
use runit_core::tai::Tai64n;

/// What a command is to reach (CONTRACT section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Nothing to be seen in the status.
    Sent,
    /// Running, wanted up, ready.
    Up,
    /// Down, and wanted down.
    Down,
    /// Run once: it is, or has been since the command.
    Ran,
    /// Started since the command, wanted up, ready.
    Restarted,
    /// The same if it is wanted up; else down.
    RestartedIfWanted,
    /// Paused, if there is a process.
    Paused,
    /// Not paused.
    Continued,
    /// Without a supervisor.
    Gone,
    /// As `Up` where it is wanted up, else as `Down`.
    AsWanted,
}

/// A point in time by both clocks, in nanoseconds: that of status records,
/// which can be set, and that which only runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Since 1970.
    pub real: u64,
    /// Since boot.
    pub monotonic: u64,
}

impl Moment {
    /// Whether the real clock has been set back between `self` and `later`.
    /// Where `self` was read real clock first, and `later` real clock last,
    /// the time between two readings never looks like that.
    fn set_back_until(self, later: Self) -> bool {
        let offset = self.real.wrapping_sub(self.monotonic);
        later.real.wrapping_sub(later.monotonic) < offset
    }
}

/// How things stood when the command was sent.
#[derive(Clone, Copy, Debug)]
pub struct Before {
    /// When the state of then had been entered.
    pub since: Tai64n,
    /// The moment just before the command was written.
    pub sent: Moment,
}

/// What a status is to a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is reached.
    Reached,
    /// It is reached if `./check` passes.
    ReachedIfReady,
    /// Not yet.
    NotYet,
}

impl Goal {
    /// Judges the status `record`, read at the moment `now`.
    #[inline(never)]
    pub fn judge(self, record: &StatusRecord, before: &Before, now: Moment) -> Verdict {
        let process = record.pid.is_some();
        let running = process && record.state == State::Run;
        let is_new = started_since(record.since, before, now);
        match self {
            Self::Sent => Verdict::Reached,
            Self::Up => ready_if(running && record.want == Want::Up),
            Self::Down => reached_if(is_down(record) && record.want != Want::Up),
            Self::Ran => reached_if(if process { record.want != Want::Up } else { is_new }),
            Self::Restarted => {
                ready_if(running && is_new && !record.got_term && record.want == Want::Up)
            }
            Self::RestartedIfWanted if record.want == Want::Up => {
                ready_if(running && is_new && !record.got_term)
            }
            Self::RestartedIfWanted => reached_if(!process),
            Self::Paused => reached_if(!process || record.paused),
            Self::Continued => reached_if(!process || !record.paused),
            Self::Gone => Verdict::NotYet,
            Self::AsWanted if record.want == Want::Up => ready_if(running),
            Self::AsWanted => reached_if(is_down(record)),
        }
    }
}

fn is_down(record: &StatusRecord) -> bool {
    record.pid.is_none() && record.state == State::Down
}

/// Whether a state entered at `since` is one that was entered after the
/// command, to the nanosecond. A process that started between the look at the
/// status and the command is not; only where the clock was set back meanwhile
/// do the times tell nothing, and any other than before counts.
fn started_since(since: Tai64n, before: &Before, now: Moment) -> bool {
    since != before.since
        && (since >= rounded_down(before.sent.real) || before.sent.set_back_until(now))
}

/// The reference's supervisor stamps whole microseconds, and half of one.
fn rounded_down(nanoseconds: u64) -> Tai64n {
    Tai64n::from_unix(Duration::from_nanos(nanoseconds.saturating_sub(500)))
}

fn reached_if(condition: bool) -> Verdict {
    if condition { Verdict::Reached } else { Verdict::NotYet }
}

fn ready_if(condition: bool) -> Verdict {
    if condition { Verdict::ReachedIfReady } else { Verdict::NotYet }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::Pid;
    use std::fmt::Write as _;
    use std::string::String;

    const SECOND: u64 = 1_000_000_000;
    const SENT: Moment = Moment { real: 1000 * SECOND, monotonic: 10 * SECOND };
    const NOW: Moment = Moment { real: 1002 * SECOND, monotonic: 12 * SECOND };
    const BEFORE: Before =
        Before { since: Tai64n::from_unix(Duration::from_secs(900)), sent: SENT };
    const NEW: Tai64n = Tai64n::from_unix(Duration::from_secs(1001));

    fn record(state: State, pid: i32, want: Want, since: Tai64n) -> StatusRecord {
        let pid = Pid::from_raw(pid);
        StatusRecord { state, pid, want, since, ..StatusRecord::default() }
    }

    /// Every goal against every status: a column for each goal, `+` reached,
    /// `c` if `check` passes.
    #[test]
    fn table() {
        const GOALS: [Goal; 10] = [
            Goal::Sent,
            Goal::Up,
            Goal::Down,
            Goal::Ran,
            Goal::Restarted,
            Goal::RestartedIfWanted,
            Goal::Paused,
            Goal::Continued,
            Goal::Gone,
            Goal::AsWanted,
        ];
        let mut text = String::from("columns:");
        for goal in GOALS {
            write!(text, " {goal:?}").unwrap();
        }
        for state in [State::Down, State::Run, State::Finish] {
            for want in [Want::Up, Want::Down] {
                for (age, since) in [("old", BEFORE.since), ("new", NEW)] {
                    for (flags, paused, got_term) in
                        [("", false, false), (" paused", true, false), (" got-term", false, true)]
                    {
                        let pid = if state == State::Down { 0 } else { 7 };
                        let record = record(state, pid, want, since);
                        let record = StatusRecord { paused, got_term, ..record };
                        text.push('\n');
                        for goal in GOALS {
                            text.push_str(match goal.judge(&record, &BEFORE, NOW) {
                                Verdict::Reached => " +",
                                Verdict::ReachedIfReady => " c",
                                Verdict::NotYet => " .",
                            });
                        }
                        write!(text, "  {state:?} {age}, want {want:?}{flags}").unwrap();
                    }
                }
            }
        }
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_start_counts_from_the_nanosecond_of_the_command() {
        let judge = |since, now| {
            Goal::Restarted.judge(&record(State::Run, 7, Want::Up, since), &BEFORE, now)
        };
        let at =
            |nanoseconds| Tai64n::from_unix(Duration::from_nanos(SENT.real - SECOND + nanoseconds));
        assert_eq!(judge(at(1_000_000_000), NOW), Verdict::ReachedIfReady);
        assert_eq!(judge(at(999_999_500), NOW), Verdict::ReachedIfReady);
        // It had crashed and was started again before the command came.
        assert_eq!(judge(at(999_999_499), NOW), Verdict::NotYet);
        assert_eq!(judge(BEFORE.since, NOW), Verdict::NotYet);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_hide_a_start() {
        let early = Tai64n::from_unix(Duration::from_secs(500));
        let status = record(State::Run, 7, Want::Up, early);
        let set_back = Moment { real: 501 * SECOND, ..NOW };
        assert_eq!(Goal::Restarted.judge(&status, &BEFORE, NOW), Verdict::NotYet);
        assert_eq!(Goal::Restarted.judge(&status, &BEFORE, set_back), Verdict::ReachedIfReady);
        let unchanged = StatusRecord { since: BEFORE.since, ..status };
        assert_eq!(Goal::Restarted.judge(&unchanged, &BEFORE, set_back), Verdict::NotYet);
        // Set forward, times still tell what came first.
        let set_forward = Moment { real: 9000 * SECOND, ..NOW };
        assert_eq!(Goal::Restarted.judge(&status, &BEFORE, set_forward), Verdict::NotYet);
    }
}
