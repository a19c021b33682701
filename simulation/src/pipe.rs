//! Log pipes. What passes through them is real: `svlogd` reads descriptors.

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

/// Which log pipe.
pub type PipeId = usize;

/// A pipe and all that ever went into it.
#[derive(Debug)]
pub struct Pipe {
    /// The end to read from.
    pub read: OwnedFd,
    /// The end to write to, as long as a process has it.
    write: Option<OwnedFd>,
    /// Everything that was written.
    stream: Vec<u8>,
    /// How much of that was read.
    pub taken: usize,
    /// Lines written so far.
    lines: u64,
}

impl Pipe {
    /// A new pipe.
    pub fn new() -> Result<Self, Errno> {
        let (read, write) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)?;
        Ok(Self { read, write: Some(write), stream: Vec::new(), taken: 0, lines: 0 })
    }

    /// Writes a line with `padding` bytes more than its number; one that finds
    /// no room stays with its writer.
    pub fn write_line(&mut self, padding: usize, ended: bool) {
        let Some(write) = &self.write else { return };
        let mut line = format!("{} ", self.lines).into_bytes();
        let letter = if self.lines % 3 == 0 { b'x' } else { b'y' };
        line.resize(line.len() + padding, letter);
        if ended {
            line.push(b'\n');
        }
        let written = rustix::io::write(write, &line).unwrap_or(0);
        self.stream.extend_from_slice(line.get(..written).unwrap_or_default());
        self.lines += 1;
    }

    /// No process can write any more.
    pub fn close(&mut self) {
        self.write = None;
    }

    /// Whether somebody can.
    pub fn is_open(&self) -> bool {
        self.write.is_some()
    }

    /// Whether something is there to be read.
    pub fn has_content(&self) -> bool {
        self.taken < self.stream.len()
    }

    /// How many bytes are there to be read.
    pub fn left(&self) -> usize {
        self.stream.len() - self.taken
    }

    /// What went in from `start` on and has been read.
    pub fn read_from(&self, start: usize) -> &[u8] {
        self.between(start, self.taken)
    }

    /// What of that went in before `end`.
    pub fn between(&self, start: usize, end: usize) -> &[u8] {
        self.stream.get(start..end.min(self.taken)).unwrap_or_default()
    }
}
