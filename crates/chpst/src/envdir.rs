//! Reads an environment directory (CONTRACT section 5).

use alloc::vec::Vec;
use core::ffi::CStr;
use core::mem::MaybeUninit;

use runit_core::diag::Bytes;
use runit_rt::Errno;
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat};

use crate::VOICE;
use crate::environment::{Environment, can_be_name, clean, reserve};
use crate::error::Error;
use crate::plan::EnvDir;

/// Room for directory entries and for pieces of files.
const BUFFER: usize = 8192;

/// Sets and unsets the variables that the directory's files name.
pub fn apply<'a>(
    environment: &mut Environment<'a>,
    dir: EnvDir<'a>,
    verbose: bool,
) -> Result<(), Error<'a>> {
    let unable = |what, error| Error::UnableWith { what, name: dir.path, error };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = openat(CWD, dir.path, flags, Mode::empty())
        .map_err(|error| unable("switch to directory", error))?;
    let (mut names, mut entries) = (Vec::new(), Vec::new());
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut listing = RawDir::new(fd.as_fd(), &mut buffer);
    while let Some(entry) = listing.next() {
        let entry = entry.map_err(|error| unable("read directory", error))?;
        let file = entry.file_name();
        if file.to_bytes().starts_with(b".") {
            continue;
        }
        let failed = |error| Error::Variable { dir: dir.path, file: file.to_bytes().into(), error };
        if !can_be_name(file.to_bytes()) {
            let (dir, file) = (Bytes(dir.path.to_bytes()), Bytes(file.to_bytes()));
            VOICE.warning(&format_args!("no name for a variable: {dir}/{file}"));
            continue;
        }
        let variable = match variable(fd.as_fd(), file) {
            // A dangling symlink, or gone by now.
            Err(Errno::NOENT) => continue,
            Err(Errno::ISDIR) if !dir.strict => {
                if verbose {
                    VOICE.warning(&failed(Errno::ISDIR));
                }
                continue;
            }
            result => result.map_err(failed)?,
        };
        reserve(&mut names, 1).and_then(|()| reserve(&mut entries, 1)).map_err(failed)?;
        names.push(variable.name);
        entries.extend(variable.entry);
    }
    environment.change(names, entries).map_err(|error| unable("read directory", error))
}

/// A variable to be set, or unset where there is no entry. It lives as long as
/// the process.
struct Variable {
    name: &'static [u8],
    entry: Option<&'static CStr>,
}

/// Reads the file's first line. Opened without blocking: a FIFO that nobody
/// writes to is empty.
fn variable(dir: BorrowedFd<'_>, name: &CStr) -> Result<Variable, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = openat(dir, name, flags, Mode::empty())?;
    let mut entry = Vec::new();
    let start = name.count_bytes() + 1;
    reserve(&mut entry, start)?;
    entry.extend_from_slice(name.to_bytes());
    entry.push(b'=');
    let mut empty = true;
    let mut buffer = [0; BUFFER];
    loop {
        let piece = match rustix::io::read(&fd, &mut buffer) {
            Err(Errno::INTR) => continue,
            result => &buffer[..result?],
        };
        let line = piece.split(|&byte| byte == b'\n').next().unwrap_or_default();
        reserve(&mut entry, line.len() + 1)?;
        entry.extend_from_slice(line);
        empty &= piece.is_empty();
        if line.len() < piece.len() || piece.is_empty() {
            break;
        }
    }
    clean(&mut entry, start);
    entry.push(0);
    let entry: &'static [u8] = entry.leak();
    // `clean` leaves no NUL but the one at the end.
    let whole = CStr::from_bytes_with_nul(entry).map_err(|_| Errno::INVAL)?;
    Ok(Variable { name: &entry[..start - 1], entry: (!empty).then_some(whole) })
}
