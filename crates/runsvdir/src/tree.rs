//! The directory of services at work: what has changed is looked at, what is due
//! is started.

use alloc::ffi::CString;
use core::ffi::CStr;
use core::time::Duration;

use runit_rt::{Errno, clock};
use rustix::process::{Pid, Signal, kill_process};

use crate::directory::{Directory, Stamp};
use crate::launch::Launcher;
use crate::message::{Message, Trouble};
use crate::plan::{Id, Plan, Seen};
use crate::watch::Changes;
use crate::watcher::Watcher;

/// How often the directory is looked at where events do not tell of all.
const LOOK: Duration = Duration::from_secs(5);

/// How many supervisors are started before signals are looked at again.
const BATCH: usize = 32;

/// The services of a directory, and what is known of it.
pub struct Tree<'a> {
    dir: &'a CStr,
    launcher: Launcher<'a>,
    plan: Plan,
    watcher: Watcher,
    changes: Changes,
    /// What was looked at last, and when (since 1970).
    scanned: Option<(Id, Stamp, Duration)>,
    trouble: Option<Trouble>,
    /// What was said last about watching.
    blindness: Option<Errno>,
    /// When to look where events do not tell of all.
    next_look: Option<Duration>,
}

impl<'a> Tree<'a> {
    /// Of the directory `dir`, which is not looked at yet.
    pub fn new(dir: &'a CStr, launcher: Launcher<'a>) -> Self {
        Self {
            dir,
            launcher,
            plan: Plan::new(),
            watcher: Watcher::default(),
            changes: Changes { way: true, ..Changes::default() },
            scanned: None,
            trouble: None,
            blindness: None,
            next_look: None,
        }
    }

    /// How children are started.
    pub fn launcher(&self) -> &Launcher<'a> {
        &self.launcher
    }

    /// What is to be polled.
    pub fn watcher(&self) -> &Watcher {
        &self.watcher
    }

    /// Has everything looked at with the next [`Tree::refresh`].
    pub fn look_at_all(&mut self) {
        self.changes.way = true;
    }

    /// Takes note of what was watched; says whether there was anything.
    pub fn read_events(&mut self) -> bool {
        self.watcher.read(&mut self.changes)
    }

    /// A process has ended, a supervisor or any other.
    pub fn exited(&mut self, process: Pid) {
        self.plan.exited(process, clock::monotonic());
    }

    /// Tells every supervisor to end, and starts none any more.
    pub fn stop_all(&mut self) {
        self.plan.stop_all();
        self.send_stops();
    }

    fn send_stops(&mut self) {
        for process in self.plan.take_stops() {
            // It has not been reaped, so it is ours. It cannot refuse either,
            // unless it was replaced by a program with other rights.
            let _ = kill_process(process, Signal::TERM);
        }
    }

    /// Whether there is no supervisor left.
    pub fn is_idle(&self) -> bool {
        self.plan.is_idle()
    }

    /// Whether something can be done at once.
    pub fn is_busy(&mut self) -> bool {
        let due = self.plan.next_start(clock::monotonic()).is_some();
        self.trouble.is_none() && (due || !self.changes.is_empty())
    }

    /// When to go on if nothing happens; a time that has passed if there is
    /// something left to do.
    pub fn deadline(&mut self) -> Option<Duration> {
        let changes = (!self.changes.is_empty()).then_some(Duration::ZERO);
        let start = if self.trouble.is_none() { self.plan.deadline() } else { None };
        [changes, start, self.next_look].into_iter().flatten().min()
    }

    fn warn(&self, message: &Message<'_>) {
        self.launcher.speaker.warning(message);
    }

    /// Opens the directory; says so once if that cannot be done.
    fn open(&mut self, now: Duration) -> Option<Directory> {
        let mut opened = Directory::open(self.dir);
        if let Err(Trouble::Open(Errno::MFILE | Errno::NFILE)) = opened {
            // Better to look now and then than to watch and see nothing.
            self.watcher.release();
            opened = Directory::open(self.dir);
        }
        match opened {
            Ok(directory) => {
                self.trouble = None;
                Some(directory)
            }
            Err(trouble) => {
                self.set_trouble(trouble, now);
                None
            }
        }
    }

    fn set_trouble(&mut self, trouble: Trouble, now: Duration) {
        // What was to be looked at may be lost: next time, look at everything.
        self.scanned = None;
        if self.trouble.replace(trouble) != Some(trouble) {
            self.warn(&Message::Directory(trouble, self.dir));
        }
        // That it comes into being is an event; that it gets well may be none.
        if !trouble.is_missing() {
            self.look_later(now);
        }
    }

    fn look_later(&mut self, now: Duration) {
        self.next_look.get_or_insert(now + LOOK);
    }

    /// Looks at what has changed, or may have.
    pub fn refresh(&mut self, now: Duration) {
        let due = self.next_look.take_if(|time| *time <= now).is_some();
        let mut changes = core::mem::take(&mut self.changes);
        if due {
            changes.names.extend(self.plan.troubled().iter().map(|name| CString::from(&**name)));
        } else if changes.is_empty() {
            return;
        }
        // What happened while nobody watched is looked for even if the watch is back now.
        let unsure = due && self.watcher.is_blind();
        if due || changes.way {
            self.watcher.follow(self.dir);
        }
        let unsure = unsure || (due && self.watcher.is_blind());
        if let Some(directory) = self.open(now) {
            self.look(&directory, &changes, unsure, now);
        }
        self.send_stops();
        self.tell_blindness();
        if self.watcher.is_blind() || self.plan.has_trouble() {
            self.look_later(now);
        }
    }

    fn tell_blindness(&mut self) {
        let failure = self.watcher.failure();
        if let Some(error) = failure.filter(|_| failure != self.blindness) {
            self.warn(&Message::Watch(self.dir, error));
        }
        self.blindness = failure;
    }

    fn look(&mut self, directory: &Directory, changes: &Changes, unsure: bool, now: Duration) {
        let as_before = self.scanned.is_some_and(|(id, stamp, looked)| {
            id == directory.id
                && (!unsure || (stamp == directory.stamp && stamp.is_settled(looked)))
        });
        if changes.way || !as_before {
            return self.scan(directory, now);
        }
        for name in &changes.vanished {
            self.plan.vanish(name, now);
        }
        for name in &changes.names {
            self.see(directory, name, now);
        }
        if changes.moved_away && self.plan.is_loose() {
            self.scan(directory, now);
        } else {
            self.plan.settle();
        }
    }

    fn see(&mut self, directory: &Directory, name: &CStr, now: Duration) -> Seen {
        let seen = directory.look(name);
        if let Some(error) = self.plan.see(name, seen, now) {
            self.warn(&Message::StatName(name, error));
        }
        seen
    }

    fn scan(&mut self, directory: &Directory, now: Duration) {
        self.scanned = Some((directory.id, directory.stamp, clock::realtime()));
        let speaker = self.launcher.speaker;
        let report = |name: &CStr, error| speaker.warning(&Message::StatName(name, error));
        if let Err(trouble) = directory.scan(&mut self.plan, now, report) {
            self.set_trouble(trouble, now);
        }
    }

    /// Starts what is due, some at a time.
    pub fn start_due(&mut self) {
        let now = clock::monotonic();
        if self.trouble.is_some() || self.plan.next_start(now).is_none() {
            return;
        }
        let Some(directory) = self.open(now) else { return };
        if self.scanned.is_none_or(|(id, ..)| id != directory.id) {
            self.changes.way = true;
            return;
        }
        for _ in 0..BATCH {
            let now = clock::monotonic();
            let Some((id, name)) = self.plan.next_start(now) else { break };
            let seen = self.see(&directory, &name, now);
            if !self.plan.confirm(id, seen, now) {
                continue;
            }
            match self.launcher.runsv(&name, &directory) {
                Ok(process) => self.plan.started(id, process, now),
                Err(error) => {
                    if self.plan.failed(id, now) {
                        self.warn(&Message::Fork(&name, error));
                    }
                }
            }
        }
        self.send_stops();
    }
}
