//! Signals without handlers: blocked, and read from a descriptor.

use core::time::Duration;

use linux_raw_sys::general;
use rustix::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::{Errno, arch::syscall, check};

/// The kernel's size of a signal set in bytes.
const SET_SIZE: usize = 8;

/// A `sigaction` as the kernel has it: the handler is the first word, and this
/// is as large as any processor's.
type Action = [usize; 8];

/// The handlers that are none (`SIG_DFL` and `SIG_IGN`).
const DEFAULT: usize = 0;
const IGNORE: usize = 1;

/// `signalfd_siginfo`: its size, and where signal number and sender stand.
const INFO_SIZE: usize = 128;
const INFO_SIGNAL: usize = 0;
const INFO_PID: usize = 12;

/// `SFD_CLOEXEC | SFD_NONBLOCK`, which are the open flags of these names.
const SIGNALFD_FLAGS: usize = (general::O_CLOEXEC | general::O_NONBLOCK) as usize;

/// A set of signals, signal N being bit N - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalSet(u64);

impl SignalSet {
    /// The set of these signal numbers (1 to 64).
    pub const fn of(numbers: &[u32]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < numbers.len() {
            bits |= 1 << (numbers[i] - 1);
            i += 1;
        }
        Self(bits)
    }

    /// Every signal (the kernel leaves out KILL and STOP).
    pub const ALL: Self = Self(!0);

    /// No signal.
    pub const EMPTY: Self = Self(0);

    /// Whether signal `number` is in the set.
    pub const fn contains(self, number: u32) -> bool {
        self.0 & (1 << (number - 1)) != 0
    }
}

/// The signal state that the process was started with and that its children
/// are to have (CONTRACT section 2).
#[derive(Clone, Copy, Debug)]
pub struct Inherited {
    mask: SignalSet,
    child_ignored: bool,
}

impl Inherited {
    /// The state as it is now, for the children of a process that has changed
    /// nothing in it.
    pub fn current() -> Self {
        let mut mask = SignalSet::EMPTY;
        // SAFETY: changes nothing, and writes the set to `mask`.
        unsafe {
            syscall(
                general::__NR_rt_sigprocmask,
                [general::SIG_BLOCK as usize, 0, &raw mut mask as usize, SET_SIZE, 0, 0],
            );
        }
        Self { mask, child_ignored: false }
    }

    /// No signal blocked, and children to be waited for: the state that a
    /// system's first programs expect, whatever process 1 was started with.
    pub const NONE: Self = Self { mask: SignalSet::EMPTY, child_ignored: false };

    /// Sets this state again, in a child about to execute a program or in a
    /// process about to become one.
    pub fn restore(&self) {
        if self.child_ignored {
            set_child_action(IGNORE);
        }
        set_mask(self.mask);
    }
}

/// Blocks `signals` and makes sure that children can be waited for even where
/// SIGCHLD was ignored. Gives the state that was there before.
pub fn block(signals: SignalSet) -> Inherited {
    let mut mask = SignalSet::EMPTY;
    // SAFETY: reads one set and writes the one before to `mask`.
    unsafe {
        syscall(
            general::__NR_rt_sigprocmask,
            [
                general::SIG_BLOCK as usize,
                &raw const signals as usize,
                &raw mut mask as usize,
                SET_SIZE,
                0,
                0,
            ],
        );
    }
    let child_ignored = child_action() == IGNORE;
    if child_ignored {
        // Else the kernel would reap for us, and exit codes would be lost.
        set_child_action(DEFAULT);
    }
    Inherited { mask, child_ignored }
}

/// Replaces the mask of blocked signals.
fn set_mask(mask: SignalSet) {
    // SAFETY: reads one set.
    unsafe {
        syscall(
            general::__NR_rt_sigprocmask,
            [general::SIG_SETMASK as usize, &raw const mask as usize, 0, SET_SIZE, 0, 0],
        );
    }
}

fn child_action() -> usize {
    let mut action: Action = [DEFAULT; 8];
    // SAFETY: the kernel writes one sigaction to the place given.
    unsafe {
        syscall(
            general::__NR_rt_sigaction,
            [general::SIGCHLD as usize, 0, action.as_mut_ptr() as usize, SET_SIZE, 0, 0],
        );
    }
    action[0]
}

fn set_child_action(handler: usize) {
    let action: Action = [handler, 0, 0, 0, 0, 0, 0, 0];
    // SAFETY: reads one sigaction, whose handler is none that would be called.
    unsafe {
        syscall(
            general::__NR_rt_sigaction,
            [general::SIGCHLD as usize, action.as_ptr() as usize, 0, SET_SIZE, 0, 0],
        );
    }
}

#[cfg(target_pointer_width = "64")]
const WAIT: u32 = general::__NR_rt_sigtimedwait;
#[cfg(target_pointer_width = "32")]
const WAIT: u32 = general::__NR_rt_sigtimedwait_time64;

/// Waits for one of `signals`, which must be blocked, at most for `limit`, and
/// takes it; `None` when none came. It needs nothing that could be lacking, not
/// even a descriptor: made for process 1.
pub fn wait(signals: SignalSet, limit: Option<Duration>) -> Option<u32> {
    let limit = limit.map(|limit| general::__kernel_timespec {
        tv_sec: limit.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: limit.subsec_nanos().into(),
    });
    let limit = limit.as_ref().map_or(core::ptr::null(), core::ptr::from_ref);
    // SAFETY: reads one set and, unless it is null, one timespec; tells nothing
    // but the signal's number.
    let signal = check(unsafe {
        syscall(WAIT, [&raw const signals as usize, 0, limit as usize, SET_SIZE, 0, 0])
    });
    signal.ok().and_then(|signal| signal.try_into().ok())
}

/// Kills every process of this PID namespace but process 1 and this one. That
/// there is none is no error.
pub fn kill_all() {
    const ALL: usize = usize::MAX;
    // SAFETY: takes two numbers; -1 is all.
    unsafe {
        syscall(general::__NR_kill, [ALL, general::SIGKILL as usize, 0, 0, 0, 0]);
    }
}

/// A descriptor from which blocked signals are read: poll it for input.
pub struct SignalFd(OwnedFd);

impl SignalFd {
    /// For `signals`, which must be blocked; non-blocking, closed on exec.
    pub fn new(signals: SignalSet) -> Result<Self, Errno> {
        // SAFETY: reads one set; -1 asks for a new descriptor.
        let fd = check(unsafe {
            syscall(
                general::__NR_signalfd4,
                [usize::MAX, &raw const signals as usize, SET_SIZE, SIGNALFD_FLAGS, 0, 0],
            )
        })?;
        let fd = i32::try_from(fd).map_err(|_| Errno::BADF)?;
        // SAFETY: the kernel has just made it for us.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// The next pending signal's number, and the pid of the process that sent
    /// it; `None` when there is none now.
    pub fn read(&self) -> Option<(u32, u32)> {
        let mut info = [0; INFO_SIZE];
        let read = loop {
            match rustix::io::read(&self.0, &mut info) {
                Err(Errno::INTR) => {}
                other => break other,
            }
        };
        let word =
            |at: usize| u32::from_ne_bytes([info[at], info[at + 1], info[at + 2], info[at + 3]]);
        (read == Ok(INFO_SIZE)).then(|| (word(INFO_SIGNAL), word(INFO_PID)))
    }
}

impl rustix::fd::AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for SignalFd {
    fn as_raw_fd(&self) -> i32 {
        self.0.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_bits() {
        let set = SignalSet::of(&[1, 15, 17]);
        assert_eq!(set, SignalSet(0x1_4001));
        assert!(set.contains(15) && !set.contains(14));
    }

    #[test]
    fn a_blocked_signal_is_read_from_the_descriptor() {
        const USR1: u32 = 10;
        let set = SignalSet::of(&[USR1]);
        let before = Inherited::current();
        let inherited = block(set);
        assert_eq!(before.mask, inherited.mask);
        assert!(Inherited::current().mask.contains(USR1));
        let fd = SignalFd::new(set).unwrap();
        assert_eq!(fd.read(), None);
        let me = u32::try_from(rustix::process::getpid().as_raw_pid()).unwrap();
        // To this thread: others of the test process have not blocked it.
        let tid = u32::try_from(rustix::thread::gettid().as_raw_pid()).unwrap();
        // SAFETY: tgkill takes three numbers.
        unsafe {
            syscall(general::__NR_tgkill, [me as usize, tid as usize, USR1 as usize, 0, 0, 0]);
        }
        assert_eq!(fd.read(), Some((USR1, me)));
        assert_eq!(fd.read(), None);
        // SAFETY: as above.
        unsafe {
            syscall(general::__NR_tgkill, [me as usize, tid as usize, USR1 as usize, 0, 0, 0]);
        }
        assert_eq!(wait(set, None), Some(USR1));
        assert_eq!(wait(set, Some(Duration::from_millis(1))), None);
        inherited.restore();
    }
}
