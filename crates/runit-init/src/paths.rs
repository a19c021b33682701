//! The files of process 1, each settable when building by the environment
//! variable named with it.

use core::ffi::CStr;

use crate::boot::Program;

/// `text` with a NUL, for a `SIZE` one larger than its length.
const fn terminated<const SIZE: usize>(text: &str) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    let mut at = 0;
    while at < text.len() {
        bytes[at] = text.as_bytes()[at];
        at += 1;
    }
    bytes
}

/// The path that `$variable` names when building, or else `$path`.
macro_rules! path {
    ($variable:literal, $path:literal) => {{
        const TEXT: &str = match option_env!($variable) {
            Some(path) => path,
            None => $path,
        };
        const BYTES: [u8; TEXT.len() + 1] = terminated(TEXT);
        match CStr::from_bytes_with_nul(&BYTES) {
            Ok(path) => path,
            // The environment has no strings with a NUL in them.
            Err(_) => c"",
        }
    }};
}

/// A stage or script, and the same as text.
macro_rules! program {
    ($variable:literal, $path:literal) => {
        (
            path!($variable, $path),
            match option_env!($variable) {
                Some(path) => path,
                None => $path,
            },
        )
    };
}

const STAGE_1: (&CStr, &str) = program!("RUNIT_STAGE_1", "/etc/runit/1");
const STAGE_2: (&CStr, &str) = program!("RUNIT_STAGE_2", "/etc/runit/2");
const STAGE_3: (&CStr, &str) = program!("RUNIT_STAGE_3", "/etc/runit/3");
const CTRLALTDEL: (&CStr, &str) = program!("RUNIT_CTRLALTDEL", "/etc/runit/ctrlaltdel");
const PWRFAIL: (&CStr, &str) = program!("RUNIT_PWRFAIL", "/etc/runit/pwrfail");

/// Executable: process 1 may leave stage 2.
pub const STOPIT: &CStr = path!("RUNIT_STOPIT", "/etc/runit/stopit");
/// Executable: the machine reboots at the end.
pub const REBOOT: &CStr = path!("RUNIT_REBOOT", "/etc/runit/reboot");
/// Executable: no sync at the end.
pub const NOSYNC: &CStr = path!("RUNIT_NOSYNC", "/etc/runit/nosync");
/// Process 1, as `runit-init` starts it.
pub const RUNIT: &CStr = path!("RUNIT_RUNIT", "/sbin/runit");
/// Where a system speaks and is spoken to.
pub const CONSOLE: &CStr = path!("RUNIT_CONSOLE", "/dev/console");

/// The program's file, and the same as text.
pub const fn of(program: Program) -> (&'static CStr, &'static str) {
    match program {
        Program::Stage1 => STAGE_1,
        Program::Stage2 => STAGE_2,
        Program::Stage3 => STAGE_3,
        Program::CtrlAltDel => CTRLALTDEL,
        Program::PwrFail => PWRFAIL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_path_agree() {
        for program in Program::ALL {
            let (path, text) = of(program);
            assert_eq!(path.to_str(), Ok(text));
            assert!(text.starts_with('/'));
        }
        assert!(STOPIT.to_bytes().ends_with(b"/stopit"));
    }
}
