//! Stages and scripts as processes.

use core::cell::Cell;
use core::ffi::CStr;

use runit_rt::Errno;
use runit_rt::signal::Inherited;
use runit_rt::spawn::{Executable, Failure, FixedPath, Session, Spawn};
use runit_rt::strings::{CStrList, ListBuf};
use rustix::fs::{Mode, stat};

use crate::boot::{Event, Program};
use crate::console;
use crate::message::Message;
use crate::paths;

/// A program that says its name when the child is about to become it, and so
/// on the child's standard error.
struct Announced(Program);

impl Executable for Announced {
    fn execute(&self, argv: CStrList<'_>, env: CStrList<'_>) -> Errno {
        console::say(Message::Enter(self.0));
        FixedPath(paths::of(self.0).0).execute(argv, env)
    }
}

/// Starts `program`; gives the event that this is.
#[inline(never)]
pub fn start(program: Program, env: CStrList<'_>) -> Event {
    let terminal = match program {
        Program::Stage1 => {
            console::terminal().map_err(|error| console::say(Message::NoConsole(error))).ok()
        }
        _ => None,
    };
    let fds = terminal.as_ref().map(console::as_fds);
    let later = Cell::new(None);
    let argv = ListBuf::<2>::new(&[paths::of(program).0]);
    let started = Spawn {
        program: Announced(program),
        argv: argv.as_list(),
        env,
        dir: None,
        fds: fds.as_ref().map_or(&[], |fds| fds.as_slice()),
        session: if fds.is_some() { Session::NewWithTerminal } else { Session::New },
        signals: &Inherited::NONE,
        failed: &|failure| {
            let (Failure::Directory(error) | Failure::Descriptor(error) | Failure::Execute(error)) =
                failure;
            if is_passing(error) {
                later.set(Some(error));
            } else {
                console::say(Message::NoProgram(program, error));
            }
            // A stage that is missing is one that has nothing to do.
            runit_rt::exit(0);
        },
    }
    .start();
    match (started, later.get()) {
        (Ok(pid), None) => Event::Started(program, pid),
        (Ok(_), Some(error)) | (Err(error), _) => Event::StartFailed(program, error),
    }
}

/// Whether a program may be executed yet, though not now.
fn is_passing(error: Errno) -> bool {
    matches!(error, Errno::AGAIN | Errno::NOMEM | Errno::NFILE | Errno::TXTBSY)
}

/// Whether there is such a file, executable by its owner.
pub fn is_executable(path: &CStr) -> bool {
    stat(path).is_ok_and(|found| Mode::from_raw_mode(found.st_mode).contains(Mode::XUSR))
}
