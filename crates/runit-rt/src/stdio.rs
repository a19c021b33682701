//! Descriptors 0, 1 and 2, which the suite holds open from its start on, and
//! the others that it was started with.

use linux_raw_sys::general;
use rustix::fd::BorrowedFd;
use rustix::fs::{Mode, OFlags};

/// Standard input.
pub fn stdin() -> BorrowedFd<'static> {
    // SAFETY: `fill_standard` opened it at the start and nothing closes it.
    unsafe { rustix::stdio::stdin() }
}

/// Standard output.
pub fn stdout() -> BorrowedFd<'static> {
    // SAFETY: as for `stdin`.
    unsafe { rustix::stdio::stdout() }
}

/// Standard error.
pub fn stderr() -> BorrowedFd<'static> {
    // SAFETY: as for `stdin`.
    unsafe { rustix::stdio::stderr() }
}

/// Closes on exec whatever this process was started with beside descriptors 0
/// to 2: it stays open here (a lock of `chpst -l` lives in one), but children
/// do not get it. A kernel before 5.11 cannot; there they get it.
pub fn keep_inherited_from_children() {
    const FIRST: usize = 3;
    const CLOSE_RANGE_CLOEXEC: usize = 4;
    // SAFETY: takes three numbers; closes nothing with this flag.
    unsafe {
        crate::arch::syscall(
            general::__NR_close_range,
            [FIRST, u32::MAX as usize, CLOSE_RANGE_CLOEXEC, 0, 0, 0],
        );
    }
}

/// Opens `/dev/null` as each of descriptors 0 to 2 that is closed, so that no
/// file of ours can get such a number and be taken for it. Where even that
/// fails there is nothing better to do, and the program goes on. Says which
/// ones were closed.
pub fn fill_standard() -> [bool; 3] {
    let mut closed = [false; 3];
    for (fd, closed) in [stdin(), stdout(), stderr()].into_iter().zip(&mut closed) {
        // A file is opened as the lowest number that is free: this one, since
        // those below are open by now.
        if rustix::io::fcntl_getfd(fd) == Err(crate::Errno::BADF) {
            *closed = true;
            if let Ok(fd) = rustix::fs::open(c"/dev/null", OFlags::RDWR, Mode::empty()) {
                core::mem::forget(fd);
            }
        }
    }
    closed
}
