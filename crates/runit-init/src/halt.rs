//! The end: everything is killed, disks are written, the machine reboots or is
//! turned off; a container ends the way that its manager expects.

use core::cell::Cell;

use runit_rt::Errno;
use runit_rt::signal::{self, Inherited};
use runit_rt::spawn::{Executable, Failure, Session, Spawn};
use runit_rt::strings::CStrList;
use rustix::system::{RebootCommand, reboot};

use crate::children::is_executable;
use crate::console::say;
use crate::container::is_container;
use crate::message::Message;
use crate::paths;

/// What the kernel is asked for, and said.
struct Request(RebootCommand, Message);

impl Executable for Request {
    /// Where the kernel does it, this does not come back.
    fn execute(&self, _: CStrList<'_>, _: CStrList<'_>) -> Errno {
        say(self.1);
        reboot(self.0).err().unwrap_or(Errno::INVAL)
    }
}

/// Takes the system down. Comes back where the kernel has not done it.
#[inline(never)]
pub fn take_down(env: CStrList<'_>) {
    say(Message::KillingAll);
    signal::kill_all();
    let container = is_container(env);
    // The disks of a container are its host's, and so is the time it takes.
    if !container && !is_executable(paths::NOSYNC) {
        rustix::fs::sync();
    }
    let requests: &[Request] = if is_executable(paths::REBOOT) {
        &[Request(RebootCommand::Restart, Message::Reboot)]
    } else {
        &[
            Request(RebootCommand::PowerOff, Message::PowerOff),
            Request(RebootCommand::Halt, Message::Halt),
        ]
    };
    for request in requests {
        match ask(request, env) {
            Ok(()) => return,
            // Only in a container is process 1 without this right: it has no
            // machine, and ends as any process.
            Err(Errno::PERM) => {
                say(Message::Exit);
                runit_rt::exit(0);
            }
            Err(error) => say(Message::NoReboot(error)),
        }
    }
}

/// Asks the kernel, in a process of its own: it ends the one that asks for a
/// halt, and panics where that is process 1. Without a process to be had there
/// is nothing better than to ask it here.
fn ask(request: &Request, env: CStrList<'_>) -> Result<(), Errno> {
    let answer = Cell::new(None);
    let child = Spawn {
        program: request,
        argv: env,
        env,
        dir: None,
        fds: &[],
        session: Session::Inherit,
        signals: &Inherited::NONE,
        failed: &|failure| {
            let (Failure::Directory(error) | Failure::Descriptor(error) | Failure::Execute(error)) =
                failure;
            answer.set(Some(error));
        },
    }
    .start();
    match (child, answer.get()) {
        (Ok(_), None) => Ok(()),
        (Ok(_), Some(error)) => Err(error),
        (Err(_), _) => Err(request.execute(env, env)),
    }
}

impl Executable for &Request {
    fn execute(&self, argv: CStrList<'_>, env: CStrList<'_>) -> Errno {
        (*self).execute(argv, env)
    }
}
