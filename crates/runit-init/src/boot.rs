//! The life of a system as a machine without system calls: stages, requests,
//! and how long anything may take.
//!
//! [`Boot::step`] takes in an event and appends [`Action`]s. Whoever carries
//! them out answers some with further events at once, and calls it with
//! [`Event::Tick`] no later than [`Boot::deadline`].

use runit_core::exit::Exit;
use runit_rt::Errno;
use rustix::process::Pid;

pub use crate::event::{Action, Actions, Event, Program};
use crate::message::Message;

/// Time of the monotonic clock.
pub type Nanoseconds = u64;

const SECOND: Nanoseconds = 1_000_000_000;

/// From TERM to KILL, and from a crash of stage 2 to its next start.
pub const PATIENCE: Nanoseconds = 5 * SECOND;

/// How long a stage that was sent KILL is waited for: one that hangs in the
/// kernel, on a disk or server that is gone, cannot even be killed.
pub const GIVE_UP: Nanoseconds = 2 * SECOND;

/// How long a process that could not be made waits to be tried again.
pub const RETRY: Nanoseconds = SECOND;

/// From a request to stop a container to the end of its stage 3: those who
/// run containers kill them after ten seconds.
pub const CONTAINER_LIMIT: Nanoseconds = 9 * SECOND;

/// Stage 1 ends with this code where stage 2 must not follow.
const SKIP: Exit = Exit::Code(100);

/// Stage 2 ends with this code to be started again.
const RESTART: Exit = Exit::Code(111);

/// Where a start has got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// Due at this time.
    At(Nanoseconds),
    /// As above; it has been tried before, and that was said.
    Again(Nanoseconds),
    /// Due at this time, after a crash.
    After(Nanoseconds),
    /// Asked for.
    Asked {
        /// Whether it has been tried before.
        again: bool,
    },
}

impl Start {
    fn due(self) -> Option<Nanoseconds> {
        match self {
            Self::At(at) | Self::Again(at) | Self::After(at) => Some(at),
            Self::Asked { .. } => None,
        }
    }
}

/// What a program is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// To be started.
    Starting(Start),
    /// Running.
    Running(Pid),
    /// Has been sent TERM, and will be sent KILL at this time.
    Stopping(Pid, Nanoseconds),
    /// Has been sent KILL, and is given up at this time.
    Killed(Pid, Nanoseconds),
}

/// The stages, and the script beside stage 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boot {
    /// The stage and what it is at; `None` when all is over.
    stage: Option<(Program, Phase)>,
    /// The script of a request, and what it is at.
    script: Option<(Program, Phase)>,
    /// When stage 3 of a container must be over.
    limit: Option<Nanoseconds>,
}

impl Boot {
    /// A system that is about to enter stage 1.
    pub fn new() -> Self {
        let first = Phase::Starting(Start::At(0));
        Self { stage: Some((Program::Stage1, first)), script: None, limit: None }
    }

    /// The stage that the system is in; `None` after the last one.
    pub fn stage(&self) -> Option<Program> {
        self.stage.map(|(program, _)| program)
    }

    /// When [`Event::Tick`] is due.
    pub fn deadline(&self) -> Option<Nanoseconds> {
        let due = |part: Option<(Program, Phase)>| match part?.1 {
            Phase::Starting(start) => start.due(),
            Phase::Stopping(_, at) | Phase::Killed(_, at) => Some(at),
            Phase::Running(_) => None,
        };
        let limit = self.limit.filter(|_| self.stage() == Some(Program::Stage3));
        [due(self.stage), due(self.script), limit].into_iter().flatten().min()
    }

    /// Takes in an event; appends what to do.
    pub fn step(&mut self, now: Nanoseconds, event: Event, out: &mut Actions) {
        match event {
            Event::Started(program, pid) => {
                if let Some((phase, _)) = self.asked_for(program) {
                    *phase = Phase::Running(pid);
                }
            }
            Event::StartFailed(program, error) => self.start_failed(now, program, error, out),
            Event::Ended(pid, exit) => self.ended(now, pid, exit, out),
            Event::Cont => {
                if self.takes_requests(out) {
                    out.push(Action::TakeStopit);
                }
            }
            Event::Int { script } => {
                if self.takes_requests(out) && script {
                    self.start_script(now, Program::CtrlAltDel, Message::CtrlAltDel, out);
                }
            }
            Event::Pwr { script: true, container }
                if !container || self.stage() == Some(Program::Stage2) =>
            {
                if self.takes_requests(out) {
                    self.start_script(now, Program::PwrFail, Message::PowerFail, out);
                }
            }
            Event::Pwr { container: true, .. } | Event::Term { container: true } => {
                out.say(Message::StopRequest);
                self.limit.get_or_insert(now.saturating_add(CONTAINER_LIMIT));
                self.stop(now, out);
            }
            Event::Stopit { taken: true } if self.stage() == Some(Program::Stage2) => {
                self.stop(now, out);
            }
            Event::Tick | Event::Pwr { .. } | Event::Term { .. } | Event::Stopit { .. } => {}
        }
        // A start of stage 2 that is due now must not follow an answer that
        // ends it; the answer is the next event, and time goes on with it.
        if !(0..).map_while(|at| out.get(at)).any(|action| action == Action::TakeStopit) {
            self.pass_time(now, out);
        }
    }

    /// Whether this is stage 2; if not, says so.
    fn takes_requests(&self, out: &mut Actions) -> bool {
        let takes = self.stage() == Some(Program::Stage2);
        if !takes {
            out.say(Message::OnlyInStage2);
        }
        takes
    }

    /// The phase of `program` if its start has been asked for, and whether it
    /// has been tried before.
    fn asked_for(&mut self, program: Program) -> Option<(&mut Phase, bool)> {
        let parts = [&mut self.stage, &mut self.script].into_iter().flatten();
        parts.into_iter().find_map(|(of, phase)| match *phase {
            Phase::Starting(Start::Asked { again }) if *of == program => Some((phase, again)),
            _ => None,
        })
    }

    fn start_failed(
        &mut self,
        now: Nanoseconds,
        program: Program,
        error: Errno,
        out: &mut Actions,
    ) {
        if let Some((phase, again)) = self.asked_for(program) {
            *phase = Phase::Starting(Start::Again(now.saturating_add(RETRY)));
            // Once is enough: it may go on for long.
            if !again {
                out.say(Message::NoProcess(program, error));
            }
        }
    }

    fn start_script(
        &mut self,
        now: Nanoseconds,
        program: Program,
        message: Message,
        out: &mut Actions,
    ) {
        // Whoever asks twice gets one answer.
        if self.script.is_none() {
            out.say(message);
            self.script = Some((program, Phase::Starting(Start::At(now))));
        }
    }

    fn ended(&mut self, now: Nanoseconds, pid: Pid, exit: Exit, out: &mut Actions) {
        if let Some((program, phase)) = self.stage {
            match phase {
                Phase::Running(running) if running == pid => {
                    self.stage_ended(now, program, pid, exit, out);
                    return;
                }
                Phase::Stopping(running, _) | Phase::Killed(running, _) if running == pid => {
                    out.say(Message::Leave(program));
                    self.go_down(now, out);
                    return;
                }
                _ => {}
            }
        }
        if let Some((program, Phase::Running(running))) = self.script {
            if running == pid {
                self.script = None;
                say_end(program, exit, out);
                out.say(Message::Leave(program));
                if self.stage() == Some(Program::Stage2) {
                    out.push(Action::TakeStopit);
                }
            }
        }
    }

    fn stage_ended(
        &mut self,
        now: Nanoseconds,
        program: Program,
        pid: Pid,
        exit: Exit,
        out: &mut Actions,
    ) {
        say_end(program, exit, out);
        let crashed = matches!(exit, Exit::Signal { .. });
        match program {
            Program::Stage2 if crashed || exit == RESTART => {
                out.say(Message::KillingStage2);
                out.push(Action::KillGroup(pid));
                let start = Start::After(now.saturating_add(PATIENCE));
                self.stage = Some((program, Phase::Starting(start)));
            }
            Program::Stage1 if crashed || exit == SKIP => {
                out.say(Message::Leave(program));
                out.say(Message::Skipping);
                self.go_down(now, out);
            }
            Program::Stage1 => {
                out.say(Message::Leave(program));
                self.stage = Some((Program::Stage2, Phase::Starting(Start::At(now))));
            }
            _ => {
                out.say(Message::Leave(program));
                self.go_down(now, out);
            }
        }
    }

    /// Enters stage 3, or where that is over, ends.
    fn go_down(&mut self, now: Nanoseconds, out: &mut Actions) {
        // A script that could not be started yet has nothing more to decide.
        self.script = self.script.filter(|(_, phase)| matches!(phase, Phase::Running(_)));
        if self.stage() == Some(Program::Stage3) {
            self.stage = None;
            out.push(Action::Finish);
        } else {
            self.stage = Some((Program::Stage3, Phase::Starting(Start::At(now))));
        }
    }

    /// Ends stage 1 or 2.
    fn stop(&mut self, now: Nanoseconds, out: &mut Actions) {
        let Some((program @ (Program::Stage1 | Program::Stage2), phase)) = self.stage else {
            return;
        };
        match phase {
            Phase::Running(pid) => {
                out.push(Action::Terminate(pid));
                let kill = now.saturating_add(PATIENCE);
                self.stage = Some((program, Phase::Stopping(pid, kill)));
            }
            // It has no process: between two starts, or there is none to be had.
            Phase::Starting(_) => {
                out.say(Message::Leave(program));
                self.go_down(now, out);
            }
            Phase::Stopping(..) | Phase::Killed(..) => {}
        }
    }

    /// Does what is due.
    fn pass_time(&mut self, now: Nanoseconds, out: &mut Actions) {
        let over = self.stage() == Some(Program::Stage3) && self.limit.is_some_and(|at| now >= at);
        if over {
            self.limit = None;
            out.say(Message::TooLate);
        }
        match self.stage {
            Some((program, Phase::Stopping(pid, kill))) if now >= kill => {
                out.say(Message::StillThere(program));
                out.push(Action::Kill(pid));
                let give_up = now.saturating_add(GIVE_UP);
                self.stage = Some((program, Phase::Killed(pid, give_up)));
            }
            Some((program, Phase::Killed(_, give_up))) if now >= give_up => {
                out.say(Message::Leave(program));
                self.go_down(now, out);
            }
            Some((program, Phase::Running(pid))) if over => {
                out.push(Action::KillGroup(pid));
                self.stage = Some((program, Phase::Killed(pid, now.saturating_add(RETRY))));
            }
            Some(_) if over => self.go_down(now, out),
            _ => {}
        }
        self.stage = start_if_due(now, self.stage, out);
        self.script = start_if_due(now, self.script, out);
    }
}

impl Default for Boot {
    fn default() -> Self {
        Self::new()
    }
}

/// Asks for a start that is due; gives the part as it is then.
fn start_if_due(
    now: Nanoseconds,
    part: Option<(Program, Phase)>,
    out: &mut Actions,
) -> Option<(Program, Phase)> {
    let (program, phase) = part?;
    let Phase::Starting(start) = phase else {
        return part;
    };
    if start.due().is_none_or(|at| now < at) {
        return part;
    }
    if matches!(start, Start::After(_)) {
        out.say(Message::Restarting);
    }
    out.push(Action::Start(program));
    let again = matches!(start, Start::Again(_));
    Some((program, Phase::Starting(Start::Asked { again })))
}

/// Says how a program has ended, unless that was well.
fn say_end(program: Program, exit: Exit, out: &mut Actions) {
    match exit {
        Exit::Code(0) => {}
        Exit::Code(_) => out.say(Message::Failed(program)),
        Exit::Signal { .. } => out.say(Message::Crashed(program)),
    }
}
