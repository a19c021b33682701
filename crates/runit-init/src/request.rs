//! `runit-init`: as process 1 it becomes `runit`; else it asks process 1 to
//! power off or to reboot.

use core::ffi::CStr;

use runit_core::diag::{Say, Sink, Voice};
use runit_core::face::Face;
use runit_core::options::Opt;
use runit_core::tool::Tool;
use runit_rt::Errno;
use runit_rt::errtext::local;
use runit_rt::spawn::{Executable as _, FixedPath};
use runit_rt::start::Start;
use runit_rt::strings::ListBuf;
use rustix::fs::{Mode, OFlags, chmod, open};
use rustix::process::{Pid, Signal, kill_process};

use crate::paths::{REBOOT, RUNIT, STOPIT};

/// An option of `runit-init`.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    /// Print the version the old way.
    Id,
}

/// How the tool presents itself.
pub const TOOL: Tool<Key> = Tool {
    name: "runit-init",
    usage: "runit-init 0|6",
    synopsis: &["runit-init 0|6"],
    about: "0: powers off; 6: reboots. As process 1, becomes runit.",
    options: &[Opt {
        key: Key::Id,
        short: Some(b'V'),
        long: None,
        value: None,
        help: "print the version on standard error",
    }],
    notes: &[],
};

/// What of it is in the file.
pub const FACE: Face<Key> = runit_core::face!(TOOL);

/// The exit code of a failure.
const FATAL: u8 = 111;

/// Runs the program; gives its exit code.
pub fn main(start: &mut Start) -> u8 {
    let done = if rustix::process::getpid() == Pid::INIT {
        let argv = ListBuf::<2>::new(&[c"runit"]);
        let error = FixedPath(RUNIT).execute(argv.as_list(), start.env());
        Err(Trouble("unable to start ", RUNIT, error))
    } else {
        match start.args().rest().next().map_or(b"".as_slice(), CStr::to_bytes) {
            b"--help" => return FACE.print_help(),
            b"--version" => return FACE.print_version(),
            b"-V" => {
                FACE.print_id();
                return 0;
            }
            [b'0', ..] => take_down(&[(STOPIT, true), (REBOOT, false)]),
            [b'6', ..] => take_down(&[(STOPIT, true), (REBOOT, true)]),
            _ => {
                FACE.print_usage();
                return 0;
            }
        }
    };
    match done {
        Ok(()) => 0,
        Err(trouble) => {
            Voice { program: "init", subject: None }.say("fatal: ", &trouble);
            FATAL
        }
    }
}

/// Sets the files that process 1 looks at, and has it look. One that shall not
/// be there need not be.
fn take_down(files: &[(&'static CStr, bool)]) -> Result<(), Trouble> {
    for &(path, wanted) in files {
        if wanted {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NONBLOCK;
            open(path, flags, Mode::from_raw_mode(0o644))
                .map_err(|error| Trouble("unable to create ", path, error))?;
        }
        let mode = if wanted { Mode::XUSR } else { Mode::empty() };
        match chmod(path, mode) {
            Err(Errno::NOENT) if !wanted => {}
            done => done.map_err(|error| Trouble("unable to chmod ", path, error))?,
        }
    }
    kill_process(Pid::INIT, Signal::CONT)
        .map_err(|error| Trouble("unable to signal process 1", c"", error))
}

/// What could not be done, to which file, and why.
struct Trouble(&'static str, &'static CStr, Errno);

impl Say for Trouble {
    fn say(&self, out: &mut dyn Sink) {
        out.push(self.0.as_bytes());
        out.push(self.1.to_bytes());
        out.push(b": ");
        out.push(local(self.2).as_bytes());
    }
}
