//! `runit`, process 1, and `runit-init`, which asks it to take the system down
//! (CONTRACT section 7).
//!
//! | module | holds |
//! |---|---|
//! | [`boot`] | stages and requests, without system calls |
//! | [`event`] | what the machine takes in and gives out |
//! | [`message`] | what process 1 says |
//! | [`paths`] | the files that it works with |
//! | [`console`] | where it says it; stage 1's terminal |
//! | [`container`] | whether this is a container |
//! | [`children`] | stages and scripts as processes |
//! | [`halt`] | the end: kill, sync, reboot |
//! | [`shell`] | the loop of process 1 |
//! | [`request`] | `runit-init` |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod boot;
pub mod children;
pub mod console;
pub mod container;
pub mod event;
pub mod halt;
pub mod message;
pub mod paths;
pub mod request;
pub mod shell;
#[cfg(test)]
mod tests;
