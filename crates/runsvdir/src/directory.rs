//! The directory of services as the file system shows it.

use core::ffi::CStr;
use core::mem::MaybeUninit;
use core::time::Duration;

use runit_core::tai::Tai64n;
use runit_rt::Errno;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, RawDir, Stat};

use crate::message::Trouble;
use crate::plan::{Id, Plan, Seen};
use crate::watch::is_hidden;

/// Room for a piece of a directory's content.
const CONTENT: usize = 8192;

/// How fresh a modification time must be to be distrusted: another change may
/// follow that leaves it the same, as file systems count in up to two seconds.
const COARSE: Duration = Duration::from_secs(2);

/// The names of the file that tells of a rescan, and of its preparation.
const LABEL: [&CStr; 2] = [c".forced-rescan", c".forced-rescan.new"];

/// When a directory's content changed last: seconds and nanoseconds of
/// modification and status change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp([(i64, u64); 2]);

impl Stamp {
    fn of(stat: &Stat) -> Self {
        /// The type of nanoseconds differs between processors.
        fn wide(nanoseconds: impl Into<u64>) -> u64 {
            nanoseconds.into()
        }
        Self([(stat.st_mtime, wide(stat.st_mtime_nsec)), (stat.st_ctime, wide(stat.st_ctime_nsec))])
    }

    /// Whether every change after a look at the time `looked` (since 1970)
    /// gives another stamp than this.
    pub fn is_settled(&self, looked: Duration) -> bool {
        let looked = i64::try_from(looked.as_secs()).unwrap_or(i64::MAX);
        let [(modified, _), _] = self.0;
        modified.abs_diff(looked) > COARSE.as_secs()
    }
}

/// The directory, opened for a moment: kept open, it would keep its file
/// system from being unmounted.
pub struct Directory {
    fd: OwnedFd,
    /// What it is.
    pub id: Id,
    /// When it changed.
    pub stamp: Stamp,
}

impl Directory {
    /// Opens the directory that `path` leads to now.
    pub fn open(path: &CStr) -> Result<Self, Trouble> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = fs::open(path, flags, Mode::empty()).map_err(|error| match fs::stat(path) {
            Err(error) => Trouble::Stat(error),
            Ok(_) if error == Errno::NOTDIR => Trouble::Enter(error),
            Ok(_) => Trouble::Open(error),
        })?;
        let stat = fs::fstat(&fd).map_err(Trouble::Stat)?;
        Ok(Self { fd, id: id_of(&stat), stamp: Stamp::of(&stat) })
    }

    /// What `name` leads to.
    pub fn look(&self, name: &CStr) -> Seen {
        match fs::statat(&self.fd, name, AtFlags::empty()) {
            Ok(stat) if is(&stat, FileType::Directory) => Seen::Directory(id_of(&stat)),
            Ok(_) => Seen::Other,
            Err(error @ (Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) => {
                match fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Err(Errno::NOENT) => Seen::Gone,
                    _ => Seen::Dangling(error),
                }
            }
            Err(error) => Seen::Unknown(error),
        }
    }

    /// Shows `plan` every name; what cannot be followed goes to `report`. If
    /// the directory cannot be read to its end, services that were not seen
    /// stay.
    pub fn scan(
        &self,
        plan: &mut Plan,
        now: Duration,
        mut report: impl FnMut(&CStr, Errno),
    ) -> Result<(), Trouble> {
        let mut buffer = [MaybeUninit::uninit(); CONTENT];
        let mut content = RawDir::new(&self.fd, &mut buffer);
        plan.begin_scan();
        let result = loop {
            let entry = match content.next() {
                None => break Ok(()),
                Some(Err(Errno::INTR)) => continue,
                Some(Err(error)) => break Err(Trouble::Read(error)),
                Some(Ok(entry)) => entry,
            };
            let name = entry.file_name();
            let may_be_service = matches!(
                entry.file_type(),
                FileType::Directory | FileType::Symlink | FileType::Unknown
            );
            if !may_be_service || is_hidden(name) {
                continue;
            }
            if let Some(error) = plan.see(name, self.look(name), now) {
                report(name, error);
            }
        };
        plan.end_scan(result.is_ok(), now);
        result
    }

    /// Replaces `.forced-rescan` by the label of `time`, whole. An error comes
    /// with what failed.
    pub fn write_label(&self, time: Duration) -> Result<(), (&'static str, Errno)> {
        let [name, new] = LABEL;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o644);
        let file = fs::openat(&self.fd, new, flags, mode).map_err(|e| ("failed to open ", e))?;
        let label = Tai64n::from_unix(time).label();
        let written = match rustix::io::retry_on_intr(|| rustix::io::write(&file, &label)) {
            Ok(n) if n == label.len() => fs::renameat(&self.fd, new, &self.fd, name),
            Ok(_) => Err(Errno::NOSPC),
            Err(error) => Err(error),
        };
        written.map_err(|error| {
            // Nothing half-made stays; if even this fails, the next one does it.
            let _ = fs::unlinkat(&self.fd, new, AtFlags::empty());
            ("failed to write ", error)
        })
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// What makes a file the same under any name.
pub fn id_of(stat: &Stat) -> Id {
    Id { device: stat.st_dev, inode: stat.st_ino }
}

/// Whether a file is of a type.
pub fn is(stat: &Stat, file_type: FileType) -> bool {
    FileType::from_raw_mode(stat.st_mode) == file_type
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_stamp_is_not_settled() {
        let stamp = Stamp([(1000, 0), (1000, 0)]);
        for (looked, settled) in
            [(0, true), (997, true), (998, false), (1000, false), (1002, false), (1003, true)]
        {
            assert_eq!(stamp.is_settled(Duration::from_secs(looked)), settled, "{looked}");
        }
    }
}
