//! Files and directories, by paths of any length.

use alloc::vec;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::mem::MaybeUninit;

use runit_rt::Errno;
use runit_rt::strings::{c_str_in, decimal};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{self, FileType, Mode, OFlags, RawDir, Stat};
use rustix::io;

use crate::archive::{self, Stem};

/// Room for many directory entries at once.
const ENTRIES: usize = 8192;

/// The longest path that the kernel gives, with its NUL.
const PATH_MAX: usize = 4096;

/// Makes a system call again for as long as a signal interrupts it.
pub fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

/// A path as the kernel takes it.
pub struct Path([u8; PATH_MAX]);

impl Path {
    /// That of `name` in `directory`. A longer one than the kernel takes is that
    /// of no file.
    #[inline(never)]
    pub fn of(directory: &[u8], name: &[u8]) -> Self {
        let mut path = [0; PATH_MAX];
        let directory = if name.first() == Some(&b'/') { b"" } else { directory };
        let between: &[u8] = if directory.is_empty() { b"" } else { b"/" };
        let pieces = [directory, between, name];
        if pieces.iter().map(|piece| piece.len()).sum::<usize>() < PATH_MAX {
            for (to, from) in path.iter_mut().zip(pieces.into_iter().flatten()) {
                *to = *from;
            }
        }
        Self(path)
    }

    /// With its end.
    pub fn as_c_str(&self) -> &CStr {
        c_str_in(&self.0).unwrap_or(c"")
    }
}

#[inline(never)]
fn open_with(directory: &[u8], name: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let path = Path::of(directory, name);
    let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY;
    retry(|| fs::open(path.as_c_str(), flags, Mode::empty()))
}

/// Opens a file to be read. What is no file (a FIFO, a directory) is an invalid
/// argument.
#[inline(never)]
pub fn open(directory: &[u8], name: &[u8]) -> Result<(OwnedFd, Stat), Errno> {
    let fd = open_with(directory, name, OFlags::RDONLY | OFlags::NONBLOCK)?;
    let stat = fs::fstat(&fd)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Errno::INVAL);
    }
    Ok((fd, stat))
}

/// Looks at a file.
#[inline(never)]
pub fn stat(directory: &[u8], name: &[u8]) -> Result<Stat, Errno> {
    fs::stat(Path::of(directory, name).as_c_str())
}

/// Whether the path leads to a directory.
#[inline(never)]
pub fn is_directory(path: &[u8]) -> Result<bool, Errno> {
    match stat(path, b".") {
        Ok(_) => Ok(true),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether both are the same file.
#[inline(never)]
pub fn is_same(one: &Stat, other: &Stat) -> bool {
    one.st_dev == other.st_dev && one.st_ino == other.st_ino
}

/// Reads from an offset, as much as there is room for if the file has it.
#[inline(never)]
pub fn read_at(file: &OwnedFd, offset: u64, room: &mut [u8]) -> Result<usize, Errno> {
    let mut done = 0;
    while let Some(rest) = room.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match retry(|| io::pread(file, &mut *rest, offset + done as u64))? {
            0 => break,
            count => done += count,
        }
    }
    Ok(done)
}

/// The first `limit` bytes of a file.
#[inline(never)]
pub fn read(directory: &[u8], name: &[u8], limit: usize) -> Result<Vec<u8>, Errno> {
    let (file, stat) = open(directory, name)?;
    let size = usize::try_from(stat.st_size).unwrap_or(limit).min(limit);
    let mut content = vec![0; size];
    let length = read_at(&file, 0, &mut content)?;
    content.truncate(length);
    Ok(content)
}

/// Puts the archives in a directory into `stems`, in order.
#[inline(never)]
pub fn archives(directory: &[u8], stems: &mut Vec<Stem>) -> Result<(), Errno> {
    stems.clear();
    let fd = open_with(directory, b".", OFlags::RDONLY | OFlags::DIRECTORY)?;
    let mut buffer = [MaybeUninit::<u8>::uninit(); ENTRIES];
    let mut entries = RawDir::new(fd, &mut buffer);
    while let Some(entry) = entries.next() {
        stems.extend(archive::stem(entry?.file_name().to_bytes()));
    }
    archive::order(stems);
    Ok(())
}

/// Opens an archive.
#[inline(never)]
pub fn open_archive(directory: &[u8], stem: &Stem) -> Result<(OwnedFd, Stat), Errno> {
    let mut result = Err(Errno::NOENT);
    // Between two looks `.u` becomes `.s`, never the other way round.
    for name in archive::names(stem) {
        result = open(directory, &name);
        if !matches!(result, Err(Errno::NOENT)) {
            break;
        }
    }
    result
}

/// A directory's path without symlinks in it, if the kernel tells.
#[inline(never)]
pub fn canonical(directory: &[u8]) -> Option<Vec<u8>> {
    let fd = open_with(directory, b".", OFlags::PATH).ok()?;
    let number = u64::try_from(fd.as_raw_fd()).ok()?;
    let mut target = [MaybeUninit::uninit(); PATH_MAX];
    let link = Path::of(b"/proc/self/fd", decimal(number, &mut [0; 20]));
    let (target, rest) = fs::readlinkat_raw(fs::CWD, link.as_c_str(), &mut target[..]).ok()?;
    (!rest.is_empty()).then(|| target.to_vec())
}
