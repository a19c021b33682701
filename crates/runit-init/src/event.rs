//! What the boot machine takes in and gives out.

use runit_core::exit::Exit;
use runit_rt::Errno;
use rustix::process::Pid;

use crate::message::Message;

/// What process 1 starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The first stage: makes a kernel a system.
    Stage1,
    /// The second: runs the services.
    Stage2,
    /// The third: takes the system down.
    Stage3,
    /// The script for ctrl-alt-del.
    CtrlAltDel,
    /// The script for a power failure.
    PwrFail,
}

impl Program {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Stage1, Self::Stage2, Self::Stage3, Self::CtrlAltDel, Self::PwrFail];
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing but that time has passed. The first event of all.
    Tick,
    /// The process asked for by [`Action::Start`] runs.
    Started(Program, Pid),
    /// It could not be made, or not execute its program for want of something
    /// that may be there later.
    StartFailed(Program, Errno),
    /// A child, ours or an orphan, has ended and was reaped.
    Ended(Pid, Exit),
    /// SIGCONT.
    Cont,
    /// SIGINT, which ctrl-alt-del sends.
    Int {
        /// Whether there is an executable `ctrlaltdel`.
        script: bool,
    },
    /// SIGPWR.
    Pwr {
        /// Whether there is an executable `pwrfail`.
        script: bool,
        /// Whether this is a container.
        container: bool,
    },
    /// SIGTERM.
    Term {
        /// Whether this is a container.
        container: bool,
    },
    /// The answer to [`Action::TakeStopit`].
    Stopit {
        /// Whether it was executable.
        taken: bool,
    },
}

/// What is to be done, in the order given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Say this.
    Say(Message),
    /// Start a program; answer [`Event::Started`] or [`Event::StartFailed`].
    Start(Program),
    /// Send TERM to the process.
    Terminate(Pid),
    /// Send KILL to the process.
    Kill(Pid),
    /// Send KILL to the process group.
    KillGroup(Pid),
    /// If `stopit` is executable by its owner, set its mode to 0; answer
    /// [`Event::Stopit`].
    TakeStopit,
    /// The stages are over: kill all, and reboot or power off.
    Finish,
}

/// The actions that one event leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actions([Option<Action>; 6]);

impl Actions {
    /// Appends an action.
    pub fn push(&mut self, action: Action) {
        let slot = self.0.iter_mut().find(|slot| slot.is_none());
        debug_assert!(slot.is_some(), "an event leads to no more actions than this");
        if let Some(slot) = slot {
            *slot = Some(action);
        }
    }

    /// The action at `index`, `None` behind the last one.
    pub fn get(&self, index: usize) -> Option<Action> {
        self.0.get(index).copied().flatten()
    }

    /// Appends [`Action::Say`].
    pub fn say(&mut self, message: Message) {
        self.push(Action::Say(message));
    }
}
