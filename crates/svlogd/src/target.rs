//! What a [`Feed`](crate::feed::Feed) acts on, and what passes between them.

use runit_rt::bytes;
use rustix::io::Errno;

/// A line, or its first LEN bytes, for standard error or the network.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Stamp and blank, or nothing.
    pub stamp: &'a [u8],
    /// The directory's prefix.
    pub prefix: &'a [u8],
    /// The text without its newline.
    pub text: &'a [u8],
    /// What follows instead of the rest: `...` or nothing.
    pub dots: &'static [u8],
}

/// What a feed acts on.
pub trait Target {
    /// Appends to `current`, first `head`, then `tail`; gives how many bytes of
    /// both together were taken, at least one of what is not empty.
    fn write(&mut self, head: &[u8], tail: &[u8]) -> Result<usize, Errno>;
    /// Makes `current` an old file and opens a new one. `false`: not possible
    /// now, `current` stays and can be written.
    fn rotate(&mut self) -> bool;
    /// Copies a line to standard error.
    fn alert(&mut self, record: &Record<'_>);
    /// Sends a line; whether it could.
    fn send(&mut self, record: &Record<'_>) -> bool;
}

/// How much was given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Lines; one that was written in part counts.
    pub lines: u64,
    /// Bytes, with stamps and prefixes.
    pub bytes: u64,
}

/// A target that counts what it does not write.
pub(crate) struct Counter<'a> {
    /// How much it was.
    pub lost: Lost,
    /// For what is no writing.
    pub target: &'a mut dyn Target,
}

impl Target for Counter<'_> {
    fn write(&mut self, head: &[u8], tail: &[u8]) -> Result<usize, Errno> {
        for part in [head, tail] {
            self.lost.bytes += part.len() as u64;
            self.lost.lines += newlines(part);
        }
        Ok(head.len() + tail.len())
    }

    fn rotate(&mut self) -> bool {
        false
    }

    fn alert(&mut self, record: &Record<'_>) {
        self.target.alert(record);
    }

    fn send(&mut self, record: &Record<'_>) -> bool {
        self.target.send(record)
    }
}

fn newlines(mut bytes: &[u8]) -> u64 {
    let mut count = 0;
    while let Some(at) = bytes::find(bytes, b'\n') {
        bytes = bytes.get(at + 1..).unwrap_or_default();
        count += 1;
    }
    count
}
