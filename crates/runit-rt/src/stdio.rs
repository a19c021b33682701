//! Descriptors 0, 1 and 2, which the suite holds open from its start on.

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

/// Opens `/dev/null` as each of descriptors 0 to 2 that is closed, so that no
/// file of ours can get such a number and be taken for it. Where even that
/// fails there is nothing better to do, and the program goes on. Says which
/// ones were closed.
pub fn fill_standard() -> [bool; 3] {
    let mut closed = [false; 3];
    while let Ok(fd) = rustix::fs::open(c"/dev/null", OFlags::RDWR, Mode::empty()) {
        let number = usize::try_from(rustix::fd::AsRawFd::as_raw_fd(&fd)).unwrap_or(usize::MAX);
        let Some(slot) = closed.get_mut(number) else {
            break;
        };
        *slot = true;
        core::mem::forget(fd);
    }
    closed
}
