//! The harness of the end-to-end tests.
//!
//! Tests start the programs of a suite as users do, and look at them from outside: at the files of
//! `supervise/`, at `/proc`, at what they write. Nothing here comes from the suite itself: the
//! protocol is written down a second time, in [`protocol`], so that a mistake in the suite's own
//! code cannot hide in its tests.
//!
//! Which suite is tested [`suite`] says: `RUNIT_UNDER_TEST=DIR`, or the workspace's own build.
#![forbid(unsafe_code)]
#![expect(clippy::missing_panics_doc, reason = "a test harness reports trouble by panicking")]

pub mod dirs;
pub mod hostile;
pub mod init;
pub mod locks;
pub mod logs;
pub mod messages;
pub mod own;
pub mod proc;
pub mod protocol;
pub mod pty;
pub mod recipe;
pub mod run;
pub mod strace;
pub mod suite;
pub mod supervisor;
pub mod sv;
pub mod tree;
pub mod wait;
pub mod watch;

pub use dirs::{Service, ServiceDirBuilder, TempDir};
pub use proc::Proc;
pub use protocol::{State, Status};
pub use supervisor::{Launch, Supervisor};
pub use wait::wait_until;

/// What every test starts with.
pub mod prelude {
    pub use crate::{
        Launch, Proc, Service, ServiceDirBuilder, State, Status, Supervisor, TempDir, only_ours,
        suite, wait_until,
    };
}

/// Returns from the calling test, saying why, unless the suite under test is this workspace's:
/// its supervisors, or the program that is named first.
#[macro_export]
macro_rules! only_ours {
    ($program:literal, $reason:expr) => {
        if !$crate::suite::only_our_program($program, $reason) {
            return;
        }
    };
    ($reason:expr) => {
        if !$crate::suite::only_ours($reason) {
            return;
        }
    };
}
