//! The disk: how much room there is, and whether it works at all.

use rustix::io::Errno;

/// One disk for everything that is written.
#[derive(Debug)]
pub struct Disk {
    /// Bytes that are free.
    pub free: u64,
    /// Why nothing can be written.
    pub trouble: Option<Errno>,
}

impl Disk {
    /// A disk with much room.
    pub fn new() -> Self {
        Self { free: PLENTY, trouble: None }
    }

    /// Writes `length` bytes to a file that grows; gives how many it took.
    pub fn append(&mut self, length: usize) -> Result<usize, Errno> {
        if let Some(error) = self.trouble {
            return Err(error);
        }
        let taken = length.min(usize::try_from(self.free).unwrap_or(usize::MAX));
        if taken == 0 && length > 0 {
            return Err(Errno::NOSPC);
        }
        self.free -= taken as u64;
        Ok(taken)
    }

    /// Replaces a small file by another one.
    pub fn replace(&self) -> Result<(), Errno> {
        match self.trouble {
            Some(error) => Err(error),
            None if self.free == 0 => Err(Errno::NOSPC),
            None => Ok(()),
        }
    }

    /// Syncs or renames a file.
    pub fn touch(&self) -> Result<(), Errno> {
        self.trouble.map_or(Ok(()), Err)
    }
}

/// What an empty disk holds.
pub const PLENTY: u64 = 1 << 40;

impl Default for Disk {
    fn default() -> Self {
        Self::new()
    }
}
