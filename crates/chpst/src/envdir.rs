//! Reads an environment directory (CONTRACT section 5).

use alloc::vec::Vec;
use core::ffi::CStr;
use core::mem::MaybeUninit;

use runit_rt::Errno;
use runit_rt::strings::{CStrList, c_str_in};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat};

use crate::VOICE;
use crate::environment::{append, append_bytes, c_string, can_be_name, changed, clean};
use crate::error::{Error, Failed, What};
use crate::plan::EnvDir;
use crate::text::pieces;

/// Room for directory entries and for pieces of files.
const BUFFER: usize = 8192;

/// The environment `old` with the variables set and removed that the
/// directory's files name.
#[inline(never)]
pub fn apply<'a>(
    old: CStrList<'a>,
    dir: EnvDir<'a>,
    verbose: bool,
) -> Result<CStrList<'a>, Error<'a>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let failed = |what| move |error| Failed(what, Some(error)).about(Some(dir.path));
    let fd = openat(CWD, dir.path, flags, Mode::empty()).map_err(failed(What::SwitchDirectory))?;
    let unread = failed(What::ReadDirectory);
    let mut changes = Vec::new();
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut listing = RawDir::new(fd.as_fd(), &mut buffer);
    while let Some(entry) = listing.next() {
        let entry = entry.map_err(unread)?;
        let file = entry.file_name();
        let name = file.to_bytes();
        if name.starts_with(b".") {
            continue;
        }
        let about = |failed: Failed| {
            // The name must outlive the listing.
            let path = c_string(&[dir.path.to_bytes(), b"/", name]).unwrap_or(dir.path);
            failed.about(Some(path))
        };
        if !can_be_name(name) {
            VOICE.say("warning: ", &about(Failed(What::VariableName, None)));
            continue;
        }
        match variable(fd.as_fd(), file) {
            Ok(variable) => append(&mut changes, variable).map_err(unread)?,
            // A dangling symlink, or gone by now.
            Err(Errno::NOENT) => {}
            Err(error) => {
                let said = about(Failed(What::ReadFile, Some(error)));
                if error != Errno::ISDIR || dir.strict {
                    return Err(said);
                }
                if verbose {
                    VOICE.say("warning: ", &said);
                }
            }
        }
    }
    changed(old, &changes).map_err(unread)
}

/// Reads the file's first line: gives `NAME=VALUE`, or `NAME` for an empty
/// file, in memory that is kept. Opened without blocking: a FIFO that nobody
/// writes to is empty.
fn variable(dir: BorrowedFd<'_>, name: &CStr) -> Result<&'static CStr, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = openat(dir, name, flags, Mode::empty())?;
    let mut entry = Vec::new();
    append_bytes(&mut entry, name.to_bytes())?;
    let mut start = None;
    let mut buffer = [0; BUFFER];
    loop {
        let piece = match rustix::io::read(&fd, &mut buffer) {
            Err(Errno::INTR) => continue,
            result => buffer.get(..result?).unwrap_or_default(),
        };
        if piece.is_empty() {
            break;
        }
        if start.is_none() {
            append_bytes(&mut entry, b"=")?;
            start = Some(entry.len());
        }
        let line = pieces(piece, b'\n').next().unwrap_or_default();
        append_bytes(&mut entry, line)?;
        if line.len() < piece.len() {
            break;
        }
    }
    if let Some(start) = start {
        clean(&mut entry, start);
    }
    append_bytes(&mut entry, b"\0")?;
    // `clean` leaves no NUL but the one at the end.
    c_str_in(entry.leak()).ok_or(Errno::INVAL)
}
