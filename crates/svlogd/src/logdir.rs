//! One log directory: its lock, `current`, and what becomes of old files.

use core::ffi::CStr;

use alloc::rc::Rc;
use alloc::vec::Vec;

use crate::rotate::excess;
use runit_core::tai::Tai64n;
use runit_rt::clock;
use runit_rt::strings::decimal;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    AtFlags, FileType, FlockOperation, Mode, OFlags, Stat, StatxFlags, fchmod, flock, fstat, fsync,
    openat, renameat, statx, unlinkat,
};
use rustix::io::Errno;

use crate::archive::{self, Kind, Name};
use crate::config::Config;
use crate::moment::Moment;
use crate::processor::Processor;
use crate::report::{self, Fault, Level, Once, What};
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
    /// When `current` is to be rotated for its age.
    pub rotate_at: Moment,
    /// What was said of failed rotation.
    rotation: Once,
    verbose: bool,
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
    pub fn open(path: &'a CStr, verbose: bool) -> Result<Self, Fault> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let unusable = |error| What::OpenDirectory.because(error);
        let dir = rustix::fs::open(path, flags, Mode::empty()).map_err(unusable)?;
        let identity = identity_of(&fstat(&dir).map_err(unusable)?);
        let unlockable = |error| What::LockDirectory.because(error);
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
            newest: names.iter().map(|name| name.moment()).max(),
            config: Rc::default(),
            sender: None,
            rotate_at: Moment::NEVER,
            rotation: Once::default(),
            verbose,
        };
        // What a processor had made when it was ended with its svlogd.
        for name in names.iter().filter(|name| name.kind() == Kind::Transient) {
            log.delete(name, What::DeleteLeftover);
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
            Err(error) => return self.warn(What::ReadConfig.because(error), b""),
        };
        let path = self.path.to_bytes();
        let config = Config::parse(&text, &mut |line, fault| {
            let (what, value) = fault.text();
            let (line, mut digits) = (line as u64, [0; 20]);
            let line = decimal(line, &mut digits);
            let place = b"/config: line ";
            report::say(Level::Warning, &[path, place, line, b": ", what.as_bytes(), value]);
        });
        self.config = Rc::new(config);
        if !text.is_empty() {
            self.info(&[b"read: ", path, b"/config"]);
        }
        self.sender = self.config.remote.map(Sender::new);
        self.processor.wake();
    }

    /// Opens `current` if it is not open; gives its size if it was not. What a
    /// crash has left there becomes an old file.
    pub fn ensure_open(&mut self) -> Result<Option<u64>, Fault> {
        if self.current.is_some() {
            return Ok(None);
        }
        let failed = |error| What::OpenCurrent.because(error);
        let mut fd = self.open_current().map_err(failed)?;
        let mut stat = fstat(&fd).map_err(failed)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(failed(Errno::INVAL));
        }
        let marked_safe = Mode::from_raw_mode(stat.st_mode).contains(Mode::XUSR);
        if stat.st_size > 0 && !marked_safe {
            let name = self.next_name(Kind::Unprocessed);
            self.rename_current(&name).map_err(|error| What::RenameCurrent.because(error))?;
            fd = self.open_current().map_err(failed)?;
            stat = fstat(&fd).map_err(failed)?;
        }
        // Who may write but is not the owner may not set modes: as it is, then.
        let _ = fchmod(&fd, WRITTEN);
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let verb: &[u8] = if size > 0 { b"append: " } else { b"new: " };
        self.info(&[verb, self.path.to_bytes(), b"/current"]);
        self.rotate_at = match self.config.age {
            0 => Moment::NEVER,
            age => {
                // The age counts from when the file was made, if it has a line.
                let born = if size > 0 { born(&fd) } else { None };
                let old = born.map_or(0, |born| clock::realtime().as_secs().saturating_sub(born));
                Moment::now().after(age.saturating_sub(old).saturating_mul(1000))
            }
        };
        self.current = Some(fd);
        Ok(Some(size))
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

    /// Appends to `current`; see [`Target::write`](crate::target::Target::write).
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
        let Some(fd) = self.current.take() else { return true };
        if let Err(fault) = self.put_away(&fd) {
            self.current = Some(fd);
            if self.rotation.is_news(fault) {
                self.warn(fault, b"");
            }
            return false;
        }
        self.rotation.clear();
        self.processor.wake();
        self.delete_old();
        // If this fails the next write finds out, and waits.
        let _ = self.ensure_open();
        true
    }

    /// Makes `current`, open as `fd`, an old file.
    fn put_away(&mut self, fd: &OwnedFd) -> Result<(), Fault> {
        sync(fd).map_err(|error| What::SyncCurrent.because(error))?;
        // As on opening.
        let _ = fchmod(fd, SAFE);
        let waits = !self.config.processor.is_empty();
        let name = self.next_name(if waits { Kind::Unprocessed } else { Kind::Safe });
        match self.rename_current(&name) {
            // Somebody took it away; what was in it is theirs.
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => {
                let _ = fchmod(fd, WRITTEN);
                Err(What::RenameCurrent.because(error))
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
            Err(error) => self.warn(What::SyncCurrent.because(error), b""),
        }
        self.info(&[b"close: ", self.path.to_bytes()]);
    }

    fn next_name(&mut self, kind: Kind) -> Name {
        let moment = archive::next_moment(Tai64n::from_unix(clock::realtime()), self.newest);
        self.newest = Some(moment);
        Name::new(moment, kind)
    }

    fn rename_current(&self, name: &Name) -> Result<(), Errno> {
        renameat(&*self.dir, CURRENT, &*self.dir, name.as_c_str())?;
        self.info(&[b"rename: ", self.path.to_bytes(), b"/current ", name.as_bytes()]);
        Ok(())
    }

    /// Deletes the oldest files beyond the number to keep. What waits for the
    /// processor is not old yet.
    pub fn delete_old(&self) {
        let keep = self.config.keep;
        if keep == 0 {
            return;
        }
        let waiting = !self.config.processor.is_empty();
        let counts = |name: &Name| match name.kind() {
            Kind::Safe => true,
            Kind::Unprocessed => !waiting && !self.processor.works_on(*name),
            Kind::Transient => false,
        };
        match self.delete_oldest(keep, usize::MAX, &counts) {
            Ok(_) => {}
            Err(error) => self.warn(What::ReadDirectory.because(error), b""),
        }
    }

    /// On a full disk, deletes the oldest file if there are more than are to
    /// be kept then; whether it did.
    fn make_room(&self) -> bool {
        let keep = self.config.keep_when_full;
        let counts =
            |name: &Name| name.kind() != Kind::Transient && !self.processor.works_on(*name);
        keep > 0 && self.delete_oldest(keep, 1, &counts) == Ok(1)
    }

    /// Deletes the oldest of the files that count until no more than `keep`
    /// are left, at most so many; gives how many it were.
    fn delete_oldest(
        &self,
        keep: usize,
        most: usize,
        counts: &dyn Fn(&Name) -> bool,
    ) -> Result<usize, Errno> {
        let mut names = archive::list(&*self.dir)?;
        names.retain(counts);
        let mut deleted = 0;
        for _ in 0..excess(names.len(), keep).min(most) {
            let Some(oldest) = archive::oldest(&names) else { break };
            let name = names.swap_remove(oldest);
            if most == 1 {
                let (path, name) = (self.path.to_bytes(), name.as_bytes());
                let what = b"out of disk space, delete: ";
                report::say(Level::Warning, &[what, path, b"/", name]);
            }
            deleted += usize::from(self.delete(&name, What::DeleteOldest));
        }
        Ok(deleted)
    }

    fn delete(&self, name: &Name, what: What) -> bool {
        self.info(&[b"delete: ", self.path.to_bytes(), b"/", name.as_bytes()]);
        match unlinkat(&*self.dir, name.as_c_str(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => true,
            Err(error) => {
                self.warn(what.because(error), name.as_bytes());
                false
            }
        }
    }

    fn warn(&self, fault: Fault, file: &[u8]) {
        report::fault(Level::Warning, fault, self.path, file);
    }

    fn info(&self, pieces: &[&[u8]]) {
        if self.verbose {
            report::say(Level::Info, pieces);
        }
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

/// When a file was made, in seconds since 1970, if the file system knows.
fn born(fd: impl AsFd) -> Option<u64> {
    let data = statx(fd, c"", AtFlags::EMPTY_PATH, StatxFlags::BTIME).ok()?;
    let known = StatxFlags::from_bits_retain(data.stx_mask).contains(StatxFlags::BTIME);
    u64::try_from(data.stx_btime.tv_sec).ok().filter(|_| known)
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
