//! What process 1 says, in the words of CONTRACT section 7.

use runit_rt::Errno;
use runit_rt::errtext::local;

use crate::boot::Program;
use crate::paths;

/// The most pieces that a line consists of.
pub const PIECES: usize = 6;

const INFO: &str = "- runit: ";
const WARNING: &str = "- runit: warning: ";
const FATAL: &str = "- runit: fatal: ";

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The first line.
    Booting,
    /// A child is about to become this program.
    Enter(Program),
    /// It has ended, or is not to be waited for.
    Leave(Program),
    /// A signal has ended it.
    Crashed(Program),
    /// It has ended with another code than 0.
    Failed(Program),
    /// Stage 1 has said that stage 2 must not follow.
    Skipping,
    /// What a crashed stage 2 has left is killed.
    KillingStage2,
    /// Stage 2 is about to be started again.
    Restarting,
    /// A request came in another stage.
    OnlyInStage2,
    /// Ctrl-alt-del has been pressed.
    CtrlAltDel,
    /// The power fails.
    PowerFail,
    /// A container is to be stopped.
    StopRequest,
    /// The stage has been told to end, and has not in time.
    StillThere(Program),
    /// There is no more time for stage 3 of a container.
    TooLate,
    /// No process could be made for the program; it is tried again.
    NoProcess(Program, Errno),
    /// In the child: the program could not be executed.
    NoProgram(Program, Errno),
    /// Stage 1 does without a terminal of its own.
    NoConsole(Errno),
    /// Stage 3 is over.
    KillingAll,
    /// The end, one of four.
    Reboot,
    /// As above.
    PowerOff,
    /// As above: the power could not be turned off.
    Halt,
    /// As above: of a container that has no power to turn off.
    Exit,
    /// The kernel refuses all of it.
    NoReboot(Errno),
    /// Not process 1.
    NotFirst,
}

impl Message {
    /// The line in pieces, with its newline.
    pub fn pieces(self) -> [&'static str; PIECES] {
        let path = |program| paths::of(program).1;
        match self {
            Self::Booting => [INFO, "runit-rs ", env!("CARGO_PKG_VERSION"), ": booting.", "\n", ""],
            Self::Enter(program) => [INFO, "enter stage: ", path(program), "\n", "", ""],
            Self::Leave(program) => [INFO, "leave stage: ", path(program), "\n", "", ""],
            Self::Crashed(program) => [WARNING, "child crashed: ", path(program), "\n", "", ""],
            Self::Failed(program) => [WARNING, "child failed: ", path(program), "\n", "", ""],
            Self::Skipping => plain(WARNING, "skipping stage 2..."),
            Self::KillingStage2 => plain(WARNING, "killing all processes in stage 2..."),
            Self::Restarting => plain(WARNING, "restarting."),
            Self::OnlyInStage2 => plain(WARNING, "signals only work in stage 2."),
            Self::CtrlAltDel => plain(INFO, "ctrl-alt-del request..."),
            Self::PowerFail => plain(INFO, "power failure..."),
            Self::StopRequest => plain(INFO, "request to stop this container..."),
            Self::StillThere(Program::Stage1) => {
                plain(WARNING, "stage 1 not terminated, sending sigkill...")
            }
            Self::StillThere(_) => plain(WARNING, "stage 2 not terminated, sending sigkill..."),
            Self::TooLate => plain(WARNING, "no time left for stage 3, sending sigkill..."),
            Self::NoProcess(program, error) => {
                [FATAL, "unable to fork for \"", path(program), "\" pausing: ", local(error), "\n"]
            }
            Self::NoProgram(program, error) => {
                [FATAL, "unable to start child: ", path(program), ": ", local(error), "\n"]
            }
            Self::NoConsole(error) => {
                [WARNING, "unable to open /dev/console: ", local(error), "\n", "", ""]
            }
            Self::KillingAll => plain(INFO, "sending KILL signal to all processes..."),
            Self::Reboot => plain(INFO, "system reboot."),
            Self::PowerOff => plain(INFO, "power off..."),
            Self::Halt => plain(INFO, "system halt."),
            Self::Exit => plain(INFO, "exit."),
            Self::NoReboot(error) => [FATAL, "unable to reboot: ", local(error), "\n", "", ""],
            Self::NotFirst => plain(FATAL, "must be run as process no 1."),
        }
    }
}

fn plain(kind: &'static str, text: &'static str) -> [&'static str; PIECES] {
    [kind, text, "\n", "", "", ""]
}
