//! Joins a control group of version 2 (cgroup-v2.rst in the kernel's
//! documentation).

use core::ffi::CStr;

use runit_rt::Errno;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, fstatfs, mkdirat, openat};

use crate::error::{Failed, What};
use crate::text::{c_string, pieces};

/// `CGROUP2_SUPER_MAGIC`, the file system's type.
const CGROUP2: u64 = 0x6367_7270;

/// Where its root usually is: alone, or beside the hierarchies of version 1.
const MOUNTS: [&CStr; 2] = [c"/sys/fs/cgroup", c"/sys/fs/cgroup/unified"];

/// Moves this process into the group at `path`: from the root directory if it
/// begins with a slash, else from the root of the hierarchy. What is missing
/// of it is created, in such a file system only.
pub fn join(path: &CStr) -> Result<(), Failed> {
    let failed = Failed::to(What::JoinCgroup);
    let dir = find(path.to_bytes())?;
    if is_cgroup(&dir) { enter(&dir).map_err(failed) } else { Err(Failed::refused(What::NoCgroup)) }
}

/// The group's directory.
fn find(path: &[u8]) -> Result<OwnedFd, Failed> {
    let failed = Failed::to(What::JoinCgroup);
    let mut dir = if path.starts_with(b"/") {
        open(CWD, c"/").map_err(&failed)?
    } else {
        let mut mounts = MOUNTS.iter().filter_map(|mount| open(CWD, mount).ok());
        mounts.find(is_cgroup).ok_or(Failed::refused(What::NoCgroup))?
    };
    for name in pieces(path, b'/').filter(|name| !name.is_empty()) {
        let name = c_string(&[name]).map_err(&failed)?;
        let mut found = open(dir.as_fd(), name);
        if matches!(found, Err(Errno::NOENT)) && is_cgroup(&dir) {
            match mkdirat(&dir, name, Mode::from_raw_mode(0o755)) {
                // Or another process was quicker.
                Ok(()) | Err(Errno::EXIST) => found = open(dir.as_fd(), name),
                Err(error) => return Err(Failed(What::CreateCgroup, error)),
            }
        }
        dir = found.map_err(&failed)?;
    }
    Ok(dir)
}

fn enter(group: &OwnedFd) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let members = openat(group, c"cgroup.procs", flags, Mode::empty())?;
    // 0 is the process that writes.
    rustix::io::write(members, b"0\n")?;
    Ok(())
}

fn open(dir: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    openat(dir, name, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn is_cgroup(dir: &OwnedFd) -> bool {
    fstatfs(dir).is_ok_and(|fs| u64::try_from(fs.f_type) == Ok(CGROUP2))
}
