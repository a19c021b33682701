//! Hearing of a supervisor's doings by inotify, whichever suite it is from.
//!
//! Every supervisor renames a new `status` into place, so that a watch on
//! `supervise/` tells of each change; and when it ends, the reading end of
//! `ok` is closed, of which a watch on that file tells.

use alloc::vec::Vec;
use core::mem::MaybeUninit;

use runit_core::layout::SERVICE;
use rustix::fd::OwnedFd;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::fs::statfs;
use rustix::io::Errno;

use crate::place::Place;

/// Room for many events at once; one has at most 16 bytes and a file name.
const BUFFER: usize = 4096;

/// File systems on which others may change files without the kernel here
/// hearing of it (linux/magic.h): 9P, AFS, Ceph, CIFS, Coda, FUSE, NFS, SMB.
const NOT_ALL_HEARD: [u32; 9] = [
    0x0102_1997,
    0x5346_414f,
    0x00c3_6400,
    0xff53_4d42,
    0x7375_7245,
    0x6573_5546,
    0x0000_6969,
    0x0000_517b,
    0xfe53_4d42,
];

/// What happened to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Its status may be another.
    Status,
    /// Its supervisor has closed `ok`, or is just about to.
    Closed,
    /// It is not watched any more.
    Lost,
}

/// Watches on services, which go by numbers.
pub struct Watches {
    inotify: Option<OwnedFd>,
    /// Watch descriptors in ascending order, and whose they are. Two services
    /// in one directory share theirs.
    owners: Vec<(i32, usize)>,
}

impl Watches {
    /// None yet. Where inotify is not to be had, none ever.
    pub fn new() -> Self {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok();
        Self { inotify, owners: Vec::new() }
    }

    /// Watches the service in `place` as number `service`. Says whether every
    /// change will be heard of.
    pub fn add(&mut self, place: &mut Place<'_>, service: usize) -> bool {
        let Some(inotify) = &self.inotify else {
            return false;
        };
        let supervise = place.at(SERVICE.supervise);
        let remote = statfs(supervise).is_ok_and(|fs| is_remote(fs.f_type));
        let changes = WatchFlags::MOVED_TO | WatchFlags::DELETE | WatchFlags::DELETE_SELF;
        let Ok(directory) = inotify::add_watch(inotify, supervise, changes) else {
            return false;
        };
        let closing = WatchFlags::CLOSE_NOWRITE | WatchFlags::DELETE_SELF;
        let Ok(ok) = inotify::add_watch(inotify, place.at(SERVICE.ok), closing) else {
            return false;
        };
        for watch in [directory, ok] {
            let at = self.owners.partition_point(|&owner| owner < (watch, service));
            self.owners.insert(at, (watch, service));
        }
        !remote
    }

    /// What can be polled for input, if anything can.
    pub fn source(&self) -> Option<&OwnedFd> {
        self.inotify.as_ref()
    }

    /// Tells `hear` what happened to which service since the last time.
    pub fn read(&mut self, mut hear: impl FnMut(usize, News)) {
        let Some(inotify) = &self.inotify else {
            return;
        };
        let mut buffer = [MaybeUninit::<u8>::uninit(); BUFFER];
        let mut events = inotify::Reader::new(inotify, &mut buffer);
        loop {
            let event = match events.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                // Nothing more for now.
                Err(_) => return,
            };
            let flags = event.events();
            let overflow = flags.contains(ReadFlags::QUEUE_OVERFLOW);
            let news = if flags.contains(ReadFlags::IGNORED) {
                News::Lost
            } else if flags.contains(ReadFlags::CLOSE_NOWRITE) {
                News::Closed
            } else if flags.contains(ReadFlags::MOVED_TO) && event.file_name() != Some(c"status") {
                // The other files that change with it.
                continue;
            } else {
                News::Status
            };
            let watch = event.wd();
            let first = if overflow { 0 } else { self.owners.partition_point(|o| o.0 < watch) };
            for &(owned, service) in self.owners.iter().skip(first) {
                if !overflow && owned != watch {
                    break;
                }
                hear(service, news);
            }
        }
    }
}

/// Whether a file system of this type is one of [`NOT_ALL_HEARD`]. The type's
/// width and sign differ from one processor to the next; magic numbers have
/// 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "only the low 32 bits mean anything")]
#[expect(clippy::cast_sign_loss, reason = "as above")]
fn is_remote(kind: impl Into<i64>) -> bool {
    NOT_ALL_HEARD.contains(&(kind.into() as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_file_systems_are_known_with_either_sign() {
        assert!(is_remote(0x6969_i64));
        assert!(is_remote(0xff53_4d42_i64));
        assert!(is_remote(-0x00ac_b2be_i32));
        // ext4, overlayfs, tmpfs
        assert!([0xef53_i64, 0x794c_7630, 0x0102_1994].into_iter().all(|kind| !is_remote(kind)));
    }
}
