//! What a panic does: one line on standard error, then what the tool chose.
//!
//! A panic is a defect of ours; it must not become an outage. Tools that run
//! once end with 111. Supervisors stay as long as what they supervise lives
//! (docs/architecture.md, "When we are wrong").

use core::panic::{Location, PanicInfo};

use crate::stdio;

/// Prints `NAME: panic: FILE:LINE`, with one `writev`; without a place `NAME: panic`. The place says what was
/// assumed; the text that goes with it would bring formatting code for values
/// of every kind into every tool, a third of the file of the smallest.
pub fn report(name: &str, place: Option<&Location<'_>>) {
    let Some(place) = place else {
        let slices = [name.as_bytes(), b": panic\n"].map(rustix::io::IoSlice::new);
        let _ = rustix::io::writev(stdio::stderr(), &slices);
        return;
    };
    let mut digits = [0; 20];
    let (file, line) = (place.file(), place.line());
    let line = crate::strings::decimal(line.into(), &mut digits);
    let pieces = [name.as_bytes(), b": panic: ", file.as_bytes(), b":", line, b"\n"];
    let slices = pieces.map(rustix::io::IoSlice::new);
    // There is nowhere to report a failure of this to.
    let _ = rustix::io::writev(stdio::stderr(), &slices);
}

/// What `find` finds in `info`: a function for the types alone.
#[doc(hidden)]
#[inline(always)]
#[expect(clippy::inline_always, reason = "else the places are there though nobody asks for them")]
pub fn place<'a>(
    info: &'a PanicInfo<'a>,
    find: impl FnOnce(&'a PanicInfo<'a>) -> Option<&'a Location<'a>>,
) -> Option<&'a Location<'a>> {
    find(info)
}

/// Ends the process with code 111, as the suite's fatal errors do.
pub fn exit_111() -> ! {
    crate::exit(111)
}
