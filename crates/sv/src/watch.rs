//! Hearing of a supervisor's doings by inotify, whichever suite it is from.
//!
//! Every supervisor renames a new `status` into place, so that a watch on
//! `supervise/` tells of each change; and when it ends, the reading end of
//! `ok` is closed, of which a watch on that file tells.

use core::ffi::CStr;

use rustix::fd::OwnedFd;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::statfs;

use crate::place::{Place, SERVICE, SUPERVISE};

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

/// What an event says: of a file moved in, of a reader gone, of the watch's end.
const IN_MOVED_TO: u32 = 0x80;
const IN_CLOSE_NOWRITE: u32 = 0x10;
const IN_IGNORED: u32 = 0x8000;

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

/// Watches on services.
pub struct Watches(Option<OwnedFd>);

/// The numbers of a service's watches: on `supervise/` and on `ok`.
pub type Watched = [i32; 2];

/// The numbers of no watches.
pub const UNWATCHED: Watched = [0; 2];

impl Watches {
    /// None yet. Where inotify is not to be had, none ever.
    pub fn none() -> Self {
        Self(inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok())
    }

    /// Watches the service in `place`, if every change will be heard of.
    #[inline(never)]
    pub fn add(&mut self, place: &mut Place<'_>) -> Watched {
        let changes = WatchFlags::MOVED_TO | WatchFlags::DELETE | WatchFlags::DELETE_SELF;
        let closing = WatchFlags::CLOSE_NOWRITE | WatchFlags::DELETE_SELF;
        let watched =
            [self.watch(place.at(SUPERVISE), changes), self.watch(place.at(SERVICE.ok), closing)];
        let is_heard = !watched.contains(&0) && !is_remote(place.at(SUPERVISE));
        if is_heard { watched } else { UNWATCHED }
    }

    #[inline(never)]
    fn watch(&mut self, path: &CStr, events: WatchFlags) -> i32 {
        let watch = self.0.as_ref().map(|inotify| inotify::add_watch(inotify, path, events));
        // The kernel counts from 1.
        watch.and_then(Result::ok).unwrap_or(0)
    }

    /// What can be polled for input, if anything can.
    pub fn source(&self) -> Option<&OwnedFd> {
        self.0.as_ref()
    }

    /// Tells `hear` what happened since the last time to the service that has
    /// this watch; what the kernel had no room for, to all, and -1.
    #[inline(never)]
    pub fn read(&mut self, hear: &mut dyn FnMut(i32, News)) {
        let Some(inotify) = &self.0 else {
            return;
        };
        let mut buffer = [0; BUFFER];
        // An error: nothing more for now.
        while let Ok(length) = rustix::io::read(inotify, &mut buffer) {
            let mut rest = buffer.get(..length).unwrap_or_default();
            while let Some((watch, flags, name, behind)) = event(rest) {
                rest = behind;
                if flags & IN_MOVED_TO != 0 && !name.starts_with(b"status\0") {
                    // The other files that change with it.
                    continue;
                }
                hear(
                    watch,
                    match flags & (IN_IGNORED | IN_CLOSE_NOWRITE) {
                        0 => News::Status,
                        IN_CLOSE_NOWRITE => News::Closed,
                        _ => News::Lost,
                    },
                );
            }
        }
    }
}

/// Takes an event (inotify(7)) from the front: the watch, what happened, the
/// name of the file, ended by NUL, and what follows.
fn event(bytes: &[u8]) -> Option<(i32, u32, &[u8], &[u8])> {
    let (watch, rest) = bytes.split_first_chunk()?;
    let (flags, rest) = rest.split_first_chunk()?;
    let (_, rest) = rest.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_ne_bytes(*length)).ok()?;
    let (name, behind) = rest.split_at_checked(length)?;
    Some((i32::from_ne_bytes(*watch), u32::from_ne_bytes(*flags), name, behind))
}

/// Whether a file's file system is one of [`NOT_ALL_HEARD`].
#[inline(never)]
fn is_remote(path: &CStr) -> bool {
    statfs(path).is_ok_and(|fs| is_not_all_heard(fs.f_type))
}

/// Whether this is the type of such a file system. A type's width and sign
/// differ from one processor to the next; magic numbers have 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "only the low 32 bits mean anything")]
#[expect(clippy::cast_sign_loss, reason = "as above")]
fn is_not_all_heard(kind: impl Into<i64>) -> bool {
    NOT_ALL_HEARD.contains(&(kind.into() as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_taken_one_by_one() {
        let mut bytes = std::vec::Vec::new();
        for (watch, flags, name) in [(1_i32, 0x80_u32, &b"status\0\0"[..]), (-1, 0x4000, b"")] {
            bytes.extend_from_slice(&watch.to_ne_bytes());
            bytes.extend_from_slice(&flags.to_ne_bytes());
            bytes.extend_from_slice(&[0; 4]);
            bytes.extend_from_slice(&u32::try_from(name.len()).unwrap().to_ne_bytes());
            bytes.extend_from_slice(name);
        }
        let (watch, flags, name, rest) = event(&bytes).unwrap();
        assert_eq!((watch, flags, name), (1, IN_MOVED_TO, &b"status\0\0"[..]));
        assert_eq!(event(rest), Some((-1, 0x4000, &b""[..], &b""[..])));
        // What is cut off is none.
        for length in 0..24 {
            assert_eq!(event(&bytes[..length]), None);
        }
    }

    #[test]
    fn remote_file_systems_are_known_with_either_sign() {
        assert!(is_not_all_heard(0x6969_i64));
        assert!(is_not_all_heard(0xff53_4d42_i64));
        assert!(is_not_all_heard(-0x00ac_b2be_i32));
        // ext4, overlayfs, tmpfs
        assert!(
            [0xef53_i64, 0x794c_7630, 0x0102_1994].into_iter().all(|kind| !is_not_all_heard(kind))
        );
    }
}
