//! What `svlogd` makes of lines, without a file: select, clean, stamp, and
//! when to rotate (CONTRACT section 6). A crate of its own because every line
//! goes through it: it is compiled for speed, the rest of svlogd for size.
//!
//! | module | holds |
//! |---|---|
//! | [`feed`] | one log directory's way through the lines that were read |
//! | [`rotate`] | when `current` is full, and which old files go |
//! | [`pattern`] | which lines are selected |
//! | [`stamp`] | time stamps |
//! | [`clean`] | what replaces bytes that are not printable |
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod clean;
pub mod feed;
pub mod pattern;
pub mod rotate;
pub mod stamp;
