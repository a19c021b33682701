//! `sv`: controls supervised services and tells their state (CONTRACT section
//! 4); under other names, `svc`, `svok`, and an LSB init script.
//!
//! | module | holds |
//! |---|---|
//! | [`options`] | the tables of options, and the help |
//! | [`command`] | from a word to what is sent and waited for |
//! | [`goal`] | whether a status is what a command is to reach |
//! | [`place`] | from a service's name to its directory and files |
//! | [`client`] | the supervisor's files and FIFOs |
//! | [`render`], [`json`] | what is printed |
//! | [`console`] | where it is printed, and the exit code |
//! | [`status`] | `status`, `list` |
//! | [`directory`], [`manage`] | the services there are; `enable`, `disable` |
//! | [`log`](mod@log) | `log`, which is a program of its own |
//! | [`wait`], [`watch`], [`check`] | waiting: the loop, inotify, `./check` |
//! | [`svc`] | `svc`, `svok` |
//! | [`cli`] | from arguments and environment to one of these |
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod check;
pub mod cli;
pub mod client;
pub mod command;
pub mod console;
pub mod directory;
pub mod goal;
pub mod json;
pub mod log;
pub mod manage;
pub mod options;
pub mod place;
pub mod render;
pub mod status;
pub mod svc;
pub mod wait;
pub mod watch;

use core::ffi::CStr;

use command::Caller;
use runit_rt::signal::{SignalSet, block};
use runit_rt::start::Start;

/// What would end us: a write that nobody reads is an error like others. And
/// what tells of children's ends, which are to be read, not missed.
const SIGNALS: SignalSet = SignalSet::of(&[13, check::CHLD]);

/// Where the kernel has no memory. It has not done what it was to do.
#[derive(Debug)]
pub struct OutOfMemory;

impl runit_rt::heap::Shortage for OutOfMemory {
    const LINE: &'static str = "sv: fatal: out of memory\n";
    const WAITS: bool = false;
}

/// Runs the program that the first argument names; gives its exit code.
pub fn main(start: &mut Start) -> u8 {
    let inherited = block(SIGNALS);
    let path = start.args().next().map_or(&b"sv"[..], CStr::to_bytes);
    let slash = path.iter().rposition(|&byte| byte == b'/');
    let name = slash.and_then(|slash| path.get(slash + 1..)).unwrap_or(path);
    if name == b"svc".as_slice() {
        svc::control(start)
    } else if name == b"svok".as_slice() {
        svc::is_supervised(start)
    } else {
        let caller = if name == b"sv".as_slice() { Caller::Sv } else { Caller::InitScript };
        cli::run(start, &inherited, caller, name)
    }
}
