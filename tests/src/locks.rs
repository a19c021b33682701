//! Whole-file locks, taken as supervisors take them.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;

use crate::Proc;

/// An exclusive `flock` on a file, for as long as this value lives.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for its lock")] OwnedFd);

/// Whether `process` waits for a lock that another has.
pub fn waits(process: Proc) -> bool {
    let table = fs::read_to_string("/proc/locks").unwrap_or_default();
    let pid = process.to_string();
    // `1: -> FLOCK ADVISORY WRITE PID DEVICE:INODE START END` is one that waits.
    table.lines().any(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        words.get(1) == Some(&"->") && words.get(5) == Some(&pid.as_str())
    })
}

impl Lock {
    /// Locks the file at `path`, which is created if missing; nothing if another holds the lock.
    #[track_caller]
    pub fn try_new(path: &Path) -> Option<Self> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
        let file = open(path.as_os_str().as_bytes(), flags, Mode::from_raw_mode(0o600))
            .unwrap_or_else(|errno| panic!("{}: {errno}", path.display()));
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Some(Self(file)),
            Err(Errno::WOULDBLOCK) => None,
            Err(errno) => panic!("{}: lock: {errno}", path.display()),
        }
    }
}
