//! The processor of a directory's old files (CONTRACT section 6): one at a
//! time, in the order of the files, each until it succeeds.

use alloc::ffi::CString;
use alloc::rc::Rc;
use core::ffi::CStr;

use runit_core::exit::Exit;
use runit_rt::signal::Inherited;
use runit_rt::spawn::{Failure, Program, Session, Spawn};
use runit_rt::strings::{CStrList, ListBuf};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags, fchmod, openat, renameat, unlinkat};
use rustix::io::Errno;
use rustix::process::Pid;

use crate::archive::{self, Kind, Name};
use crate::logdir::sync;
use crate::moment::Moment;
use crate::report::{self, Fault, Level, Once, What};

const STATE: &CStr = c"state";
const NEW_STATE: &CStr = c"newstate";

/// How many milliseconds after a failure it is tried again, doubled with each
/// further one, so many times at most.
const PAUSE: u64 = 1000;
const DOUBLED: u32 = 5;

/// A directory's processor.
pub struct Processor<'a> {
    dir: Rc<OwnedFd>,
    path: &'a CStr,
    running: Option<Running>,
    /// In a row.
    failures: u32,
    retry_at: Moment,
    /// Files may wait that have not been looked for.
    pending: bool,
    said: Once,
    verbose: bool,
}

struct Running {
    pid: Pid,
    name: Name,
    output: OwnedFd,
}

/// What every child of ours is given.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The environment.
    pub env: CStrList<'a>,
    /// The signal state.
    pub signals: &'a Inherited,
}

impl<'a> Processor<'a> {
    /// For the directory open as `dir` and called `path`.
    pub fn new(dir: Rc<OwnedFd>, path: &'a CStr, verbose: bool) -> Self {
        Self {
            dir,
            path,
            running: None,
            failures: 0,
            retry_at: Moment::NEVER,
            pending: true,
            said: Once::default(),
            verbose,
        }
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Whether it runs on this file.
    pub fn works_on(&self, name: Name) -> bool {
        self.running.as_ref().is_some_and(|running| running.name == name)
    }

    /// How often in a row it has failed.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// When to call [`start`](Self::start) again.
    pub fn retry_at(&self) -> Moment {
        if self.running.is_some() { Moment::NEVER } else { self.retry_at }
    }

    /// A file for it has been made, or it has been configured anew.
    pub fn wake(&mut self) {
        self.pending = true;
    }

    /// Starts it on the oldest file that waits, if it does not run; whether
    /// there is anything to do.
    pub fn start(&mut self, command: &[u8], around: Surroundings<'_>) -> bool {
        if self.running.is_some() {
            return true;
        }
        if command.is_empty() || !self.pending {
            self.retry_at = Moment::NEVER;
            return false;
        }
        if self.retry_at != Moment::NEVER && self.retry_at > Moment::now() {
            return true;
        }
        self.retry_at = Moment::NEVER;
        match self.try_start(command, around) {
            Ok(found) => {
                self.pending = found;
                found
            }
            Err(fault) => {
                self.failed(fault);
                true
            }
        }
    }

    fn failed(&mut self, fault: Fault) {
        if self.said.is_news(fault) {
            report::fault(Level::Warning, fault, self.path, b"");
        }
        self.try_later();
    }

    fn try_later(&mut self) {
        self.retry_at = Moment::now().after(PAUSE << self.failures.min(DOUBLED));
        self.failures = self.failures.saturating_add(1);
    }

    fn try_start(&mut self, command: &[u8], around: Surroundings<'_>) -> Result<bool, Fault> {
        let mut names =
            archive::list(&*self.dir).map_err(|error| What::ReadDirectory.because(error))?;
        let name = loop {
            let Some(oldest) = archive::oldest(&names) else { return Ok(false) };
            let name = names.swap_remove(oldest);
            match name.kind() {
                // The order of names puts it before the other kinds.
                Kind::Safe if names.contains(&name.with(Kind::Unprocessed)) => {
                    // Done already; only the tidying up was missing.
                    names.retain(|&other| other != name.with(Kind::Unprocessed));
                    self.tidy_up(&name.with(Kind::Unprocessed))?;
                }
                Kind::Unprocessed => break name,
                Kind::Safe | Kind::Transient => {}
            }
        };
        let open = |name: &CStr, flags: OFlags, what: What| {
            let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            openat(&*self.dir, name, flags, Mode::from_raw_mode(0o644))
                .map_err(|error| what.because(error))
        };
        let made = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
        let input = open(name.as_c_str(), OFlags::RDONLY, What::OpenInput)?;
        let output = open(name.with(Kind::Transient).as_c_str(), made, What::OpenOutput)?;
        let state = open(STATE, OFlags::RDONLY | OFlags::CREATE, What::OpenState)?;
        let new_state = open(NEW_STATE, made, What::OpenNewState)?;
        let command =
            CString::new(command).map_err(|_| What::RunProcessor.because(Errno::INVAL))?;
        let argv = ListBuf::<4>::new(&[c"sh", c"-c", &command]);
        let path = self.path;
        let spawn = Spawn {
            program: Program::Path(c"/bin/sh"),
            argv: argv.as_list(),
            env: around.env,
            dir: Some(self.path),
            fds: &[
                (input.as_fd(), 0),
                (output.as_fd(), 1),
                (state.as_fd(), 4),
                (new_state.as_fd(), 5),
            ],
            session: Session::Inherit,
            signals: around.signals,
            failed: &|failure| {
                let fault = match failure {
                    Failure::Directory(error) => What::EnterDirectory.because(error),
                    Failure::Descriptor(error) => What::MoveDescriptor.because(error),
                    Failure::Execute(error) => What::RunProcessor.because(error),
                };
                report::fault(Level::Fatal, fault, path, b"");
            },
        };
        let pid = spawn.start().map_err(|error| What::ForkProcessor.because(error))?;
        self.info(b"processing: ", &name);
        self.running = Some(Running { pid, name, output });
        Ok(true)
    }

    /// A child has ended; whether it was this processor, and successful.
    pub fn reaped(&mut self, pid: Pid, exit: Exit) -> bool {
        let Some(running) = self.running.take_if(|running| running.pid == pid) else {
            return false;
        };
        if !exit.success() {
            let path = self.path.to_bytes();
            report::say(Level::Warning, &[b"processor failed, restart: ", path]);
            self.said.clear();
            // If this fails the next run truncates it.
            let _ = unlinkat(
                &*self.dir,
                running.name.with(Kind::Transient).as_c_str(),
                AtFlags::empty(),
            );
            self.try_later();
            return false;
        }
        match self.finish(&running) {
            Ok(()) => {
                self.failures = 0;
                self.said.clear();
                self.info(b"processed: ", &running.name.with(Kind::Safe));
                true
            }
            Err(fault) => {
                self.failed(fault);
                false
            }
        }
    }

    /// Puts the output in the input's place. Whatever step a crash comes
    /// after, [`start`](Self::start) knows how to go on.
    fn finish(&self, running: &Running) -> Result<(), Fault> {
        sync(&running.output).map_err(|error| What::SyncProcessed.because(error))?;
        // As for `current`: what matters is that it is safe, not the mark.
        let _ = fchmod(&running.output, Mode::from_raw_mode(0o744));
        let (from, to) = (running.name.with(Kind::Transient), running.name.with(Kind::Safe));
        renameat(&*self.dir, from.as_c_str(), &*self.dir, to.as_c_str())
            .map_err(|error| What::RenameProcessed.because(error))?;
        self.tidy_up(&running.name)
    }

    /// The state first: with the input gone nobody could tell whether the new
    /// state is that of a run that succeeded.
    fn tidy_up(&self, name: &Name) -> Result<(), Fault> {
        match renameat(&*self.dir, NEW_STATE, &*self.dir, STATE) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(What::RenameState.because(error)),
        }
        match unlinkat(&*self.dir, name.as_c_str(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(What::DeleteProcessed.because(error)),
        }
    }

    fn info(&self, what: &[u8], name: &Name) {
        if self.verbose {
            report::say(Level::Info, &[what, self.path.to_bytes(), b"/", name.as_bytes()]);
        }
    }

    /// Leaves what waits for the next start.
    pub fn give_up(&mut self) {
        self.pending = false;
        self.failures = 0;
        let what = b"processor failed, given up until the next start: ";
        report::say(Level::Warning, &[what, self.path.to_bytes()]);
    }
}
