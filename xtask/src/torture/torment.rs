//! What is done to the tree: signals, directories that come, move and go, full
//! disks, no room for processes or memory.

use std::io::Write as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::clients;
use super::plan::name;
use super::processes::{Process, Role, all};
use super::rng::Rng;
use super::service::HOG;
use super::tree::{add, present, program};
use super::world::World;
use crate::error::{Error, OnFile, Result};
use crate::process::signal;

/// All tormentors at once, to the end of the torment.
pub fn all_at_once(world: &World, length: Duration) -> Result<()> {
    world.end.get_or_init(|| Instant::now() + length);
    let tormentors: [fn(&World) -> Result<()>; 5] = [signals, directories, disks, rooms, runsvdirs];
    std::thread::scope(|scope| {
        let run = |act: Result<()>| {
            if act.is_err() {
                world.over.store(true, Ordering::Relaxed);
            }
            act
        };
        let mut threads: Vec<_> =
            tormentors.iter().map(|act| scope.spawn(move || run(act(world)))).collect();
        for number in 0..world.plan.clients {
            threads.push(scope.spawn(move || run(clients::work(world, number))));
        }
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(result) => result,
            Err(_) => Err(Error::Failed("a tormentor has panicked".into())),
        })
    })
}

/// Signals to services, finishes, loggers and supervisors at random.
fn signals(world: &World) -> Result<()> {
    let mut rng = Rng::new(world.plan.seed, 1);
    let mut stopped: Vec<(Instant, u32)> = Vec::new();
    let mut processes = Vec::new();
    let mut looked: Option<Instant> = None;
    let pause = 6000 / u64::from(world.plan.services.max(1));
    while world.goes_on(pause) {
        if looked.is_none_or(|looked| looked.elapsed() > Duration::from_millis(400)) {
            processes = all(&world.plan);
            looked = Some(Instant::now());
        }
        let now = Instant::now();
        for &(_, pid) in stopped.iter().filter(|(due, _)| *due <= now) {
            signal(pid, Signal::CONT)?;
        }
        stopped.retain(|(due, _)| *due > now);
        let Some(&Process { pid, role, .. }) = rng.pick(&processes) else { continue };
        let Some((what, sent)) = choose(world, &mut rng, role) else { continue };
        match role {
            Role::Supervisor(id) if sent == Signal::KILL => world.kills_supervisor(id, pid),
            Role::Logger(id) if sent == Signal::KILL => world.kills_logger(id),
            Role::Finish(id) => *world.deeds().finishes.entry(id).or_default() += 1,
            _ => {}
        }
        if let Some(id) = role.service() {
            world.tell(id, format!("{role:?} {pid} is sent signal {}", sent.as_raw()));
        }
        signal(pid, sent)?;
        world.count(what);
        if sent == Signal::STOP {
            stopped.push((now + Duration::from_millis(100 + rng.below(1400)), pid));
        }
    }
    stopped.into_iter().try_for_each(|(_, pid)| signal(pid, Signal::CONT))
}

/// What to do to a process of that role.
fn choose(world: &World, rng: &mut Rng, role: Role) -> Option<(&'static str, Signal)> {
    role.service().filter(|id| *id >= world.plan.clients)?;
    let dice = rng.below(100);
    match role {
        Role::Service(_) => Some(match dice {
            0..50 => ("services killed", Signal::KILL),
            50..65 => ("services sent TERM", Signal::TERM),
            65..80 => ("services sent INT, QUIT, USR1", other(rng)),
            _ => ("processes stopped for a while", Signal::STOP),
        }),
        Role::Finish(_) => (dice < 30).then_some(("finishes killed", Signal::KILL)),
        Role::Logger(_) => Some(match dice {
            0..40 => ("loggers killed", Signal::KILL),
            40..55 => ("loggers sent TERM", Signal::TERM),
            55..70 => ("loggers sent HUP", Signal::HUP),
            70..80 => ("loggers sent ALRM", Signal::ALARM),
            _ => ("processes stopped for a while", Signal::STOP),
        }),
        _ => match dice {
            0..8 => Some(("supervisors killed", Signal::KILL)),
            8..16 => Some(("supervisors sent TERM", Signal::TERM)),
            16..40 => Some(("processes stopped for a while", Signal::STOP)),
            _ => None,
        },
    }
}

fn other(rng: &mut Rng) -> Signal {
    *rng.pick(&[Signal::INT, Signal::QUIT, Signal::USR1]).unwrap_or(&Signal::INT)
}

/// Directories are added, renamed, taken away and put back, and deleted.
fn directories(world: &World) -> Result<()> {
    let plan = &world.plan;
    let mut rng = Rng::new(plan.seed, 2);
    let (services, parked) = (plan.services_directory(), plan.parked());
    let most = plan.services + plan.services / 5;
    let mut serial = 0;
    while world.goes_on(100 + rng.below(800)) {
        serial += 1;
        let mut there = present(&services);
        there.retain(|(id, _)| *id >= plan.clients);
        let Some((id, old)) = rng.pick(&there) else { continue };
        let new = format!("{}-{serial}", name(*id));
        match rng.below(10) {
            0..4 => {
                world.tell(*id, format!("{old} becomes {new}"));
                std::fs::rename(services.join(old), services.join(&new)).on("rename", old)?;
                world.count("directories renamed");
            }
            4..6 => {
                world.tell(*id, format!("{old} is taken away"));
                std::fs::rename(services.join(old), parked.join(&new)).on("rename", old)?;
                world.count("directories taken away");
            }
            6..8 => {
                for (id, old) in present(&parked) {
                    world.tell(id, format!("{old} is put back"));
                    std::fs::rename(parked.join(&old), services.join(&old)).on("rename", old)?;
                    world.count("directories put back");
                }
            }
            8 => {
                let next = world.deeds().services;
                if next < most {
                    add(plan, next)?;
                    world.deeds().services = next + 1;
                    world.count("directories added");
                }
            }
            _ if there.len() > usize::try_from(plan.services / 2).unwrap_or(0) => {
                world.deeds().deleted.insert(*id);
                world.tell(*id, format!("{old} is deleted"));
                delete(world, old)?;
                world.count("directories deleted");
            }
            _ => {}
        }
    }
    Ok(())
}

/// Deletes the directory as `rm -r` does, with a supervisor at work in it.
fn delete(world: &World, name: &str) -> Result<()> {
    let path = world.plan.services_directory().join(name);
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match std::fs::remove_dir_all(&path) {
            // A file came meanwhile.
            Err(error) if Instant::now() < end && path.exists() => drop(error),
            result => return result.on("remove", path),
        }
    }
}

/// The small disk is filled for a while.
fn disks(world: &World) -> Result<()> {
    let mut rng = Rng::new(world.plan.seed, 3);
    let ballast = world.plan.base.join("disk/ballast");
    while world.goes_on(3000 + rng.below(5000)) {
        let mut file = std::fs::File::create(&ballast).on("create", &ballast)?;
        while file.write_all(&[0; 512]).is_ok() {}
        world.count("disks filled");
        world.goes_on(1500);
        std::fs::remove_file(&ballast).on("remove", &ballast)?;
    }
    Ok(())
}

/// No more processes than there are for a while, then no more memory.
fn rooms(world: &World) -> Result<()> {
    let mut rng = Rng::new(world.plan.seed, 4);
    while world.goes_on(2000 + rng.below(4000)) {
        world.limits.limit_processes(Some(rng.below(4)))?;
        world.count("times without room for processes");
        world.goes_on(1000 + rng.below(1000));
        world.limits.limit_processes(None)?;
        world.goes_on(1000 + rng.below(3000));
        world.limits.limit_memory(Some(16 << 20))?;
        let hog = program(&world.plan, HOG);
        let child = world.reaper.start(&mut world.limits.command(1000, &hog))?;
        let end = world.reaper.end_of(child.id(), Duration::from_secs(30));
        world.limits.limit_memory(None)?;
        if end.is_some_and(|status| status.terminating_signal() == Some(9)) {
            world.count("times without room for memory");
        }
        signal(child.id(), Signal::KILL)?;
    }
    Ok(())
}

/// The one above all is stopped, and killed and started again.
fn runsvdirs(world: &World) -> Result<()> {
    let mut rng = Rng::new(world.plan.seed, 5);
    while world.goes_on(8000 + rng.below(8000)) {
        let pid = world.runsvdir.load(Ordering::Relaxed);
        if world.reaper.end_of(pid, Duration::ZERO).is_some() {
            world.deeds().answers.push("runsvdir ended by itself".to_owned());
            world.start_runsvdir()?;
        } else if rng.chance(60) {
            signal(pid, Signal::STOP)?;
            world.goes_on(1000);
            signal(pid, Signal::CONT)?;
            world.count("runsvdirs stopped for a while");
        } else {
            signal(pid, Signal::KILL)?;
            world.count("runsvdirs killed");
            world.reaper.end_of(pid, Duration::from_secs(10));
            world.start_runsvdir()?;
        }
    }
    Ok(())
}
