//! `utmpset LINE`: marks a terminal line as logged out in utmp, and in wtmp
//! (CONTRACT section 8).
//!
//! | module | holds |
//! |---|---|
//! | [`record`] | an entry of utmp, in the layouts that C libraries have |
//! | [`files`] | utmp and wtmp |
//! | [`error`] | what can go wrong, as the user reads it |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod error;
pub mod files;
pub mod record;

use core::ffi::CStr;

use runit_core::diag::Voice;
use runit_core::face::Face;
use runit_core::options::{Complaint, Found, Opt, Scanner};
use runit_core::tool::Tool;
use runit_rt::clock;
use runit_rt::start::Start;

use record::Line;

/// What an option means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Write to wtmp too.
    Wtmp,
    /// Print the version the old way.
    Id,
}

/// How the tool presents itself.
pub const TOOL: Tool<Key> = Tool {
    name: "utmpset",
    usage: "utmpset [-w] line",
    synopsis: &["utmpset [-w] line"],
    about: "Marks the entry of a terminal line in utmp as logged out.",
    options: &[
        Opt {
            key: Key::Wtmp,
            short: Some(b'w'),
            long: Some("wtmp"),
            value: None,
            help: "add the logout to wtmp",
        },
        Opt {
            key: Key::Id,
            short: Some(b'V'),
            long: None,
            value: None,
            help: "print the version on standard error",
        },
    ],
    notes: &["line: as in utmp, without /dev/."],
};

/// What of it is in the file.
pub const FACE: Face<Key> = runit_core::face!(TOOL);

/// The exit code of wrong usage.
const USAGE: u8 = 1;

/// The exit code of a failure.
const FATAL: u8 = 111;

/// What the arguments ask for.
enum Request<'a> {
    Logout { line: &'a CStr, wtmp: bool },
    Help,
    Version,
    Id,
    Misuse(Option<Complaint<'a>>),
}

/// Runs the program; gives its exit code.
pub fn main(start: &mut Start) -> u8 {
    match read_arguments(start) {
        Request::Logout { line, wtmp } => logout(line, wtmp),
        Request::Help => FACE.print_help(),
        Request::Version => FACE.print_version(),
        Request::Id => {
            FACE.print_id();
            USAGE
        }
        Request::Misuse(complaint) => {
            FACE.print_misuse(complaint);
            USAGE
        }
    }
}

fn read_arguments(start: &Start) -> Request<'_> {
    let mut scanner = Scanner::new(FACE.options, start.args().rest());
    let mut wtmp = false;
    while let Some(found) = scanner.next() {
        match found {
            Ok(Found::Option(Key::Wtmp)) => wtmp = true,
            Ok(Found::Option(Key::Id)) => return Request::Id,
            Ok(Found::Help) => return Request::Help,
            Ok(Found::Version) => return Request::Version,
            Err(_) => return Request::Misuse(scanner.complaint()),
        }
    }
    // What follows the line is ignored, as by the reference.
    match scanner.operands().next() {
        Some(line) => Request::Logout { line, wtmp },
        None => Request::Misuse(None),
    }
}

fn logout(line: &CStr, wtmp: bool) -> u8 {
    let shown = line.to_bytes();
    let done = Line::new(shown).ok_or(error::Error::TooLong(shown)).and_then(|line| {
        let now = clock::realtime();
        files::mark(&line, now)?;
        if wtmp { files::append(&line, now) } else { Ok(()) }
    });
    match done {
        Ok(()) => 0,
        Err(error) => {
            Voice { program: FACE.name, subject: None }.say(error.kind(), &error);
            FATAL
        }
    }
}
