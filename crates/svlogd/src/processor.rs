//! The processor of a directory's old files (CONTRACT section 6): one at a
//! time, in the order of the files, each until it succeeds.

use core::ffi::CStr;

use runit_core::exit::Exit;
use runit_rt::signal::Inherited;
use runit_rt::spawn::{Failure, FixedPath, Session, Spawn};
use runit_rt::strings::{CStrList, ListBuf};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, OFlags, fchmod, renameat, statat, unlinkat};
use rustix::io::Errno;
use rustix::process::Pid;

use crate::archive::{self, Kind, Name};
use crate::logdir::{LogDir, SAFE, sync};
use crate::moment::Moment;
use crate::opening::open;
use crate::report::{self, Fault, Level, Once, What};

const STATE: &CStr = c"state";
const NEW_STATE: &CStr = c"newstate";

/// How many milliseconds after a failure it is tried again, doubled with each
/// further one, so many times at most.
const PAUSE: u64 = 1000;
const DOUBLED: u32 = 5;

/// A directory's processor.
pub struct Processor {
    running: Option<Running>,
    /// How often in a row it has failed.
    failures: u32,
    retry_at: Moment,
    /// Files may wait that have not been looked for.
    pending: bool,
    said: Once,
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

impl Default for Processor {
    fn default() -> Self {
        Self {
            running: None,
            failures: 0,
            retry_at: Moment::NEVER,
            pending: true,
            said: Once::default(),
        }
    }
}

impl Processor {
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

    /// When to call [`start`] again.
    pub fn retry_at(&self) -> Moment {
        if self.running.is_some() { Moment::NEVER } else { self.retry_at }
    }

    /// A file for it has been made, or it has been configured anew.
    pub fn wake(&mut self) {
        self.pending = true;
    }

    fn failed(&mut self, fault: Fault, path: &CStr) {
        if self.said.is_news(fault) {
            report::fault(Level::Warning, fault, path, b"");
        }
        self.try_later();
    }

    fn try_later(&mut self) {
        self.retry_at = Moment::now().after(PAUSE << self.failures.min(DOUBLED));
        self.failures = self.failures.saturating_add(1);
    }

    /// Leaves what waits for the next start.
    pub fn give_up(&mut self, path: &CStr) {
        self.pending = false;
        self.failures = 0;
        report::about("processor failed, given up until the next start: %", path);
    }
}

/// Starts the directory's processor on the oldest file that waits, if it does
/// not run; whether there is anything to do.
pub fn start(dir: &mut LogDir<'_>, command: Option<&CStr>, around: Surroundings<'_>) -> bool {
    if dir.processor.is_running() {
        return true;
    }
    let retry_at = core::mem::replace(&mut dir.processor.retry_at, Moment::NEVER);
    let Some(command) = command.filter(|_| dir.processor.pending) else { return false };
    if retry_at != Moment::NEVER && retry_at > Moment::now() {
        dir.processor.retry_at = retry_at;
        return true;
    }
    match try_start(dir, command, around) {
        Ok(running) => {
            dir.processor.running = running;
            dir.processor.pending = dir.processor.is_running();
            dir.processor.pending
        }
        Err(fault) => {
            dir.processor.failed(fault, dir.path());
            true
        }
    }
}

fn try_start(
    dir: &LogDir<'_>,
    command: &CStr,
    around: Surroundings<'_>,
) -> Result<Option<Running>, Fault> {
    let name = loop {
        let (_, oldest) = archive::oldest(dir.fd(), &|name| name.kind == Kind::Unprocessed)
            .map_err(|error| What::ReadDirectory.because(error))?;
        let Some(name) = oldest else { return Ok(None) };
        let made = name.text_as(Kind::Safe);
        if statat(dir.fd(), made.as_c_str(), AtFlags::SYMLINK_NOFOLLOW).is_err() {
            break name;
        }
        // Done already; only the tidying up was missing.
        tidy_up(dir.fd(), name)?;
    };
    let (from, to) = (name.text(), name.text_as(Kind::Transient));
    let made = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
    let open = |name: &CStr, flags: OFlags, what: What| {
        open(dir.fd(), name, flags, 0o644).map_err(|error| what.because(error))
    };
    let input = open(from.as_c_str(), OFlags::RDONLY | OFlags::NOFOLLOW, What::OpenInput)?;
    let output = open(to.as_c_str(), made, What::OpenOutput)?;
    let state = open(STATE, OFlags::RDONLY | OFlags::CREATE, What::OpenState)?;
    let new_state = open(NEW_STATE, made, What::OpenNewState)?;
    let argv = ListBuf::<4>::new(&[c"sh", c"-c", command]);
    let spawn = Spawn {
        program: FixedPath(c"/bin/sh"),
        argv: argv.as_list(),
        env: around.env,
        dir: Some(dir.path()),
        fds: &[(input.as_fd(), 0), (output.as_fd(), 1), (state.as_fd(), 4), (new_state.as_fd(), 5)],
        session: Session::Inherit,
        signals: around.signals,
        failed: &|failure| {
            let fault = match failure {
                Failure::Directory(error) => What::EnterDirectory.because(error),
                Failure::Descriptor(error) => What::MoveDescriptor.because(error),
                Failure::Execute(error) => What::RunProcessor.because(error),
            };
            report::fault(Level::Fatal, fault, dir.path(), b"");
        },
    };
    let pid = spawn.start().map_err(|error| What::ForkProcessor.because(error))?;
    dir.note("processing: %/%", from.as_bytes());
    Ok(Some(Running { pid, name, output }))
}

/// A child has ended; whether it was the directory's processor, and successful.
pub fn reaped(dir: &mut LogDir<'_>, pid: Pid, exit: Exit) -> bool {
    let Some(running) = dir.processor.running.take_if(|running| running.pid == pid) else {
        return false;
    };
    let path = dir.path();
    if !exit.success() {
        report::about("processor failed, restart: %", path);
        dir.processor.said.clear();
        // If this fails the next run truncates it.
        let made = running.name.text_as(Kind::Transient);
        let _ = unlinkat(dir.fd(), made.as_c_str(), AtFlags::empty());
        dir.processor.try_later();
        return false;
    }
    if let Err(fault) = finish(dir.fd(), &running) {
        dir.processor.failed(fault, path);
        return false;
    }
    dir.processor.failures = 0;
    dir.processor.said.clear();
    let made = running.name.text_as(Kind::Safe);
    dir.note("processed: %/%", made.as_bytes());
    true
}

/// Puts the output in the input's place. Whatever step a crash comes after,
/// [`start`] knows how to go on.
fn finish(dir: &OwnedFd, running: &Running) -> Result<(), Fault> {
    sync(&running.output).map_err(|error| What::SyncProcessed.because(error))?;
    // As for `current`: what matters is that it is safe, not the mark.
    let _ = fchmod(&running.output, SAFE);
    let from = running.name.text_as(Kind::Transient);
    let to = running.name.text_as(Kind::Safe);
    renameat(dir, from.as_c_str(), dir, to.as_c_str())
        .map_err(|error| What::RenameProcessed.because(error))?;
    tidy_up(dir, running.name)
}

/// The state first: with the input gone nobody could tell whether the new
/// state is that of a run that succeeded.
fn tidy_up(dir: &OwnedFd, name: Name) -> Result<(), Fault> {
    match renameat(dir, NEW_STATE, dir, STATE) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(What::RenameState.because(error)),
    }
    match unlinkat(dir, name.text().as_c_str(), AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(What::DeleteProcessed.because(error)),
    }
}
