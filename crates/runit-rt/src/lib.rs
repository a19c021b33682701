//! The runtime of the suite, and the only place with `unsafe`: what a static
//! program without libc needs beside `rustix` (DESIGN.md section 1).
//!
//! | module | gives |
//! |---|---|
//! | [`start`] | argc, argv, environment; the [`entry!`] macro of each `main.rs` |
//! | [`mod@panic`] | what a panic prints and does |
//! | [`spawn`] | vfork and exec with descriptors, session, directory, signal state |
//! | [`signal`] | signal sets, the inherited signal state, signalfd |
//! | [`ids`] | all of a process's user and group ids |
//! | [`clock`] | real and monotonic time, without the vDSO |
//! | [`strings`] | null-terminated lists of C strings, as `execve` takes them |
//! | [`errtext`] | the wording of system errors |
//! | [`stdio`] | descriptors 0, 1 and 2 |
//! | [`heap`] | the allocator of the tools that need one |
//! | [`pile`] | memory that grows, for the tools that need no more |
//! | [`pages`] | buffers of whole pages |
//! | [`bytes`] | what is done to every byte of a log, at memory speed |
//!
//! Nothing here keeps writable static data: `runsv` and `runit` have none at all.
#![no_std]
#![expect(unsafe_code, reason = "this crate exists so that the others need none")]

#[cfg(test)]
extern crate std;

mod arch;
pub mod bytes;
pub mod clock;
pub mod errtext;
pub mod heap;
pub mod ids;
#[doc(hidden)]
pub mod memory;
pub mod pages;
pub mod panic;
pub mod pile;
pub mod signal;
pub mod spawn;
pub mod start;
pub mod stdio;
pub mod strings;

pub use rustix::io::Errno;

use arch::syscall;

/// A system call's result as Rust reads it.
fn check(result: isize) -> Result<usize, Errno> {
    if result < 0 {
        // The kernel's errors are -1 to -4095.
        Err(Errno::from_raw_os_error(i32::try_from(-result).unwrap_or(0)))
    } else {
        Ok(result.unsigned_abs())
    }
}

/// Ends the process with `code`.
pub fn exit(code: u8) -> ! {
    loop {
        // SAFETY: exit_group takes any number and does not come back.
        unsafe {
            syscall(linux_raw_sys::general::__NR_exit_group, [code.into(), 0, 0, 0, 0, 0]);
        }
    }
}
