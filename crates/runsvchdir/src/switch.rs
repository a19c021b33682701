//! The switch: both links are prepared under names of their own, then renamed
//! over the old ones. Whatever cuts it short, `current` leads to a directory.

use core::ffi::CStr;

use rustix::fs::{AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::retry_on_intr;

use crate::error::Error;
use runit_rt::Errno;
use runit_rt::strings::c_str_in;

/// The link to the level that services are run of.
const CURRENT: &CStr = c"current";
/// The link to the one before.
const PREVIOUS: &CStr = c"previous";
/// The links before they get their names. What a cut left of them goes.
const CURRENT_NEW: &CStr = c"current.new";
const PREVIOUS_NEW: &CStr = c"previous.new";

/// The longest target of a link that Linux makes, and the NUL after it.
const TARGET_SIZE: usize = 4096;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: it was the current level already.
    Already,
    /// It is the current level now.
    Switched,
}

/// Makes `name` the current level, in the current directory.
pub fn to(name: &CStr) -> Result<Outcome, Error<'_>> {
    let shown = name.to_bytes();
    if shown.starts_with(b".") {
        return Err(Error::Dot(shown));
    }
    // One at a time. Where nothing can be locked, that is no reason to fail.
    let lock = rustix::fs::open(c".", OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    if let Ok(lock) = &lock {
        let _ = retry_on_intr(|| rustix::fs::flock(lock, FlockOperation::LockExclusive));
    }
    let wanted = match stat(name) {
        Ok(found) if FileType::from_raw_mode(found.st_mode).is_dir() => found,
        Ok(_) => return Err(Error::NoDirectory(shown)),
        Err(Errno::NOENT) => return Err(Error::Missing(shown)),
        Err(error) => return Err(Error::Unable("stat: ", shown, error)),
    };
    let current = stat(CURRENT).map_err(|e| unable("stat: ", CURRENT, e))?;
    if (current.st_dev, current.st_ino) == (wanted.st_dev, wanted.st_ino) {
        return Ok(Outcome::Already);
    }
    replace(name)?;
    Ok(Outcome::Switched)
}

/// Points `previous` to where `current` leads, then `current` to `name`. In this
/// order, so that doing it once more completes what was cut.
fn replace(name: &CStr) -> Result<(), Error<'_>> {
    let mut room = [0; TARGET_SIZE];
    let length = rustix::fs::readlinkat_raw(CWD, CURRENT, &mut room[..TARGET_SIZE - 1])
        .map_err(|e| unable("read link: ", CURRENT, e))?;
    let old = room.get(..=length).and_then(c_str_in).unwrap_or_default();

    link(name, CURRENT_NEW, "create: current.new -> ", name)?;
    link(old, PREVIOUS_NEW, "copy: current to ", PREVIOUS)?;
    rustix::fs::rename(PREVIOUS_NEW, PREVIOUS)
        .map_err(|e| unable("copy: current to ", PREVIOUS, e))?;
    rustix::fs::rename(CURRENT_NEW, CURRENT)
        .map_err(|e| unable("move: current.new to ", CURRENT, e))
}

/// Makes the link `new` to `target`, anew where there is one. A failure is told as
/// `unable to WHAT SUBJECT`.
fn link<'a>(
    target: &CStr,
    new: &'static CStr,
    what: &'static str,
    subject: &'a CStr,
) -> Result<(), Error<'a>> {
    match rustix::fs::unlink(new) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(unable("unlink: ", new, error)),
    }
    rustix::fs::symlink(target, new).map_err(|error| unable(what, subject, error))
}

fn stat(path: &CStr) -> Result<Stat, Errno> {
    rustix::fs::statat(CWD, path, AtFlags::empty())
}

fn unable<'a>(what: &'static str, name: &'a CStr, error: Errno) -> Error<'a> {
    Error::Unable(what, name.to_bytes(), error)
}
