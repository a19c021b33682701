//! The names in a service directory (CONTRACT section 1), as paths from it.

use core::ffi::CStr;

use crate::control::ControlByte;
use runit_rt::strings::ShortCString;

/// The names of one of the two services that a service directory can hold:
/// the service itself, or its log service in `log/`.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// The directory that the service runs in: itself, or `log`.
    pub dir: &'static CStr,
    /// Its presence at start means: wanted down.
    pub down: &'static CStr,
    /// Run to see whether the service is ready.
    pub check: &'static CStr,
    /// The supervisor's directory, mode 0700.
    pub supervise: &'static CStr,
    /// Locked exclusively for the supervisor's life.
    pub lock: &'static CStr,
    /// A FIFO with a reader while a supervisor lives.
    pub ok: &'static CStr,
    /// A FIFO that takes control bytes.
    pub control: &'static CStr,
    /// The status record, and the name under which it is prepared.
    pub status: [&'static CStr; 2],
    /// The status text, and the name under which it is prepared.
    pub stat: [&'static CStr; 2],
    /// The process id, and the name under which it is prepared.
    pub pid: [&'static CStr; 2],
}

/// The service's own names.
pub const SERVICE: Names = Names {
    dir: c".",
    down: c"down",
    check: c"check",
    supervise: c"supervise",
    lock: c"supervise/lock",
    ok: c"supervise/ok",
    control: c"supervise/control",
    status: [c"supervise/status", c"supervise/status.new"],
    stat: [c"supervise/stat", c"supervise/stat.new"],
    pid: [c"supervise/pid", c"supervise/pid.new"],
};

/// The log service's names, from the service directory.
pub const LOG: Names = Names {
    dir: c"log",
    down: c"log/down",
    check: c"log/check",
    supervise: c"log/supervise",
    lock: c"log/supervise/lock",
    ok: c"log/supervise/ok",
    control: c"log/supervise/control",
    status: [c"log/supervise/status", c"log/supervise/status.new"],
    stat: [c"log/supervise/stat", c"log/supervise/stat.new"],
    pid: [c"log/supervise/pid", c"log/supervise/pid.new"],
};

/// The directory of the services that run, where the variable of this name does
/// not say; settable when building.
pub const SVDIR: &str = match option_env!("RUNIT_SVDIR") {
    Some(directory) => directory,
    None => "/var/service",
};

/// The directory of the services there are, where the variable of this name does
/// not say; settable when building.
pub const SVSRC: &str = match option_env!("RUNIT_SVSRC") {
    Some(directory) => directory,
    None => "/etc/sv",
};

/// The program of a service or log service, in its directory.
pub const RUN: &CStr = c"./run";

/// The program that is run after `run` has ended.
pub const FINISH: &CStr = c"./finish";

/// The mode of `supervise/`, and of the target of a symlink of that name.
pub const SUPERVISE_MODE: u32 = 0o700;

/// The mode of lock and FIFOs.
pub const PRIVATE_MODE: u32 = 0o600;

/// The mode of status, stat and pid.
pub const PUBLIC_MODE: u32 = 0o644;

/// The custom control script of a command, from the service directory.
pub fn control_script(command: ControlByte) -> ShortCString {
    let mut path = ShortCString::new();
    path.push(b"control/");
    path.push(&[command.byte()]);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_its_script() {
        assert_eq!(control_script(ControlByte::User1).as_c_str(), c"control/1");
    }
}
