//! `runit` as process 1: from its start, and from a crash of stage 2 to the end of all.

use std::cell::RefCell;
use std::time::Duration;

use rustix::fd::OwnedFd;
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
use rustix::process::Signal;

use super::OURS;
use super::lab::{Check, LIMIT, Lab, Outcome, wait};
use super::machine::Machine;
use super::message;
use super::processes::{children, has_word, state};
use super::runsv::CALLS;
use super::subject::Subject;
use crate::process::signal;

/// How long a step may take while the fault lasts.
const STEP: Duration = Duration::from_millis(2500);

/// The same of the restart of stage 2, which comes five seconds after its crash.
const RESTART: Duration = Duration::from_millis(8500);

const STAGE_1: &str = "#!/bin/sh\necho 1 >>/log\n";

/// It makes orphans when it is told to, or ends as one that is to be started again.
const STAGE_2: &str = "#!/bin/sh
trap 'echo TERM >>/log; exit' TERM
trap 'exit 111' USR2
trap '(true & true & true &); echo orphans >>/log' USR1
echo 2 >>/log
while :; do sleep 1000 & wait; done
";

const STAGE_3: &str = "#!/bin/sh\necho 3 >>/log\n";

const CTRL_ALT_DEL: &str = "#!/bin/sh\necho keys >>/log\n";

/// What the kernel ends process 1 of a namespace with when it asks for the power to go off.
const POWER_OFF: i32 = -2;

/// A machine that is up.
struct System<'a> {
    machine: Machine<'a>,
    subject: Subject,
    console: OwnedFd,
    said: RefCell<String>,
    /// Whether it was told to go down.
    told: bool,
}

/// The scenario with the fault from the first call on: stages 1 and 2, orphans, ctrl-alt-del.
pub fn start(lab: &Lab<'_>) -> Check<Outcome> {
    let mut system = System::boot(lab, true)?;
    let _ = system.start_up();
    system.subject.end_fault()?;
    if system.lives()? {
        system.wait_stage(1, LIMIT)?;
        system.make_orphans(LIMIT)?;
        system.press_keys(LIMIT)?;
        system.go_down(LIMIT)?;
    }
    system.verdict(&["1", "2", "3"])
}

/// The scenario with the fault from stage 2 on: its crash, orphans, a request, and the end.
pub fn down(lab: &Lab<'_>) -> Check<Outcome> {
    let mut system = System::boot(lab, false)?;
    system.wait_stage(1, LIMIT)?;
    system.subject.attach(lab)?;
    let _ = system.crash_and_end();
    system.subject.end_fault()?;
    if system.lives()? {
        if !system.told {
            system.wait_stage(2, LIMIT)?;
            system.make_orphans(LIMIT)?;
        }
        system.go_down(LIMIT)?;
    }
    system.verdict(&["1", "2", "2", "3"])
}

impl<'a> System<'a> {
    fn boot(lab: &'a Lab<'a>, traced: bool) -> Check<Self> {
        let machine = Machine::new(lab, &["runit"])?;
        lab.write("etc/runit/1", STAGE_1)?;
        lab.write("etc/runit/2", STAGE_2)?;
        lab.write("etc/runit/3", STAGE_3)?;
        lab.write("etc/runit/ctrlaltdel", CTRL_ALT_DEL)?;
        let console = console(lab).map_err(|error| format!("console: {error}"))?;
        let subject = machine.boot(traced)?;
        Ok(Self { machine, subject, console, said: RefCell::default(), told: false })
    }

    fn start_up(&mut self) -> Check {
        self.wait_stage(1, STEP)?;
        self.make_orphans(STEP)?;
        self.press_keys(STEP)
    }

    fn crash_and_end(&mut self) -> Check {
        if let Some(stage) = self.stage_2() {
            // C runit 2.1 goes on to stage 3 after a crash.
            let ours = self.machine.lab.suite.label == OURS;
            let end = if ours { Signal::KILL } else { Signal::USR2 };
            signal(stage, end).map_err(|error| error.to_string())?;
        }
        self.wait_stage(2, RESTART)?;
        self.make_orphans(STEP)?;
        self.go_down(STEP)
    }

    /// The words that stages have written.
    fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.machine.lab.path("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn count(&self, word: &str) -> usize {
        self.log().iter().filter(|line| *line == word).count()
    }

    fn stage_2(&self) -> Option<u32> {
        children(self.subject.pid()).into_iter().find(|pid| has_word(*pid, "/etc/runit/2"))
    }

    /// Waits for something; the end of process 1 is an end of waiting too.
    fn wait(&mut self, limit: Duration, what: &str, condition: impl Fn(&Self) -> bool) -> Check {
        wait(limit, what, || self.subject.code().is_some() || condition(self))
    }

    /// Waits until stage 2 was started so many times.
    fn wait_stage(&mut self, times: usize, limit: Duration) -> Check {
        self.wait(limit, "stage 2", |system| system.count("2") >= times)
    }

    /// Has stage 2 leave processes behind, which process 1 has to reap.
    fn make_orphans(&mut self, limit: Duration) -> Check {
        let before = self.count("orphans");
        if let Some(stage) = self.stage_2() {
            signal(stage, Signal::USR1).map_err(|error| error.to_string())?;
        }
        self.wait(limit, "orphans", |system| system.count("orphans") > before)?;
        self.wait(limit, "orphans to be reaped", |system| {
            children(system.subject.pid()).into_iter().all(|pid| state(pid) != Some('Z'))
        })
    }

    /// Ctrl-alt-del, without a permission to go down.
    fn press_keys(&mut self, limit: Duration) -> Check {
        let before = self.count("keys");
        self.subject.signal(Signal::INT)?;
        self.wait(limit, "ctrlaltdel to be run", |system| system.count("keys") > before)
    }

    fn go_down(&mut self, limit: Duration) -> Check {
        self.told = true;
        self.machine.flag("stopit", 0o100)?;
        self.subject.signal(Signal::CONT)?;
        self.subject.wait_end(limit).map(drop)
    }

    /// Whether it lives. It may have ended only when told to, or when there was no stage 2 for it.
    fn lives(&mut self) -> Check<bool> {
        let code = self.subject.code();
        if self.machine.lab.calls() > CALLS {
            return Err(format!("{} calls in a few seconds", self.machine.lab.calls()));
        }
        match code {
            Some(code) if !self.told && !self.is_excused("2") => {
                Err(format!("it has ended with {code}, untold; said: {}", self.said()))
            }
            code => Ok(code.is_none()),
        }
    }

    /// What it has said, on standard error and on its console.
    fn said(&self) -> String {
        let mut seen = self.said.borrow_mut();
        let mut piece = [0; 4096];
        while let Ok(size @ 1..) = rustix::io::read(&self.console, &mut piece) {
            seen.push_str(&String::from_utf8_lossy(piece.get(..size).unwrap_or_default()));
        }
        self.subject.said() + &seen
    }

    /// Whether it has said that this stage cannot be executed.
    fn is_excused(&self, stage: &str) -> bool {
        self.said().contains(&format!("unable to start child: /etc/runit/{stage}: "))
    }

    /// What came of all of it, when these stages should have run.
    fn verdict(mut self, stages: &[&str]) -> Check<Outcome> {
        let code = self.subject.wait_end(LIMIT)?;
        let said = self.said();
        message::are_sane(&said, &["- runit: "])?;
        let exited = code == 0 && said.contains("- runit: exit.\n");
        if code != POWER_OFF && !exited {
            return Err(format!("it has ended with {code}; said: {said}"));
        }
        let log = self.log();
        let mut ran = log.iter().filter(|word| matches!(&***word, "1" | "2" | "3")).peekable();
        let mut outcome = Outcome::Survived;
        for stage in stages {
            if ran.next_if(|word| word == stage).is_none() {
                if !self.is_excused(stage) {
                    return Err(format!("log {log:?}, said: {said}"));
                }
                outcome = Outcome::Skipped;
            }
        }
        if ran.next().is_some() { Err(format!("log {log:?}")) } else { Ok(outcome) }
    }
}

/// A console that is a pipe: nothing is lost in it, and nobody hangs up.
fn console(lab: &Lab<'_>) -> rustix::io::Result<OwnedFd> {
    let path = lab.path("dev/console");
    let path = path.as_os_str().as_encoded_bytes();
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?;
    open(path, OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())
}
