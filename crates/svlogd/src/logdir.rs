//! One log directory: its lock, `current`, and what becomes of old files.

use core::ffi::CStr;
use core::time::Duration;

use alloc::rc::Rc;
use alloc::vec::Vec;

use runit_core::diag::Bytes;
use runit_core::tai::Tai64n;
use runit_rt::clock;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    AtFlags, FileType, FlockOperation, Mode, OFlags, Stat, StatxFlags, fchmod, flock, fstat, fsync,
    openat, renameat, statx, unlinkat,
};
use rustix::io::Errno;

use crate::archive::{self, Kind, Name};
use crate::config::Config;
use crate::processor::Processor;
use crate::report::{self, Once, Trouble};
use crate::rotate::excess;
use crate::udp::Sender;

const CURRENT: &CStr = c"current";
const LOCK: &CStr = c"lock";
const CONFIG: &CStr = c"config";

/// `current` while it is written.
const WRITTEN: Mode = Mode::from_raw_mode(0o644);
/// `current` and old files once they are safely on disk.
const SAFE: Mode = Mode::from_raw_mode(0o744);

/// Which directory it is, whatever its name.
pub type Identity = (u64, u64);

/// See the module.
pub struct LogDir<'a> {
    path: &'a CStr,
    dir: Rc<OwnedFd>,
    identity: Identity,
    _lock: OwnedFd,
    current: Option<OwnedFd>,
    /// The latest old file.
    newest: Option<Tai64n>,
    /// Its configuration.
    pub config: Rc<Config>,
    /// Where lines are sent, if they are.
    pub sender: Option<Sender>,
    /// What works on its old files.
    pub processor: Processor<'a>,
    /// When `current` is to be rotated for its age, by the monotonic clock.
    pub rotate_at: Option<Duration>,
    /// What was said of failed rotation.
    rotation: Once,
    verbose: bool,
}

/// Why a directory cannot be used.
pub struct Unusable(&'static str, Errno);

impl Unusable {
    /// Says so.
    pub fn warn(&self, path: &CStr) {
        report::warning(&Trouble { what: self.0, dir: path.to_bytes(), name: None, error: self.1 });
    }
}

/// The identity of the directory at `path`, if there is one.
pub fn identity(path: &CStr) -> Option<Identity> {
    rustix::fs::stat(path).ok().map(|stat| identity_of(&stat))
}

#[expect(clippy::unnecessary_cast, reason = "the fields have other types elsewhere")]
fn identity_of(stat: &Stat) -> Identity {
    (stat.st_dev as u64, stat.st_ino as u64)
}

impl<'a> LogDir<'a> {
    /// Opens and locks the directory and reads its configuration. `current` is
    /// not yet open.
    pub fn open(path: &'a CStr, verbose: bool) -> Result<Self, Unusable> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let unusable = |error| Unusable("unable to open log directory", error);
        let dir = rustix::fs::open(path, flags, Mode::empty()).map_err(unusable)?;
        let identity = identity_of(&fstat(&dir).map_err(unusable)?);
        let unlockable = |error| Unusable("unable to lock directory", error);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let lock = openat(&dir, LOCK, flags, Mode::from_raw_mode(0o600)).map_err(unlockable)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(unlockable)?;
        let dir = Rc::new(dir);
        let names = archive::list(&*dir).map_err(unusable)?;
        let mut log = Self {
            path,
            processor: Processor::new(Rc::clone(&dir), path, verbose),
            dir,
            identity,
            _lock: lock,
            current: None,
            newest: names.last().map(|name| name.moment()),
            config: Rc::default(),
            sender: None,
            rotate_at: None,
            rotation: Once::default(),
            verbose,
        };
        // What a processor had made when it was ended with its svlogd.
        for name in names.into_iter().filter(|name| name.kind() == Kind::Transient) {
            log.delete(name, "unable to unlink processor leftover");
        }
        log.read_config();
        Ok(log)
    }

    /// The directory as it was given.
    pub fn path(&self) -> &'a CStr {
        self.path
    }

    /// Which directory it is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Reads the configuration again; where that is not possible, says so and
    /// keeps what it has.
    pub fn read_config(&mut self) {
        let text = match read_file(&*self.dir, CONFIG) {
            Ok(text) => text,
            Err(Errno::NOENT) => Vec::new(),
            Err(error) => return self.warn("unable to read config", None, error),
        };
        let path = self.path.to_bytes();
        let config = Config::parse(&text, &mut |line, fault| {
            report::warning(&format_args!("{}/config: line {line}: {fault}", Bytes(path)));
        });
        self.config = Rc::new(config);
        if !text.is_empty() {
            self.info(&format_args!("read: {}/config", Bytes(path)));
        }
        self.sender = self.config.remote.map(Sender::new);
        self.processor.wake();
    }

    /// Opens `current` if it is not open; gives its size if it was not. What a
    /// crash has left there becomes an old file.
    pub fn ensure_open(&mut self) -> Result<Option<u64>, (&'static str, Errno)> {
        if self.current.is_some() {
            return Ok(None);
        }
        let failed = |error| ("unable to open current", error);
        let mut fd = self.open_current().map_err(failed)?;
        let mut stat = fstat(&fd).map_err(failed)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(("unable to open current: no regular file", Errno::INVAL));
        }
        let marked_safe = Mode::from_raw_mode(stat.st_mode).contains(Mode::XUSR);
        if stat.st_size > 0 && !marked_safe {
            let name = self.next_name(Kind::Unprocessed);
            self.rename_current(name).map_err(|error| ("unable to rename current", error))?;
            fd = self.open_current().map_err(failed)?;
            stat = fstat(&fd).map_err(failed)?;
        }
        // Who may write but is not the owner may not set modes: as it is, then.
        let _ = fchmod(&fd, WRITTEN);
        let verb = if stat.st_size > 0 { "append" } else { "new" };
        self.info(&format_args!("{verb}: {}/current", Bytes(self.path.to_bytes())));
        self.rotate_at = self.config.age.map(|age| {
            let old = born(&fd).and_then(|born| clock::realtime().checked_sub(born));
            let old = if stat.st_size > 0 { old.unwrap_or_default() } else { Duration::ZERO };
            clock::monotonic() + age.saturating_sub(old)
        });
        self.current = Some(fd);
        Ok(Some(u64::try_from(stat.st_size).unwrap_or(0)))
    }

    fn open_current(&self) -> Result<OwnedFd, Errno> {
        let flags = OFlags::WRONLY
            | OFlags::APPEND
            | OFlags::CREATE
            | OFlags::NONBLOCK
            | OFlags::NOCTTY
            | OFlags::CLOEXEC;
        loop {
            match openat(&*self.dir, CURRENT, flags, Mode::from_raw_mode(0o600)) {
                Err(Errno::INTR) => {}
                Err(error) if is_full(error) && self.make_room() => {}
                other => return other,
            }
        }
    }

    /// Appends to `current`; see [`Target::write`](crate::feed::Target::write).
    pub fn write(&mut self, head: &[u8], tail: &[u8]) -> Result<usize, Errno> {
        loop {
            let Some(fd) = &self.current else { return Err(Errno::BADF) };
            let written = match (head, tail) {
                ([], bytes) | (bytes, []) => rustix::io::write(fd, bytes),
                _ => {
                    let parts = [head, tail].map(rustix::io::IoSlice::new);
                    rustix::io::writev(fd, &parts)
                }
            };
            match written {
                Ok(0) => return Err(Errno::IO),
                Err(Errno::INTR) => {}
                Err(error) if is_full(error) && self.make_room() => {}
                other => return other,
            }
        }
    }

    /// Rotates; `false` where that is not possible now and `current` stays.
    pub fn rotate(&mut self) -> bool {
        let result = self.try_rotate();
        match result {
            Ok(()) => self.rotation.clear(),
            Err((what, error)) => {
                if self.rotation.is_news(what, error) {
                    self.warn(what, None, error);
                }
            }
        }
        result.is_ok()
    }

    fn try_rotate(&mut self) -> Result<(), (&'static str, Errno)> {
        let Some(fd) = self.current.take() else { return Ok(()) };
        let result = self.put_away(&fd);
        if result.is_err() {
            self.current = Some(fd);
            return result;
        }
        self.processor.wake();
        self.delete_old();
        // If this fails the next write finds out, and waits.
        let _ = self.ensure_open();
        Ok(())
    }

    /// Makes `current`, open as `fd`, an old file.
    fn put_away(&mut self, fd: &OwnedFd) -> Result<(), (&'static str, Errno)> {
        sync(fd).map_err(|error| ("unable to fsync current logfile", error))?;
        // As on opening.
        let _ = fchmod(fd, SAFE);
        let kind = if self.config.processor.is_empty() { Kind::Safe } else { Kind::Unprocessed };
        let name = self.next_name(kind);
        match self.rename_current(name) {
            // Somebody took it away; what was in it is theirs.
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => {
                let _ = fchmod(fd, WRITTEN);
                Err(("unable to rename current", error))
            }
        }
    }

    /// Closes `current` for good, or to open it again.
    pub fn close(&mut self) {
        let Some(fd) = self.current.take() else { return };
        match sync(&fd) {
            Ok(()) => {
                // As on opening.
                let _ = fchmod(&fd, SAFE);
            }
            // Left as it is, it shows that it may not be safe.
            Err(error) => self.warn("unable to fsync current logfile", None, error),
        }
        self.info(&format_args!("close: {}", Bytes(self.path.to_bytes())));
    }

    fn next_name(&mut self, kind: Kind) -> Name {
        let moment = archive::next_moment(Tai64n::from_unix(clock::realtime()), self.newest);
        self.newest = Some(moment);
        Name::new(moment, kind)
    }

    fn rename_current(&self, name: Name) -> Result<(), Errno> {
        renameat(&*self.dir, CURRENT, &*self.dir, name.as_c_str())?;
        self.info(&format_args!("rename: {}/current {name}", Bytes(self.path.to_bytes())));
        Ok(())
    }

    /// Deletes the oldest files beyond the number to keep. What waits for the
    /// processor is not old yet.
    pub fn delete_old(&self) {
        if self.config.keep == 0 {
            return;
        }
        let mut names = match archive::list(&*self.dir) {
            Ok(names) => names,
            Err(error) => return self.warn("unable to read directory", None, error),
        };
        let waiting = !self.config.processor.is_empty();
        names.retain(|name| match name.kind() {
            Kind::Safe => true,
            Kind::Unprocessed => !waiting && !self.processor.works_on(*name),
            Kind::Transient => false,
        });
        for &name in &names[..excess(names.len(), self.config.keep)] {
            self.delete(name, "unable to unlink oldest logfile");
        }
    }

    /// On a full disk, deletes the oldest file if there are more than are to
    /// be kept then; whether it did.
    fn make_room(&self) -> bool {
        if self.config.keep_when_full == 0 {
            return false;
        }
        let Ok(mut names) = archive::list(&*self.dir) else { return false };
        names.retain(|name| name.kind() != Kind::Transient && !self.processor.works_on(*name));
        if excess(names.len(), self.config.keep_when_full) == 0 {
            return false;
        }
        let path = Bytes(self.path.to_bytes());
        report::warning(&format_args!("out of disk space, delete: {path}/{}", names[0]));
        self.delete(names[0], "unable to unlink oldest logfile")
    }

    fn delete(&self, name: Name, what: &'static str) -> bool {
        self.info(&format_args!("delete: {}/{name}", Bytes(self.path.to_bytes())));
        match unlinkat(&*self.dir, name.as_c_str(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => true,
            Err(error) => {
                self.warn(what, Some(&name), error);
                false
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn warn(&self, what: &str, name: Option<&dyn core::fmt::Display>, error: Errno) {
        report::warning(&Trouble { what, dir: self.path.to_bytes(), name, error });
    }

    #[cold]
    #[inline(never)]
    fn info(&self, sentence: &dyn core::fmt::Display) {
        report::info(self.verbose, sentence);
    }
}

/// Whether deleting files may help.
fn is_full(error: Errno) -> bool {
    matches!(error, Errno::NOSPC | Errno::DQUOT)
}

/// Puts a file's content safely on disk, where the file system knows how to.
pub fn sync(fd: impl AsFd) -> Result<(), Errno> {
    loop {
        match fsync(&fd) {
            Err(Errno::INTR) => {}
            Err(Errno::INVAL | Errno::ROFS | Errno::NOSYS) => return Ok(()),
            other => return other,
        }
    }
}

/// When a file was made, if the file system knows.
fn born(fd: impl AsFd) -> Option<Duration> {
    let data = statx(fd, c"", AtFlags::EMPTY_PATH, StatxFlags::BTIME).ok()?;
    let known = StatxFlags::from_bits_retain(data.stx_mask).contains(StatxFlags::BTIME);
    let seconds = u64::try_from(data.stx_btime.tv_sec).ok().filter(|_| known)?;
    Some(Duration::new(seconds, data.stx_btime.tv_nsec.min(999_999_999)))
}

fn read_file(dir: impl AsFd, name: &CStr) -> Result<Vec<u8>, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = openat(dir, name, flags, Mode::empty())?;
    let mut text = Vec::new();
    let mut part = [0; 512];
    loop {
        match rustix::io::read(&fd, &mut part) {
            Ok(0) => return Ok(text),
            Ok(count) => text.extend_from_slice(&part[..count]),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}
