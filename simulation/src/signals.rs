//! Signals, and the ends of processes that they and others lead to.

use runit_core::exit::Exit;
use runsv::machine::Role;
use rustix::process::{Pid, Signal};

use crate::clock::MS;
use crate::invariant::Invariant;
use crate::kernel::{KILLED, Kernel};
use crate::process::{Process, Task};

impl Kernel {
    /// Reaps a child of `parent` that has ended, whichever.
    pub fn wait(&mut self, parent: Pid) -> Option<(Process, Exit)> {
        let ended = |process: &&Process| process.parent == parent && !process.lives();
        let children: Vec<_> = self.processes.values().filter(ended).collect();
        let stopped = children.iter().any(|process| process.stopped);
        let count = children.len();
        let (first, last) = (children.first()?.pid, children.last()?.pid);
        self.saw("many ends at once", count > 1);
        self.saw("a stopped process killed", stopped);
        let pid = if self.rng.chance(50) { first } else { last };
        let process = self.processes.remove(pid)?;
        let exit = process.ended?;
        Some((process, exit))
    }

    /// Sends a signal to a child of `from`.
    pub fn kill(&mut self, from: Pid, to: Pid, signal: Signal) {
        let parent = self.processes.get(to).map(|process| process.parent);
        self.check(parent == Some(from), Invariant::Signals, || {
            format!("{from:?} sends {signal:?} to {to:?}, which is no child of its own")
        });
        self.deliver(to, signal);
    }

    /// Sends KILL to a process group.
    pub fn kill_group(&mut self, group: Pid) {
        let members: Vec<_> =
            self.processes.values().filter(|p| p.group == group).map(|p| p.pid).collect();
        for pid in members {
            self.deliver(pid, Signal::KILL);
        }
    }

    /// Sends a signal, whoever does.
    pub fn deliver(&mut self, pid: Pid, signal: Signal) {
        let now = self.clock.mono();
        let ends_at = now + self.rng.pick([0, 0, 10 * MS, 2000 * MS]);
        let deadly = self.rng.chance(20);
        let Some(process) = self.processes.get_mut(pid).filter(|process| process.lives()) else {
            return;
        };
        let number = u32::try_from(signal.as_raw()).unwrap_or(0);
        let program = process.is_program();
        match signal {
            Signal::KILL => return self.exit(pid, KILLED),
            Signal::STOP => process.stopped = true,
            Signal::CONT => {
                process.stopped = false;
                if core::mem::take(&mut process.term_waits) {
                    process.ends_at = Some(ends_at);
                }
                if program {
                    process.pending.add(number);
                }
            }
            _ if program => {
                let logger = process.birth.task == Task::Run(Role::Log);
                if logger && !matches!(signal, Signal::TERM | Signal::HUP | Signal::ALARM) {
                    let core_dumped = false;
                    let number = u8::try_from(number).unwrap_or(9);
                    return self.exit(pid, Exit::Signal { number, core_dumped });
                }
                process.pending.add(number);
            }
            Signal::TERM if process.deaf => {}
            Signal::TERM if process.stopped => process.term_waits = true,
            Signal::TERM => process.ends_at = Some(ends_at),
            _ if deadly => process.ends_at = Some(ends_at),
            _ => {}
        }
        self.note(|| format!("{pid:?} gets {signal:?}"));
    }

    /// Reads the next signal that waits for a program.
    pub fn take_signal(&mut self, pid: Pid) -> Option<u32> {
        self.processes.get_mut(pid)?.pending.take()
    }

    /// Whether it has not ended.
    pub fn is_alive(&self, pid: Pid) -> bool {
        self.processes.get(pid).is_some_and(Process::lives)
    }
}
