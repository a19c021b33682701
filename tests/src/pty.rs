//! A pseudoterminal, as the console of a system under test.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fd::{AsRawFd as _, OwnedFd};
use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

/// Both ends of it. The terminal stays open here, so that it does not hang up when the last
/// program closes it.
#[derive(Debug)]
pub struct Pty {
    master: OwnedFd,
    path: PathBuf,
    terminal: OwnedFd,
}

impl Default for Pty {
    fn default() -> Self {
        Self::new()
    }
}

impl Pty {
    /// A new one, whose terminal is nobody's.
    #[track_caller]
    pub fn new() -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap_or_else(|error| panic!("no pseudoterminal: {error}"));
        let opened = grantpt(&master).and_then(|()| unlockpt(&master));
        let opened = opened.and_then(|()| ioctl_tiocgptpeer(&master, flags));
        let terminal = opened.unwrap_or_else(|error| panic!("no terminal: {error}"));
        rustix::io::ioctl_fionbio(&master, true)
            .unwrap_or_else(|error| panic!("a pseudoterminal that blocks: {error}"));
        let path = std::fs::read_link(format!("/proc/self/fd/{}", terminal.as_raw_fd()))
            .unwrap_or_else(|error| panic!("the terminal's name: {error}"));
        Self { master, path, terminal }
    }

    /// The path of the terminal.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The terminal, to be a descriptor of a program.
    #[track_caller]
    pub fn open(&self) -> File {
        let flags = i32::try_from(OFlags::NOCTTY.bits()).unwrap_or(0);
        let opened = File::options().read(true).write(true).custom_flags(flags).open(&self.path);
        opened.unwrap_or_else(|error| panic!("{}: {error}", self.path.display()))
    }

    /// What was written to the terminal since the last call.
    pub fn output(&self) -> String {
        let mut seen = Vec::new();
        let mut piece = [0; 4096];
        while let Ok(size @ 1..) = rustix::io::read(&self.master, &mut piece) {
            seen.extend_from_slice(&piece[..size]);
        }
        String::from_utf8_lossy(&seen).replace("\r\n", "\n")
    }

    /// Types at it.
    #[track_caller]
    pub fn type_in(&self, text: &str) {
        let written = rustix::io::write(&self.master, text.as_bytes());
        assert_eq!(written, Ok(text.len()), "{text:?} not typed");
    }

    /// Hangs up.
    #[track_caller]
    pub fn hang_up(self) {
        drop(self.master);
        // A child of another test's may still have it, until it becomes its program.
        crate::wait_until("the terminal to hang up", || {
            rustix::io::write(&self.terminal, b" ") == Err(rustix::io::Errno::IO)
        });
    }
}
