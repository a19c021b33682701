//! The loop of process 1: signals become events, actions become calls. It
//! waits in one place, for as long as nothing happens, and never ends.

use core::time::Duration;

use runit_core::exit::Exit;
use runit_core::face::Face;
use runit_core::tool::Tool;
use runit_rt::clock;
use runit_rt::signal::{self, SignalSet};
use runit_rt::start::Start;
use runit_rt::strings::CStrList;
use rustix::fs::{Mode, chmod};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, wait};
use rustix::system::{RebootCommand, reboot};

use crate::boot::{Action, Actions, Boot, Event, Nanoseconds, Program};
use crate::children::{self, is_executable};
use crate::console::{self, say};
use crate::container::is_container;
use crate::halt;
use crate::message::Message;
use crate::paths;

const INT: u32 = 2;
const TERM: u32 = 15;
const CHLD: u32 = 17;
const CONT: u32 = 18;
const PWR: u32 = 30;

/// How many children are reaped before other signals have their turn.
const REAP_AT_ONCE: usize = 4096;

/// `runit` has no options.
#[derive(Clone, Copy, Debug)]
pub enum Key {}

/// How the tool presents itself.
pub const TOOL: Tool<Key> = Tool {
    name: "runit",
    usage: "runit",
    synopsis: &["runit"],
    about: "Process 1: runs /etc/runit/1, 2 and 3 in turn, and reaps all orphans.",
    options: &[],
    notes: &["Signals, in stage 2: CONT goes to stage 3 if /etc/runit/stopit is executable;
INT runs /etc/runit/ctrlaltdel, PWR /etc/runit/pwrfail, and then as CONT.
In a container TERM, and PWR, end it."],
};

/// What of it is in the file.
pub const FACE: Face<Key> = runit_core::face!(TOOL);

/// The exit code of a process that is not process 1.
const FATAL: u8 = 111;

/// Runs the program; as process 1 it does not come back.
pub fn main(start: &mut Start) -> u8 {
    if !is_first() {
        match start.args().rest().next().map(core::ffi::CStr::to_bytes) {
            Some(b"--help") => return FACE.print_help(),
            Some(b"--version") => return FACE.print_version(),
            _ => {}
        }
        say(Message::NotFirst);
        return FATAL;
    }
    // All of them: a signal that nobody waits for would pile up or, in a
    // container, end it.
    signal::block(SignalSet::ALL);
    // Away from whoever started a container.
    let _ = rustix::process::setsid();
    // Ctrl-alt-del shall send INT. No matter in a container, which may not.
    let _ = reboot(RebootCommand::CadOff);
    console::renew();
    say(Message::Booting);
    let mut shell = Shell { env: start.env(), boot: Boot::new() };
    shell.run()
}

fn is_first() -> bool {
    rustix::process::getpid() == Pid::INIT
}

/// What follows the message of a panic. A system whose process 1 ends is lost;
/// one that only reaps can be looked at, and rebooted by the kernel's own ways.
pub fn on_panic() -> ! {
    if !is_first() {
        // A child that was about to become a program.
        runit_rt::exit(FATAL);
    }
    rest()
}

/// Reaps for ever.
fn rest() -> ! {
    loop {
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        signal::wait(SignalSet::ALL, None);
    }
}

struct Shell<'a> {
    env: CStrList<'a>,
    boot: Boot,
}

impl Shell<'_> {
    fn run(&mut self) -> ! {
        let mut more = false;
        self.handle(Event::Tick);
        while self.boot.stage().is_some() {
            let signal = signal::wait(SignalSet::ALL, self.time_left(more));
            // Where it cannot be waited at all, children are reaped all the same.
            let too_early = signal.is_none() && self.time_left(more) != Some(Duration::ZERO);
            if let Some(event) = signal.and_then(|signal| self.event_of(signal)) {
                self.handle(event);
            }
            if more || signal.is_none_or(|signal| signal == CHLD) {
                more = self.reap();
            }
            self.handle(Event::Tick);
            if too_early {
                clock::pause();
            }
        }
        halt::take_down(self.env);
        rest()
    }

    /// How long there is nothing to do.
    fn time_left(&self, more: bool) -> Option<Duration> {
        if more {
            return Some(Duration::ZERO);
        }
        let deadline = self.boot.deadline()?;
        Some(Duration::from_nanos(deadline.saturating_sub(now())))
    }

    /// What a signal means, with the facts that go with it.
    fn event_of(&self, signal: u32) -> Option<Event> {
        let script = |program| is_executable(paths::of(program).0);
        Some(match signal {
            CONT => Event::Cont,
            INT => Event::Int { script: script(Program::CtrlAltDel) },
            PWR => {
                Event::Pwr { script: script(Program::PwrFail), container: is_container(self.env) }
            }
            TERM => Event::Term { container: is_container(self.env) },
            _ => return None,
        })
    }

    /// Reaps children that have ended; says whether there may be more. One
    /// SIGCHLD may stand for many.
    fn reap(&mut self) -> bool {
        for _ in 0..REAP_AT_ONCE {
            let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) else {
                return false;
            };
            if let Some(exit) = Exit::from_wait(status) {
                self.handle(Event::Ended(pid, exit));
            }
        }
        true
    }

    /// Hands an event to the machine and does what comes of it, and of that.
    fn handle(&mut self, event: Event) {
        let mut actions = Actions::default();
        self.boot.step(now(), event, &mut actions);
        let mut index = 0;
        while let Some(action) = actions.get(index) {
            index += 1;
            match action {
                Action::Say(message) => say(message),
                Action::Start(program) => {
                    let answer = children::start(program, self.env);
                    self.handle(answer);
                }
                // It has not been reaped, so it is ours.
                Action::Terminate(pid) => drop(kill_process(pid, Signal::TERM)),
                Action::Kill(pid) => drop(kill_process(pid, Signal::KILL)),
                // It may be empty.
                Action::KillGroup(pid) => drop(kill_process_group(pid, Signal::KILL)),
                Action::TakeStopit => {
                    let taken = take_stopit();
                    self.handle(Event::Stopit { taken });
                }
                // By `run`, when this has been left.
                Action::Finish => {}
            }
        }
    }
}

fn now() -> Nanoseconds {
    u64::try_from(clock::monotonic().as_nanos()).unwrap_or(u64::MAX)
}

/// Takes the permission to leave stage 2, if there is one.
fn take_stopit() -> bool {
    let there = is_executable(paths::STOPIT);
    if there {
        // On a file system that cannot be written, it stays; nobody asks again.
        let _ = chmod(paths::STOPIT, Mode::empty());
    }
    there
}
