//! The ledger: each start, stop and line of each service accounted for.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

use super::lines::{Found, compare};
use super::lives::{Fate, Lives, judge};
use super::plan::{Plan, has_finish, name};
use super::record::Record;
use super::report::Report;
use super::tree::present;
use super::world::{Deeds, World};
use crate::error::{OnFile, Result};

/// What a logger may have in its memory when it is killed: one read of a full pipe
/// that was made larger, and a line that it has begun.
const IN_MEMORY: u64 = 256 * 1024 + 4096;

/// How many services with a violation have their story told.
const STORIES: usize = 2;

/// The names that may be in a `supervise` directory.
const SUPERVISE: &[&str] = &["lock", "ok", "control", "status", "stat", "pid"];

/// Everything, summed up.
#[derive(Default)]
struct Sums {
    starts: u64,
    taken: u64,
    finishes: u64,
    exits: u64,
    broken: u64,
    lines: u64,
    written: u64,
    holes: u64,
    hole_lines: u64,
    torn: u64,
    split: u64,
    splits: Vec<String>,
    beside: Vec<String>,
    gaps: Vec<String>,
    ends: Vec<String>,
    lost: Vec<String>,
    blamed: Vec<u32>,
    order: Vec<String>,
}

/// Balances all books.
pub fn balance(world: &World, report: &mut Report) -> Result<()> {
    let plan = &world.plan;
    let deeds = world.deeds();
    let messages = std::fs::read(world.messages()).unwrap_or_default();
    let messages = String::from_utf8_lossy(&messages);
    let mut sums = Sums::default();
    let mut started = Vec::new();
    for id in 0..deeds.services {
        let records = records(&plan.file("ledger", id))?;
        sums.service(&deeds, id, &records);
        let log = plan.log(id);
        let written = written(&plan.file("progress", id));
        let found = compare(id, &files(&log)?, &written);
        let dropped = messages.lines().filter(|line| tells_of_loss(line, &log)).count() as u64;
        sums.log(&deeds, id, &found, dropped);
        sums.written += written.iter().sum::<u64>();
        started.push(records);
    }
    for (what, count) in sorted(&deeds) {
        report.figure(what, count);
    }
    for &id in sums.blamed.iter().take(STORIES) {
        let records = started.get(usize::try_from(id).unwrap_or(0)).map_or(&[][..], Vec::as_slice);
        report.story(story(&deeds, id, records, &messages));
    }
    sums.tell(&deeds, report);
    let (wrong, early) = named(&deeds, &started);
    report.figure("processes that sv named", deeds.named.len() as u64);
    report.figure("of these, ended before their first record", early);
    report.figure("forks refused", world.limits.forks_refused());
    report.figure("lines of messages", messages.lines().count() as u64);
    report.check("every process that sv names is one of that service", wrong);
    report
        .check("sv's exit codes and lines agree, each service has its line", deeds.answers.clone());
    report
        .check("what sv says of a service that none else commands is so", deeds.witnessed.clone());
    let panics = messages.lines().filter(|line| line.contains("panic"));
    report.check("no supervisor or logger panics", panics.map(str::to_owned).collect());
    report.check("nothing else is left in supervise/", leavings(plan));
    Ok(())
}

/// What was done to the service, what it recorded, and what was said of it.
fn story(deeds: &Deeds, id: u32, records: &[Record], messages: &str) -> String {
    let name = name(id);
    let mut events: Vec<(u64, String)> = Vec::new();
    events.extend(records.iter().map(|record| (record.at(), record.to_string())));
    let own = deeds.story.iter().filter(|(_, of, _)| *of == id);
    events.extend(own.map(|(at, _, what)| (*at, what.clone())));
    events.sort_by_key(|event| event.0);
    let mut text = format!("the story of {name}:\n");
    for (at, what) in events {
        let ms = at / 1_000_000 % 10_000_000;
        let _ = writeln!(text, "    {ms:>9} ms  {}", what.trim_end());
    }
    for line in messages.lines().filter(|line| line.contains(&name)) {
        let _ = writeln!(text, "    {line}");
    }
    text
}

fn sorted(deeds: &Deeds) -> Vec<(&'static str, u64)> {
    let mut counts: Vec<_> = deeds.counts.iter().map(|(&what, &count)| (what, count)).collect();
    counts.sort_unstable();
    counts
}

impl Sums {
    /// Starts and ends of one service.
    fn service(&mut self, deeds: &Deeds, id: u32, records: &[Record]) {
        let own = deeds.supervisors.iter().filter(|each| each.0 == id);
        let fate = Fate {
            supervisors: own.map(|&(_, pid, when)| (pid, when)).collect(),
            deleted: deeds.deleted.contains(&id),
            finishes: deeds.finishes.get(&id).copied().unwrap_or(0),
            has_finish: has_finish(id),
        };
        let Lives { starts, taken, exits, broken, finishes, beside, gaps, ends } =
            judge(&fate, records);
        if !(beside.is_empty() && gaps.is_empty() && ends.is_empty()) {
            self.blamed.push(id);
        }
        self.starts += starts;
        self.taken += taken;
        self.exits += exits;
        self.broken += broken;
        self.finishes += finishes;
        for (all, own) in
            [(&mut self.beside, beside), (&mut self.gaps, gaps), (&mut self.ends, ends)]
        {
            all.extend(own.into_iter().map(|what| format!("{}: {what}", name(id))));
        }
    }

    /// The log of one service.
    fn log(&mut self, deeds: &Deeds, id: u32, found: &Found, dropped: u64) {
        let name = name(id);
        let killed = deeds.loggers.get(&id).copied().unwrap_or(0) + dropped;
        // One that was told to be down, and was when its supervisor ended.
        let down = deeds.downs.get(&id).copied().unwrap_or(0);
        let orphaned = deeds.supervisors.iter().any(|each| each.0 == id);
        let deleted = deeds.deleted.contains(&id);
        self.lines += found.lines;
        self.torn += found.torn;
        self.split += found.split;
        self.holes += found.holes.len() as u64;
        self.hole_lines += found.holes.iter().map(|hole| hole.0).sum::<u64>();
        // A logger that is killed together with the supervisor that holds the pipe takes
        // what is in the pipe with it; so does the last one when there is none to follow.
        let room = if orphaned || deleted || down > 0 { 2 * IN_MEMORY } else { IN_MEMORY };
        let allowed = killed + down + u64::from(deleted);
        let before = self.lost.len();
        if found.holes.len() as u64 > allowed {
            let holes = &found.holes;
            self.lost
                .push(format!("{name}: holes {holes:?}, loggers killed: {killed}, down: {down}"));
        }
        for (lines, bytes) in found.holes.iter().filter(|hole| hole.1 > room) {
            self.lost.push(format!("{name}: {lines} lines in one hole, {bytes} bytes"));
        }
        if found.split > allowed {
            self.splits.push(format!("{name}: {} split, loggers killed: {killed}", found.split));
        }
        if found.torn > 2 * allowed {
            self.lost.push(format!("{name}: {} torn, loggers killed: {killed}", found.torn));
        }
        if self.lost.len() > before {
            self.blamed.push(id);
        }
        if found.repeated + found.strange > 0 {
            self.order.push(format!(
                "{name}: {} repeated or out of order, {} never written",
                found.repeated, found.strange
            ));
        }
    }

    fn tell(self, deeds: &Deeds, report: &mut Report) {
        let loggers = deeds.loggers.values().sum::<u64>();
        for (what, count) in [
            ("services in all", u64::from(deeds.services)),
            ("starts recorded", self.starts),
            ("exits of a service's own", self.exits),
            ("finishes recorded", self.finishes),
            ("starts beside a process of a killed supervisor", self.taken),
            ("services whose pipe has gone with supervisor and logger", self.broken),
            ("lines written", self.written),
            ("lines found in logs", self.lines),
            ("lines that killed loggers took with them", self.hole_lines),
            ("in holes", self.holes),
            ("parts of lines at these", self.torn),
            ("lines split between two files", self.split),
            ("ends of loggers in the middle of their work", loggers),
            ("loggers told to be down", deeds.downs.values().sum()),
        ] {
            report.figure(what, count);
        }
        report.check("never two of one service, but for a killed supervisor's", self.beside);
        report.check("each life is recorded once", self.gaps);
        report.check("each end is told to finish, as it was", self.ends);
        report.check("no line is lost but what a killed logger had in memory", self.lost);
        report.check("each line is there once and in order", self.order);
        report.check("no line is split between files, but at a killed logger", self.splits);
    }
}

/// Named by `sv` but not in the ledger of that service: those that are in another's, and
/// how many are in none.
fn named(deeds: &Deeds, ledgers: &[Vec<Record>]) -> (Vec<String>, u64) {
    let pids = |records: &[Record]| -> HashSet<u32> {
        let pid = |record: &Record| match *record {
            Record::Start { pid, .. } | Record::Taken { pid, .. } => Some(pid),
            _ => None,
        };
        records.iter().filter_map(pid).collect()
    };
    let ledgers: Vec<_> = ledgers.iter().map(|records| pids(records)).collect();
    let (mut wrong, mut early) = (Vec::new(), 0);
    for &(id, pid) in &deeds.named {
        let own = ledgers.get(usize::try_from(id).unwrap_or(usize::MAX));
        if own.is_some_and(|own| own.contains(&pid)) {
            continue;
        }
        match ledgers.iter().position(|other| other.contains(&pid)) {
            Some(other) => wrong.push(format!("{}: process {pid} is of {other}", name(id))),
            None => early += 1,
        }
    }
    (wrong, early)
}

/// A message of `svlogd` that it gives up lines of that log.
fn tells_of_loss(line: &str, log: &Path) -> bool {
    line.contains(": lost ") && line.contains(&*log.to_string_lossy())
}

fn records(path: &Path) -> Result<Vec<Record>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(path).on("read", path)?;
    Ok(text.lines().filter_map(Record::parse).collect())
}

/// How many lines each life has written.
fn written(progress: &Path) -> Vec<u64> {
    let bytes = std::fs::read(progress).unwrap_or_default();
    let number = |part: &[u8]| part.try_into().map_or(0, u64::from_le_bytes);
    bytes.chunks(8).map(number).collect()
}

/// The files of a log, oldest first.
fn files(log: &Path) -> Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(log).on("read", log)? {
        let name = entry.on("read", log)?.file_name();
        if name == "current" || name.as_encoded_bytes().first() == Some(&b'@') {
            names.push(name);
        }
    }
    // `@` is before `c`, and labels sort as the time does.
    names.sort();
    names.iter().map(|name| std::fs::read(log.join(name)).on("read", log.join(name))).collect()
}

/// What is in `supervise` directories beyond the contract.
fn leavings(plan: &Plan) -> Vec<String> {
    let mut found = Vec::new();
    for (_, name) in present(&plan.services_directory()) {
        for part in ["supervise", "log/supervise"] {
            let directory = plan.services_directory().join(&name).join(part);
            let entries = std::fs::read_dir(&directory).into_iter().flatten().flatten();
            let names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
            let strange = names.iter().filter(|name| SUPERVISE.iter().all(|own| *name != own));
            found.extend(
                strange.map(|strange| format!("{name}/{part}: {}", strange.to_string_lossy())),
            );
            if names.is_empty() {
                found.push(format!("{name}/{part} is empty"));
            }
        }
    }
    found
}
