//! The services in a directory of services.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::mem::MaybeUninit;

use rustix::fs::{FileType, Mode, OFlags, RawDir, open, stat};
use rustix::io::Errno;

use crate::client::retry;
use crate::place::Place;

/// Room for many entries at once.
const BUFFER: usize = 8192;

/// A service as it goes by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service {
    /// Its name.
    pub name: Vec<u8>,
    /// Whether it is in the directory of those that run, as far as is known.
    pub enabled: bool,
}

/// The services in each of these directories, which make them enabled or not,
/// in the order of their names: what `runsvdir` takes for one (CONTRACT section
/// 3), and symlinks that lead nowhere, which somebody meant to be one. Of a
/// directory that cannot be read, its path and the error.
///
/// A directory that is not there has no services, if another one is.
pub fn services<'a>(directories: &[(&'a [u8], bool)]) -> Result<Vec<Service>, (&'a [u8], Errno)> {
    let mut found = BinaryHeap::new();
    let mut missing = 0;
    for &(directory, enabled) in directories {
        match read(directory, enabled, &mut found) {
            Err(Errno::NOENT) if missing + 1 < directories.len() => missing += 1,
            result => result.map_err(|error| (directory, error))?,
        }
    }
    let mut services = found.into_sorted_vec();
    // Of one name, the enabled one is the last.
    services.dedup_by(|later, first| {
        let same = later.name == first.name;
        first.enabled |= same;
        same
    });
    Ok(services)
}

fn read(directory: &[u8], enabled: bool, found: &mut BinaryHeap<Service>) -> Result<(), Errno> {
    let mut place = Place::new(b"");
    place.enter_at(directory, b"");
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = retry(|| open(place.directory(), flags, Mode::empty()))?;
    let mut buffer = [MaybeUninit::<u8>::uninit(); BUFFER];
    let mut entries = RawDir::new(fd, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error),
        };
        let name = entry.file_name();
        let is_service = !name.to_bytes().starts_with(b".")
            && match entry.file_type() {
                FileType::Directory => true,
                FileType::Symlink | FileType::Unknown => stat(place.at(name))
                    .map_or(true, |s| FileType::from_raw_mode(s.st_mode) == FileType::Directory),
                _ => false,
            };
        if is_service {
            found.push(Service { name: name.to_bytes().to_vec(), enabled });
        }
    }
    Ok(())
}
