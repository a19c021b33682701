//! What two programs of the suite must agree on, stated once.
//!
//! | module | holds |
//! |---|---|
//! | [`control`] | the bytes written to `supervise/control` |
//! | [`status`] | the 20 bytes of `supervise/status`, and the text of `stat` |
//! | [`tai`] | TAI64N time stamps |
//! | [`layout`] | the names in a service directory |
//! | [`exit`] | how a process ended, as `finish` is told |
//! | [`diag`] | the wording and writing of diagnostics |
//! | [`options`] | one table of options for parser, help, manual and completions |
//! | [`tool`] | a tool as it presents itself, with that table |
//! | [`lookup`], [`help`] | what is made of it when a tool is compiled: names, texts |
//! | [`face`](mod@face) | that in a tool's file: usage, `--help`, `--version`, `-V` |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod control;
pub mod diag;
pub mod exit;
pub mod face;
pub mod help;
pub mod layout;
pub mod lookup;
pub mod options;
pub mod status;
pub mod tai;
pub mod tool;
