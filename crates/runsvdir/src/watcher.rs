//! Watching by inotify what [`watch`](crate::watch) says, and knowing when
//! that will not do.

use alloc::vec::Vec;
use core::ffi::CStr;
use core::mem::MaybeUninit;

use runit_rt::Errno;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::inotify::{self, CreateFlags, Reader};
use rustix::fs::{self, FileType, Mode, OFlags};

use crate::directory::{id_of, is};
use crate::watch::{Changes, Look, Way};

/// How often a way is walked again that changes while it is walked.
const ATTEMPTS: usize = 3;

/// How many events are taken at once before others have their turn.
const EVENTS: usize = 4096;

/// Room for some events; the longest name has 255 bytes.
const BUFFER: usize = 4096;

/// The longest path that the kernel takes, with its NUL.
const PATH_MAX: usize = 4096;

/// Where the kernel tells of mounts, which inotify does not.
const MOUNTS: &CStr = c"/proc/self/mountinfo";

/// File systems whose content changes without this kernel's doing, by the
/// numbers of statfs(2): 9P, AFS (two of them), Ceph, CIFS, Coda, FUSE, GFS2,
/// GPFS, Lustre, NFS, OCFS2, SMB, SMB2, vboxsf.
const REMOTE: [u32; 15] = [
    0x0102_1997,
    0x5346_414f,
    0x6b41_4653,
    0x00c3_6400,
    0xff53_4d42,
    0x7375_7245,
    0x6573_5546,
    0x0116_1970,
    0x4750_4653,
    0x0bd0_0bd0,
    0x6969,
    0x7461_636f,
    0x517b,
    0xfe53_4d42,
    0x786f_4256,
];

/// The watches on the way to the directory.
#[derive(Default)]
pub struct Watcher {
    inotify: Option<OwnedFd>,
    mounts: Option<OwnedFd>,
    way: Way,
    /// The numbers of the watches of its places.
    numbers: Vec<Option<i32>>,
    /// Why some of the way is not watched.
    failure: Option<Errno>,
    /// Something about the way is such that events do not tell of everything.
    blind: bool,
}

impl Watcher {
    /// Walks the way to `path` and watches it.
    pub fn follow(&mut self, path: &CStr) {
        if self.mounts.is_none() {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            self.mounts = fs::open(MOUNTS, flags, Mode::empty()).ok();
        }
        let mut way = Way::walk(path.to_bytes(), look);
        let mut steady = false;
        for _ in 0..ATTEMPTS {
            self.watch(way);
            // What changed before it was watched shows now.
            way = Way::walk(path.to_bytes(), look);
            steady = way == self.way;
            if steady {
                break;
            }
        }
        self.blind = self.way.obscure
            || !steady
            || self.way.places.iter().any(|place| is_remote(&place.path));
    }

    /// Watches the places of `way`, and no others.
    fn watch(&mut self, way: Way) {
        if way == self.way && self.failure.is_none() && self.inotify.is_some() {
            return;
        }
        self.way = way;
        self.failure = self.add_watches().err();
    }

    fn add_watches(&mut self) -> Result<(), Errno> {
        let inotify = match self.inotify.take() {
            Some(inotify) => inotify,
            None => inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?,
        };
        let inotify = self.inotify.insert(inotify);
        let before = core::mem::take(&mut self.numbers);
        let mut result = Ok(());
        for place in &self.way.places {
            let added = inotify::add_watch(&*inotify, &*place.path, place.flags());
            self.numbers.push(added.ok());
            // If it has gone in between, walking the way again will show it.
            match added {
                Ok(_) | Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(error) => result = Err(error),
            }
        }
        for number in before.into_iter().flatten() {
            if !self.numbers.contains(&Some(number)) {
                // One whose place is gone has gone with it.
                let _ = inotify::remove_watch(&*inotify, number);
            }
        }
        result
    }

    /// Adds what happened since the last call to `changes`; says whether anything did.
    pub fn read(&mut self, changes: &mut Changes) -> bool {
        let Some(inotify) = &self.inotify else { return false };
        let mut any = false;
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut reader = Reader::new(inotify, &mut buffer);
        for _ in 0..EVENTS {
            match reader.next() {
                Ok(event) => {
                    let number = Some(event.wd());
                    let mut places = self.numbers.iter().zip(&self.way.places);
                    let place = places.find(|(other, _)| **other == number);
                    let place = place.map(|(_, place)| place);
                    changes.note(place, event.events(), event.file_name());
                    any = true;
                }
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        any
    }

    /// The descriptor to poll for input.
    pub fn events(&self) -> Option<BorrowedFd<'_>> {
        self.inotify.as_ref().map(AsFd::as_fd)
    }

    /// The descriptor to poll for priority input, which means mounts.
    pub fn mounts(&self) -> Option<BorrowedFd<'_>> {
        self.mounts.as_ref().map(AsFd::as_fd)
    }

    /// Lets go of all descriptors, where there are none left for other things.
    pub fn release(&mut self) {
        self.inotify = None;
        self.mounts = None;
        self.numbers.clear();
        self.failure = Some(Errno::MFILE);
    }

    /// Whether changes may happen that no event tells of.
    pub fn is_blind(&self) -> bool {
        self.blind || self.failure.is_some()
    }

    /// Why not everything could be watched, if that is so.
    pub fn failure(&self) -> Option<Errno> {
        self.failure
    }
}

/// Looks at `path`, not following a link.
fn look(path: &CStr) -> Look {
    let stat = match fs::lstat(path) {
        Ok(stat) => stat,
        Err(Errno::NOENT | Errno::NOTDIR) => return Look::Missing,
        Err(_) => return Look::Unknown,
    };
    if is(&stat, FileType::Directory) {
        return Look::Directory(id_of(&stat));
    }
    if !is(&stat, FileType::Symlink) {
        return Look::Other(id_of(&stat));
    }
    let mut target = [MaybeUninit::uninit(); PATH_MAX];
    match fs::readlinkat_raw(fs::CWD, path, &mut target[..]) {
        Ok((target, rest)) if !rest.is_empty() => Look::Link(id_of(&stat), target.to_vec()),
        _ => Look::Unknown,
    }
}

/// Whether the file system of `path` may change without an event here.
fn is_remote(path: &CStr) -> bool {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(file) = fs::open(path, flags, Mode::empty()) else { return false };
    fs::fstatfs(&file).is_ok_and(|stat| {
        #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "32 bits")]
        let number = stat.f_type as u32;
        REMOTE.contains(&number)
    })
}
