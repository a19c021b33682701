//! Waiting for signals and input.

use runit_rt::signal::{SignalFd, SignalSet};
use runit_rt::stdio;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::moment::Moment;

/// Read the configuration again.
pub const HUP: u32 = 1;
/// Rotate.
pub const ALRM: u32 = 14;
/// End.
pub const TERM: u32 = 15;
const CHLD: u32 = 17;
const PIPE: u32 = 13;
const XFSZ: u32 = 25;

/// Read from a descriptor.
pub const AWAITED: SignalSet = SignalSet::of(&[HUP, ALRM, TERM, CHLD]);

/// Those, and what would end the process instead of failing a write.
pub const BLOCKED: SignalSet = SignalSet::of(&[HUP, ALRM, TERM, CHLD, PIPE, XFSZ]);

/// What can be read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ready {
    /// A signal.
    pub signal: bool,
    /// Standard input.
    pub input: bool,
}

/// Waits for a signal, and for input where it is to be read, until `deadline`.
pub fn wait_until(signals: &SignalFd, reading: bool, deadline: Moment) -> Ready {
    if deadline == Moment::NEVER {
        wait_for(signals, reading, None)
    } else {
        wait_for(signals, reading, Some(&time(deadline.since(Moment::now()))))
    }
}

/// Waits for them for so many nanoseconds, which are less than a second.
pub fn wait_briefly(signals: &SignalFd, reading: bool, nanoseconds: i64) -> Ready {
    wait_for(signals, reading, Some(&Timespec { tv_sec: 0, tv_nsec: nanoseconds }))
}

#[inline(never)]
fn wait_for(signals: &SignalFd, reading: bool, timeout: Option<&Timespec>) -> Ready {
    let input = if reading { PollFlags::IN } else { PollFlags::empty() };
    let mut fds =
        [PollFd::new(signals, PollFlags::IN), PollFd::from_borrowed_fd(stdio::stdin(), input)];
    // The end of the input would be told even to who does not ask for input.
    let (asked, _) = fds.split_at_mut(if reading { 2 } else { 1 });
    match poll(asked, timeout) {
        Ok(_) => {
            let [signals, input] = &fds;
            Ready { signal: !signals.revents().is_empty(), input: !input.revents().is_empty() }
        }
        Err(Errno::INTR) => Ready::default(),
        // Without memory for a wait, reading waits as well.
        Err(_) => Ready { signal: true, input: reading },
    }
}

/// Whether input is there to be read at once.
pub fn input_is_there() -> bool {
    let mut fds = [PollFd::from_borrowed_fd(stdio::stdin(), PollFlags::IN)];
    poll(&mut fds, Some(&time(0))) == Ok(1)
}

/// Whether standard error takes something within so many milliseconds.
pub fn error_takes(milliseconds: u64) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(stdio::stderr(), PollFlags::OUT)];
    poll(&mut fds, Some(&time(milliseconds))) == Ok(1)
}

fn time(milliseconds: u64) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX),
        tv_nsec: u32::try_from(milliseconds % 1000 * 1_000_000).unwrap_or(0).into(),
    }
}
