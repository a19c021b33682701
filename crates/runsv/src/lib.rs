//! `runsv DIR`: supervises the service in DIR and its log service (CONTRACT
//! section 2).
//!
//! | module | holds |
//! |---|---|
//! | [`machine`] | one service's life, without system calls |
//! | [`pair`] | service and log service, and the order in which they end |
//! | [`setup`] | directories, locks, FIFOs, pipe |
//! | [`report`] | `status`, `stat` and `pid` |
//! | [`children`] | `run`, `finish` and control scripts as processes |
//! | [`shell`] | the loop |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod children;
pub mod machine;
pub mod pair;
pub mod report;
pub mod setup;
pub mod shell;
#[cfg(test)]
mod tests;

use core::ffi::CStr;

use runit_core::diag::Voice;
use runit_core::face::Face;
use runit_core::layout::SERVICE;
use runit_core::status::{self, StatusRecord};
use runit_core::tool::Tool;
use runit_rt::Errno;
use runit_rt::start::Start;
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, WaitOptions};

use setup::SetupError;
use shell::Shell;

/// `runsv` has no options of its own.
#[derive(Clone, Copy, Debug)]
pub enum Key {}

/// How the tool presents itself.
pub const TOOL: Tool<Key> = Tool {
    name: "runsv",
    usage: "runsv dir",
    synopsis: &["runsv dir"],
    about: "Supervises the service in dir, and dir/log.",
    options: &[],
    notes: &[],
};

/// What of it is in the file.
pub const FACE: Face<Key> = runit_core::face!(TOOL);

/// The exit code of wrong usage.
const USAGE: u8 = 1;

/// The exit code of a failed start.
const FATAL: u8 = 111;

/// Runs the program; gives its exit code.
pub fn main(start: &mut Start) -> u8 {
    let mut args = start.args().rest();
    // Anything else may be the name of a directory, as a leading dash may.
    let (Some(dir), None) = (args.next(), args.next()) else {
        FACE.print_usage();
        return USAGE;
    };
    match dir.to_bytes() {
        b"--help" => FACE.print_help(),
        b"--version" => FACE.print_version(),
        _ => supervise(dir, start),
    }
}

fn supervise(dir: &CStr, start: &Start) -> u8 {
    let voice = Voice { program: FACE.name, subject: Some(dir.to_bytes()) };
    let ended = rustix::process::chdir(dir)
        .map_err(|error| SetupError::Unable("change to directory", c"", error))
        .and_then(|()| Shell::supervise(voice, start.env()));
    match ended {
        Ok(()) => 0,
        Err(error) => {
            voice.say("fatal: ", &error);
            FATAL
        }
    }
}

/// What follows the message of a panic: the service is left alone, and its
/// lock and pipe stay with this process until it has ended. Then this process
/// ends too, and is started anew by whoever started it.
pub fn on_panic() -> ! {
    let service = read_pid();
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, _))) if Some(pid) == service => runit_rt::exit(FATAL),
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => runit_rt::exit(FATAL),
        }
    }
}

/// The service's process by its status file, the state that outlives a panic.
fn read_pid() -> Option<Pid> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(SERVICE.status[0], flags, Mode::empty()).ok()?;
    let mut record = [0; status::SIZE];
    let size = rustix::io::read(&file, &mut record).ok()?;
    StatusRecord::from_bytes(record.get(..size)?)?.pid
}
