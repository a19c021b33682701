//! How a process ended, in the words of `./finish CODE STATUS` (CONTRACT
//! section 2) and of the scripts whose success counts.

use rustix::process::WaitStatus;

/// The end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It ended by itself, with this code.
    Code(u8),
    /// This signal ended it.
    Signal {
        /// The signal's number, 1 to 127.
        number: u8,
        /// Whether memory was dumped.
        core_dumped: bool,
    },
}

impl Exit {
    /// The end that `status` of wait tells of; `None` where it tells of a stop
    /// or a continuation.
    pub fn from_wait(status: WaitStatus) -> Option<Self> {
        let [low, code, ..] = status.as_raw().to_le_bytes();
        if status.exited() {
            Some(Self::Code(code))
        } else if status.signaled() {
            Some(Self::Signal { number: low & 0x7f, core_dumped: low & 0x80 != 0 })
        } else {
            None
        }
    }

    /// Whether it ended by itself with code 0. Being ended by a signal never
    /// counts as success.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }

    /// `finish`'s first argument: the exit code, or -1 when a signal ended it.
    pub fn finish_code(self) -> i16 {
        match self {
            Self::Code(code) => code.into(),
            Self::Signal { .. } => -1,
        }
    }

    /// `finish`'s second argument: the low byte of the wait status, which is
    /// the signal's number, plus 128 if core was dumped, and 0 for an exit.
    pub fn finish_status(self) -> u8 {
        match self {
            Self::Code(_) => 0,
            Self::Signal { number, core_dumped } => number | u8::from(core_dumped) << 7,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finish_hears_code_and_status() {
        let heard = |exit: Exit| (exit.finish_code(), exit.finish_status());
        assert_eq!(heard(Exit::Code(0)), (0, 0));
        assert_eq!(heard(Exit::Code(255)), (255, 0));
        assert_eq!(heard(Exit::Signal { number: 15, core_dumped: false }), (-1, 15));
        assert_eq!(heard(Exit::Signal { number: 11, core_dumped: true }), (-1, 139));
    }

    #[test]
    fn a_signal_is_no_success() {
        assert!(Exit::Code(0).success());
        assert!(!Exit::Signal { number: 9, core_dumped: false }.success());
    }

    #[test]
    #[expect(clippy::zombie_processes, reason = "waited for by number")]
    fn what_wait_tells_is_understood() {
        use rustix::process::{Pid, WaitOptions, waitpid};
        use std::process::Command;
        for (script, end) in [
            ("exit 0", Exit::Code(0)),
            ("exit 200", Exit::Code(200)),
            ("kill -9 $$", Exit::Signal { number: 9, core_dumped: false }),
        ] {
            let child = Command::new("/bin/sh").args(["-c", script]).spawn().unwrap();
            let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
            let (_, status) = waitpid(pid, WaitOptions::empty()).unwrap().unwrap();
            assert_eq!(Exit::from_wait(status), Some(end), "{script}");
        }
        let child = Command::new("/bin/sh").args(["-c", "kill -STOP $$"]).spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        let (_, status) = waitpid(pid, WaitOptions::UNTRACED).unwrap().unwrap();
        assert_eq!(Exit::from_wait(status), None, "a stop is no end");
        rustix::process::kill_process(pid.unwrap(), rustix::process::Signal::KILL).unwrap();
        waitpid(pid, WaitOptions::empty()).unwrap();
    }
}
