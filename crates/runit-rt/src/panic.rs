//! What a panic does: one line on standard error, then what the tool chose.
//!
//! A panic is a defect of ours; it must not become an outage. Tools that run
//! once end with 111. Supervisors stay as long as what they supervise lives
//! (docs/architecture.md, "When we are wrong").

use core::panic::Location;

use crate::stdio;

/// Prints `NAME: panic: FILE:LINE`, with one `writev`. The place says what was
/// assumed; the text that goes with it would bring formatting code for values
/// of every kind into every tool, a third of the file of the smallest.
pub fn report(name: &str, place: Option<&Location<'_>>) {
    let mut digits = [0; 10];
    let (file, line) = place.map_or(("?", 0), |at| (at.file(), at.line()));
    let line = decimal(line, &mut digits);
    let pieces = [name.as_bytes(), b": panic: ", file.as_bytes(), b":", line, b"\n"];
    let slices = pieces.map(rustix::io::IoSlice::new);
    // There is nowhere to report a failure of this to.
    let _ = rustix::io::writev(stdio::stderr(), &slices);
}

/// Ends the process with code 111, as the suite's fatal errors do.
pub fn exit_111() -> ! {
    crate::exit(111)
}

fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &[u8] {
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        used += 1;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    digits.get(digits.len() - used..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_decimal() {
        for number in [0, 7, 10, 4_294_967_295_u32] {
            assert_eq!(super::decimal(number, &mut [0; 10]), std::format!("{number}").as_bytes());
        }
    }
}
