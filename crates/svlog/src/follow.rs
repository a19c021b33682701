//! Waiting until something may have been logged.

use runit_rt::stdio;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::read;

use crate::file::Path;

/// Room for many events at once, about which no more is asked than that they
/// are there.
const EVENTS: usize = 4096;

/// After so many seconds directories are looked at without an event: where all
/// are watched, for what no event tells of (a network's file system, a
/// directory that was replaced), and where some are not.
const WATCHED: i64 = 5;
const BLIND: i64 = 1;

/// Watches on log directories.
pub struct Watches {
    inotify: Option<OwnedFd>,
    blind: bool,
}

impl Watches {
    /// None yet. Where inotify is not to be had, none ever.
    pub fn none() -> Self {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok();
        Self { blind: inotify.is_none(), inotify }
    }

    /// Watches a directory.
    pub fn add(&mut self, path: &[u8]) {
        let events = WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ONLYDIR;
        let Some(inotify) = &self.inotify else { return };
        let path = Path::of(path, b".");
        self.blind |= inotify::add_watch(inotify, path.as_c_str(), events).is_err();
    }

    /// Waits; false when nobody reads standard output any more.
    pub fn wait(&self) -> bool {
        let stdout = stdio::stdout();
        let mut fds = [
            PollFd::new(&stdout, PollFlags::empty()),
            PollFd::from_borrowed_fd(stdout, PollFlags::empty()),
        ];
        if let Some(inotify) = &self.inotify {
            fds[1] = PollFd::new(inotify, PollFlags::IN);
        }
        let seconds = if self.blind { BLIND } else { WATCHED };
        // That it was interrupted is no matter: then we look.
        let _ = poll(&mut fds, Some(&Timespec { tv_sec: seconds, tv_nsec: 0 }));
        let closed = fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP);
        if let Some(inotify) = &self.inotify {
            let mut events = [0; EVENTS];
            while read(inotify, &mut events).is_ok() {}
        }
        !closed
    }
}
