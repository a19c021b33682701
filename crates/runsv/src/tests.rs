//! The machines tried without a system call: every state with every event, and
//! scenes that once went wrong. Whole lives are in `simulation/`.

mod scenarios;
mod table;
