//! The machines tried without a system call.

mod scenarios;
