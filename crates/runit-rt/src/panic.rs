//! What a panic does: one line on standard error, then what the tool chose.
//!
//! A panic is a defect of ours; it must not become an outage. Tools that run
//! once end with 111. Supervisors stay as long as what they supervise lives
//! (docs/architecture.md, "When we are wrong").

use core::panic::PanicInfo;

use crate::stdio;

/// Prints `NAME: panic: FILE:LINE: TEXT`, with one `writev`.
pub fn report(name: &str, info: &PanicInfo<'_>) {
    let mut digits = [0; 10];
    let (file, line) = info.location().map_or(("?", 0), |at| (at.file(), at.line()));
    // A text with values in it would need formatting code in every tool.
    let text = info.message().as_str().unwrap_or("an assumption of the program does not hold");
    let pieces = [name, ": panic: ", file, ":", decimal(line, &mut digits), ": ", text, "\n"];
    let slices = pieces.map(|piece| rustix::io::IoSlice::new(piece.as_bytes()));
    // There is nowhere to report a failure of this to.
    let _ = rustix::io::writev(stdio::stderr(), &slices);
}

/// Ends the process with code 111, as the suite's fatal errors do.
pub fn exit_111() -> ! {
    crate::exit(111)
}

fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &str {
    let mut first = digits.len();
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + u8::try_from(number % 10).unwrap_or(0);
        first -= 1;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    core::str::from_utf8(&digits[first..]).unwrap_or("?")
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_decimal() {
        for number in [0, 7, 10, 4_294_967_295_u32] {
            assert_eq!(super::decimal(number, &mut [0; 10]), std::format!("{number}"));
        }
    }
}
