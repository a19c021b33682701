//! Which lines a log directory wants (CONTRACT section 6, svlogd(8)): patterns,
//! tried on a line all at once.
//!
//! A crate of its own, compiled by itself, because a service that writes a million
//! lines has each of them looked at here, by each pattern.
//!
//! | module | holds |
//! |---|---|
//! | [`line`](mod@line) | a line, how bytes are sought in it, and whether it matches a pattern |
//! | `piece` | literal bytes, compared at once |
//! | [`pattern`] | what is known of a pattern beforehand; which of many decides |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod line;
pub mod pattern;
mod piece;
