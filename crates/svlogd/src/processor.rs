//! The processor of a directory's old files (CONTRACT section 6): one at a
//! time, in the order of the files, each until it succeeds.

use core::ffi::CStr;
use core::time::Duration;

use alloc::ffi::CString;
use alloc::rc::Rc;

use runit_core::diag::Bytes;
use runit_core::exit::Exit;
use runit_rt::clock;
use runit_rt::signal::Inherited;
use runit_rt::spawn::{Failure, Program, Session, Spawn};
use runit_rt::strings::{CStrList, ListBuf};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags, fchmod, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
use rustix::process::Pid;

use crate::archive::{self, Kind, Name};
use crate::logdir::sync;
use crate::report::{self, Once, Trouble};

const STATE: &CStr = c"state";
const NEW_STATE: &CStr = c"newstate";

/// How long after a failure it is tried again, doubled with each further one
/// up to the longest.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: u32 = 32;

/// A directory's processor.
pub struct Processor<'a> {
    dir: Rc<OwnedFd>,
    path: &'a CStr,
    running: Option<Running>,
    /// In a row.
    failures: u32,
    retry_at: Option<Duration>,
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
            retry_at: None,
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

    /// When to call [`start`](Self::start) again, by the monotonic clock.
    pub fn retry_at(&self) -> Option<Duration> {
        self.retry_at.filter(|_| self.running.is_none())
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
            self.retry_at = None;
            return false;
        }
        if self.retry_at.is_some_and(|at| at > clock::monotonic()) {
            return true;
        }
        self.retry_at = None;
        match self.try_start(command, around) {
            Ok(found) => {
                self.pending = found;
                found
            }
            Err((what, error)) => {
                self.failed();
                if self.said.is_news(what, error) {
                    self.warn(what, error);
                }
                true
            }
        }
    }

    fn failed(&mut self) {
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE);
        self.retry_at = Some(clock::monotonic() + PAUSE * factor);
        self.failures = self.failures.saturating_add(1);
    }

    fn try_start(
        &mut self,
        command: &[u8],
        around: Surroundings<'_>,
    ) -> Result<bool, (&'static str, Errno)> {
        let names =
            archive::list(&*self.dir).map_err(|error| ("unable to read directory", error))?;
        let mut waiting = None;
        for name in names.iter().copied().filter(|name| name.kind() == Kind::Unprocessed) {
            if names.binary_search(&name.with(Kind::Safe)).is_ok() {
                // Done already; only the tidying up was missing.
                self.tidy_up(name)?;
            } else {
                waiting = Some(name);
                break;
            }
        }
        let Some(name) = waiting else { return Ok(false) };
        let open = |name: &CStr, flags: OFlags| {
            let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            openat(&*self.dir, name, flags, Mode::from_raw_mode(0o644))
        };
        let made = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
        let input = open(name.as_c_str(), OFlags::RDONLY)
            .map_err(|error| ("unable to open input for processor", error))?;
        let output = open(name.with(Kind::Transient).as_c_str(), made)
            .map_err(|error| ("unable to open output for processor", error))?;
        let state = open(STATE, OFlags::RDONLY | OFlags::CREATE)
            .map_err(|error| ("unable to open state for processor", error))?;
        let new_state = open(NEW_STATE, made)
            .map_err(|error| ("unable to open newstate for processor", error))?;
        let command =
            CString::new(command).map_err(|_| ("unable to run processor", Errno::INVAL))?;
        let argv = ListBuf::<4>::new(&[c"sh", c"-c", &command]);
        let path = self.path.to_bytes();
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
                let (what, error) = match failure {
                    Failure::Directory(error) => {
                        ("unable to change directory, want processor", error)
                    }
                    Failure::Descriptor(error) => {
                        ("unable to move filedescriptor for processor", error)
                    }
                    Failure::Execute(error) => ("unable to run processor", error),
                };
                report::fatal(&Trouble { what, dir: path, name: None, error });
            },
        };
        let pid = spawn.start().map_err(|error| ("unable to fork for processor", error))?;
        report::info(self.verbose, &format_args!("processing: {}/{name}", Bytes(path)));
        self.running = Some(Running { pid, name, output });
        Ok(true)
    }

    /// A child has ended; whether it was this processor, and successful.
    pub fn reaped(&mut self, pid: Pid, exit: Exit) -> Option<bool> {
        let running = self.running.take_if(|running| running.pid == pid)?;
        let finished = if exit.success() {
            self.finish(&running)
        } else {
            self.said.clear();
            report::warning(&format_args!(
                "processor failed, restart: {}",
                Bytes(self.path.to_bytes())
            ));
            self.failed();
            return Some(false);
        };
        match finished {
            Ok(()) => {
                self.failures = 0;
                self.said.clear();
                let name = running.name.with(Kind::Safe);
                report::info(
                    self.verbose,
                    &format_args!("processed: {}/{name}", Bytes(self.path.to_bytes())),
                );
                Some(true)
            }
            Err((what, error)) => {
                self.failed();
                if self.said.is_news(what, error) {
                    self.warn(what, error);
                }
                Some(false)
            }
        }
    }

    /// Puts the output in the input's place. Whatever step a crash comes
    /// after, [`start`](Self::start) knows how to go on.
    fn finish(&self, running: &Running) -> Result<(), (&'static str, Errno)> {
        let cannot = |error| ("unable to set mode of processed", error);
        sync(&running.output).map_err(cannot)?;
        fchmod(&running.output, Mode::from_raw_mode(0o744)).map_err(cannot)?;
        let (from, to) = (running.name.with(Kind::Transient), running.name.with(Kind::Safe));
        renameat(&*self.dir, from.as_c_str(), &*self.dir, to.as_c_str())
            .map_err(|error| ("unable to rename processed", error))?;
        self.tidy_up(running.name)
    }

    /// The state first: with the input gone nobody could tell whether the new
    /// state is that of a run that succeeded.
    fn tidy_up(&self, name: Name) -> Result<(), (&'static str, Errno)> {
        if statat(&*self.dir, NEW_STATE, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            renameat(&*self.dir, NEW_STATE, &*self.dir, STATE)
                .map_err(|error| ("unable to rename state", error))?;
        }
        match unlinkat(&*self.dir, name.as_c_str(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(("unable to unlink processed", error)),
        }
    }

    #[cold]
    #[inline(never)]
    fn warn(&self, what: &str, error: Errno) {
        report::warning(&Trouble { what, dir: self.path.to_bytes(), name: None, error });
    }

    /// Leaves what waits for the next start.
    pub fn give_up(&mut self) {
        self.pending = false;
        self.failures = 0;
        report::warning(&format_args!(
            "processor failed, given up until the next start: {}",
            Bytes(self.path.to_bytes())
        ));
    }
}
