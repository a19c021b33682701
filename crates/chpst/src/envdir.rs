//! Reads an environment directory (CONTRACT section 5).

use core::ffi::CStr;
use core::mem::MaybeUninit;

use runit_rt::Errno;
use runit_rt::strings::CStrList;
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat};

use crate::VOICE;
use crate::environment::{Changes, can_be_name, clean, trimmed};
use crate::error::{Error, Failed, What};
use crate::plan::EnvDir;
use crate::text::{c_string, pieces};

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
    let failed = |what| move |error| Failed(what, error).about(Some(dir.path));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = openat(CWD, dir.path, flags, Mode::empty()).map_err(failed(What::SwitchDirectory))?;
    let mut changes = Changes::default();
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut listing = RawDir::new(fd.as_fd(), &mut buffer);
    while let Some(entry) = listing.next() {
        let entry = entry.map_err(failed(What::ReadDirectory))?;
        let file = entry.file_name();
        let name = file.to_bytes();
        if name.starts_with(b".") {
            continue;
        }
        let mut stop = false;
        let trouble = if can_be_name(name) {
            match read_variable(fd.as_fd(), file, &mut changes) {
                // A dangling symlink, or gone by now.
                Ok(()) | Err(Errno::NOENT) => continue,
                Err(error) => {
                    stop = error != Errno::ISDIR || dir.strict;
                    Failed(What::ReadFile, error)
                }
            }
        } else {
            Failed::refused(What::VariableName)
        };
        if stop || verbose || trouble.0 == What::VariableName {
            // The name must outlive the listing.
            let path = c_string(&[dir.path.to_bytes(), b"/", name]).unwrap_or(dir.path);
            let trouble = trouble.about(Some(path));
            if stop {
                return Err(trouble);
            }
            VOICE.say("warning: ", &trouble);
        }
    }
    changes.apply(old).map_err(failed(What::Environment))
}

/// Reads the file's first line. Opened without blocking: a FIFO that nobody
/// writes to is empty, and an empty file removes the variable.
#[inline(never)]
fn read_variable(dir: BorrowedFd<'_>, name: &CStr, changes: &mut Changes) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = openat(dir, name, flags, Mode::empty())?;
    let name = name.to_bytes();
    let start = changes.text.as_slice().len();
    changes.text.extend(name)?;
    let mut is_set = false;
    let mut buffer = [0; BUFFER];
    loop {
        let piece = match rustix::io::read(&fd, &mut buffer) {
            Err(Errno::INTR) => continue,
            result => buffer.get_mut(..result?).unwrap_or_default(),
        };
        if piece.is_empty() {
            break;
        }
        if !is_set {
            changes.text.push(b'=')?;
            is_set = true;
        }
        let end = pieces(piece, b'\n').next().map_or(0, <[u8]>::len);
        let at_newline = end < piece.len();
        let line = piece.get_mut(..end).unwrap_or_default();
        clean(line);
        changes.text.extend(line)?;
        if at_newline {
            break;
        }
    }
    let value_start = start + name.len() + usize::from(is_set);
    let value = changes.text.as_slice().get(value_start..).unwrap_or_default();
    let end = value_start + trimmed(value);
    changes.text.truncate(end);
    changes.text.push(0)?;
    changes.add(start, name, is_set)
}
