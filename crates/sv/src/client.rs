//! The supervisor's other side: looks at `supervise/`, and writes into its
//! FIFO. Nothing here waits for anybody.

use core::ffi::CStr;

use runit_core::status::{self, StatusRecord, Want};
use runit_rt::errtext::local;
use rustix::fd::OwnedFd;
use rustix::fs::{FileType, Mode, OFlags, fstat, open, stat};
use rustix::io::{Errno, read, write};

use crate::place::{CONTROL, Files, LOG, Place, SERVICE};

/// Why a service could not be looked at or told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no such directory, or no way into it.
    Directory(Errno),
    /// The same of `log`.
    LogDirectory(Errno),
    /// Nobody reads `ok`.
    NotRunning,
    /// A file of `supervise/` cannot be opened.
    Open(File, Errno),
    /// What should be a FIFO is something else.
    NotFifo(File),
    /// The status cannot be read.
    Read(Errno),
    /// The status is not 20 bytes, or makes no sense.
    Format,
    /// The FIFO is full, or its reader has just gone.
    Write(Errno),
}

/// A file of `supervise/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// `ok`
    Ok,
    /// `control`
    Control,
    /// `status`
    Status,
}

impl Trouble {
    /// Whether it is reported as `fail`; the rest is as `warning`.
    pub fn is_fail(self) -> bool {
        matches!(self, Self::Directory(_) | Self::NotRunning)
    }

    /// Whether no supervisor is there, whether or not there ever was one.
    pub fn is_absence(self) -> bool {
        matches!(self, Self::NotRunning | Self::Open(File::Ok, Errno::NOENT))
    }

    /// What is wrong.
    pub fn what(self) -> &'static str {
        match self {
            Self::Directory(_) => "unable to change to service directory",
            Self::LogDirectory(_) => "unable to change directory",
            Self::NotRunning => "runsv not running",
            Self::Open(File::Ok, _) | Self::NotFifo(File::Ok) => "unable to open supervise/ok",
            Self::Open(File::Control, _) | Self::NotFifo(_) => "unable to open supervise/control",
            Self::Open(File::Status, _) => "unable to open supervise/status",
            Self::Read(_) | Self::Format => "unable to read supervise/status",
            Self::Write(_) => "unable to write to supervise/control",
        }
    }

    /// Why; empty where there is nothing to add.
    pub fn why(self) -> &'static str {
        match self {
            Self::NotRunning => "",
            Self::NotFifo(_) => "not a fifo",
            Self::Format => "bad format",
            Self::Directory(error)
            | Self::LogDirectory(error)
            | Self::Open(_, error)
            | Self::Read(error)
            | Self::Write(error) => local(error),
        }
    }
}

/// What a service does when its supervisor starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normally {
    /// It is started.
    Up,
    /// It is not: there is a file `down`.
    Down,
}

/// All that can be seen of a service, or of a log service.
#[derive(Clone, Copy, Debug, Default)]
pub struct View {
    /// Why nothing can be seen, if so; then the rest means nothing.
    pub trouble: Option<Trouble>,
    /// Its status.
    pub record: StatusRecord,
    /// The presence of `down`, where it can be told.
    pub normally: Option<Normally>,
    /// Why it cannot.
    pub down_error: Option<Errno>,
}

impl View {
    /// Looks at the service, or the log service, in `place`.
    #[inline(never)]
    pub fn look(&mut self, place: &mut Place<'_>, files: &Files) {
        match status_of(place, files) {
            Ok(record) => {
                self.record = record;
                self.trouble = None;
                self.look_for_down(place, files);
            }
            Err(trouble) => self.trouble = Some(trouble),
        }
    }

    /// Sees what it does when its supervisor starts.
    #[inline(never)]
    pub fn look_for_down(&mut self, place: &mut Place<'_>, files: &Files) {
        self.down_error = None;
        self.normally = match look_for(place.at(files.down)) {
            Ok(()) => Some(Normally::Down),
            Err(Errno::NOENT) => Some(Normally::Up),
            Err(error) => {
                self.down_error = Some(error);
                None
            }
        };
    }

    /// Whether there is no directory `log`.
    pub fn is_no_log(&self) -> bool {
        matches!(self.trouble, Some(Trouble::LogDirectory(Errno::NOENT)))
    }
}

/// The status of the service in `place`.
pub fn status(place: &mut Place<'_>) -> Result<StatusRecord, Trouble> {
    status_of(place, &SERVICE)
}

/// Whether a supervisor lives in `place`; if not, why that is known.
pub fn supervised(place: &mut Place<'_>) -> Result<(), Trouble> {
    open_fifo(place, &SERVICE, File::Ok).map(drop)
}

#[inline(never)]
fn status_of(place: &mut Place<'_>, files: &Files) -> Result<StatusRecord, Trouble> {
    open_fifo(place, files, File::Ok)?;
    // A status that is a FIFO must not hold us up.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = open(place.at(files.status), flags, Mode::empty())
        .map_err(|error| Trouble::Open(File::Status, error))?;
    // One byte more than there should be, to see that there is not.
    let mut bytes = [0; status::SIZE + 1];
    let length = retry(|| read(&file, &mut bytes)).map_err(Trouble::Read)?;
    bytes.get(..length).and_then(StatusRecord::from_bytes).ok_or(Trouble::Format)
}

/// Opens a FIFO for writing if it has a reader.
#[inline(never)]
fn open_fifo(place: &mut Place<'_>, files: &Files, file: File) -> Result<OwnedFd, Trouble> {
    let path = if file == File::Ok { files.ok } else { CONTROL };
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match open(place.at(path), flags, Mode::empty()) {
        Ok(fifo) => {
            let stat = fstat(&fifo).map_err(|error| Trouble::Open(file, error))?;
            let is_fifo = FileType::from_raw_mode(stat.st_mode) == FileType::Fifo;
            if is_fifo { Ok(fifo) } else { Err(Trouble::NotFifo(file)) }
        }
        Err(Errno::NXIO) => Err(Trouble::NotRunning),
        Err(error) => {
            // Only now is it worth a look whether there is such a directory:
            // looking at its dot needs what changing to it needs.
            Err(match look_for(place.at(files.dot)) {
                Ok(()) => Trouble::Open(file, error),
                Err(error) if files.dot == LOG.dot => Trouble::LogDirectory(error),
                Err(error) => Trouble::Directory(error),
            })
        }
    }
}

/// Writes control bytes into the FIFO of the supervisor, all of them or none.
#[inline(never)]
pub fn send(place: &mut Place<'_>, bytes: &[u8]) -> Result<(), Trouble> {
    let fifo = open_fifo(place, &SERVICE, File::Control)?;
    // So few bytes are never split (POSIX, PIPE_BUF).
    retry(|| write(&fifo, bytes)).map(drop).map_err(Trouble::Write)
}

/// Whether writing `bytes` would change nothing: it is wanted that way already.
pub fn is_wanted_already(bytes: &[u8], record: &StatusRecord) -> bool {
    match bytes.first() {
        None => true,
        Some(b'u') => record.want == Want::Up,
        Some(b'd') => record.want != Want::Up && record.got_term,
        Some(_) => false,
    }
}

/// Whether there is such a file.
#[inline(never)]
pub fn look_for(path: &CStr) -> Result<(), Errno> {
    stat(path).map(drop)
}

/// Makes a system call again for as long as a signal interrupts it.
pub fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_already_is_not_written() {
        let up = StatusRecord::default();
        let down = StatusRecord { want: Want::Down, ..up };
        let ending = StatusRecord { got_term: true, ..down };
        assert!(is_wanted_already(b"u", &up));
        assert!(!is_wanted_already(b"u", &ending));
        assert!(is_wanted_already(b"d", &ending));
        assert!(!is_wanted_already(b"d", &down));
        assert!(!is_wanted_already(b"d", &up));
        assert!(!is_wanted_already(b"tcu", &up));
        assert!(is_wanted_already(b"", &up));
    }
}
