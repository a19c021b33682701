//! What a supervisor holds while it lives: the directories, locks and FIFOs of
//! `supervise/`, and the log pipe (CONTRACT sections 1 and 2).

use core::ffi::CStr;

use runit_core::diag::{ErrText, Say, Sink};
use runit_core::layout::{Names, PRIVATE_MODE, SUPERVISE_MODE};
use runit_rt::Errno;
use runit_rt::strings::c_str_in;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{self, AtFlags, CWD, FileType, FlockOperation, Mode, OFlags};

/// Why a supervisor cannot start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupError {
    /// Something could not be done with a file; the two make a sentence.
    Unable(&'static str, &'static CStr, Errno),
    /// A name of ours belongs to something else.
    NotFifo(&'static CStr),
}

impl Say for SetupError {
    fn say(&self, out: &mut dyn Sink) {
        match *self {
            Self::Unable(verb, name, error) => {
                out.push(b"unable to ");
                out.push(verb.as_bytes());
                out.push(name.to_bytes());
                out.push(b": ");
                ErrText(error).say(out);
            }
            Self::NotFifo(name) => {
                out.push(name.to_bytes());
                out.push(b" exists but is not a fifo");
            }
        }
    }
}

fn unable(verb: &'static str, name: &'static CStr) -> impl FnOnce(Errno) -> SetupError {
    move |error| SetupError::Unable(verb, name, error)
}

/// What to do about a lock that another process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contention {
    /// Refuse at once: two supervisors of one service must not be.
    Refuse,
    /// Wait for its end: the log service of an ending supervisor may still
    /// be reading.
    Wait,
}

/// The descriptors that make a process the supervisor of a service.
pub struct Supervise {
    /// Takes control bytes; open for writing as well, so that it never ends.
    pub control: OwnedFd,
    /// Held open for reading, which is how others see that we live.
    ok: Option<OwnedFd>,
    /// Held locked.
    _lock: OwnedFd,
}

impl Supervise {
    /// Makes what is missing of `supervise/` and takes it over.
    pub fn open(names: &Names, contention: Contention) -> Result<Self, SetupError> {
        make_directory(names)?;
        let lock = lock(names, contention)?;
        let control = open_fifo(names.control, OFlags::RDWR)?;
        Ok(Self { control, ok: None, _lock: lock })
    }

    /// Tells the world that a supervisor is here, and ready: to be called when
    /// the status has been written.
    pub fn announce(&mut self, names: &Names) -> Result<(), SetupError> {
        self.ok = Some(open_fifo(names.ok, OFlags::RDONLY)?);
        Ok(())
    }

    /// The next control byte; `None` when there is none now.
    pub fn read_control(&self) -> Option<u8> {
        let mut byte = [0];
        loop {
            match rustix::io::read(&self.control, &mut byte) {
                Ok(1) => return Some(byte[0]),
                Err(Errno::INTR) => {}
                _ => return None,
            }
        }
    }
}

/// Makes `supervise/`, or the directory that a symlink of this name points to.
fn make_directory(names: &Names) -> Result<(), SetupError> {
    let mode = Mode::from_raw_mode(SUPERVISE_MODE);
    let made = fs::mkdir(names.supervise, mode);
    match made {
        Ok(()) => return Ok(()),
        Err(Errno::EXIST) => {}
        Err(error) => return Err(unable("create ", names.supervise)(error)),
    }
    // Whatever is there instead of a directory, opening what is in it will tell.
    if exists(names.supervise) { Ok(()) } else { make_target(names) }
}

/// Makes the directory that the dangling symlink `supervise` points to. Apart,
/// so that room for a path is on the stack only when it is needed.
#[inline(never)]
fn make_target(names: &Names) -> Result<(), SetupError> {
    let mut target = [0; 4096];
    if fs::readlinkat_raw(CWD, names.supervise, &mut target[..]).is_err() {
        return Ok(());
    }
    let target = c_str_in(&target)
        .ok_or(Errno::NAMETOOLONG)
        .map_err(unable("readlink ", names.supervise))?;
    // A relative target is relative to the directory that holds the link.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let base = fs::open(names.dir, flags, Mode::empty()).map_err(unable("open ", names.dir))?;
    match fs::mkdirat(&base, target, Mode::from_raw_mode(SUPERVISE_MODE)) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(unable("create target of ", names.supervise)(error)),
    }
}

fn lock(names: &Names, contention: Contention) -> Result<OwnedFd, SetupError> {
    let flags =
        OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let lock = fs::open(names.lock, flags, Mode::from_raw_mode(PRIVATE_MODE))
        .map_err(unable("open ", names.lock))?;
    let operation = match contention {
        Contention::Refuse => FlockOperation::NonBlockingLockExclusive,
        Contention::Wait => FlockOperation::LockExclusive,
    };
    loop {
        match fs::flock(&lock, operation) {
            Ok(()) => return Ok(lock),
            Err(Errno::INTR) => {}
            Err(error) => return Err(unable("lock ", names.lock)(error)),
        }
    }
}

fn open_fifo(name: &'static CStr, access: OFlags) -> Result<OwnedFd, SetupError> {
    match fs::mknodat(CWD, name, FileType::Fifo, Mode::from_raw_mode(PRIVATE_MODE), 0) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(unable("create ", name)(error)),
    }
    // Looked at before it is opened: opening a device can have effects.
    let stat = fs::stat(name).map_err(unable("stat ", name))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Fifo {
        return Err(SetupError::NotFifo(name));
    }
    let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fifo = fs::open(name, flags, Mode::empty()).map_err(unable("open ", name))?;
    // A page holds 4096 commands; room for more would cost each supervisor a
    // kilobyte of the kernel's memory. Without it, it works as well.
    let _ = rustix::pipe::fcntl_setpipe_size(&fifo, 4096);
    Ok(fifo)
}

/// Whether a path, followed through links, exists. One that cannot be looked at is taken to: who
/// then uses it hears why not, and a service is not started against a `down` that may be there.
pub fn exists(path: &CStr) -> bool {
    log_dir(path) != LogDir::Missing
}

/// What there is of a log service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogDir {
    /// No `log`.
    Missing,
    /// A directory, as it should be.
    Directory,
    /// Something else.
    Other,
    /// It cannot be told.
    Unknown(Errno),
}

/// Looks at `log`.
pub fn log_dir(path: &CStr) -> LogDir {
    match fs::stat(path) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
            LogDir::Directory
        }
        Ok(_) => LogDir::Other,
        Err(Errno::NOENT) => LogDir::Missing,
        Err(error) => LogDir::Unknown(error),
    }
}

/// The pipe between service and log service, both ends ours for as long as we
/// live, so that what is in it outlives either.
pub struct LogPipe {
    /// What the log service reads; kept until it has ended, for the look at
    /// what it has left.
    pub read: OwnedFd,
    /// What the service writes; closed to tell the log service of its end.
    pub write: Option<OwnedFd>,
}

impl LogPipe {
    /// Makes a pipe.
    pub fn new() -> Result<Self, SetupError> {
        let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(unable("create log pipe", c""))?;
        Ok(Self { read, write: Some(write) })
    }

    /// Whether something is in it.
    pub fn has_content(&self) -> bool {
        rustix::io::ioctl_fionread(&self.read).is_ok_and(|bytes| bytes > 0)
    }
}

/// Replaces a file of `supervise/` whole: `names` are its name and the one
/// under which it is prepared. Gives the name with which something failed.
pub fn replace_file(
    names: [&'static CStr; 2],
    content: &[u8],
    mode: u32,
) -> Result<(), SetupError> {
    let [name, new] = names;
    // A new file always: whoever was let into `supervise/` may have put a link
    // there, to a file that only we may write.
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    remove(new);
    let file =
        fs::openat(CWD, new, flags, Mode::from_raw_mode(mode)).map_err(unable("open ", new))?;
    let written = write_whole(file_fd(&file), content);
    drop(file);
    written
        .map_err(unable("write ", new))
        .and_then(|()| fs::rename(new, name).map_err(unable("rename ", new)))
        .inspect_err(|_| {
            // Nothing half-made stays behind; if even this fails, the next attempt
            // starts with it.
            remove(new);
        })
}

#[inline(never)]
fn remove(name: &'static CStr) {
    let _ = fs::unlinkat(CWD, name, AtFlags::empty());
}

fn file_fd(file: &OwnedFd) -> BorrowedFd<'_> {
    rustix::fd::AsFd::as_fd(file)
}

fn write_whole(file: BorrowedFd<'_>, mut content: &[u8]) -> Result<(), Errno> {
    while !content.is_empty() {
        match rustix::io::write(file, content) {
            Ok(0) => return Err(Errno::NOSPC),
            Ok(n) => content = content.get(n..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
