//! `runsvchdir NAME`: switches to another run level (CONTRACT section 8).
//!
//! | module | holds |
//! |---|---|
//! | [`switch`] | the switch, in steps that may be cut anywhere |
//! | [`error`] | what can go wrong, as the user reads it |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod error;
pub mod switch;

use core::ffi::CStr;

use runit_core::diag::{Name, Say, Sink, Voice, write};
use runit_core::face::Face;
use runit_core::tool::Tool;
use runit_rt::start::Start;
use runit_rt::stdio;

use error::Error;
use switch::Outcome;

/// Where the run levels are, unless `RUNSVDIR` says otherwise. Settable when
/// building, as `RUNIT_RUNSVDIR`.
pub const LEVELS: &str = match option_env!("RUNIT_RUNSVDIR") {
    Some(path) => path,
    None => "/etc/runit/runsvdir",
};

/// `runsvchdir` has no options of its own.
#[derive(Clone, Copy, Debug)]
pub enum Key {}

/// How the tool presents itself.
pub const TOOL: Tool<Key> = Tool {
    name: "runsvchdir",
    usage: "runsvchdir dir",
    synopsis: &["runsvchdir dir"],
    about: "Makes the run level dir the current one; the current becomes the previous.",
    options: &[],
    notes: &["RUNSVDIR: the directory of the run levels, ", LEVELS, " without it."],
};

/// What of it is in the file.
pub const FACE: Face<Key> = runit_core::face!(TOOL);

/// The exit code of wrong usage.
const USAGE: u8 = 1;

/// The exit code of a failure.
const FATAL: u8 = 111;

/// Runs the program; gives its exit code.
pub fn main(start: &mut Start) -> u8 {
    // What follows the name is ignored, as by the reference.
    let Some(name) = start.args().rest().next() else {
        FACE.print_usage();
        return USAGE;
    };
    match name.to_bytes() {
        b"--help" => return FACE.print_help(),
        b"--version" => return FACE.print_version(),
        _ => {}
    }
    let done = enter(start.env().value_of(b"RUNSVDIR")).and_then(|()| switch::to(name));
    match done {
        Ok(outcome) => {
            let said = write(stdio::stdout(), &Done(name, outcome));
            if said.is_ok() { 0 } else { FATAL }
        }
        Err(error) => {
            Voice { program: FACE.name, subject: None }.say("fatal: ", &error);
            FATAL
        }
    }
}

/// Changes to the directory of the run levels.
fn enter(levels: Option<&CStr>) -> Result<(), Error<'_>> {
    match levels {
        Some(levels) => rustix::process::chdir(levels)
            .map_err(|error| Error::Unable("chdir: ", levels.to_bytes(), error)),
        None => rustix::process::chdir(LEVELS)
            .map_err(|error| Error::Unable("chdir: ", LEVELS.as_bytes(), error)),
    }
}

/// What was done, as a line.
struct Done<'a>(&'a CStr, Outcome);

impl Say for Done<'_> {
    fn say(&self, out: &mut dyn Sink) {
        out.push(b"runsvchdir: ");
        Name(self.0.to_bytes()).say(out);
        out.push(match self.1 {
            Outcome::Already => b": current.\n",
            Outcome::Switched => b": now current.\n",
        });
    }
}
