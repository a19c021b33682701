//! Tells when a program is started, whoever starts it, without looking all the time.

use std::mem::MaybeUninit;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::fs::inotify;
use rustix::io::Errno;

use super::tree::LIMIT;
use crate::error::{Error, Result};

/// A watch on a program's file: to start it is to open it.
pub struct Starts {
    descriptor: OwnedFd,
}

impl Starts {
    /// Begins to watch.
    pub fn of(program: &Path) -> Result<Self> {
        let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
        let descriptor = inotify::init(flags).map_err(failed)?;
        let name = program.as_os_str().as_encoded_bytes();
        inotify::add_watch(&descriptor, name, inotify::WatchFlags::OPEN).map_err(failed)?;
        Ok(Self { descriptor })
    }

    /// Forgets what has happened so far.
    pub fn forget(&self) -> Result<()> {
        let mut buffer = [MaybeUninit::uninit(); 1024];
        loop {
            match inotify::Reader::new(&self.descriptor, &mut buffer).next() {
                Ok(_) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Waits for the next start.
    pub fn wait(&self) -> Result<()> {
        let limit = Timespec { tv_sec: LIMIT.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: 0 };
        let mut wanted = [PollFd::new(&self.descriptor, PollFlags::IN)];
        match poll(&mut wanted, Some(&limit)).map_err(failed)? {
            0 => Err(Error::Failed("a service was not started again in time".into())),
            _ => self.forget(),
        }
    }
}

fn failed(error: Errno) -> Error {
    Error::Failed(format!("unable to watch a program: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::lay::tests::make_executable;
    use std::process::Command;

    #[test]
    fn a_start_is_seen() {
        let path = std::env::temp_dir().join(format!("xtask-starts-{}", std::process::id()));
        super::super::pause::write(&path).unwrap();
        make_executable(&path);
        let starts = Starts::of(&path).unwrap();
        starts.forget().unwrap();
        let mut child = Command::new(&path).spawn().unwrap();
        starts.wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        std::fs::remove_file(&path).unwrap();
    }
}
