//! `chpst`: changes the state of its process as it is told, and becomes a
//! program (CONTRACT section 5). Under their names it also is daemontools'
//! `setuidgid`, `envuidgid`, `envdir`, `pgrphack`, `setlock` and `softlimit`.
//!
//! | module | holds |
//! |---|---|
//! | [`applet`] | the names it answers to, with usage and help |
//! | [`options`] | tables of options; arguments to a plan |
//! | [`plan`] | what there is to do, in the order in which it is done |
//! | [`number`], [`limits`], [`capability`], [`account`] | what option values mean |
//! | [`environment`] | the environment that the program gets |
//! | [`error`] | what can go wrong, as the user reads it |
//! | [`shell`], [`envdir`], `lookup`, `identity`, `cgroup` | the steps done |
//!
//! There is no heap: this program stands in the start path of every service.
//! What has no known size grows in a [`Pile`](runit_rt::pile::Pile), which goes
//! when the program is executed.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod account;
pub mod applet;
pub mod capability;
mod cgroup;
pub mod envdir;
pub mod environment;
pub mod error;
mod identity;
pub mod limits;
mod lookup;
pub mod number;
pub mod options;
pub mod plan;
pub mod shell;
mod text;

use applet::Applet;
use options::Answer;
use plan::Plan;
use runit_core::diag::Voice;
use runit_rt::start::Start;

/// Who speaks, by whatever name it was called: what reads the messages knows
/// this one (CONTRACT section 5).
const VOICE: Voice<'_> = Voice { program: "chpst", subject: None };

/// The exit code for wrong usage.
const USAGE: u8 = 100;

/// Becomes the program that the arguments name; comes back only with an exit
/// code.
pub fn main(start: &mut Start) -> u8 {
    let mut args = start.args();
    let applet = Applet::of(args.next().map_or(b"", core::ffi::CStr::to_bytes));
    let face = applet.face();
    let mut plan = Plan::new(args);
    match options::parse(applet, &mut plan) {
        Ok(()) => report(&shell::run(&plan, start.env(), start.closed_standard())),
        Err(Answer::Invalid(error)) => report(&error),
        Err(Answer::Misuse(complaint)) => {
            face.print_misuse(complaint);
            USAGE
        }
        Err(Answer::Id) => {
            face.print_id();
            USAGE
        }
        Err(Answer::Help) => face.print_help(),
        Err(Answer::Version) => face.print_version(),
    }
}

fn report(error: &error::Error<'_>) -> u8 {
    let code = error.exit_code();
    if code != 0 {
        VOICE.say("fatal: ", error);
    }
    code
}
