//! What an idle supervisor keeps the machine from using otherwise.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::process::Signal;

use super::cgroup::Cgroup;
use super::report::{Row, Unit, median};
use super::suite::Suite;
use super::tree::{LIMIT, Services, spawn};
use super::{Bench, Case};
use crate::error::{Error, OnFile as _, Result};
use crate::process::signal;

/// The case.
pub static CASE: Case = Case {
    name: "memory",
    about: "memory of one idle runsv, anonymous and the kernel's, in a cgroup",
    needs: &["runsv"],
    ours_alone: false,
    run,
};

/// How many at once: what they share is spread thin.
const SUPERVISORS: usize = 300;

/// One way to fill the cgroup.
enum Filling<'a> {
    Supervisors(&'a Suite),
    /// Processes that only wait.
    Floor,
}

/// What one of the processes costs, in bytes.
#[derive(Clone, Copy)]
struct Cost {
    charged: f64,
    resident: f64,
    private_dirty: f64,
}

fn run(bench: &Bench, suites: &[&Suite]) -> Result<Vec<Row>> {
    // The first rounds fill caches that the later ones share.
    let (warm_ups, rounds) = if bench.quick { (1, 1) } else { (2, 3) };
    let mut fillings: Vec<_> = suites.iter().map(|suite| Filling::Supervisors(suite)).collect();
    fillings.push(Filling::Floor);
    let mut samples: Vec<Vec<Cost>> = vec![Vec::new(); fillings.len()];
    // The same directories throughout: after the first warm-up their files are
    // there, as they are at every boot, and not charged to those who use them.
    let services = lay_out(bench)?;
    for round in 0..warm_ups + rounds {
        for (filling, samples) in fillings.iter().zip(&mut samples) {
            let cost = fill(bench, filling, &services)?;
            if round >= warm_ups {
                samples.push(cost);
            }
        }
    }
    let middle = |samples: &[Cost], part: fn(&Cost) -> f64| {
        median(&samples.iter().map(part).collect::<Vec<_>>())
    };
    let (supervisors, floor) = samples.split_at(suites.len());
    let floor = floor.first().and_then(|floor| middle(floor, |cost| cost.charged));
    let row = |key, what: &str, unit, part: fn(&Cost) -> f64| Row {
        key,
        what: what.to_owned(),
        unit,
        figures: supervisors.iter().map(|samples| middle(samples, part)).collect(),
    };
    let charged = row("memory", "memory of a supervisor", Unit::Kib, |cost| cost.charged);
    let by_floor = Row {
        key: "memory-floor",
        what: "the same, by that of a process that only waits".to_owned(),
        unit: Unit::Ratio,
        figures: charged.figures.iter().map(|&figure| Some(figure? / floor?)).collect(),
    };
    let private_dirty = row("private", "private dirty", Unit::Kib, |cost| cost.private_dirty);
    let resident = row("resident", "resident, shared too", Unit::Kib, |cost| cost.resident);
    Ok(vec![charged, by_floor, private_dirty, resident])
}

/// Starts all processes in a new cgroup, reads it, and ends them.
fn fill(bench: &Bench, filling: &Filling, services: &Services) -> Result<Cost> {
    let cgroup = Cgroup::new(&format!("xtask-bench-{}", std::process::id()))?;
    let mut members = Vec::new();
    let result = start_all(bench, filling, services, &cgroup, &mut members)
        .and_then(|()| measure(&cgroup, &members));
    let ended = end_all(members);
    let cost = result?;
    ended.map(|()| cost)
}

fn start_all(
    bench: &Bench,
    filling: &Filling,
    services: &Services,
    cgroup: &Cgroup,
    members: &mut Vec<Child>,
) -> Result<()> {
    for index in 0..SUPERVISORS {
        let mut command = match filling {
            Filling::Supervisors(suite) => suite.command("runsv"),
            Filling::Floor => Command::new(&bench.pause),
        };
        if matches!(filling, Filling::Supervisors(_)) {
            command.arg(services.path(index));
        }
        members.push(spawn(&mut cgroup.command(&command))?);
    }
    for (index, member) in members.iter().enumerate() {
        match filling {
            Filling::Supervisors(_) => {
                wait_for_supervisor(&services.path(index))?;
            }
            Filling::Floor => wait_for_exec(member, &bench.pause)?,
        }
    }
    Ok(())
}

/// Makes the service directories, none of which is to be started: a service's
/// own process is none of its supervisor's cost.
fn lay_out(bench: &Bench) -> Result<Services> {
    let services = Services::new(bench.scratch.join("memory"))?;
    for index in 0..SUPERVISORS {
        let down = services.add(index, &bench.pause)?.join("down");
        std::fs::write(&down, "").on("create", down)?;
    }
    Ok(services)
}

/// Waits until a supervisor holds `supervise/ok` open.
fn wait_for_supervisor(service: &Path) -> Result<()> {
    let ok = service.join("supervise/ok");
    let deadline = Instant::now() + LIMIT;
    // Without a reader, opening a FIFO for writing only fails (ENXIO).
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    while open(ok.as_os_str().as_bytes(), flags, Mode::empty()).is_err() {
        if Instant::now() > deadline {
            return Err(Error::Failed(format!("no supervisor at {}", service.display())));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Waits until the process has become the program.
fn wait_for_exec(member: &Child, program: &Path) -> Result<()> {
    let end = Instant::now() + LIMIT;
    let link = format!("/proc/{}/exe", member.id());
    while !std::fs::read_link(&link).is_ok_and(|running| running == program) {
        if Instant::now() > end {
            return Err(Error::Failed(format!("{} did not start", program.display())));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// The charge is the mean, since the cgroup knows only a sum; the rest is that
/// of the process in the middle.
fn measure(cgroup: &Cgroup, members: &[Child]) -> Result<Cost> {
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let count = members.len() as f64;
    let charged = cgroup.charged()? / count;
    let (mut resident, mut private_dirty) = (Vec::new(), Vec::new());
    for member in members {
        let path = format!("/proc/{}/smaps_rollup", member.id());
        let text = std::fs::read_to_string(&path).on("read", path)?;
        resident.push(kib(&text, "Rss:"));
        private_dirty.push(kib(&text, "Private_Dirty:"));
    }
    let middle = |values: &[f64]| median(values).unwrap_or(f64::NAN);
    Ok(Cost { charged, resident: middle(&resident), private_dirty: middle(&private_dirty) })
}

/// The bytes in a line `KEY N kB`; 0 where it is missing.
fn kib(text: &str, key: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    number.unwrap_or(0.0) * 1024.0
}

fn end_all(members: Vec<Child>) -> Result<()> {
    for member in &members {
        signal(member.id(), Signal::TERM)?;
    }
    for mut member in members {
        let waited = member.wait();
        waited.map_err(|cause| Error::File { act: "wait for", path: "runsv".into(), cause })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_smaps_are_read() {
        let text =
            "00400000-7fff ---p 0 00:00 0 [rollup]\nRss:     1362 kB\nPrivate_Dirty:  92 kB\n";
        assert!((kib(text, "Rss:") - 1362.0 * 1024.0).abs() < 0.5);
        assert!((kib(text, "Private_Dirty:") - 92.0 * 1024.0).abs() < 0.5);
        assert!(kib(text, "Swap:").abs() < 0.5);
    }
}
