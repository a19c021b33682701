//! A log directory on the disk of the world: `current`, old files, the lock.

use std::collections::BTreeMap;

use runit_core::tai::Tai64n;
use rustix::io::Errno;
use svlogd::archive::{Kind, Name};

use crate::disk::Disk;

/// `current`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Current {
    /// Its size in bytes.
    pub size: u64,
    /// Its mode says that it is safely on disk.
    pub safe: bool,
}

/// See the module. Only sizes are kept: what is in files is judged as it is
/// written.
#[derive(Debug, Default)]
pub struct LogDir {
    /// The `svlogd` that has the lock, by its serial number.
    lock: Option<u64>,
    /// `current`, if there is one.
    pub current: Option<Current>,
    /// Old files and their sizes.
    pub old: BTreeMap<Name, u64>,
    /// The latest name that ever was.
    pub latest: Option<Tai64n>,
}

impl LogDir {
    /// Takes the lock, if nobody has it.
    pub fn lock(&mut self, serial: u64) -> bool {
        let free = self.lock.is_none();
        if free {
            self.lock = Some(serial);
        }
        free
    }

    /// Gives it back.
    pub fn unlock(&mut self, serial: u64) {
        self.lock.take_if(|holder| *holder == serial);
    }

    /// Opens `current`, which is made if there is none.
    pub fn open(&mut self, disk: &Disk) -> Result<Current, Errno> {
        disk.touch()?;
        Ok(*self.current.get_or_insert_default())
    }

    /// Writes to the end of `current`; gives how many bytes it took.
    pub fn append(&mut self, disk: &mut Disk, length: usize) -> Result<usize, Errno> {
        let taken = disk.append(length)?;
        let current = self.current.get_or_insert_default();
        current.size += taken as u64;
        current.safe = false;
        Ok(taken)
    }

    /// `current` becomes an old file.
    pub fn rename(&mut self, disk: &Disk, name: Name) -> Result<(), Errno> {
        disk.touch()?;
        let current = self.current.take().ok_or(Errno::NOENT)?;
        self.old.insert(name, current.size);
        self.latest = self.latest.max(Some(name.moment));
        Ok(())
    }

    /// The moment of the newest old file.
    pub fn newest(&self) -> Tai64n {
        self.old.keys().map(|name| name.moment).max().unwrap_or_default()
    }

    /// Deletes the oldest file.
    pub fn delete_oldest(&mut self, disk: &mut Disk) {
        if let Some((_, size)) = self.old.pop_first() {
            disk.free += size;
        }
    }
}

/// The name of an old file that is safely on disk.
pub fn safe(moment: Tai64n) -> Name {
    Name { moment, kind: Kind::Safe }
}
