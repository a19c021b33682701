//! Where process 1 speaks, and the terminal that stage 1 gets.
//!
//! Speaking never blocks and never fails for good: a console that somebody has
//! stopped (Ctrl-S) must not stop process 1, and one that was hung up (a getty
//! does that) is opened anew.

use runit_rt::Errno;
use runit_rt::stdio::stderr;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags, fcntl_setfl};
use rustix::io::{IoSlice, writev};

use crate::message::Message;
use crate::paths::CONSOLE;

/// Says `message` on standard error, or else on the console.
// Not inlined, for the sake of the loop's stack frame.
#[inline(never)]
pub fn say(message: Message) {
    let pieces = message.pieces();
    let line = pieces.map(|piece| IoSlice::new(piece.as_bytes()));
    if is_ready(stderr()) {
        match writev(stderr(), &line) {
            Ok(_) | Err(Errno::INTR) => return,
            Err(_) => renew(),
        }
    }
    if let Ok(console) = open(OFlags::WRONLY) {
        // What does not fit is lost: there is nobody to wait for.
        let _ = writev(console, &line);
    }
}

/// Whether something can be written at once.
fn is_ready(fd: BorrowedFd<'_>) -> bool {
    const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::OUT)];
    poll(&mut fds, Some(&NOW)).is_ok_and(|ready| ready > 0)
}

/// Makes the console, if there is one, standard input, output and error, for
/// us and for the stages to come.
#[inline(never)]
pub fn renew() {
    if let Ok(console) = terminal() {
        let _ = rustix::stdio::dup2_stdin(&console);
        let _ = rustix::stdio::dup2_stdout(&console);
        let _ = rustix::stdio::dup2_stderr(&console);
    }
}

/// The console to read and write. A program that gets it may wait for it.
pub fn terminal() -> Result<OwnedFd, Errno> {
    let console = open(OFlags::RDWR)?;
    fcntl_setfl(&console, OFlags::empty())?;
    Ok(console)
}

/// Opens the console without waiting, not even for a modem's carrier.
fn open(access: OFlags) -> Result<OwnedFd, Errno> {
    let flags = access | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::open(CONSOLE, flags, Mode::empty())
}

/// A child's standard descriptors.
pub fn as_fds(terminal: &OwnedFd) -> [(BorrowedFd<'_>, i32); 3] {
    [0, 1, 2].map(|number| (terminal.as_fd(), number))
}
