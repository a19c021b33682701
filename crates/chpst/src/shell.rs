//! Does the steps, and becomes the program.

use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;

use runit_core::diag::ErrText;
use runit_rt::strings::{CStrList, Slot, list_in};
use runit_rt::{Errno, spawn};
use rustix::fd::BorrowedFd;
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process;

use crate::VOICE;
use crate::account::Account;
use crate::environment::{Environment, reserve};
use crate::error::Error;
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
    become_program(plan, env, closed).unwrap_or_else(|error| error)
}

fn become_program<'a>(
    plan: &Plan<'a>,
    env: CStrList<'a>,
    closed: [bool; 3],
) -> Result<Error<'a>, Error<'a>> {
    let run_failed = |error| Error::UnableWith { what: "run", name: plan.program, error };
    // Now, since a limit on memory may leave none for it later.
    let mut slots = Vec::new();
    let argv = match plan.options.argv0 {
        None => plan.command,
        Some(name) => {
            let size = plan.command.count() + 1;
            reserve(&mut slots, size).map_err(run_failed)?;
            slots.resize(size, Slot::default());
            let words = core::iter::once(name).chain(plan.command.rest());
            list_in(&mut slots, words).unwrap_or(plan.command)
        }
    };
    let mut shell = Shell {
        verbose: plan.options.verbose,
        inherited: env,
        path: env.value_of(b"PATH").unwrap_or(DEFAULT_PATH),
        environment: Environment::new(env),
    };
    for (fd, closed) in (0..).zip(closed) {
        if closed {
            close(fd)?;
        }
    }
    for step in plan.options.steps() {
        shell.perform(step)?;
    }
    let file = spawn::Program::Search(plan.program, shell.path);
    Ok(run_failed(spawn::execute(file, argv, shell.environment.list())))
}

/// What the steps work on beside the process itself.
struct Shell<'a> {
    verbose: bool,
    /// The environment and the `PATH` that this program was started with.
    inherited: CStrList<'a>,
    path: &'a CStr,
    /// What the program is to get.
    environment: Environment<'a>,
}

impl<'a> Shell<'a> {
    fn perform(&mut self, step: Step<'a>) -> Result<(), Error<'a>> {
        match step {
            Step::Session => {
                self.lead_session();
                Ok(())
            }
            Step::EnvDir(dir) => envdir::apply(&mut self.environment, dir, self.verbose),
            Step::Cgroup(path) => cgroup::join(path),
            Step::Root(dir) => {
                change_dir(dir)?;
                process::chroot(c".").map_err(unable("change root directory"))
            }
            Step::Dir(dir) => change_dir(dir),
            Step::Nice(increment) => match process::nice(increment) {
                // What the kernel forbids is named as nice(2) names it.
                Err(Errno::ACCESS) => Err(unable("set nice level")(Errno::PERM)),
                result => result.map(drop).map_err(unable("set nice level")),
            },
            Step::EnvAccount(account) => self.show_account(account),
            Step::Bounding(set) => identity::bound(set),
            Step::User { account, keep } => {
                let ids = account.resolve(&mut System::new(self.inherited, self.path))?;
                identity::become_user(&ids, keep)
            }
            Step::Ambient(set) => identity::make_ambient(set),
            Step::Lock(lock) => take_lock(lock),
            Step::Close(fd) => close(fd),
            Step::Limit(resource, limit) => set_limit(resource, limit),
            Step::Umask(mask) => {
                process::umask(Mode::from_raw_mode(mask));
                Ok(())
            }
            Step::NoNewPrivileges => {
                rustix::thread::set_no_new_privs(true).map_err(unable("give up new privileges"))
            }
        }
    }

    /// As the reference, goes on where this process leads a process group
    /// already and can therefore lead no new session.
    fn lead_session(&self) {
        if let Err(error) = process::setsid() {
            if self.verbose {
                VOICE.warning(&format_args!("unable to lead a session: {}", ErrText(error)));
            }
        }
    }

    fn show_account(&mut self, account: Account<'a>) -> Result<(), Error<'a>> {
        let ids = account.resolve(&mut System::new(self.inherited, self.path))?;
        let no_memory = || unable("set the environment")(Errno::NOMEM);
        let mut entries = Vec::new();
        for entry in [format!("UID={}", ids.uid), format!("GID={}", ids.gid)] {
            let entry = CString::new(entry).map_err(|_| no_memory())?;
            // It lives as long as the process.
            let entry: &CStr = Vec::leak(Vec::from([entry]))[0].as_c_str();
            entries.push(entry);
        }
        self.environment
            .change(Vec::from([b"UID" as &[u8], b"GID"]), entries)
            .map_err(|_| no_memory())
    }
}

fn unable(what: &'static str) -> impl Fn(Errno) -> Error<'static> {
    move |error| Error::Unable { what, error }
}

fn change_dir(dir: &CStr) -> Result<(), Error<'_>> {
    process::chdir(dir).map_err(|error| Error::UnableWith {
        what: "change directory",
        name: dir,
        error,
    })
}

/// The lock stays with the descriptor, and that with the program.
fn take_lock(lock: Lock<'_>) -> Result<(), Error<'_>> {
    let failed = |what, error| {
        if lock.quiet {
            Error::NotLocked
        } else {
            Error::UnableWith { what, name: lock.path, error }
        }
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
fn close(number: u8) -> Result<(), Error<'static>> {
    let (fd, what): (BorrowedFd<'static>, _) = match number {
        0 => (runit_rt::stdio::stdin(), "close stdin"),
        1 => (runit_rt::stdio::stdout(), "close stdout"),
        _ => (runit_rt::stdio::stderr(), "close stderr"),
    };
    fcntl_setfd(fd, FdFlags::CLOEXEC).map_err(unable(what))
}

fn set_limit(resource: Resource, limit: Limit) -> Result<(), Error<'static>> {
    let resource = resource.kernel();
    let new = limit.applied_to(process::getrlimit(resource));
    process::setrlimit(resource, new).map_err(unable("setrlimit()"))
}
