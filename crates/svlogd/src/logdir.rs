//! One log directory: its lock, `current`, and what becomes of old files.

use core::ffi::CStr;

use runit_core::tai::Tai64n;
use runit_rt::clock;
use runit_rt::strings::decimal;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    AtFlags, FileType, FlockOperation, Mode, OFlags, Stat, StatxFlags, fchmod, flock, fstat, fsync,
    renameat, statx, unlinkat,
};
use rustix::io::{Errno, IoSlice, write, writev};

use crate::archive::{self, Kind, Name};
use crate::config::{Config, Fault as ConfigFault, Keep, Text};
use crate::moment::Moment;
use crate::opening::{is_foreign, is_trusted, open};
use crate::processor::Processor;
use crate::report::{self, Fault, Level, Once, What};
use crate::rotate::is_excess;

const CURRENT: &CStr = c"current";
const LOCK: &CStr = c"lock";
const CONFIG: &CStr = c"config";

/// The most bytes of `config`, which all are held in memory.
const LONGEST_CONFIG: usize = 16 << 20;

/// `current` while it is written.
const WRITTEN: Mode = Mode::from_raw_mode(0o644);
/// `current` and old files once they are safely on disk.
pub const SAFE: Mode = Mode::from_raw_mode(0o744);

/// Which directory it is, whatever its name.
pub type Identity = (u64, u64);

/// See the module.
pub struct LogDir<'a> {
    path: &'a CStr,
    dir: OwnedFd,
    identity: Identity,
    _lock: OwnedFd,
    current: Option<OwnedFd>,
    /// The latest old file.
    newest: Tai64n,
    /// How many old files are kept.
    pub keep: Keep,
    /// The age in seconds at which `current` is rotated; 0 for none.
    pub age: u64,
    /// Whether old files are processed.
    pub processing: bool,
    /// What works on its old files.
    pub processor: Processor,
    /// When `current` is to be rotated for its age.
    pub rotate_at: Moment,
    /// What was said of failed rotation.
    rotation: Once,
    verbose: bool,
}

#[expect(clippy::unnecessary_cast, reason = "the fields have other types elsewhere")]
fn identity_of(stat: &Stat) -> Identity {
    (stat.st_dev as u64, stat.st_ino as u64)
}

impl<'a> LogDir<'a> {
    /// Opens and locks the directory. `current` is not yet open.
    pub fn open(path: &'a CStr, verbose: bool) -> Result<Self, Fault> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let unusable = |error| What::OpenDirectory.because(error);
        let dir = rustix::fs::open(path, flags, Mode::empty()).map_err(unusable)?;
        let identity = identity_of(&fstat(&dir).map_err(unusable)?);
        let lock = open(&dir, LOCK, OFlags::WRONLY | OFlags::CREATE, 0o600)
            .and_then(|lock| {
                flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
                Ok(lock)
            })
            .map_err(|error| What::LockDirectory.because(error))?;
        let mut newest = Tai64n::default();
        archive::scan(&dir, &mut |name| newest = newest.max(name.moment)).map_err(unusable)?;
        let log = Self {
            path,
            dir,
            identity,
            _lock: lock,
            current: None,
            newest,
            keep: Keep { number: 0, when_full: 0 },
            age: 0,
            processing: false,
            processor: Processor::default(),
            rotate_at: Moment::NEVER,
            rotation: Once::default(),
            verbose,
        };
        // What a processor had made when it was ended with its svlogd.
        while let Ok((_, Some(name))) =
            archive::oldest(&log.dir, &|name| name.kind == Kind::Transient)
        {
            if !log.delete(name, What::DeleteLeftover) {
                break;
            }
        }
        Ok(log)
    }

    /// The directory as it was given.
    pub fn path(&self) -> &'a CStr {
        self.path
    }

    /// The directory.
    pub fn fd(&self) -> &OwnedFd {
        &self.dir
    }

    /// Whether it still has its path. If that cannot be looked at now, it has not gone for that.
    pub fn is_there(&self) -> bool {
        match rustix::fs::stat(self.path) {
            Ok(stat) => identity_of(&stat) == self.identity,
            Err(error) => error != Errno::NOENT,
        }
    }

    /// Reads the configuration; where that is not possible, says so, and leaves
    /// it as it is.
    pub fn read_config(&mut self, config: &mut Config) {
        match self.load_config() {
            Ok((text, length, trusted)) => {
                let path = self.path.to_bytes();
                config.follow_all(text, length, &mut |line, ConfigFault(what, value)| {
                    let mut digits = [0; 20];
                    let line = decimal(line, &mut digits);
                    let said = "%/config: line %: %%";
                    report::say(Level::Warning, said, &[path, line, what.as_bytes(), value]);
                });
                if length > 0 {
                    self.note("read: %/%", b"config");
                }
                if !trusted && config.forget_processor() {
                    let said = "%/config: the processor of another user is not run";
                    report::say(Level::Warning, said, &[path]);
                }
            }
            Err(error) => self.warn(What::ReadConfig.because(error), b""),
        }
        self.keep = config.keep;
        self.age = config.age;
        self.processing = config.processor().is_some();
        self.processor.wake();
    }

    /// The text of the configuration, as [`Config::follow_all`] wants it, and
    /// whether root or we have written it.
    fn load_config(&self) -> Result<(Text, usize, bool), Errno> {
        let fd = match open(&self.dir, CONFIG, OFlags::RDONLY, 0) {
            // As if it were empty.
            Err(Errno::NOENT) => return Ok((Text::new(0)?, 0, true)),
            other => other?,
        };
        let stat = fstat(&fd)?;
        let trusted = is_trusted(stat.st_uid) || !is_foreign(&self.dir)?;
        let size = usize::try_from(stat.st_size).unwrap_or(0);
        if size > LONGEST_CONFIG {
            return Err(Errno::FBIG);
        }
        let mut text = Text::new(size)?;
        let mut room = text.store().get_mut(..size).unwrap_or_default();
        loop {
            match rustix::io::read(&fd, &mut *room) {
                Ok(0) => break,
                Ok(count) => room = room.get_mut(count..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        let left = room.len();
        Ok((text, size - left, trusted))
    }

    /// Opens `current` if it is not open; gives its size if it was not. What a
    /// crash has left there becomes an old file.
    pub fn ensure_open(&mut self) -> Result<Option<u64>, Fault> {
        if self.current.is_some() {
            return Ok(None);
        }
        let (mut fd, mut stat) = self.open_current()?;
        let safe = Mode::from_raw_mode(stat.st_mode).contains(Mode::XUSR);
        if stat.st_size > 0 && !safe {
            let name = self.next_name(Kind::Unprocessed);
            self.rename_current(name).map_err(|error| What::RenameCurrent.because(error))?;
            (fd, stat) = self.open_current()?;
        }
        // Who may write but is not the owner may not set modes: as it is, then.
        let _ = fchmod(&fd, WRITTEN);
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        self.note(if size > 0 { "append: %/%" } else { "new: %/%" }, b"current");
        self.rotate_at = match self.age {
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

    fn open_current(&self) -> Result<(OwnedFd, Stat), Fault> {
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE;
        let opened = loop {
            match open(&self.dir, CURRENT, flags, 0o600) {
                Err(error) if is_full(error) && self.make_room() => {}
                other => break other,
            }
        };
        let usable = opened.and_then(|fd| {
            let stat = fstat(&fd)?;
            let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
            if is_file { Ok((fd, stat)) } else { Err(Errno::INVAL) }
        });
        usable.map_err(|error| What::OpenCurrent.because(error))
    }

    /// Appends to `current`; see [`Target::write`](crate::target::Target::write).
    pub fn write(&mut self, head: &[u8], tail: &[u8]) -> Result<usize, Errno> {
        loop {
            let Some(fd) = &self.current else { return Err(Errno::BADF) };
            let written = match (head, tail) {
                ([], bytes) | (bytes, []) => write(fd, bytes),
                _ => writev(fd, &[IoSlice::new(head), IoSlice::new(tail)]),
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
        let name = self.next_name(if self.processing { Kind::Unprocessed } else { Kind::Safe });
        match self.rename_current(name) {
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
        self.note("close: %", b"");
    }

    fn next_name(&mut self, kind: Kind) -> Name {
        let now = Tai64n::from_unix(clock::realtime());
        self.newest = archive::next_moment(now, self.newest);
        Name { moment: self.newest, kind }
    }

    fn rename_current(&self, name: Name) -> Result<(), Errno> {
        let name = name.text();
        renameat(&self.dir, CURRENT, &self.dir, name.as_c_str())?;
        self.note("rename: %/current %", name.as_bytes());
        Ok(())
    }

    /// Deletes the oldest files beyond the number to keep. What waits for the
    /// processor is not old yet.
    pub fn delete_old(&self) {
        let counts = |name: Name| match name.kind {
            Kind::Safe => true,
            Kind::Unprocessed => !self.processing && !self.processor.works_on(name),
            Kind::Transient => false,
        };
        if self.keep.number == 0 {
            return;
        }
        loop {
            match archive::oldest(&self.dir, &counts) {
                Ok((count, Some(name))) if is_excess(count, self.keep.number) => {
                    let deleted = self.delete(name, What::DeleteOldest);
                    if !deleted || !is_excess(count - 1, self.keep.number) {
                        return;
                    }
                }
                Ok(_) => return,
                Err(error) => return self.warn(What::ReadDirectory.because(error), b""),
            }
        }
    }

    /// On a full disk, deletes the oldest file if there are more than are to
    /// be kept then; whether it did.
    fn make_room(&self) -> bool {
        let counts = |name: Name| name.kind != Kind::Transient && !self.processor.works_on(name);
        match archive::oldest(&self.dir, &counts) {
            Ok((count, Some(name))) if is_excess(count, self.keep.when_full) => {
                let (path, text) = (self.path.to_bytes(), name.text());
                let said = "out of disk space, delete: %/%";
                report::say(Level::Warning, said, &[path, text.as_bytes()]);
                self.delete(name, What::DeleteOldest)
            }
            _ => false,
        }
    }

    fn delete(&self, name: Name, what: What) -> bool {
        let name = name.text();
        self.note("delete: %/%", name.as_bytes());
        match unlinkat(&self.dir, name.as_c_str(), AtFlags::empty()) {
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

    /// Says what is done, if that is wanted: of the directory, the first `%` of
    /// `said`, and of a file, the second one.
    #[inline(never)]
    pub fn note(&self, said: &'static str, file: &[u8]) {
        if self.verbose {
            report::say(Level::Info, said, &[self.path.to_bytes(), file]);
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
