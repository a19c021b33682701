//! Process 1 of the namespace waits for everything, its own children too.

use std::collections::HashMap;
use std::process::{Child, Command};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{WaitOptions, WaitStatus, wait};

use crate::error::{Error, Result};

/// Ends that nobody has asked for yet are kept, up to this many.
const KEPT: usize = 100_000;

/// How children ended.
#[derive(Default)]
pub struct Reaper {
    ended: Mutex<HashMap<u32, WaitStatus>>,
    more: Condvar,
}

impl Reaper {
    /// Waits for children for ever; for a thread of its own.
    pub fn work(&self) -> ! {
        loop {
            let Ok(Some((pid, status))) = wait(WaitOptions::empty()) else {
                // None just now.
                std::thread::sleep(Duration::from_millis(2));
                continue;
            };
            let Ok(pid) = u32::try_from(pid.as_raw_nonzero().get()) else { continue };
            let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            if ended.len() > KEPT {
                // What nobody asks for are orphans.
                ended.clear();
            }
            ended.insert(pid, status);
            self.more.notify_all();
        }
    }

    /// Starts a child; an earlier one of the same number is forgotten.
    pub fn start(&self, command: &mut Command) -> Result<Child> {
        let program = command.get_program().to_owned();
        // Held, so that its own end cannot be what is forgotten.
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let child = command.spawn().map_err(|cause| Error::Start { program, cause })?;
        ended.remove(&child.id());
        Ok(child)
    }

    /// How the child ended; `None` if it has not within `limit`.
    pub fn end_of(&self, pid: u32, limit: Duration) -> Option<WaitStatus> {
        let end = Instant::now() + limit;
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(status) = ended.remove(&pid) {
                return Some(status);
            }
            let left = end.checked_duration_since(Instant::now())?;
            let waited = self.more.wait_timeout(ended, left);
            ended = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
