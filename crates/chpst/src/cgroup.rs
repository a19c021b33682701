//! Joins a control group of version 2 (cgroup-v2.rst in the kernel's
//! documentation).

use core::ffi::CStr;

use runit_rt::Errno;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, fstatfs, mkdirat, openat};

use crate::error::Error;

/// `CGROUP2_SUPER_MAGIC`, the file system's type.
const CGROUP2: u64 = 0x6367_7270;

/// Where its root usually is: alone, or beside the hierarchies of version 1.
const MOUNTS: [&CStr; 2] = [c"/sys/fs/cgroup", c"/sys/fs/cgroup/unified"];

/// Moves this process into the group at `path`: from the root directory if it
/// begins with a slash, else from the root of the hierarchy. What is missing
/// of it is created, in such a file system only.
pub fn join(path: &CStr) -> Result<(), Error<'_>> {
    let unable = |error| Error::UnableWith { what: "join cgroup", name: path, error };
    let mut dir = if path.to_bytes().starts_with(b"/") {
        open(CWD, b"/").map_err(unable)?
    } else {
        let mut mounts = MOUNTS.iter().filter_map(|mount| open(CWD, mount.to_bytes()).ok());
        mounts.find(is_cgroup).ok_or(Error::NoCgroup(path))?
    };
    for name in path.to_bytes().split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
        dir = match open(dir.as_fd(), name) {
            Err(Errno::NOENT) if is_cgroup(&dir) => {
                let unable = |error| Error::UnableWith { what: "create cgroup", name: path, error };
                match mkdirat(&dir, name, Mode::from_raw_mode(0o755)) {
                    // Another process was quicker.
                    Ok(()) | Err(Errno::EXIST) => open(dir.as_fd(), name).map_err(unable)?,
                    Err(error) => return Err(unable(error)),
                }
            }
            result => result.map_err(unable)?,
        };
    }
    if !is_cgroup(&dir) {
        return Err(Error::NoCgroup(path));
    }
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let members = openat(&dir, c"cgroup.procs", flags, Mode::empty()).map_err(unable)?;
    // 0 is the process that writes.
    rustix::io::write(members, b"0\n").map_err(unable)?;
    Ok(())
}

fn open(dir: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Errno> {
    openat(dir, name, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn is_cgroup(dir: &OwnedFd) -> bool {
    fstatfs(dir).is_ok_and(|fs| u64::try_from(fs.f_type) == Ok(CGROUP2))
}
