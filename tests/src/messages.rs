//! Messages, each as it was written.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;

use crate::wait::LIMIT;

/// The reading end of a socket that keeps apart what was written by different calls.
#[derive(Debug)]
pub struct Messages(UnixDatagram);

impl Messages {
    /// A new one, and the end for a program to write to.
    #[track_caller]
    pub fn new() -> (Self, OwnedFd) {
        let pair = || -> io::Result<_> {
            let (ours, theirs) = UnixDatagram::pair()?;
            ours.set_read_timeout(Some(LIMIT))?;
            Ok((Self(ours), theirs.into()))
        };
        pair().unwrap_or_else(|error| panic!("socket pair: {error}"))
    }

    /// What the next call wrote.
    #[track_caller]
    pub fn receive(&mut self) -> String {
        let mut buffer = [0; 8192];
        loop {
            match self.0.recv(&mut buffer) {
                Ok(size) => return String::from_utf8_lossy(&buffer[..size]).into_owned(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("no message: {error}"),
            }
        }
    }

    /// Checks that the next `count` calls wrote one line each, which starts with `prefix`.
    #[track_caller]
    pub fn assert_lines(&mut self, count: usize, prefix: &str) {
        for _ in 0..count {
            let line = self.receive();
            assert!(line.starts_with(prefix), "{line:?}");
            assert_eq!(line.find('\n'), Some(line.len() - 1), "{line:?}");
        }
    }
}
