//! After the torment: what an operator does then, and how the tree must be at rest.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::clients::sv;
use super::plan::{Kind, Plan};
use super::processes::{Process, Role, all, descriptors, private_memory};
use super::report::Report;
use super::tree::present;
use super::world::World;
use crate::bench::tree::Status;
use crate::error::{OnFile, Result};
use crate::process::signal;

/// How long anything may take to come to rest.
const LIMIT: Duration = Duration::from_secs(90);

/// What supervisors use.
#[derive(Debug, Clone, Copy, Default)]
pub struct Use {
    /// Descriptors of runsvdir.
    above: usize,
    /// Descriptors of the runsv that has most.
    each: usize,
    /// Private memory of runsvdir, KiB.
    above_memory: u64,
    /// Private memory of the runsv that has most, KiB.
    each_memory: u64,
}

impl Use {
    /// As it is now.
    pub fn now(world: &World) -> Self {
        let runsvdir = world.runsvdir.load(Ordering::Relaxed);
        let mut most = Self {
            above: descriptors(runsvdir).unwrap_or(0),
            above_memory: private_memory(runsvdir).unwrap_or(0),
            ..Self::default()
        };
        let each = all(&world.plan);
        for process in each.iter().filter(|each| matches!(each.role, Role::Supervisor(_))) {
            most.each = most.each.max(descriptors(process.pid).unwrap_or(0));
            most.each_memory = most.each_memory.max(private_memory(process.pid).unwrap_or(0));
        }
        most
    }
}

/// Waits until nothing is wrong; what still is when the time is over.
fn rests(world: &World, right: impl Fn(&[Process]) -> Vec<String>) -> Vec<String> {
    let end = Instant::now() + LIMIT;
    let mut calm = 0;
    loop {
        let wrong = right(&all(&world.plan));
        // Twice in a row: one look may fall between two states.
        calm = if wrong.is_empty() { calm + 1 } else { 0 };
        if calm == 2 || Instant::now() > end {
            return wrong;
        }
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Waits until all that stays up is up; what is not when the time is over.
pub fn all_up(world: &World) -> Vec<String> {
    rests(world, |processes| {
        let there = present(&world.plan.services_directory());
        let staying = there.iter().filter(|(id, _)| world.plan.kind(*id).stays());
        let runs = |id: u32| processes.iter().any(|each| each.role == Role::Service(id));
        staying.filter(|(id, _)| !runs(*id)).map(|(_, name)| format!("{name} is not up")).collect()
    })
}

/// Takes back what was done, ends what lost its supervisor, and says what is to be up.
pub fn calm_down(world: &World, report: &mut Report) -> Result<()> {
    let plan = &world.plan;
    world.limits.limit_processes(None)?;
    world.limits.limit_memory(None)?;
    for (_, name) in present(&plan.parked()) {
        let from = plan.parked().join(&name);
        std::fs::rename(&from, plan.services_directory().join(&name)).on("rename", from)?;
    }
    for process in all(plan) {
        signal(process.pid, Signal::CONT)?;
    }
    report.check("what lost its parent ends when it is told to", end_orphans(world)?);
    let there = present(&plan.services_directory());
    let supervised = |id: u32, processes: &[Process]| {
        processes.iter().any(|each| each.role == Role::Supervisor(id))
    };
    let lacking = rests(world, |processes| {
        let there = there.iter().filter(|(id, _)| !supervised(*id, processes));
        there.map(|(_, name)| format!("{name} has no supervisor")).collect()
    });
    report.check("each service has a supervisor again", lacking);

    let names = |wanted: bool, suffix: &str| -> Vec<String> {
        let there = there.iter().filter(|(id, _)| plan.ends_up(*id) == wanted);
        there.map(|(_, name)| format!("{name}{suffix}")).collect()
    };
    let loggers = [names(true, "/log"), names(false, "/log")].concat();
    let everything = [names(true, ""), names(false, ""), loggers.clone()].concat();
    let mut wrong = Vec::new();
    for (word, names) in [
        ("cont", everything),
        ("up", loggers),
        ("start", names(true, "")),
        ("force-stop", names(false, "")),
    ] {
        let mut words = vec![word];
        words.extend(names.iter().map(String::as_str));
        let seconds = if word == "force-stop" { "4" } else { "60" };
        let reply = sv(world, seconds, &words)?;
        // A deaf one is ended by force, which sv counts as a failure.
        let bad = reply.output.lines().filter(|line| !line.starts_with("ok: "));
        wrong.extend(
            bad.filter(|line| !line.starts_with("kill: ")).map(|line| format!("sv {word}: {line}")),
        );
        if word != "force-stop" && reply.code != 0 {
            wrong.push(format!("sv {word}: exit code {}", reply.code));
        }
    }
    report.check("sv brings up and down what it is told to", wrong);
    Ok(())
}

/// Ends services and supervisors whose parent was killed: supervisors by TERM, services
/// by TERM and then KILL. Loggers end by themselves, at the end of their input.
fn end_orphans(world: &World) -> Result<Vec<String>> {
    let end = Instant::now() + LIMIT;
    let mut told = HashSet::new();
    let mut round = 0;
    loop {
        let processes = all(&world.plan);
        let orphans: Vec<_> = processes.iter().filter(|each| each.parent == 1).collect();
        let lost = |each: &&&Process| !matches!(each.role, Role::Runsvdir | Role::Other);
        if !orphans.iter().any(|each| lost(&each)) {
            return Ok(Vec::new());
        }
        if Instant::now() > end {
            let left = orphans.iter().filter(lost);
            return Ok(left.map(|each| format!("{each:?} stays")).collect());
        }
        for &&Process { pid, role, .. } in &orphans {
            let (what, sent) = match role {
                Role::Supervisor(_) => ("supervisors of a killed runsvdir, ended", Signal::TERM),
                Role::Service(_) if round < 4 => {
                    ("services of a killed supervisor, ended", Signal::TERM)
                }
                Role::Service(_) => ("services of a killed supervisor, killed", Signal::KILL),
                _ => continue,
            };
            signal(pid, sent)?;
            if told.insert((pid, sent.as_raw())) {
                world.count(what);
                if let Some(id) = role.service() {
                    world.tell(id, format!("at the end: {what}: {pid}"));
                }
            }
        }
        // A service that ignores TERM keeps its supervisor from ending.
        for each in processes.iter().filter(|each| matches!(each.role, Role::Service(_))) {
            let under = orphans.iter().any(|orphan| orphan.pid == each.parent);
            if round >= 4 && under {
                signal(each.pid, Signal::KILL)?;
            }
        }
        round += 1;
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Looks at the tree at rest.
pub fn at_rest(world: &World, before: Use, report: &mut Report) {
    let plan = &world.plan;
    let there = present(&plan.services_directory());
    let runsvdir = world.runsvdir.load(Ordering::Relaxed);
    let wrong = rests(world, |processes| mismatches(plan, &there, runsvdir, processes));
    report.check("each service has as many processes as its status says", wrong);

    let zombies = rests(world, |processes| {
        let zombies = processes.iter().filter(|each| each.zombie && each.parent != 1);
        zombies.map(|each| format!("{each:?}")).collect()
    });
    report.check("no zombie", zombies);
    let known: HashSet<u32> = there.iter().map(|(id, _)| *id).collect();
    let strays = rests(world, |processes| {
        let strays = processes.iter().filter(|each| match each.role {
            Role::Runsvdir => each.pid != runsvdir,
            Role::Supervisor(id) | Role::Service(id) | Role::Logger(id) => !known.contains(&id),
            Role::Finish(_) => true,
            Role::Other => !each.zombie,
        });
        strays.inspect(|each| help_to_end(plan, each)).map(|each| format!("{each:?}")).collect()
    });
    report.check("no stray process", strays);

    let after = Use::now(world);
    let grown = |what: &str, before: u64, after: u64, slack: u64| {
        (after > before + slack).then(|| format!("{what}: {before} before, {after} after"))
    };
    let wide = |count: usize| count as u64;
    let descriptors = [
        grown("of runsvdir", wide(before.above), wide(after.above), 0),
        grown("of a runsv", wide(before.each), wide(after.each), 0),
    ];
    report.check("descriptors do not grow", descriptors.into_iter().flatten().collect());
    // More services than at first take more room above them.
    let slack = 16 + before.above_memory / 2;
    let memory = [
        grown("KiB of runsvdir", before.above_memory, after.above_memory, slack),
        grown("KiB of a runsv", before.each_memory, after.each_memory, 8),
    ];
    report.check("memory does not grow", memory.into_iter().flatten().collect());
    report.figure("descriptors of runsvdir at the end", wide(after.above));
    report.figure("descriptors of a runsv at the end, at most", wide(after.each));
    report.figure("KiB of private memory of runsvdir at the end", after.above_memory);
    report.figure("KiB of private memory of a runsv at the end, at most", after.each_memory);
}

/// Kills a service that ignores TERM, which its supervisor has been told to end.
fn help_to_end(plan: &Plan, process: &Process) {
    if let Role::Service(id) = process.role {
        if plan.kind(id) == Kind::Deaf {
            // One that cannot be killed stays, and is told of.
            let _ = signal(process.pid, Signal::KILL);
        }
    }
}

/// Where status and processes do not agree.
fn mismatches(
    plan: &Plan,
    there: &[(u32, String)],
    runsvdir: u32,
    processes: &[Process],
) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, name) in there {
        let of = |role: Role| -> Vec<(u32, u32)> {
            let those = processes.iter().filter(move |each| each.role == role && !each.zombie);
            those.map(|each| (each.pid, each.parent)).collect()
        };
        let path = plan.services_directory().join(name);
        let says =
            |path: &Path| Status::read(path).map(|status| if status.runs { status.pid } else { 0 });
        let supervisors = of(Role::Supervisor(*id));
        let &[(supervisor, parent)] = &*supervisors else {
            wrong.push(format!("{name}: supervisors {supervisors:?}"));
            continue;
        };
        if parent != runsvdir {
            wrong.push(format!("{name}: supervisor {supervisor} is a child of {parent}"));
        }
        for (what, role, path, wanted) in [
            ("service", Role::Service(*id), path.clone(), plan.ends_up(*id)),
            ("logger", Role::Logger(*id), path.join("log"), true),
        ] {
            let found = of(role);
            let said = says(&path);
            let expected: Vec<_> =
                said.filter(|pid| *pid != 0).map(|pid| (pid, supervisor)).into_iter().collect();
            if said.is_none() || found != expected || found.is_empty() == wanted {
                wrong.push(format!(
                    "{name}: {what}: processes {found:?}, status says {said:?}, to be up: {wanted}"
                ));
            }
        }
    }
    wrong
}

/// Ends it all, by HUP to runsvdir; only deaf services get help.
pub fn shut_down(world: &World, report: &mut Report) -> Result<()> {
    let runsvdir = world.runsvdir.load(Ordering::Relaxed);
    signal(runsvdir, Signal::HUP)?;
    let mut wrong = Vec::new();
    match world.reaper.end_of(runsvdir, LIMIT) {
        Some(status) if status.exit_status() == Some(111) => {}
        status => wrong.push(format!("runsvdir: {status:?}")),
    }
    let end = Instant::now() + LIMIT;
    loop {
        let left = all(&world.plan);
        if left.is_empty() {
            break;
        }
        if Instant::now() > end {
            wrong.extend(left.iter().map(|each| format!("{each:?} stays")));
            break;
        }
        for each in &left {
            help_to_end(&world.plan, each);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    report.check("HUP to runsvdir ends everything, and it exits 111", wrong);
    Ok(())
}
