//! One service's life, as a machine without system calls: events and the time
//! go in, actions come out (CONTRACT sections 1 and 2).
//!
//! The machine never has two processes of one service: a process is forgotten
//! only by [`Event::Exited`], which tells that it has been reaped, and a start
//! is asked for only when there is none. While it waits for a control script
//! or for the outcome of a start it takes no further control byte.
//!
//! What is due starts with [`Event::Tick`] alone, which comes last in a round: a
//! TERM or `d` that came together with an end is heard before the next start.

use runit_core::control::ControlByte;
use runit_core::exit::Exit;
use runit_core::status::{State, StatusRecord, Want};
use runit_core::tai::Tai64n;
use rustix::process::{Pid, Signal};

#[cfg(test)]
#[path = "tests/view.rs"]
mod view;

/// How long a service that came down this soon after its start has to wait
/// for the next one, and how long a failed fork waits to be tried again.
pub const THROTTLE: Nanoseconds = 1_000_000_000;

/// Time by the monotonic clock, and spans of it.
pub type Nanoseconds = u64;

/// The time at which an event is handled, by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Time that never jumps: what delays are measured by.
    pub mono: Nanoseconds,
    /// Time as people know it: what the status record shows.
    pub tai: Tai64n,
}

/// Which of the two services of a service directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The service itself.
    Service,
    /// Its log service: no control scripts, no `finish`, deaf to `x`.
    Log,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A control byte was read. Only while [`Service::wants_control`].
    Control(ControlByte),
    /// The service's process was reaped.
    Exited {
        /// How it ended.
        exit: Exit,
        /// Whether there is a `finish` to run.
        finish: bool,
    },
    /// The process asked for by [`Action::Start`] runs.
    Started(Pid),
    /// It could not be made.
    StartFailed,
    /// The control script asked for by [`Action::Hook`] has ended, or there is
    /// none.
    HookDone {
        /// Whether it ended with code 0: then the signal is not sent.
        handled: bool,
    },
    /// All that has come has been taken in: what is due by now may begin.
    Tick,
}

/// What is to be done, in the order given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send a signal to the service's process.
    Kill(Pid, Signal),
    /// Run `control/<byte>` if there is one, and answer [`Event::HookDone`].
    Hook(ControlByte),
    /// Start a program and answer [`Event::Started`] or [`Event::StartFailed`].
    Start(Program),
    /// Close our writing end of the log pipe if it is open, and answer with
    /// what is left in it (the pair's, see [`pair`](crate::pair)).
    Drain,
    /// End: everything is down (the pair's as well).
    Quit,
}

/// A program of a service directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `./run`.
    Run,
    /// `./finish`, which is told how `run` ended.
    Finish(Exit),
}

/// The actions that one event leads to, and whom they are for: at most a TERM,
/// a CONT, and a hook or start, which comes last because its answer is the
/// next event; or the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actions([Option<(Role, Action)>; 4]);

impl Actions {
    /// Appends an action.
    pub fn push(&mut self, role: Role, action: Action) {
        let slot = self.0.iter_mut().find(|slot| slot.is_none());
        debug_assert!(slot.is_some(), "an event leads to no more actions than this");
        if let Some(slot) = slot {
            *slot = Some((role, action));
        }
    }

    /// The action at `index`, `None` behind the last one.
    pub fn get(&self, index: usize) -> Option<(Role, Action)> {
        self.0.get(index).copied().flatten()
    }
}

/// What the machine waits for before it takes the next control byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Nothing,
    /// The control script that may send the signal in our stead.
    Signal(ControlByte),
    /// `control/t`, before TERM and all that follows.
    Stop,
    /// `control/d` or `control/x`, whose exit code does not matter.
    Notice,
    /// `control/u`, before a start.
    BeforeStart,
    /// The outcome of a start.
    Start(Program),
}

/// One service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    role: Role,
    record: StatusRecord,
    pending: Pending,
    /// Start it once although it is not wanted up.
    once: bool,
    /// When `run` was started, by the monotonic clock.
    started: Nanoseconds,
    /// The earliest time for the next start.
    not_before: Nanoseconds,
    /// How `run` ended last.
    last: Exit,
}

impl Service {
    /// A service that is down since `now`.
    pub fn new(role: Role, want: Want, now: Now) -> Self {
        Self {
            role,
            record: StatusRecord { since: now.tai, want, ..StatusRecord::default() },
            pending: Pending::Nothing,
            once: false,
            started: 0,
            not_before: 0,
            last: Exit::Code(0),
        }
    }

    /// What the world is to be told of it.
    pub fn record(&self) -> StatusRecord {
        self.record
    }

    /// Whether the next control byte may be read: nothing is under way that it
    /// would have to wait for.
    pub fn wants_control(&self) -> bool {
        self.pending == Pending::Nothing
    }

    /// Whether it has no process and nothing under way.
    pub fn is_down(&self) -> bool {
        self.record.state == State::Down && self.pending == Pending::Nothing
    }

    /// When [`Event::Tick`] is due, on the monotonic clock.
    pub fn deadline(&self) -> Option<Nanoseconds> {
        (self.pending == Pending::Nothing && self.start_due().is_some()).then_some(self.not_before)
    }

    /// Takes in an event; appends what to do.
    pub fn step(&mut self, now: Now, event: Event, out: &mut Actions) {
        match event {
            Event::Control(command) => self.control(command, out),
            Event::Exited { exit, finish } => self.exited(now, exit, finish),
            Event::Started(pid) => self.started(now, pid),
            Event::StartFailed => {
                self.pending = Pending::Nothing;
                self.not_before = now.mono.saturating_add(THROTTLE);
            }
            Event::HookDone { handled } => self.hook_done(handled, out),
            Event::Tick => self.start_if_due(now, out),
        }
    }

    /// For a log service whose writers are gone: it is no more wanted than to
    /// read to the end of its input. Gives whether it was wanted up.
    pub fn release(&mut self) -> bool {
        let wanted = self.record.want == Want::Up;
        self.record.want = Want::Exit;
        self.once = false;
        wanted
    }

    /// Starts a released log service another time, for what is left to read.
    pub fn start_again(&mut self) {
        self.once = true;
    }

    fn control(&mut self, command: ControlByte, out: &mut Actions) {
        let running = self.record.state == State::Run;
        match command {
            ControlByte::Exit if self.role == Role::Log => {}
            ControlByte::Up => self.want(Want::Up),
            ControlByte::Once => {
                self.want(Want::Down);
                self.once = self.record.state == State::Down;
            }
            ControlByte::Down | ControlByte::Exit | ControlByte::Term => {
                match command {
                    ControlByte::Down => self.want(Want::Down),
                    ControlByte::Exit => self.want(Want::Exit),
                    _ => {}
                }
                if running {
                    self.hook(ControlByte::Term, Pending::Stop, out);
                }
            }
            _ if running => self.hook(command, Pending::Signal(command), out),
            _ => self.flag_pause(command),
        }
    }

    /// `p` sets the flag, also where there is no process to be stopped.
    fn flag_pause(&mut self, command: ControlByte) {
        match command {
            ControlByte::Pause => self.record.paused = true,
            ControlByte::Cont => self.record.paused = false,
            _ => {}
        }
    }

    fn want(&mut self, want: Want) {
        self.record.want = want;
        self.once = false;
    }

    /// Runs a control script and goes on with `pending` when it has ended; at
    /// once for a log service, to which they do not apply.
    fn hook(&mut self, script: ControlByte, pending: Pending, out: &mut Actions) {
        self.pending = pending;
        match self.role {
            Role::Service => out.push(self.role, Action::Hook(script)),
            Role::Log => self.hook_done(false, out),
        }
    }

    fn hook_done(&mut self, handled: bool, out: &mut Actions) {
        // The process may have ended while the script ran; `finish` waits for it.
        let process = self.record.pid;
        match core::mem::replace(&mut self.pending, Pending::Nothing) {
            Pending::Signal(command) => {
                if let (false, Some(pid), Some(signal)) = (handled, process, command.signal()) {
                    out.push(self.role, Action::Kill(pid, signal));
                }
                self.flag_pause(command);
            }
            Pending::Stop => self.stop(handled, process, out),
            Pending::BeforeStart => self.start(Program::Run, out),
            // A start is not under way while a script is, and the other way
            // round; what is pending for it goes on.
            other @ Pending::Start(_) => self.pending = other,
            Pending::Notice | Pending::Nothing => {}
        }
    }

    /// What follows `control/t`: TERM unless the script has seen to it, and
    /// where the service is not to come back, CONT and a last script.
    fn stop(&mut self, handled: bool, process: Option<Pid>, out: &mut Actions) {
        if let (false, Some(pid)) = (handled, process) {
            out.push(self.role, Action::Kill(pid, Signal::TERM));
            self.record.got_term = true;
        }
        let script = match self.record.want {
            Want::Up => return,
            Want::Down => ControlByte::Down,
            Want::Exit => ControlByte::Exit,
        };
        if let Some(pid) = process {
            out.push(self.role, Action::Kill(pid, Signal::CONT));
            self.record.paused = false;
        }
        self.hook(script, Pending::Notice, out);
    }

    fn exited(&mut self, now: Now, exit: Exit, finish: bool) {
        self.record.pid = None;
        self.record.got_term = false;
        if self.record.state == State::Run {
            self.last = exit;
            if finish && self.role == Role::Service {
                self.record.state = State::Finish;
                self.not_before = now.mono;
                return;
            }
        }
        self.record.state = State::Down;
        self.record.since = now.tai;
        let soon = now.mono < self.started.saturating_add(THROTTLE);
        self.not_before = if soon { now.mono.saturating_add(THROTTLE) } else { now.mono };
    }

    fn started(&mut self, now: Now, pid: Pid) {
        let pending = core::mem::replace(&mut self.pending, Pending::Nothing);
        self.record.pid = Some(pid);
        if pending == Pending::Start(Program::Run) {
            self.record.since = now.tai;
            self.record.state = State::Run;
            self.record.paused = false;
            self.record.got_term = false;
            self.once = false;
            self.started = now.mono;
        }
    }

    /// What is to be started as soon as `not_before` allows.
    fn start_due(&self) -> Option<Program> {
        match self.record.state {
            State::Down if self.record.want == Want::Up || self.once => Some(Program::Run),
            State::Finish if self.record.pid.is_none() => Some(Program::Finish(self.last)),
            _ => None,
        }
    }

    fn start_if_due(&mut self, now: Now, out: &mut Actions) {
        if self.pending != Pending::Nothing || now.mono < self.not_before {
            return;
        }
        match self.start_due() {
            Some(Program::Run) if self.role == Role::Service => {
                self.hook(ControlByte::Up, Pending::BeforeStart, out);
            }
            Some(program) => self.start(program, out),
            None => {}
        }
    }

    fn start(&mut self, program: Program, out: &mut Actions) {
        self.pending = Pending::Start(program);
        out.push(self.role, Action::Start(program));
    }
}
