//! What the contract says a service must look like and do, told a second time:
//! from what happens to it alone, with nothing of the machine.

use runit_core::control::ControlByte;
use runit_core::status::{State, StatusRecord, Want};
use runsv::machine::{Action, Event, Nanoseconds, Now, Program, Role};
use rustix::process::{Pid, Signal};

/// The second within which a service must not start twice.
const SECOND: Nanoseconds = 1_000_000_000;

/// What must be true of one of the two services.
pub struct Model {
    role: Role,
    /// The status that the world must see.
    pub status: StatusRecord,
    /// The control script that runs.
    pub script: Option<ControlByte>,
    /// It was asked for one start although it is not wanted up.
    pub once: bool,
    /// The pair ends: the service is gone, the log service reads the rest.
    pub ending: bool,
    /// The earliest time at which `run` may be started.
    pub not_before: Nanoseconds,
    /// The earliest time at which `finish` can be started.
    finish_not_before: Nanoseconds,
    started: Nanoseconds,
}

impl Model {
    /// A service that has not been started yet.
    pub fn new(role: Role, want: Want, now: Now) -> Self {
        Self {
            role,
            status: StatusRecord { since: now.tai, want, ..StatusRecord::default() },
            script: None,
            once: false,
            ending: false,
            not_before: 0,
            finish_not_before: 0,
            started: 0,
        }
    }

    /// The process of `run`, which alone gets signals.
    fn running(&self) -> Option<Pid> {
        self.status.pid.filter(|_| self.status.state == State::Run)
    }

    /// Takes in what happened; gives the signals and control scripts that have
    /// to come of it, in their order.
    pub fn expect(&mut self, now: Now, event: Event) -> Vec<Action> {
        match event {
            Event::Control(command) => self.command(command),
            Event::HookDone { handled } => self.script_done(handled),
            Event::Started(pid) => {
                self.status.pid = Some(pid);
                if self.status.state == State::Down {
                    let (since, want) = (now.tai, self.status.want);
                    let state = State::Run;
                    self.status = StatusRecord {
                        since,
                        pid: Some(pid),
                        paused: false,
                        want,
                        got_term: false,
                        state,
                    };
                    self.started = now.mono;
                    self.once = false;
                }
                Vec::new()
            }
            Event::StartFailed => {
                self.not_before = now.mono + SECOND;
                self.finish_not_before = now.mono + SECOND;
                Vec::new()
            }
            Event::Exited { finish, .. } => {
                self.status.pid = None;
                self.status.got_term = false;
                if self.status.state == State::Run && finish && self.role == Role::Service {
                    self.status.state = State::Finish;
                    self.finish_not_before = now.mono;
                } else {
                    self.status.state = State::Down;
                    self.status.since = now.tai;
                    let soon = now.mono < self.started + SECOND;
                    self.not_before = if soon { now.mono + SECOND } else { now.mono };
                }
                Vec::new()
            }
            Event::Tick => Vec::new(),
        }
    }

    fn command(&mut self, command: ControlByte) -> Vec<Action> {
        let restarts = matches!(command, ControlByte::Up | ControlByte::Once);
        if self.ending && (self.role == Role::Service || restarts) {
            return Vec::new();
        }
        match command {
            ControlByte::Exit if self.role == Role::Log => return Vec::new(),
            ControlByte::Up => self.want(Want::Up),
            ControlByte::Down => self.want(Want::Down),
            ControlByte::Exit => self.want(Want::Exit),
            ControlByte::Once => {
                self.want(Want::Down);
                self.once = self.status.state == State::Down;
            }
            _ => {}
        }
        if restarts {
            return Vec::new();
        }
        if self.running().is_none() {
            self.flag_pause(command);
            return Vec::new();
        }
        let script = match command {
            ControlByte::Down | ControlByte::Exit => ControlByte::Term,
            other => other,
        };
        match self.role {
            Role::Service => Vec::from([Action::Hook(script)]),
            Role::Log => self.act(script, false),
        }
    }

    fn script_done(&mut self, handled: bool) -> Vec<Action> {
        let script = self.script.take();
        script.map_or_else(Vec::new, |script| self.act(script, handled))
    }

    /// What follows when there is no script, or the script has ended.
    fn act(&mut self, script: ControlByte, handled: bool) -> Vec<Action> {
        let mut due = Vec::new();
        let signal = match script {
            ControlByte::Up | ControlByte::Down | ControlByte::Exit => return due,
            other => other.signal().filter(|_| !handled),
        };
        let mut send = |signal| due.extend(self.running().map(|pid| Action::Kill(pid, signal)));
        signal.into_iter().for_each(&mut send);
        let leaves = script == ControlByte::Term && self.status.want != Want::Up;
        if leaves {
            send(Signal::CONT);
        }
        if script == ControlByte::Term && self.running().is_some() {
            self.status.got_term |= !handled;
            self.status.paused &= !leaves;
        }
        self.flag_pause(script);
        if leaves && self.role == Role::Service {
            let exits = self.status.want == Want::Exit;
            due.push(Action::Hook(if exits { ControlByte::Exit } else { ControlByte::Down }));
        }
        due
    }

    fn flag_pause(&mut self, command: ControlByte) {
        match command {
            ControlByte::Pause => self.status.paused = true,
            ControlByte::Cont => self.status.paused = false,
            _ => {}
        }
    }

    fn want(&mut self, want: Want) {
        self.status.want = want;
        self.once = false;
    }

    /// What has to be started, and from when on.
    pub fn due(&self) -> Option<(Program, Nanoseconds)> {
        let run_due = self.status.want == Want::Up || self.once;
        match (self.status.state, self.status.pid) {
            _ if self.script.is_some() => None,
            (State::Down, None) if run_due => Some((Program::Run, self.not_before)),
            (State::Finish, None) => {
                let exit = runit_core::exit::Exit::Code(0);
                Some((Program::Finish(exit), self.finish_not_before))
            }
            _ => None,
        }
    }
}
