//! The machines tried without a system call: every state with every event.

mod scenarios;
mod table;
