//! What to watch so that no replacement on the way to the directory is missed,
//! and what an event means: decisions without a system call.
//!
//! The way is walked one component at a time, as the kernel does. Each link is
//! watched itself, not the directory that holds it: replacing or removing it
//! is then an event, and whatever else happens in `/etc` or `/run` is none.
//! Each directory that is passed is watched for its own move and removal; the
//! last one for the names in it; and where the way ends before its time, the
//! directory in which the next component is missing is watched for its coming.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::CStr;

use rustix::fs::inotify::{ReadFlags, WatchFlags};

use crate::plan::Id;

/// How many links the kernel follows in a path (`path_resolution(7)`).
const MAX_LINKS: usize = 40;

/// What there is at a path, not followed if it is a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// A directory.
    Directory(Id),
    /// A symbolic link, and its target.
    Link(Id, Vec<u8>),
    /// Anything else.
    Other(Id),
    /// Nothing.
    Missing,
    /// It cannot be told.
    Unknown,
}

/// Why a place is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A directory on the way: if it goes elsewhere, so does the way.
    Passage,
    /// A link on the way, or something that stands in it.
    Turn,
    /// The way's end: the directory of services.
    End,
    /// This name is missing in the directory.
    Gap(Vec<u8>),
}

/// Something to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it is, by a path without links.
    pub path: CString,
    /// What it is: two ways are equal when everything on them is the same.
    pub id: Id,
    /// Why.
    pub purpose: Purpose,
}

impl Place {
    /// The events to ask for.
    pub fn flags(&self) -> WatchFlags {
        let own = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
        own | match self.purpose {
            Purpose::Passage => WatchFlags::ONLYDIR,
            // Being replaced shows as a change of the count of links first.
            Purpose::Turn => WatchFlags::ATTRIB | WatchFlags::DONT_FOLLOW,
            // Its attributes as well: who may read it, and `touch` as a sign
            // to look at it again.
            Purpose::End => {
                WatchFlags::ONLYDIR
                    | WatchFlags::CREATE
                    | WatchFlags::DELETE
                    | WatchFlags::MOVE
                    | WatchFlags::ATTRIB
            }
            Purpose::Gap(_) => WatchFlags::ONLYDIR | WatchFlags::CREATE | WatchFlags::MOVED_TO,
        }
    }
}

/// The way to a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// All that is to be watched, each thing once.
    pub places: Vec<Place>,
    /// Whether something could not be looked at, so that watching will not do.
    pub obscure: bool,
}

impl Way {
    /// Walks `path` with `look`.
    pub fn walk(path: &[u8], mut look: impl FnMut(&CStr) -> Look) -> Self {
        let mut way = Self::default();
        // The last is the next.
        let mut rest: Vec<Vec<u8>> = components(path).rev().collect();
        let mut here = origin(path);
        let mut links = 0;
        let Some(Look::Directory(mut id)) = c_string(here.clone()).map(|path| look(&path)) else {
            way.obscure = true;
            return way;
        };
        if path.is_empty() {
            // That is no path, and never will be one.
            return way;
        }
        while let Some(name) = rest.pop() {
            let there = join(&here, &name);
            let Some(c_path) = c_string(there.clone()) else {
                way.obscure = true;
                return way;
            };
            match look(&c_path) {
                Look::Directory(next) => {
                    way.add(c_path, next, Purpose::Passage);
                    here = there;
                    id = next;
                }
                Look::Link(link, target) => {
                    way.add(c_path, link, Purpose::Turn);
                    links += 1;
                    if links > MAX_LINKS {
                        return way;
                    }
                    if target.starts_with(b"/") {
                        here = origin(&target);
                        match c_string(here.clone()).map(|path| look(&path)) {
                            Some(Look::Directory(root)) => id = root,
                            _ => way.obscure = true,
                        }
                    }
                    rest.extend(components(&target).rev());
                }
                Look::Other(other) => {
                    way.add(c_path, other, Purpose::Turn);
                    return way;
                }
                Look::Missing => {
                    way.finish(here, id, Purpose::Gap(name));
                    return way;
                }
                Look::Unknown => {
                    way.obscure = true;
                    return way;
                }
            }
        }
        way.finish(here, id, Purpose::End);
        way
    }

    fn finish(&mut self, path: Vec<u8>, id: Id, purpose: Purpose) {
        if let Some(path) = c_string(path) {
            self.add(path, id, purpose);
        }
    }

    /// Adds a place; one that is passed more than once is watched for the more
    /// particular purpose.
    fn add(&mut self, path: CString, id: Id, purpose: Purpose) {
        match self.places.iter_mut().find(|place| place.id == id) {
            None => self.places.push(Place { path, id, purpose }),
            Some(place) if purpose != Purpose::Passage => *place = Place { path, id, purpose },
            Some(_) => {}
        }
    }
}

/// Where a path starts.
fn origin(path: &[u8]) -> Vec<u8> {
    if path.starts_with(b"/") { b"/".to_vec() } else { b".".to_vec() }
}

fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> + '_ {
    path.split(|&byte| byte == b'/')
        .filter(|name| !name.is_empty() && *name != b".")
        .map(<[u8]>::to_vec)
}

fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = match directory {
        b"." => Vec::new(),
        _ => directory.to_vec(),
    };
    if !path.is_empty() && !path.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

fn c_string(path: Vec<u8>) -> Option<CString> {
    CString::new(path).ok()
}

/// What the events since the last look mean.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The way may lead elsewhere, or events were lost: walk it again, and
    /// look at every name.
    pub way: bool,
    /// Names to look at.
    pub names: Vec<CString>,
    /// Those whose directory was removed.
    pub vanished: Vec<CString>,
    /// A name was moved away, perhaps to another one in the same directory.
    pub moved_away: bool,
}

impl Changes {
    /// Whether there is nothing to look at.
    pub fn is_empty(&self) -> bool {
        !self.way && self.names.is_empty()
    }

    /// Takes note of an event. `place` is what it is about, `None` for one
    /// that is not watched any more.
    pub fn note(&mut self, place: Option<&Place>, flags: ReadFlags, name: Option<&CStr>) {
        if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
            self.way = true;
        }
        let Some(place) = place else { return };
        match (&place.purpose, name) {
            (Purpose::End, Some(name)) => self.note_name(flags, name),
            (Purpose::Gap(missing), Some(name)) => self.way |= name.to_bytes() == missing,
            _ => self.way = true,
        }
    }

    fn note_name(&mut self, flags: ReadFlags, name: &CStr) {
        if is_hidden(name) {
            return;
        }
        if flags.contains(ReadFlags::DELETE | ReadFlags::ISDIR) {
            self.vanished.push(name.into());
        }
        self.moved_away |= flags.contains(ReadFlags::MOVED_FROM);
        // What happens to a file often comes in threes.
        if self.names.last().is_none_or(|last| **last != *name) {
            self.names.push(name.into());
        }
    }
}

/// Whether a name is skipped: those with a leading dot are.
pub fn is_hidden(name: &CStr) -> bool {
    name.to_bytes().starts_with(b".")
}

#[cfg(test)]
mod tests;
