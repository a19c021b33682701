//! Does the steps, and becomes the program.

use alloc::vec::Vec;
use core::ffi::CStr;

use runit_rt::strings::{CStrList, Slot, decimal, list_in};
use runit_rt::{Errno, spawn};
use rustix::fd::BorrowedFd;
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::{process, thread};

use crate::VOICE;
use crate::account::{Account, Ids};
use crate::environment::{c_string, changed, reserve};
use crate::error::{Error, Failed};
use crate::limits::{Limit, Resource};
use crate::lookup::System;
use crate::plan::{Lock, Plan, Step};
use crate::{cgroup, envdir, identity};

/// Where programs are searched without a `PATH`.
const DEFAULT_PATH: &CStr = c"/bin:/usr/bin";

/// Does what `plan` says, and becomes the program: comes back only with the
/// reason why not. `closed` tells which of descriptors 0 to 2 were closed at
/// the start, and must be so for the program.
pub fn run<'a>(plan: &Plan<'a>, env: CStrList<'a>, closed: [bool; 3]) -> Error<'a> {
    match prepare(plan, env, closed) {
        Ok((argv, path, env)) => {
            let file = spawn::Program::Search(plan.program, path);
            Failed("run", spawn::execute(file, argv, env)).about(Some(plan.program))
        }
        Err(error) => error,
    }
}

/// Does the steps; gives the program's arguments, the `PATH` to search it in
/// and its environment.
fn prepare<'a>(
    plan: &Plan<'a>,
    inherited: CStrList<'a>,
    closed: [bool; 3],
) -> Result<(CStrList<'a>, &'a CStr, CStrList<'a>), Error<'a>> {
    // Now, since a limit on memory may leave none for it later.
    let argv = arguments(plan).map_err(|error| Failed("run", error).about(Some(plan.program)))?;
    let path = inherited.value_of(b"PATH").unwrap_or(DEFAULT_PATH);
    let mut shell = Shell { verbose: plan.verbose, inherited, path, environment: inherited };
    for (fd, closed) in (0..).zip(closed) {
        if closed {
            close(fd)?;
        }
    }
    for step in plan.steps() {
        shell.perform(*step)?;
    }
    Ok((argv, path, shell.environment))
}

/// What the program gets as its arguments.
fn arguments<'a>(plan: &Plan<'a>) -> Result<CStrList<'a>, Errno> {
    let Some(name) = plan.argv0 else {
        return Ok(plan.command);
    };
    let mut slots = Vec::new();
    let size = plan.command.count() + 1;
    reserve(&mut slots, size)?;
    slots.resize(size, Slot::default());
    let words = core::iter::once(name).chain(plan.command.rest());
    list_in(slots.leak(), words).ok_or(Errno::NOMEM)
}

/// What the steps work on beside the process itself.
struct Shell<'a> {
    verbose: bool,
    /// The environment and the `PATH` that this program was started with.
    inherited: CStrList<'a>,
    path: &'a CStr,
    /// What the program is to get.
    environment: CStrList<'a>,
}

impl<'a> Shell<'a> {
    fn perform(&mut self, step: Step<'a>) -> Result<(), Error<'a>> {
        let (what, result) = match step {
            Step::Session => {
                self.lead_session();
                return Ok(());
            }
            Step::EnvDir(dir) => {
                self.environment = envdir::apply(self.environment, dir, self.verbose)?;
                return Ok(());
            }
            Step::EnvAccount(account) => ("set the environment", self.show(&self.ids(account)?)),
            Step::User(account) => return identity::become_user(&self.ids(account)?),
            Step::Cgroup(path) => return cgroup::join(path),
            Step::Root(dir) | Step::Dir(dir) => {
                let changed = process::chdir(dir);
                changed.map_err(|error| Failed("change directory", error).about(Some(dir)))?;
                let Step::Root(_) = step else {
                    return Ok(());
                };
                ("change root directory", process::chroot(c"."))
            }
            Step::Lock(lock) => return take_lock(lock),
            Step::Close(fd) => return Ok(close(fd)?),
            Step::Nice(increment) => {
                let result = process::nice(increment).map(drop);
                // What the kernel forbids is named as nice(2) names it.
                let denied = result == Err(Errno::ACCESS);
                ("set nice level", if denied { Err(Errno::PERM) } else { result })
            }
            Step::Bounding(set) => ("reduce the capability bounding set", identity::bound(set)),
            Step::KeepCapabilities => ("keep capabilities", thread::set_keep_capabilities(true)),
            Step::Ambient(set) => ("set ambient capabilities", identity::make_ambient(set)),
            Step::Limit(resource, limit) => ("setrlimit()", set_limit(resource, limit)),
            Step::Umask(mask) => {
                process::umask(Mode::from_raw_mode(mask));
                return Ok(());
            }
            Step::NoNewPrivileges => ("give up new privileges", thread::set_no_new_privs(true)),
        };
        Ok(result.map_err(Failed::to(what))?)
    }

    /// As the reference, goes on where this process leads a process group
    /// already and can therefore lead no new session.
    fn lead_session(&self) {
        if let Err(error) = process::setsid() {
            if self.verbose {
                VOICE.say("warning: ", &Failed("lead a session", error).about(None));
            }
        }
    }

    fn ids(&self, account: Account<'a>) -> Result<Ids, Error<'a>> {
        account.resolve(&mut System::new(self.inherited, self.path))
    }

    fn show(&mut self, ids: &Ids) -> Result<(), Errno> {
        let entry = |name, id: u32| c_string(&[name, decimal(id.into(), &mut [0; 20])]);
        let changes = [entry(b"UID=", ids.uid)?, entry(b"GID=", ids.gid.as_raw())?];
        self.environment = changed(self.environment, &changes)?;
        Ok(())
    }
}

/// The lock stays with the descriptor, and that with the program.
fn take_lock(lock: Lock<'_>) -> Result<(), Error<'_>> {
    let failed = |what, error| {
        if lock.quiet { Error::NotLocked } else { Failed(what, error).about(Some(lock.path)) }
    };
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NONBLOCK;
    let fd = rustix::fs::open(lock.path, flags, Mode::RUSR | Mode::WUSR)
        .map_err(|error| failed("open lock", error))?;
    let operation = if lock.wait {
        FlockOperation::LockExclusive
    } else {
        FlockOperation::NonBlockingLockExclusive
    };
    loop {
        match flock(&fd, operation) {
            Err(Errno::INTR) => {}
            result => {
                result.map_err(|error| failed("lock", error))?;
                core::mem::forget(fd);
                return Ok(());
            }
        }
    }
}

/// Closes a standard descriptor: not now but by becoming the program, so that
/// what fails until then is still said.
fn close(number: u8) -> Result<(), Failed> {
    let (fd, what): (BorrowedFd<'static>, _) = match number {
        0 => (runit_rt::stdio::stdin(), "close stdin"),
        1 => (runit_rt::stdio::stdout(), "close stdout"),
        _ => (runit_rt::stdio::stderr(), "close stderr"),
    };
    fcntl_setfd(fd, FdFlags::CLOEXEC).map_err(Failed::to(what))
}

fn set_limit(resource: Resource, limit: Limit) -> Result<(), Errno> {
    let resource = resource.kernel();
    process::setrlimit(resource, limit.applied_to(process::getrlimit(resource)))
}
