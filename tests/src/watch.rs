//! Which names in a directory were replaced, and how often.

use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::io::Errno;

/// What happened to a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Another file was renamed to it.
    Replaced(String),
    /// It was opened for writing and closed.
    Written(String),
}

/// Watches one directory.
#[derive(Debug)]
pub struct Watch {
    fd: OwnedFd,
    seen: Vec<Change>,
}

impl Watch {
    /// Watches `dir` from now on.
    #[track_caller]
    pub fn new(dir: &Path) -> Self {
        let flags = WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE;
        let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .unwrap_or_else(|errno| panic!("inotify: {errno}"));
        inotify::add_watch(&fd, dir.as_os_str().as_bytes(), flags)
            .unwrap_or_else(|errno| panic!("{}: {errno}", dir.display()));
        Self { fd, seen: Vec::new() }
    }

    /// All changes since the start, in order.
    pub fn changes(&mut self) -> &[Change] {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.fd, &mut buffer);
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::AGAIN) => return &self.seen,
                Err(errno) => panic!("inotify: {errno}"),
            };
            let name = event
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            let replaced = event.events().contains(inotify::ReadFlags::MOVED_TO);
            self.seen.push(if replaced { Change::Replaced(name) } else { Change::Written(name) });
        }
    }

    /// How often `name` was replaced.
    pub fn replaced(&mut self, name: &str) -> usize {
        let wanted = Change::Replaced(name.into());
        self.changes().iter().filter(|change| **change == wanted).count()
    }
}
