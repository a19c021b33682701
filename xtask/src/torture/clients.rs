//! Clients: each runs `sv` again and again, and looks whether it told the truth.

use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags};

use super::answer::{Answer, fault};
use super::plan::{id_of, name};
use super::rng::Rng;
use super::tree::present;
use super::world::World;
use crate::error::{Error, OnFile, Result};

/// How long a command may take that has all the time it needs.
const PATIENCE: &str = "60";

/// The commands, and whether each answers for every service.
const COMMANDS: &[(&str, bool)] = &[
    ("status", true),
    ("status", true),
    ("status", true),
    ("up", false),
    ("up", false),
    ("up", false),
    ("start", true),
    ("start", true),
    ("restart", true),
    ("restart", true),
    ("stop", true),
    ("down", false),
    ("once", false),
    ("pause", false),
    ("cont", false),
    ("cont", false),
    ("cont", false),
    ("hup", false),
    ("alarm", false),
    ("interrupt", false),
    ("quit", false),
    ("1", false),
    ("2", false),
    ("term", false),
    ("term", false),
    ("kill", false),
    ("exit", false),
    ("check", true),
    ("try-restart", true),
    ("force-stop", true),
    ("force-restart", true),
    ("force-shutdown", true),
];

/// Those of them that can end a logger in the middle of its work.
const DEADLY: &[&str] =
    &["kill", "interrupt", "quit", "1", "2", "force-stop", "force-restart", "force-shutdown"];

/// Those after which a logger is not to be started again.
const DOWN: &[&str] = &["down", "stop", "once", "force-stop"];

/// What a run of `sv` came to.
pub struct Reply {
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
    /// Its standard output.
    pub output: String,
}

/// Runs `sv`, whose words that wait do so for `seconds`.
pub fn sv(world: &World, seconds: &str, words: &[&str]) -> Result<Reply> {
    let mut command = world.sv(words);
    command.env("SVWAIT", seconds);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = world.reaper.start(&mut command)?;
    let mut output = String::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_string(&mut output).on("read", "sv")?;
    }
    let status = world.reaper.end_of(child.id(), Duration::from_secs(60));
    let status = status.ok_or_else(|| Error::Failed("sv does not end".into()))?;
    Ok(Reply { code: status.exit_status().unwrap_or(-1), output })
}

/// Client number `number`, until the torment ends.
pub fn work(world: &World, number: u32) -> Result<()> {
    let mut rng = Rng::new(world.plan.seed, 100 + u64::from(number));
    let mut witness = Witness { world, id: number };
    while world.goes_on(30 + rng.below(200)) {
        if rng.chance(25) {
            witness.step(&mut rng)?;
        } else {
            torment(world, &mut rng)?;
        }
    }
    Ok(())
}

fn torment(world: &World, rng: &mut Rng) -> Result<()> {
    let Some(&(word, answers)) = rng.pick(COMMANDS) else { return Ok(()) };
    let mut there = present(&world.plan.services_directory());
    there.retain(|(id, _)| *id >= world.plan.clients);
    let mut words = vec![word.to_owned()];
    for _ in 0..=rng.below(5) {
        let Some((id, name)) = rng.pick(&there) else { break };
        let logger = rng.chance(10);
        if logger && DEADLY.contains(&word) {
            world.kills_logger(*id);
        }
        if logger && DOWN.contains(&word) {
            *world.deeds().downs.entry(*id).or_default() += 1;
        }
        let name = format!("{name}{}", if logger { "/log" } else { "" });
        world.tell(*id, format!("sv {word} {name}"));
        words.push(name);
    }
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let reply = sv(world, "2", &words)?;
    world.count("sv commands");
    let mut deeds = world.deeds();
    for answer in reply.output.lines().filter_map(Answer::parse) {
        let pid = answer.pid.filter(|_| answer.state.as_deref() == Some("run"));
        if let (Some(id), Some(pid), false) =
            (id_of(&answer.name), pid, answer.name.ends_with("/log"))
        {
            deeds.named.insert((id, pid));
        }
        if answer.failed {
            *deeds.counts.entry("answers of sv that tell of a failure").or_default() += 1;
        }
    }
    if let Some(fault) = fault(&reply.output, reply.code, words.len() - 1, answers) {
        deeds.answers.push(format!("sv {}: {fault}", words.join(" ")));
    }
    Ok(())
}

/// A service that only its client commands: what `sv` says of it must be so.
struct Witness<'a> {
    world: &'a World,
    id: u32,
}

impl Witness<'_> {
    fn step(&mut self, rng: &mut Rng) -> Result<()> {
        let before = self.holder();
        let word = *rng.pick(&["start", "stop", "restart", "status"]).unwrap_or(&"status");
        let name = name(self.id);
        let reply = sv(self.world, PATIENCE, &[word, &name])?;
        let answer = reply.output.lines().next().and_then(Answer::parse);
        let says = |state| {
            reply.code == 0 && answer.as_ref().is_some_and(|it| it.state.as_deref() == Some(state))
        };
        let fine = match word {
            "stop" => says("down") && self.free(),
            "start" => says("run") && self.lives(answer.as_ref().and_then(|it| it.pid)),
            "restart" => {
                let pid = answer.as_ref().and_then(|it| it.pid);
                says("run") && pid != before && self.lives(pid)
            }
            _ => reply.code == 0,
        };
        self.world.count("sv commands to witnesses");
        if !fine {
            let before = before.map_or("down".to_owned(), |pid| format!("process {pid}"));
            let what = format!(
                "sv {word} {name} ({before} before, lock {} after): code {}: {}",
                if self.free() { "free" } else { "held" },
                reply.code,
                reply.output.trim_end(),
            );
            self.world.deeds().witnessed.push(what);
        }
        Ok(())
    }

    /// Whether no process of it lives.
    fn free(&self) -> bool {
        let path = self.world.plan.file("locks", self.id);
        let path = path.as_os_str().as_encoded_bytes();
        // Never started: there is no such file.
        let Ok(file) = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        else {
            return true;
        };
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared).is_ok()
    }

    /// The process that was the last to take its lock, if one has it.
    fn holder(&self) -> Option<u32> {
        if self.free() {
            return None;
        }
        let text = std::fs::read_to_string(self.world.plan.file("locks", self.id)).ok()?;
        text.split_whitespace().nth(1)?.parse().ok()
    }

    /// Whether the process that `sv` named has become the service.
    fn lives(&self, pid: Option<u32>) -> bool {
        // It takes a moment from its start to its lock.
        let end = Instant::now() + Duration::from_secs(20);
        while pid.is_some() && Instant::now() < end {
            if self.holder() == pid {
                return true;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        false
    }
}
