//! `svlogd [-ttv] [-r c] [-R abc] [-l len] [-b buflen] dir ...`: writes the
//! lines of standard input to log directories (CONTRACT section 6).
//!
//! How it keeps lines safe and is quick about it: docs/svlogd.md.
//!
//! | module | holds |
//! |---|---|
//! | [`options`], [`config`], [`address`] | what is asked for, on the command line and in a directory |
//! | [`input`] | the read buffer, and where lines end in it |
//! | [`log`] | a directory and its feed; what happens while it cannot be written |
//! | [`logdir`], [`archive`] | lock, `current`, old files |
//! | [`opening`] | files in a directory of another user |
//! | [`processor`] | what works on old files |
//! | [`udp`] | sending |
//! | [`shell`], [`ready`] | the loop, and what it waits for |
//! | [`report`], [`moment`] | what is said; the clock |
//! | [`feed`], [`out`] | a directory's way through the lines that were read |
//! | [`target`], [`rules`] | what that acts on, and by what |
//! | [`svlogd_select`], [`stamp`], [`clean`] | selection, time stamps, replacement |
//! | [`rotate`] | when `current` is full, and how many old files go |
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod address;
pub mod archive;
pub mod clean;
pub mod config;
pub mod feed;
pub mod input;
pub mod log;
pub mod logdir;
pub mod moment;
pub mod opening;
pub mod options;
pub mod out;
pub mod processor;
pub mod ready;
pub mod report;
pub mod rotate;
pub mod rules;
pub mod shell;
pub mod stamp;
pub mod target;
pub mod udp;

use runit_rt::start::Start;
use runit_rt::{signal, stdio};

use options::{FACE, Options, Request};
use report::Level;
use shell::Shell;

/// The code for misuse and for having failed.
const FAILURE: u8 = 111;

/// Where the kernel has no memory. A logger waits for it, and its lines in the pipe.
#[derive(Debug)]
pub struct OutOfMemory;

impl runit_rt::heap::Shortage for OutOfMemory {
    const LINE: &'static str = "svlogd: warning: out of memory\n";
    const WAITS: bool = true;
}

/// Runs the program; gives its exit code.
pub fn main(start: &mut Start) -> u8 {
    let mut options = Options::new(start.args().rest());
    match options.parse() {
        Ok(Request::Run) => {}
        Ok(Request::Help) => return FACE.print_help(),
        Ok(Request::Version) => return FACE.print_version(),
        Ok(Request::Id) => {
            FACE.print_id();
            return FAILURE;
        }
        Err(complaint) => {
            FACE.print_misuse(complaint);
            return FAILURE;
        }
    }
    stdio::keep_inherited_from_children();
    let inherited = signal::block(ready::BLOCKED);
    match Shell::new(&options, start.env(), &inherited) {
        Ok(mut shell) => shell.run(),
        Err(fault) => {
            report::general(Level::Fatal, fault);
            FAILURE
        }
    }
}
