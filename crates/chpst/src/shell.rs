//! Does the steps, and becomes the program.

use core::ffi::CStr;

use runit_rt::pile::Pile;
use runit_rt::strings::{CStrList, Link, list_of};
use runit_rt::{Errno, spawn, stdio};
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::{process, thread};

use crate::account::{Account, Ids};
use crate::environment::Changes;
use crate::error::{Error, Failed, What};
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
            let error = spawn::execute(spawn::Program::Search(plan.program, path), argv, env);
            Failed(What::Run, error).about(Some(plan.program))
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
    let argv = match plan.argv0 {
        None => plan.command,
        Some(name) => renamed(plan.command, name)
            .map_err(|error| Failed(What::Run, error).about(Some(plan.program)))?,
    };
    let path = inherited.value_of(b"PATH").unwrap_or(DEFAULT_PATH);
    let mut shell = Shell { inherited, path, environment: inherited };
    for (fd, closed) in (0..).zip(closed) {
        if closed {
            close(fd).map_err(|failed| failed.about(None))?;
        }
    }
    for step in plan.steps() {
        if let Step::EnvDir(dir) = step {
            shell.environment = envdir::apply(shell.environment, *dir, plan.verbose)?;
        } else if let Err(failed) = shell.perform(step) {
            return Err(failed.about(step.name()));
        }
    }
    Ok((argv, path, shell.environment))
}

/// The command with another name as its first word.
fn renamed<'a>(command: CStrList<'a>, name: &'a CStr) -> Result<CStrList<'a>, Errno> {
    let mut words = Pile::new();
    words.push(Link::to(name))?;
    for word in command.rest() {
        words.push(Link::to(word))?;
    }
    words.push(Link::END)?;
    list_of(words.into_slice()).ok_or(Errno::NOMEM)
}

/// What the steps work on beside the process itself.
struct Shell<'a> {
    /// The environment and the `PATH` that this program was started with.
    inherited: CStrList<'a>,
    path: &'a CStr,
    /// What the program is to get.
    environment: CStrList<'a>,
}

impl<'a> Shell<'a> {
    #[inline(never)]
    fn perform(&mut self, step: &Step<'a>) -> Result<(), Failed> {
        let (what, result) = match *step {
            Step::Session => {
                // As the reference, goes on where this process leads a process
                // group already and can therefore lead no new session.
                let _ = process::setsid();
                return Ok(());
            }
            // Done by the caller.
            Step::EnvDir(_) => return Ok(()),
            Step::EnvAccount(account) => {
                let ids = self.ids(account)?;
                (What::Environment, self.show(&ids))
            }
            Step::User(account) => return identity::become_user(&self.ids(account)?),
            Step::Cgroup(path) => return cgroup::join(path),
            Step::Dir(dir) => (What::ChangeDirectory, process::chdir(dir)),
            Step::Root(dir) => {
                process::chdir(dir).map_err(Failed::to(What::ChangeDirectory))?;
                (What::ChangeRoot, process::chroot(c"."))
            }
            Step::Lock(lock) => {
                let taken = take_lock(lock);
                return if lock.quiet {
                    taken.map_err(|_| Failed::refused(What::NotLocked))
                } else {
                    taken
                };
            }
            Step::Close(fd) => return close(fd),
            Step::Nice(increment) => {
                let result = process::nice(increment).map(drop);
                // What the kernel forbids is named as nice(2) names it.
                let denied = result == Err(Errno::ACCESS);
                (What::SetNice, if denied { Err(Errno::PERM) } else { result })
            }
            Step::Bounding(set) => (What::Bounding, identity::bound(set)),
            Step::KeepCapabilities => (What::KeepCapabilities, thread::set_keep_capabilities(true)),
            Step::Ambient(set) => (What::Ambient, identity::make_ambient(set)),
            Step::Limit(resource, limit) => (What::SetLimit, set_limit(resource, limit)),
            Step::Umask(mask) => {
                process::umask(Mode::from_raw_mode(mask));
                return Ok(());
            }
            Step::NoNewPrivileges => (What::NoNewPrivileges, thread::set_no_new_privs(true)),
        };
        result.map_err(Failed::to(what))
    }

    fn ids(&self, account: Account<'a>) -> Result<Ids, Failed> {
        account.resolve(&System { env: self.inherited, path: self.path })
    }

    fn show(&mut self, ids: &Ids) -> Result<(), Errno> {
        let mut changes = Changes::default();
        changes.set(b"UID", ids.uid)?;
        changes.set(b"GID", ids.gid.as_raw())?;
        self.environment = changes.apply(self.environment)?;
        Ok(())
    }
}

/// The lock stays with the descriptor, and that with the program.
fn take_lock(lock: Lock<'_>) -> Result<(), Failed> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NONBLOCK;
    let fd = rustix::fs::open(lock.path, flags, Mode::RUSR | Mode::WUSR)
        .map_err(Failed::to(What::OpenLock))?;
    let operation = if lock.wait {
        FlockOperation::LockExclusive
    } else {
        FlockOperation::NonBlockingLockExclusive
    };
    loop {
        match flock(&fd, operation) {
            Err(Errno::INTR) => {}
            result => {
                result.map_err(Failed::to(What::Lock))?;
                core::mem::forget(fd);
                return Ok(());
            }
        }
    }
}

/// Closes a standard descriptor: not now but by becoming the program, so that
/// what fails until then is still said.
fn close(number: u8) -> Result<(), Failed> {
    let (fd, what) = match number {
        0 => (stdio::stdin(), What::CloseStdin),
        1 => (stdio::stdout(), What::CloseStdout),
        _ => (stdio::stderr(), What::CloseStderr),
    };
    fcntl_setfd(fd, FdFlags::CLOEXEC).map_err(Failed::to(what))
}

fn set_limit(resource: Resource, limit: Limit) -> Result<(), Errno> {
    let resource = resource.kernel();
    process::setrlimit(resource, limit.applied_to(process::getrlimit(resource)))
}
