//! The loop: descriptors become events, decisions become calls.

use core::cell::RefCell;
use core::ffi::CStr;
use core::time::Duration;

use runit_rt::clock;
use runit_rt::signal::{Inherited, SignalFd, SignalSet};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, WaitOptions, wait};

use crate::directory::Directory;
use crate::launch::{Launcher, Speaker};
use crate::message::Message;
use crate::tree::Tree;

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

    /// The descriptor from which they are read. To be made before standard error becomes the log
    /// of a process that would end without it.
    pub fn read_signals(&self) -> Result<SignalFd, Message<'static>> {
        SignalFd::new(if self.halts() { INIT_READ } else { READ }).map_err(Message::Signals)
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
    signals: SignalFd,
    tree: Tree<'a>,
    /// Whether the label is to be written after a look.
    label: bool,
    phase: Phase,
}

impl<'a> Shell<'a> {
    /// Gets ready. The signals are blocked.
    pub fn new(orders: Orders<'a>, signals: SignalFd, launcher: Launcher<'a>) -> Self {
        let tree = Tree::new(orders.dir, launcher);
        Self { orders, signals, tree, label: false, phase: Phase::Supervising }
    }

    /// Works until a signal ends it; gives the exit code.
    pub fn run(&mut self) -> u8 {
        loop {
            if self.phase == Phase::Supervising {
                self.tree.refresh(clock::monotonic());
                self.tree.start_due();
                self.write_label();
            }
            if let (Phase::Stopping(signal), true) = (self.phase, self.tree.is_idle()) {
                self.finish(signal);
            }
            if let Phase::Ended(code) = self.phase {
                return code;
            }
            self.wait();
        }
    }

    fn speaker(&self) -> &'a Speaker<'a> {
        self.tree.launcher().speaker
    }

    /// Waits for something to happen, and takes note of it.
    fn wait(&mut self) {
        let left = self.deadline().map(|at| at.saturating_sub(clock::monotonic()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let title = self.speaker().title.as_ref();
        let mut served;
        let mounted = {
            let title = title.map(RefCell::borrow);
            let pipe = title.as_ref().map(|title| PollFd::new(title.pipe(), PollFlags::IN));
            let watching = self.phase == Phase::Supervising;
            let events = self.tree.watcher().events().filter(|_| watching);
            let mounts = self.tree.watcher().mounts().filter(|_| watching);
            // What has no descriptor waits for signals once more.
            let none = || PollFd::new(&self.signals, PollFlags::IN);
            let mut fds = [
                none(),
                pipe.unwrap_or_else(none),
                events.map_or_else(none, |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)),
                mounts.map_or_else(none, |fd| PollFd::from_borrowed_fd(fd, PollFlags::PRI)),
            ];
            // Whatever the outcome, what is there to be read is looked at.
            served = poll(&mut fds, timeout.as_ref()) == Ok(0);
            mounts.is_some() && fds[3].revents().intersects(PollFlags::PRI | PollFlags::ERR)
        };
        if let Some(mut title) = title.map(RefCell::borrow_mut) {
            served |= title.read();
            title.tick(clock::monotonic());
        }
        if mounted {
            served = true;
            self.tree.look_at_all();
        }
        served |= self.tree.read_events();
        while let Some((signal, _)) = self.signals.read() {
            served = true;
            self.handle_signal(signal);
        }
        if !served {
            // Something is there, and cannot be read.
            clock::pause();
        }
    }

    /// When to wake up if nothing happens; a time that has passed if there is
    /// something left to do.
    fn deadline(&mut self) -> Option<Duration> {
        let title = self.speaker().title.as_ref().map(|title| title.borrow().deadline());
        let tree = if self.phase == Phase::Supervising { self.tree.deadline() } else { None };
        [title, tree].into_iter().flatten().min()
    }

    fn handle_signal(&mut self, signal: u32) {
        match signal {
            CHLD => self.reap(),
            ALRM => {
                self.tree.look_at_all();
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
                _ => self.tree.exited(process),
            }
        }
    }

    /// TERM or HUP: takes everything down if so ordered, and on HUP.
    fn end(&mut self, signal: u32) {
        match self.phase {
            // Once more, for those who have not listened.
            Phase::Stopping(_) => self.tree.stop_all(),
            Phase::Supervising => {
                if self.orders.stop_on_exit || signal == HUP {
                    self.tree.stop_all();
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
        let started = self.tree.launcher().script(script, signal);
        started.map_err(|error| self.speaker().warning(&Message::Fork(script, error))).ok()
    }

    /// After ALRM, once what was seen is started: tells who waits for it.
    fn write_label(&mut self) {
        if !self.label || self.tree.is_busy() {
            return;
        }
        self.label = false;
        let written = Directory::open(self.orders.dir)
            .map_err(|trouble| ("failed to open ", trouble.error()))
            .and_then(|directory| directory.write_label(clock::realtime()));
        if let Err((verb, error)) = written {
            self.speaker().warning(&Message::Rescanned(verb, error));
        }
        self.start_script(ALRM);
    }
}

/// The exit code after a signal.
fn code_of(signal: u32) -> u8 {
    if signal == HUP { 111 } else { 0 }
}
