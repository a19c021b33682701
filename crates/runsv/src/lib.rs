//! `runsv DIR`: supervises the service in DIR and its log service (CONTRACT
//! section 2).
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

use runit_core::diag::Voice;
use runit_rt::start::Start;

/// Runs the program; gives its exit code.
pub fn main(start: &mut Start) -> u8 {
    let voice =
        Voice { program: "runsv", subject: start.args().nth(1).map(core::ffi::CStr::to_bytes) };
    voice.fatal(&"hello");
    111
}
