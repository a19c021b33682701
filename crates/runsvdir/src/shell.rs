//! The loop: descriptors become events, decisions become calls.

use alloc::ffi::CString;
use core::cell::RefCell;
use core::ffi::CStr;
use core::time::Duration;

use runit_rt::signal::{Inherited, SignalFd, SignalSet};
use runit_rt::{Errno, clock};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

use crate::directory::{Directory, Stamp};
use crate::launch::Launcher;
use crate::message::{Message, Trouble};
use crate::plan::{Id, Plan, Seen};
use crate::watch::Changes;
use crate::watcher::Watcher;

const HUP: u32 = 1;
const USR1: u32 = 10;
const USR2: u32 = 12;
const PIPE: u32 = 13;
const ALRM: u32 = 14;
const TERM: u32 = 15;
const CHLD: u32 = 17;

/// The signals to block, and those of them that are read from a descriptor. Not
/// read is the one for writing to a standard error that nobody reads.
const BLOCKED: SignalSet = SignalSet::of(&[HUP, PIPE, ALRM, TERM, CHLD]);
const READ: SignalSet = SignalSet::of(&[HUP, ALRM, TERM, CHLD]);

/// The same for a process 1 with a script, which as in busybox hears of USR1
/// and USR2 too: they ask an init to halt.
const INIT_BLOCKED: SignalSet = SignalSet::of(&[HUP, USR1, USR2, PIPE, ALRM, TERM, CHLD]);
const INIT_READ: SignalSet = SignalSet::of(&[HUP, USR1, USR2, ALRM, TERM, CHLD]);

/// How often the directory is looked at where events do not tell of all.
const LOOK: Duration = Duration::from_secs(5);

/// How many supervisors are started before signals are looked at again.
const BATCH: usize = 32;

/// What the command line asks for.
#[derive(Clone, Copy, Debug)]
pub struct Orders<'a> {
    /// The directory of services.
    pub dir: &'a CStr,
    /// What to run after a signal.
    pub script: Option<&'a CStr>,
    /// Whether TERM and HUP take everything down first.
    pub stop_on_exit: bool,
    /// Whether this is process 1.
    pub init: bool,
}

impl Orders<'_> {
    /// Blocks the signals that these orders deal with.
    pub fn block_signals(&self) -> Inherited {
        runit_rt::signal::block(if self.halts() { INIT_BLOCKED } else { BLOCKED })
    }

    fn halts(&self) -> bool {
        self.init && self.script.is_some()
    }
}

/// How far we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Starting and watching.
    Supervising,
    /// After this signal, waiting for all supervisors to end.
    Stopping(u32),
    /// After this signal, waiting for the script of this process to end.
    InScript(u32, Pid),
    /// To end with this code.
    Ended(u8),
}

/// The program at work.
pub struct Shell<'a> {
    orders: Orders<'a>,
    launcher: Launcher<'a>,
    signals: SignalFd,
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
    /// Whether the label is to be written after a look.
    label: bool,
    phase: Phase,
}

impl<'a> Shell<'a> {
    /// Gets ready. The signals are blocked.
    pub fn new(orders: Orders<'a>, launcher: Launcher<'a>) -> Result<Self, Message<'a>> {
        let signals = SignalFd::new(if orders.halts() { INIT_READ } else { READ });
        Ok(Self {
            orders,
            launcher,
            signals: signals.map_err(Message::Signals)?,
            plan: Plan::new(),
            watcher: Watcher::default(),
            changes: Changes { way: true, ..Changes::default() },
            scanned: None,
            trouble: None,
            blindness: None,
            next_look: None,
            label: false,
            phase: Phase::Supervising,
        })
    }

    /// Works until a signal ends it; gives the exit code.
    pub fn run(&mut self) -> u8 {
        loop {
            if self.phase == Phase::Supervising {
                self.refresh(clock::monotonic());
                self.start_due();
                self.write_label();
            }
            for process in self.plan.take_stops() {
                // It has not been reaped, so it is ours.
                let _ = kill_process(process, Signal::TERM);
            }
            if let (Phase::Stopping(signal), true) = (self.phase, self.plan.is_idle()) {
                self.finish(signal);
            }
            if let Phase::Ended(code) = self.phase {
                return code;
            }
            self.wait();
        }
    }

    fn warn(&self, message: &Message<'_>) {
        self.launcher.speaker.warning(message);
    }

    /// Waits for something to happen, and takes note of it.
    fn wait(&mut self) {
        let left = self.deadline().map(|at| at.saturating_sub(clock::monotonic()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let title = self.launcher.speaker.title.as_ref();
        let mounted = {
            let title = title.map(RefCell::borrow);
            let pipe = title.as_ref().map(|title| PollFd::new(title.pipe(), PollFlags::IN));
            let watching = self.phase == Phase::Supervising;
            let events = self.watcher.events().filter(|_| watching);
            let mounts = self.watcher.mounts().filter(|_| watching);
            // What has no descriptor waits for signals once more.
            let none = || PollFd::new(&self.signals, PollFlags::IN);
            let mut fds = [
                none(),
                pipe.unwrap_or_else(none),
                events.map_or_else(none, |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)),
                mounts.map_or_else(none, |fd| PollFd::from_borrowed_fd(fd, PollFlags::PRI)),
            ];
            // Whatever the outcome, what is there to be read is looked at.
            let _ = poll(&mut fds, timeout.as_ref());
            mounts.is_some() && fds[3].revents().intersects(PollFlags::PRI | PollFlags::ERR)
        };
        if let Some(mut title) = title.map(RefCell::borrow_mut) {
            title.read();
            title.tick(clock::monotonic());
        }
        self.changes.way |= mounted;
        self.watcher.read(&mut self.changes);
        while let Some((signal, _)) = self.signals.read() {
            self.handle_signal(signal);
        }
    }

    /// When to wake up if nothing happens; a time that has passed if there is
    /// something left to do.
    fn deadline(&mut self) -> Option<Duration> {
        let title = self.launcher.speaker.title.as_ref().map(|title| title.borrow().deadline());
        if self.phase != Phase::Supervising {
            return title;
        }
        let changes = (!self.changes.is_empty()).then_some(Duration::ZERO);
        let start = if self.trouble.is_none() { self.plan.deadline() } else { None };
        [title, changes, start, self.next_look].into_iter().flatten().min()
    }

    fn handle_signal(&mut self, signal: u32) {
        match signal {
            CHLD => self.reap(),
            ALRM => {
                self.changes.way = true;
                self.label = true;
            }
            // Only a process 1 with a script reads these.
            USR1 | USR2 => {
                self.start_script(signal);
            }
            _ => self.end(signal),
        }
    }

    fn reap(&mut self) {
        while let Some((process, _)) = wait(WaitOptions::NOHANG).ok().flatten() {
            match self.phase {
                Phase::InScript(signal, script) if script == process => {
                    self.phase = Phase::Ended(code_of(signal));
                }
                // Others are orphans, or have been forgotten.
                _ => {
                    self.plan.exited(process, clock::monotonic());
                }
            }
        }
    }

    /// TERM or HUP: takes everything down if so ordered, and on HUP.
    fn end(&mut self, signal: u32) {
        match self.phase {
            // Once more, for those who have not listened.
            Phase::Stopping(_) => self.plan.stop_all(),
            Phase::Supervising => {
                if self.orders.stop_on_exit || signal == HUP {
                    self.plan.stop_all();
                }
                if self.orders.stop_on_exit {
                    self.phase = Phase::Stopping(signal);
                } else {
                    self.finish(signal);
                }
            }
            Phase::InScript(..) | Phase::Ended(_) => {}
        }
    }

    /// All is done after `signal` but for the script.
    fn finish(&mut self, signal: u32) {
        self.phase = match self.start_script(signal) {
            Some(script) => Phase::InScript(signal, script),
            None => Phase::Ended(code_of(signal)),
        };
    }

    fn start_script(&self, signal: u32) -> Option<Pid> {
        let script = self.orders.script?;
        let started = self.launcher.script(script, signal);
        started.map_err(|error| self.warn(&Message::Fork(script, error))).ok()
    }

    /// Opens the directory; says so once if that cannot be done.
    fn open(&mut self, now: Duration) -> Option<Directory> {
        let mut opened = Directory::open(self.orders.dir);
        if let Err(Trouble::Open(Errno::MFILE | Errno::NFILE)) = opened {
            // Better to look now and then than to watch and see nothing.
            self.watcher.release();
            opened = Directory::open(self.orders.dir);
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
            self.warn(&Message::Directory(trouble, self.orders.dir));
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
    fn refresh(&mut self, now: Duration) {
        let due = self.next_look.take_if(|time| *time <= now).is_some();
        let mut changes = core::mem::take(&mut self.changes);
        if due {
            changes.names.extend(self.plan.troubled().iter().map(|name| CString::from(&**name)));
        } else if changes.is_empty() {
            return;
        }
        if due || changes.way {
            self.watcher.follow(self.orders.dir);
        }
        if let Some(directory) = self.open(now) {
            self.look(&directory, &changes, due, now);
        }
        self.tell_blindness();
        if self.watcher.is_blind() || self.plan.has_trouble() {
            self.look_later(now);
        }
    }

    fn tell_blindness(&mut self) {
        let failure = self.watcher.failure();
        if let Some(error) = failure.filter(|_| failure != self.blindness) {
            self.warn(&Message::Watch(self.orders.dir, error));
        }
        self.blindness = failure;
    }

    fn look(&mut self, directory: &Directory, changes: &Changes, due: bool, now: Duration) {
        let unsure = due && self.watcher.is_blind();
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
    fn start_due(&mut self) {
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
            match self.see(&directory, &name, now) {
                Seen::Directory(found) if found == id => {}
                Seen::Unknown(_) => {
                    self.plan.postpone(id, now);
                    continue;
                }
                _ => {
                    self.plan.settle();
                    continue;
                }
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
    }

    /// After ALRM, once what was seen is started: tells who waits for it.
    fn write_label(&mut self) {
        let now = clock::monotonic();
        let busy = !self.changes.is_empty() || self.plan.next_start(now).is_some();
        if !self.label || (busy && self.trouble.is_none()) {
            return;
        }
        self.label = false;
        let written = Directory::open(self.orders.dir)
            .map_err(|trouble| ("failed to open ", trouble.error()))
            .and_then(|directory| directory.write_label(clock::realtime()));
        if let Err((verb, error)) = written {
            self.warn(&Message::Rescanned(verb, error));
        }
        self.start_script(ALRM);
    }
}

/// The exit code after a signal.
fn code_of(signal: u32) -> u8 {
    if signal == HUP { 111 } else { 0 }
}
