//! `svlogd [-ttv] [-r c] [-R abc] [-l len] [-b buflen] dir ...`: writes the
//! lines of standard input to log directories (CONTRACT section 6).
//!
//! How it keeps lines safe and is quick about it: docs/svlogd.md.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod clean;
mod config;
mod feed;
mod pattern;
mod rotate;
mod stamp;

/// Runs the program; gives its exit code.
pub fn main(_start: &mut runit_rt::start::Start) -> u8 {
    111
}
