//! Opening the files of a log directory, of which somebody else may be the owner.
//!
//! Who may make names in a directory may make them links: what is written as
//! `current` would go into any file that this process may write. So where the
//! directory is neither root's nor ours, or more than its owner may write to
//! it, nothing that is written to is reached by a link, symbolic or hard. The
//! directory decides, not the link: that cannot change at the wrong moment.

use core::ffi::CStr;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, fstat, ftruncate, openat};
use rustix::io::Errno;
use rustix::process::geteuid;

/// The modes by which others than the owner may make names in a directory.
const OTHERS_WRITE: u32 = 0o022;

/// Whether somebody who is neither root nor us may make names in the directory.
#[inline(never)]
pub fn is_foreign(dir: impl AsFd) -> Result<bool, Errno> {
    let stat = fstat(dir)?;
    Ok(!is_trusted(stat.st_uid) || stat.st_mode & OTHERS_WRITE != 0)
}

/// Whether the owner of something is root or us.
#[inline(never)]
pub fn is_trusted(owner: u32) -> bool {
    owner == 0 || owner == geteuid().as_raw()
}

/// Opens a file of which nobody knows what it is: without waiting. Care is taken of
/// what is made where it is missing, since that is written to, and where links
/// are not to be followed anyway.
#[inline(never)]
pub fn open(dir: &OwnedFd, name: &CStr, wanted: OFlags, mode: u32) -> Result<OwnedFd, Errno> {
    let mut flags = wanted | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let careful = wanted.intersects(OFlags::CREATE | OFlags::NOFOLLOW) && is_foreign(dir)?;
    if careful {
        flags |= OFlags::NOFOLLOW;
        flags.remove(OFlags::TRUNC);
    }
    let fd = loop {
        match openat(dir, name, flags, Mode::from_raw_mode(mode)) {
            Err(Errno::INTR) => {}
            other => break other?,
        }
    };
    if careful {
        if fstat(&fd)?.st_nlink > 1 {
            return Err(Errno::MLINK);
        }
        if wanted.contains(OFlags::TRUNC) {
            ftruncate(&fd, 0)?;
        }
    }
    Ok(fd)
}
