//! Whether this is the process 1 of a container: one that somebody outside
//! starts and stops, and that has no machine to turn off (docs/init.md).

use runit_rt::strings::CStrList;
use rustix::fs::{Access, CWD, access, readlinkat_raw};

/// The initial PID namespace, the same on every machine (the kernel's
/// `PROC_PID_INIT_INO`).
const MACHINE: &[u8] = b"pid:[4026531836]";

/// Files that container managers leave.
const MARKS: [&core::ffi::CStr; 2] = [c"/run/.containerenv", c"/.dockerenv"];

/// By `container` in the environment, a mark, or the PID namespace, which is
/// known where `/proc` is mounted.
// Not inlined, for the sake of the loop's stack frame.
#[inline(never)]
pub fn is_container(env: CStrList<'_>) -> bool {
    let named = env.value_of(b"container").is_some_and(|name| !name.is_empty());
    named || MARKS.iter().any(|mark| access(*mark, Access::EXISTS).is_ok()) || is_namespace()
}

fn is_namespace() -> bool {
    let mut buffer = [0_u8; 32];
    let link = readlinkat_raw(CWD, c"/proc/self/ns/pid", &mut buffer[..]);
    link.is_ok_and(|length| buffer.get(..length).is_some_and(|name| name != MACHINE))
}
