//! Which supervisors to start and stop, and when: decisions without a system
//! call (CONTRACT section 3).
//!
//! Names of the directory come in through [`Plan::see`], ends of processes
//! through [`Plan::exited`]; out come [`Plan::next_start`] and
//! [`Plan::take_stops`]. A service is a directory, known by device and inode,
//! and has as many names as there are entries that lead to it. All lookups go
//! through hashes, so that thousands of services cost linear time.

use alloc::collections::BinaryHeap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::ffi::CStr;
use core::time::Duration;

use runit_rt::Errno;
use rustix::process::Pid;

use crate::index::{Index, Slots, hash};

/// The least time between two starts for one service, and between two attempts
/// when the system has no process left.
pub const PAUSE: Duration = Duration::from_secs(1);

/// What makes a directory the same under any name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id {
    /// The device's number.
    pub device: u64,
    /// The inode's number there.
    pub inode: u64,
}

impl Id {
    fn hash(self) -> u32 {
        // Inodes of one device differ; those of different devices may collide.
        hash(&self.inode.to_ne_bytes())
    }
}

/// What a name of the directory leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A directory: a service.
    Directory(Id),
    /// Something else, which is no concern of ours.
    Other,
    /// There is no such name (any more).
    Gone,
    /// A link to nowhere, which may lead somewhere later.
    Dangling(Errno),
    /// It cannot be told: whatever it was, it stays.
    Unknown(Errno),
}

/// What is known of a name; names of no concern are not kept.
#[derive(Debug)]
struct Name {
    text: Rc<CStr>,
    service: Option<Id>,
    /// Why it cannot be followed.
    trouble: Option<Errno>,
    /// The last scan that saw it.
    round: u64,
}

#[derive(Debug)]
struct Service {
    id: Id,
    /// The names that lead to it; the first is the one to start it by.
    names: Vec<Rc<CStr>>,
    process: Option<Pid>,
    /// Its process was told to end, and is waited for.
    leaving: bool,
    last_start: Option<Duration>,
    /// When it is to be started.
    due: Option<Duration>,
    /// It was said that no process could be made for it.
    complained: bool,
}

/// The table of services. Times are of the monotonic clock.
#[derive(Debug, Default)]
pub struct Plan {
    names: Slots<Name>,
    by_text: Index,
    services: Slots<Service>,
    by_id: Index,
    by_process: Index,
    /// When to start which service; what does not agree with the service's
    /// own `due` is out of date.
    queue: BinaryHeap<Reverse<(Duration, usize)>>,
    /// Services that lost a name since the last [`Plan::settle`].
    loose: Vec<Id>,
    stops: Vec<Pid>,
    round: u64,
    troubles: usize,
    /// How many supervisors there are.
    processes: usize,
    /// No start before this: the system had no process left.
    hold: Duration,
    stopping: bool,
}

impl Plan {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scan of the whole directory begins.
    pub fn begin_scan(&mut self) {
        self.round += 1;
    }

    /// Takes note of what `text`, a name, leads to. Gives the error to report
    /// where that cannot be told, and was not reported before.
    pub fn see(&mut self, text: &CStr, seen: Seen, now: Duration) -> Option<Errno> {
        let key = hash(text.to_bytes());
        let is_it = |slot| self.names.get(slot).is_some_and(|name| *name.text == *text);
        let slot = self.by_text.find(key, &is_it);
        let before = slot.and_then(|slot| self.names.get(slot));
        let was = before.and_then(|name| name.service);
        let known = before.and_then(|name| name.trouble);
        let (service, trouble) = match seen {
            Seen::Directory(id) => (Some(id), None),
            Seen::Other | Seen::Gone => (None, None),
            Seen::Dangling(error) => (None, Some(error)),
            Seen::Unknown(error) => (was, Some(error)),
        };
        self.troubles -= usize::from(known.is_some());
        self.troubles += usize::from(trouble.is_some());
        let text = before.map_or_else(|| text.into(), |name| Rc::clone(&name.text));
        let name = Name { text: Rc::clone(&text), service, trouble, round: self.round };
        match slot {
            Some(slot) if service.is_none() && trouble.is_none() => {
                self.names.remove(slot);
                self.by_text.remove(key, slot);
            }
            Some(slot) => {
                if let Some(place) = self.names.get_mut(slot) {
                    *place = name;
                }
            }
            None if service.is_none() && trouble.is_none() => {}
            None => self.by_text.insert(key, self.names.insert(name)),
        }
        if was != service {
            if let Some(id) = was {
                self.detach(id, &text);
            }
            if let Some(id) = service {
                self.attach(id, text, now);
            }
        }
        trouble.filter(|_| trouble != known)
    }

    /// A scan of the whole directory has ended. If it came through, names that
    /// it did not see are gone.
    pub fn end_scan(&mut self, complete: bool, now: Duration) {
        if complete {
            let round = self.round;
            for text in self.texts(|name| name.round != round) {
                self.see(&text, Seen::Gone, now);
            }
        }
        self.settle();
    }

    fn texts(&self, wanted: impl Fn(&Name) -> bool) -> Vec<Rc<CStr>> {
        let names = self.names.iter().filter(|(_, name)| wanted(name));
        names.map(|(_, name)| Rc::clone(&name.text)).collect()
    }

    /// The directory that the name `text` led to was removed; one of the same
    /// inode number, if it comes, is another.
    pub fn vanish(&mut self, text: &CStr, now: Duration) {
        let is_it = |slot| self.names.get(slot).is_some_and(|name| *name.text == *text);
        let slot = self.by_text.find(hash(text.to_bytes()), &is_it);
        let id = slot.and_then(|slot| self.names.get(slot)?.service);
        self.see(text, Seen::Gone, now);
        if let Some(id) = id {
            self.stop(id);
        }
    }

    /// Whether a service has lost its last name since the last settling: it
    /// may have been renamed to one that was not seen yet.
    pub fn is_loose(&self) -> bool {
        self.loose.iter().any(|&id| self.is_nameless(id))
    }

    /// Stops the services that have no name left, once all names that changed
    /// together were seen.
    pub fn settle(&mut self) {
        for id in core::mem::take(&mut self.loose) {
            if self.is_nameless(id) {
                self.stop(id);
            }
        }
    }

    fn slot(&self, id: Id) -> Option<usize> {
        let is_it = |slot| self.services.get(slot).is_some_and(|service| service.id == id);
        self.by_id.find(id.hash(), &is_it)
    }

    fn service(&mut self, id: Id) -> Option<&mut Service> {
        self.services.get_mut(self.slot(id)?)
    }

    fn is_nameless(&self, id: Id) -> bool {
        let service = self.slot(id).and_then(|slot| self.services.get(slot));
        service.is_some_and(|service| service.names.is_empty())
    }

    /// Tells the process of `id` to end, once; forgets a service that has
    /// neither process nor name.
    fn stop(&mut self, id: Id) {
        let Some(slot) = self.slot(id) else { return };
        let Some(service) = self.services.get_mut(slot) else { return };
        match service.process {
            Some(process) if !service.leaving => {
                // With another name it may be kept by a command: told again when that goes too.
                service.leaving = service.names.is_empty();
                self.stops.push(process);
            }
            None if service.names.is_empty() => {
                self.services.remove(slot);
                self.by_id.remove(id.hash(), slot);
            }
            _ => {}
        }
    }

    fn attach(&mut self, id: Id, name: Rc<CStr>, now: Duration) {
        if let Some(service) = self.service(id) {
            service.names.push(name);
            // A command may keep it although it was told to end; if it loses
            // this name too, it is told again.
            service.leaving = false;
        } else {
            let slot = self.services.insert(Service {
                id,
                names: Vec::from([name]),
                process: None,
                leaving: false,
                last_start: None,
                due: None,
                complained: false,
            });
            self.by_id.insert(id.hash(), slot);
        }
        self.schedule(id, now);
    }

    fn detach(&mut self, id: Id, name: &CStr) {
        if let Some(service) = self.service(id) {
            service.names.retain(|other| **other != *name);
            self.loose.push(id);
        }
    }

    /// Has `id`, if it does not run and is not due anyway, started at `time`,
    /// or when its pause is over.
    fn schedule(&mut self, id: Id, time: Duration) {
        let (Some(slot), false) = (self.slot(id), self.stopping) else { return };
        let Some(service) = self.services.get_mut(slot) else { return };
        if service.process.is_none() && service.due.is_none() {
            let due = service.last_start.map_or(time, |start| time.max(start + PAUSE));
            service.due = Some(due);
            self.queue.push(Reverse((due, slot)));
        }
    }

    /// When the next start is due, and of which service.
    fn head(&mut self) -> Option<(Duration, usize)> {
        loop {
            let &Reverse((due, slot)) = self.queue.peek()?;
            if self.services.get(slot).is_some_and(|service| service.due == Some(due)) {
                return Some((due.max(self.hold), slot));
            }
            self.queue.pop();
        }
    }

    /// The next service to be started, and the name to start it by. To be
    /// answered by [`Plan::started`], [`Plan::failed`] or [`Plan::confirm`],
    /// unless [`Plan::see`] changes the case.
    pub fn next_start(&mut self, now: Duration) -> Option<(Id, Rc<CStr>)> {
        let (_, slot) = self.head().filter(|&(due, _)| due <= now)?;
        let service = self.services.get(slot)?;
        Some((service.id, Rc::clone(service.names.first()?)))
    }

    /// When the next start is due.
    pub fn deadline(&mut self) -> Option<Duration> {
        self.head().map(|(due, _)| due)
    }

    /// The service was started.
    pub fn started(&mut self, id: Id, process: Pid, now: Duration) {
        let Some(slot) = self.slot(id) else { return };
        let Some(service) = self.services.get_mut(slot) else { return };
        service.due = None;
        service.process = Some(process);
        service.last_start = Some(now);
        service.complained = false;
        self.processes += 1;
        self.by_process.insert(hash_of(process), slot);
    }

    /// No process could be made for the service, and none shall be tried for
    /// a while. Says whether that is worth a word: once for each service,
    /// until it was started.
    pub fn failed(&mut self, id: Id, now: Duration) -> bool {
        self.hold = now + PAUSE;
        self.postpone(id, now);
        self.service(id).is_some_and(|service| !core::mem::replace(&mut service.complained, true))
    }

    /// Whether the service, whose start is due, is still what its name leads to, which has just been
    /// seen. One of which that is unknown is started later, and one that is another is none.
    pub fn confirm(&mut self, id: Id, seen: Seen, now: Duration) -> bool {
        match seen {
            Seen::Directory(found) if found == id => return true,
            Seen::Unknown(_) => self.postpone(id, now),
            _ => self.settle(),
        }
        false
    }

    /// The service cannot be started now.
    fn postpone(&mut self, id: Id, now: Duration) {
        if let Some(service) = self.service(id) {
            service.due = None;
        }
        self.schedule(id, now + PAUSE);
    }

    /// A process has ended, which may be that of a service or any other.
    pub fn exited(&mut self, process: Pid, now: Duration) {
        let key = hash_of(process);
        let is_it =
            |slot| self.services.get(slot).is_some_and(|service| service.process == Some(process));
        let Some(slot) = self.by_process.find(key, &is_it) else { return };
        self.by_process.remove(key, slot);
        self.processes -= 1;
        let Some(service) = self.services.get_mut(slot) else { return };
        service.process = None;
        service.leaving = false;
        let id = service.id;
        if service.names.is_empty() {
            self.stop(id);
        } else {
            self.schedule(id, now);
        }
    }

    /// Nothing is to be started any more, and every supervisor is to end.
    pub fn stop_all(&mut self) {
        self.stopping = true;
        for service in self.services.iter_mut() {
            service.due = None;
            service.leaving = true;
            self.stops.extend(service.process);
        }
    }

    /// The processes to tell to end, each of which has not been reaped.
    pub fn take_stops(&mut self) -> Vec<Pid> {
        core::mem::take(&mut self.stops)
    }

    /// Whether there is no supervisor, neither wanted nor leaving.
    pub fn is_idle(&self) -> bool {
        self.processes == 0
    }

    /// Whether there are names that could not be followed.
    pub fn has_trouble(&self) -> bool {
        self.troubles > 0
    }

    /// The names that could not be followed.
    pub fn troubled(&self) -> Vec<Rc<CStr>> {
        self.texts(|name| name.trouble.is_some())
    }
}

fn hash_of(process: Pid) -> u32 {
    hash(&process.as_raw_pid().to_ne_bytes())
}

#[cfg(test)]
mod tests;
