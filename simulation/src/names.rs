//! The directory of services, the way to it, and events of both.
//!
//! `/service` is a link to `/run/current`, that one to a directory, as
//! `runsvchdir` has it; [`Way`] says which events are heard.

use core::ffi::CStr;
use std::collections::BTreeMap;
use std::ffi::CString;

use runsvdir::plan::{Id, Seen};
use runsvdir::watch::{Changes, Look, Way};
use rustix::fs::inotify::{ReadFlags, WatchFlags};
use rustix::io::Errno;
use rustix::process::Pid;

use crate::process::ServiceId;
use crate::table::Table;

/// Where `runsvdir` looks.
pub const PATH: &[u8] = b"/service";

/// The inodes of what is not a service; those of the services are above.
const ROOT: u64 = 1;
const RUN: u64 = 2;
const SERVICE: u64 = 3;
const LEVELS: [u64; 2] = [4, 5];
const FIRST_LINK: u64 = 1_000_000;

/// What a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A service directory.
    Directory(ServiceId),
    /// A link to a service directory elsewhere.
    Link(ServiceId),
    /// A link to nothing.
    Dangling,
    /// A file.
    File,
}

impl Entry {
    /// The service that it leads to.
    pub fn service(self) -> Option<ServiceId> {
        match self {
            Self::Directory(id) | Self::Link(id) => Some(id),
            Self::Dangling | Self::File => None,
        }
    }
}

/// What inotify tells one process.
#[derive(Debug, Default)]
struct Watch {
    way: Way,
    changes: Changes,
    any: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Names {
    levels: [BTreeMap<CString, Entry>; 2],
    /// Which level `/run/current` leads to.
    current: Option<usize>,
    link: u64,
    watches: Table<Watch>,
}

const fn id(inode: u64) -> Id {
    Id { device: 1, inode }
}

impl Names {
    /// Two empty levels.
    pub fn new() -> Self {
        Self {
            levels: [BTreeMap::new(), BTreeMap::new()],
            current: Some(0),
            link: FIRST_LINK,
            watches: Table::default(),
        }
    }

    /// What is at a path.
    pub fn look(&self, path: &CStr) -> Look {
        match path.to_bytes() {
            b"/" => Look::Directory(id(ROOT)),
            b"/service" => Look::Link(id(SERVICE), b"/run/current".to_vec()),
            b"/run" => Look::Directory(id(RUN)),
            b"/run/current" => match self.current {
                Some(0) => Look::Link(id(self.link), b"default".to_vec()),
                Some(_) => Look::Link(id(self.link), b"single".to_vec()),
                None => Look::Missing,
            },
            b"/run/default" => Look::Directory(id(LEVELS[0])),
            b"/run/single" => Look::Directory(id(LEVELS[1])),
            _ => Look::Missing,
        }
    }

    /// The directory of services that counts now, if there is one.
    pub fn directory(&self) -> Option<Id> {
        self.current.and_then(|level| LEVELS.get(level)).map(|&inode| id(inode))
    }

    /// Its entries.
    pub fn entries(&self) -> &BTreeMap<CString, Entry> {
        let level = self.current.and_then(|level| self.levels.get(level));
        level.unwrap_or(&self.levels[0])
    }

    /// What a name leads to, as `runsvdir` sees it.
    pub fn see(&self, name: &CStr) -> Seen {
        match self.entries().get(name) {
            Some(Entry::Directory(inode) | Entry::Link(inode)) => Seen::Directory(id(*inode)),
            Some(Entry::Dangling) => Seen::Dangling(Errno::NOENT),
            Some(Entry::File) => Seen::Other,
            None => Seen::Gone,
        }
    }

    /// Whether a name in any level leads to the service.
    pub fn has_anywhere(&self, service: ServiceId) -> bool {
        let mut entries = self.levels.iter().flat_map(BTreeMap::values);
        entries.any(|entry| entry.service() == Some(service))
    }

    /// Whether a name in the level that counts does.
    pub fn has(&self, service: ServiceId) -> bool {
        self.entries().values().any(|entry| entry.service() == Some(service))
    }

    /// Watches the way to the directory for a process.
    pub fn follow(&mut self, pid: Pid) {
        let way = Way::walk(PATH, |path| self.look(path));
        match self.watches.get_mut(pid) {
            Some(watch) => watch.way = way,
            None => self.watches.insert(pid, Watch { way, ..Watch::default() }),
        }
    }

    /// Whether there is something to read for a process.
    pub fn has_events(&self, pid: Pid) -> bool {
        self.watches.get(pid).is_some_and(|watch| watch.any)
    }

    /// Gives what happened since the last call.
    pub fn read(&mut self, pid: Pid) -> Changes {
        let Some(watch) = self.watches.get_mut(pid) else { return Changes::default() };
        watch.any = false;
        core::mem::take(&mut watch.changes)
    }

    /// Forgets a process that has ended.
    pub fn forget(&mut self, pid: Pid) {
        self.watches.remove(pid);
    }

    /// Drops what was to be read, untold.
    pub fn drop_events(&mut self) {
        for watch in self.watches.values_mut() {
            watch.any = false;
            watch.changes = Changes::default();
        }
    }

    /// Events are lost, which is told.
    pub fn overflow(&mut self) {
        for watch in self.watches.values_mut() {
            watch.changes = Changes::default();
            watch.changes.note(None, ReadFlags::QUEUE_OVERFLOW, None);
            watch.any = true;
        }
    }

    fn tell(&mut self, inode: u64, asked: WatchFlags, flags: ReadFlags, name: Option<&CStr>) {
        for watch in self.watches.values_mut() {
            let place = watch.way.places.iter().find(|place| place.id == id(inode));
            if let Some(place) = place.filter(|place| place.flags().intersects(asked)) {
                watch.changes.note(Some(place), flags, name);
                watch.any = true;
            }
        }
    }

    fn level(&self) -> usize {
        self.current.unwrap_or(0)
    }

    fn told_in_level(&mut self, asked: WatchFlags, flags: ReadFlags, name: &CStr) {
        self.tell(LEVELS[self.level()], asked, flags, Some(name));
    }

    /// A name appears where there was none, made or moved there.
    pub fn create(&mut self, name: &CStr, entry: Entry, moved: bool) {
        let level = self.level();
        self.levels[level].insert(name.into(), entry);
        let is_dir = if matches!(entry, Entry::Directory(_)) {
            ReadFlags::ISDIR
        } else {
            ReadFlags::empty()
        };
        let (asked, flags) = if moved {
            (WatchFlags::MOVE, ReadFlags::MOVED_TO)
        } else {
            (WatchFlags::CREATE, ReadFlags::CREATE)
        };
        self.told_in_level(asked, flags | is_dir, name);
    }

    /// A name goes, deleted or moved away; gives what it led to.
    pub fn remove(&mut self, name: &CStr, moved: bool) -> Option<Entry> {
        let level = self.level();
        let entry = self.levels[level].remove(name)?;
        if let (Entry::Directory(gone), false) = (entry, moved) {
            // Of links that led there nothing is told.
            for other in self.levels.iter_mut().flat_map(BTreeMap::values_mut) {
                if *other == Entry::Link(gone) {
                    *other = Entry::Dangling;
                }
            }
        }
        let is_dir = if matches!(entry, Entry::Directory(_)) {
            ReadFlags::ISDIR
        } else {
            ReadFlags::empty()
        };
        let (asked, flags) = if moved {
            (WatchFlags::MOVE, ReadFlags::MOVED_FROM)
        } else {
            (WatchFlags::DELETE, ReadFlags::DELETE)
        };
        self.told_in_level(asked, flags | is_dir, name);
        Some(entry)
    }

    /// `/run/current` goes, or leads to this level from now on.
    pub fn switch(&mut self, to: Option<usize>) {
        let before = self.current.is_some().then_some(self.link);
        if before.is_none() && to.is_none() {
            return;
        }
        self.current = to;
        self.link += 1;
        if let Some(link) = before {
            self.tell(link, WatchFlags::ATTRIB, ReadFlags::ATTRIB, None);
            self.tell(link, WatchFlags::DELETE_SELF, ReadFlags::DELETE_SELF, None);
        }
        if to.is_some() {
            let flags = ReadFlags::MOVED_TO;
            self.tell(RUN, WatchFlags::MOVED_TO, flags, Some(c"current"));
        }
    }

    /// Which level counts.
    pub fn current(&self) -> Option<usize> {
        self.current
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}
