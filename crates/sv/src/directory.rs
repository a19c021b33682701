//! The services in a directory of services.

use alloc::vec::Vec;
use core::mem::MaybeUninit;

use rustix::fs::{FileType, Mode, OFlags, RawDir, open, stat};
use rustix::io::Errno;

use crate::place::Place;

/// Room for many entries at once.
const BUFFER: usize = 8192;

/// A service as it goes by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Whether it is in the directory of those that run, as far as is known.
    pub enabled: bool,
}

impl<'a> Service<'a> {
    /// A service of this name, enabled as far as is known.
    pub fn named(name: &'a [u8]) -> Self {
        Self { name, enabled: true }
    }
}

/// The services in the directory `running`, and in `source` if that is asked
/// for, in the order of their names; those of both twice, the enabled one last.
/// A service is what `runsvdir` takes for one (CONTRACT section 3), or a symlink
/// that leads nowhere, which somebody meant to be one.
///
/// An error tells which directory cannot be read; with two, one of them may be
/// missing.
#[inline(never)]
pub fn services<'a>(
    running: &'a [u8],
    source: Option<&'a [u8]>,
) -> Result<Vec<Service<'static>>, (&'a [u8], Errno)> {
    let mut services = Vec::new();
    let mut missing = source.is_none();
    for (directory, enabled) in [(Some(running), true), (source, false)] {
        let Some(directory) = directory else {
            continue;
        };
        match read(directory, enabled, &mut services) {
            Ok(()) => {}
            Err(Errno::NOENT) if !missing => missing = true,
            Err(error) => return Err((directory, error)),
        }
    }
    sort(&mut services);
    Ok(services)
}

/// Sorts by name: a comb sort, which is short, and quick enough for thousands.
fn sort(services: &mut [Service<'_>]) {
    let mut gap = services.len();
    let mut sorted = false;
    while gap > 1 || !sorted {
        gap = (gap * 10 / 13).max(1);
        sorted = true;
        for low in 0..services.len() {
            if let Some([one, .., other]) = services.get_mut(low..=low + gap) {
                if one > other {
                    core::mem::swap(one, other);
                    sorted = false;
                }
            }
        }
    }
}

/// Appends the services in `directory`.
#[inline(never)]
fn read(
    directory: &[u8],
    enabled: bool,
    services: &mut Vec<Service<'static>>,
) -> Result<(), Errno> {
    let mut place = Place::new(b"");
    place.enter_at(directory, b"");
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = open(place.directory(), flags, Mode::empty())?;
    let mut buffer = [MaybeUninit::<u8>::uninit(); BUFFER];
    let mut entries = RawDir::new(fd, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        let is_service = match entry.file_type() {
            FileType::Symlink | FileType::Unknown => stat(place.at(name))
                .map_or(true, |s| FileType::from_raw_mode(s.st_mode) == FileType::Directory),
            kind => kind == FileType::Directory,
        };
        if is_service && !name.to_bytes().starts_with(b".") {
            // A name lives as long as the program.
            services.push(Service { name: name.to_bytes().to_vec().leak(), enabled });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_by_name() {
        for count in [0, 1, 2, 3, 10, 100, 1000] {
            // Numbers in an order like chance's, some of them twice.
            let mut services: Vec<_> = (0..count)
                .map(|i| Service::named(std::format!("{}", i * 7919 % 997).into_bytes().leak()))
                .collect();
            let mut expected = services.clone();
            expected.sort();
            sort(&mut services);
            assert_eq!(services, expected);
        }
    }
}
