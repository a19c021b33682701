//! `runsvdir` with services that come, go, and end.

use std::time::Duration;

use rustix::process::Signal;

use super::lab::{Check, LIMIT, Lab, Outcome, wait};
use super::message;
use super::processes::children;
use super::runsv::CALLS;
use super::service::Service;
use super::subject::Subject;
use crate::process::signal;

/// How long each step may take while the fault lasts.
const STEP: Duration = Duration::from_secs(2);

/// What its lines, those of a child that cannot become `runsv`, and those of a `runsv` whose
/// directory has gone begin with. The third is for when there is no memory for more.
const STARTS: [&str; 4] = [
    "runsvdir service: warning: ",
    "runsvdir service: fatal: ",
    "runsvdir: warning: ",
    "runsv a: fatal: ",
];

struct Tree<'a> {
    lab: &'a Lab<'a>,
    services: Vec<Service>,
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// The scenario, with standard error a file.
pub fn run(lab: &Lab<'_>) -> Check<Outcome> {
    with_arguments(lab, &["service"])
}

/// The same, with standard error shown in its command line.
pub fn run_with_log(lab: &Lab<'_>) -> Check<Outcome> {
    with_arguments(lab, &["service", "log: ................................................"])
}

fn with_arguments(lab: &Lab<'_>, arguments: &[&str]) -> Check<Outcome> {
    let tree = Tree::new(lab)?;
    let mut subject = lab.start(lab.traced("runsvdir").args(arguments))?;
    let _ = tree.drive(&mut subject);
    let refused = subject.code();
    subject.end_fault()?;
    let outcome = match refused {
        Some(code) => tree.refusal(&subject, code)?,
        None if lab.calls() > CALLS => {
            return Err(format!("{} calls in a few seconds", lab.calls()));
        }
        None => {
            tree.recover(&mut subject)?;
            Outcome::Survived
        }
    };
    message::are_sane(&subject.said(), &STARTS)?;
    Ok(outcome)
}

impl<'a> Tree<'a> {
    fn new(lab: &'a Lab<'a>) -> Check<Self> {
        let services = NAMES.map(|name| Service::plain(lab.path("sv").join(name)));
        let services = services.into_iter().collect::<Check<Vec<_>>>()?;
        std::fs::create_dir(lab.path("service")).map_err(|error| error.to_string())?;
        let tree = Self { lab, services };
        tree.add(0)?;
        tree.add(1)?;
        Ok(tree)
    }

    fn link(&self, index: usize) -> std::path::PathBuf {
        self.lab.path("service").join(NAMES[index])
    }

    fn add(&self, index: usize) -> Check {
        let target = std::path::Path::new("../sv").join(NAMES[index]);
        std::os::unix::fs::symlink(target, self.link(index)).map_err(|error| error.to_string())
    }

    fn remove(&self, index: usize) -> Check {
        std::fs::remove_file(self.link(index)).map_err(|error| error.to_string())
    }

    /// The supervisors of a service: they are at work in its directory, and so is what they start.
    fn supervisors(&self, index: usize) -> Vec<u32> {
        let service = &self.services[index];
        let is_runsv = |pid: &u32| {
            std::fs::read(format!("/proc/{pid}/comm")).is_ok_and(|name| name == b"runsv\n")
                && std::fs::read_link(format!("/proc/{pid}/cwd"))
                    .is_ok_and(|cwd| cwd == service.dir())
        };
        self.lab.processes().into_iter().filter(is_runsv).collect()
    }

    fn is_up(&self, index: usize) -> bool {
        self.services[index].is_up() && self.supervisors(index).len() == 1
    }

    fn is_gone(&self, index: usize) -> bool {
        self.services[index].live().is_empty() && self.supervisors(index).is_empty()
    }

    fn drive(&self, subject: &mut Subject) -> Check {
        let mut step = |what: &str, condition: &dyn Fn() -> bool| {
            wait(STEP, what, || subject.code().is_some() || condition())
        };
        let first = step("a and b", &|| self.is_up(0) && self.is_up(1));
        // The directory changes in any case, so that there is something to be found later.
        self.add(2)?;
        self.remove(0)?;
        first?;
        step("c", &|| self.is_up(2))?;
        step("the end of a", &|| self.is_gone(0))?;
        let starts = self.services[1].starts().len();
        for pid in self.supervisors(1) {
            signal(pid, Signal::TERM).map_err(|error| error.to_string())?;
        }
        step("b again", &|| self.services[1].starts().len() > starts && self.is_up(1))
    }

    fn refusal(&self, subject: &Subject, code: i32) -> Check<Outcome> {
        let started = self.services.iter().any(|service| !service.starts().is_empty());
        match (code, started, subject.said().lines().count()) {
            (100 | 111, false, 1..=3) => Ok(Outcome::Refused),
            _ => Err(format!("it has ended with {code}")),
        }
    }

    fn recover(&self, subject: &mut Subject) -> Check {
        let up =
            |index: usize| wait(LIMIT, &format!("{} to be up", NAMES[index]), || self.is_up(index));
        up(1)?;
        up(2)?;
        wait(LIMIT, "the end of a", || self.is_gone(0))?;
        self.add(3)?;
        up(3)?;
        self.remove(3)?;
        wait(LIMIT, "the end of d", || self.is_gone(3))?;
        self.add(0)?;
        up(0)?;
        // Each supervisor is one that it knows of, and there are no others.
        let known = children(subject.pid());
        let all: Vec<u32> = (0..NAMES.len()).flat_map(|index| self.supervisors(index)).collect();
        if known.len() != all.len() || !all.iter().all(|pid| known.contains(pid)) {
            return Err(format!("its children are {known:?}, the supervisors {all:?}"));
        }
        subject.signal(Signal::HUP)?;
        match subject.wait_end(LIMIT)? {
            111 => {}
            code => return Err(format!("after HUP it exits with {code}")),
        }
        wait(LIMIT, "all services to end", || self.lab.processes().is_empty())?;
        self.services.iter().try_for_each(|service| service.check_ledger(true))
    }
}
