//! A process's user and group ids, all three of each: what rustix does not
//! tell is the saved one, which gives a process its rights back.

use linux_raw_sys::general;
use rustix::io::Errno;

use crate::{arch::syscall, check};

#[cfg(not(target_arch = "arm"))]
const CALLS: [u32; 2] = [general::__NR_getresuid, general::__NR_getresgid];
/// The calls without a 32 in their names know 16 bits there.
#[cfg(target_arch = "arm")]
const CALLS: [u32; 2] = [general::__NR_getresuid32, general::__NR_getresgid32];

/// The real, effective and saved user id.
pub fn users() -> Result<[u32; 3], Errno> {
    read(CALLS[0])
}

/// The real, effective and saved group id.
pub fn groups() -> Result<[u32; 3], Errno> {
    read(CALLS[1])
}

fn read(call: u32) -> Result<[u32; 3], Errno> {
    let mut ids = [u32::MAX; 3];
    let [real, effective, saved] = &mut ids;
    // SAFETY: these calls write a number of 32 bits to each of three places.
    check(unsafe {
        syscall(
            call,
            [
                core::ptr::from_mut(real) as usize,
                core::ptr::from_mut(effective) as usize,
                core::ptr::from_mut(saved) as usize,
                0,
                0,
                0,
            ],
        )
    })?;
    Ok(ids)
}

#[cfg(test)]
mod tests {
    #[test]
    fn they_are_those_of_this_process() {
        let uid = rustix::process::getuid().as_raw();
        let gid = rustix::process::getgid().as_raw();
        assert_eq!(super::users(), Ok([uid; 3]));
        assert_eq!(super::groups(), Ok([gid; 3]));
    }
}
