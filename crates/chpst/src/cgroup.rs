//! Joins a control group of version 2 (cgroup-v2.rst in the kernel's
//! documentation).

use core::ffi::CStr;

use runit_rt::Errno;
use rustix::fs::{Mode, OFlags, mkdir, open, statfs};

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
    let path = path.to_bytes();
    let failed = Failed::to(What::JoinCgroup);
    let (base, mut inside) = if path.starts_with(b"/") {
        (b"" as &[u8], false)
    } else {
        let mount = MOUNTS.iter().find(|mount| is_cgroup(mount) == Ok(true));
        (mount.ok_or(Failed::refused(What::NoCgroup))?.to_bytes(), true)
    };
    let mut end = 0;
    for name in pieces(path, b'/') {
        end += name.len();
        let before = path.get(..end).unwrap_or_default();
        let dir = c_string(&[base, b"/", before]).map_err(&failed)?;
        if inside {
            match mkdir(dir, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(Failed(What::CreateCgroup, error)),
            }
        }
        inside = is_cgroup(dir).map_err(&failed)?;
        end += 1;
    }
    if !inside {
        return Err(Failed::refused(What::NoCgroup));
    }
    let members = c_string(&[base, b"/", path, b"/cgroup.procs"]).map_err(&failed)?;
    let members =
        open(members, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()).map_err(&failed)?;
    // 0 is the process that writes.
    rustix::io::write(members, b"0\n").map(drop).map_err(failed)
}

fn is_cgroup(dir: &CStr) -> Result<bool, Errno> {
    Ok(u64::try_from(statfs(dir)?.f_type) == Ok(CGROUP2))
}
