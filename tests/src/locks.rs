//! Whole-file locks, as supervisors take them.
//!
//! This process never holds one itself: a child that another test starts at that moment would hold
//! it too, until it executes its program.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Proc;
use crate::wait::wait_until;

/// An exclusive `flock` on a file, held by another process for as long as this value lives.
#[derive(Debug)]
pub struct Lock(Child);

impl Lock {
    /// Locks the file at `path`, which is created if missing; waits until it can be had.
    #[track_caller]
    pub fn new(path: &Path) -> Self {
        let child = Command::new("flock")
            .args(["--exclusive", "--no-fork"])
            .arg(path)
            .args(["sleep", "100000"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("flock: {error}"));
        // By this process: the inode's number alone may be that of a file elsewhere.
        let holder = child.id().to_string();
        wait_until(&format!("{} to be locked", path.display()), || {
            held(path).iter().any(|words| words.get(4) == Some(&holder))
        });
        Self(child)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // It ends by this signal alone: neither can fail.
        let ended = self.0.kill().and_then(|()| self.0.wait());
        if let Err(error) = ended {
            eprintln!("cannot end the holder of a lock: {error}");
        }
    }
}

/// Whether somebody holds an exclusive `flock` on the file.
pub fn is_locked(path: &Path) -> bool {
    // The table is read in pieces, by position: while others' locks go, one may be passed over.
    (0..5).any(|_| !held(path).is_empty())
}

/// The lines of exclusive locks that are held on such an inode.
fn held(path: &Path) -> Vec<Vec<String>> {
    let Ok(data) = fs::metadata(path) else { return Vec::new() };
    let inode = format!(":{}", data.ino());
    let mut table = table();
    // `1: FLOCK ADVISORY WRITE PID MAJOR:MINOR:INODE START END` is one that is held.
    table.retain(|words| {
        words.get(1).is_some_and(|word| word == "FLOCK")
            && words.get(3).is_some_and(|word| word == "WRITE")
            && words.get(5).is_some_and(|word| word.ends_with(&inode))
    });
    table
}

/// Whether `process` waits for a lock that another has.
pub fn waits(process: Proc) -> bool {
    let pid = process.to_string();
    // `1: -> FLOCK ADVISORY WRITE PID MAJOR:MINOR:INODE START END` is one that waits.
    table()
        .iter()
        .any(|words| words.get(1).is_some_and(|word| word == "->") && words.get(5) == Some(&pid))
}

/// The system's table of locks, in words.
fn table() -> Vec<Vec<String>> {
    let mut text = Vec::new();
    // Pieces as large as the kernel gives; it makes each at one moment.
    let mut piece = vec![0; 1 << 16];
    let read = fs::File::open("/proc/locks").and_then(|mut file| {
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(()),
                size => text.extend_from_slice(&piece[..size]),
            }
        }
    });
    read.unwrap_or_else(|error| panic!("/proc/locks: {error}"));
    String::from_utf8_lossy(&text)
        .lines()
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect()
}
