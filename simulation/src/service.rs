//! Service directories as they are on disk.

use std::collections::VecDeque;

use runit_core::control::ControlByte;
use runit_core::status::StatusRecord;
use runsv::machine::Role;

use crate::logdir::LogDir;

/// One of a pair of things, by whom it is of.
pub const fn index(role: Role) -> usize {
    match role {
        Role::Service => 0,
        Role::Log => 1,
    }
}

/// Both roles.
pub const ROLES: [Role; 2] = [Role::Service, Role::Log];

/// A service directory, which may have lost its name.
#[derive(Debug, Default)]
pub struct ServiceDir {
    /// There is a `log/`.
    pub log: bool,
    /// There is a `down`, and a `log/down`.
    pub down: [bool; 2],
    /// The supervisor that holds the lock, by its serial number.
    pub lock: Option<u64>,
    /// Bytes in the control FIFOs.
    pub fifos: [VecDeque<ControlByte>; 2],
    /// What the status files say.
    pub status: [Option<StatusRecord>; 2],
    /// Where its lines go.
    pub logs: LogDir,
    /// How often `run` was started, by any supervisor.
    pub starts: u64,
}
