//! What an idle supervisor keeps the machine from using otherwise.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::cgroup::Cgroup;
use super::report::{Row, Unit, median};
use super::suite::Suite;
use super::tree::{LIMIT, Services, Status, spawn};
use super::{Bench, Case};
use crate::error::{Error, Result};
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
    for round in 0..warm_ups + rounds {
        for (filling, samples) in fillings.iter().zip(&mut samples) {
            let cost = fill(bench, filling)?;
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
fn fill(bench: &Bench, filling: &Filling) -> Result<Cost> {
    let services = Services::new(bench.scratch.join("memory"))?;
    let cgroup = Cgroup::new(&format!("xtask-bench-{}", std::process::id()))?;
    let mut members = Vec::new();
    let result = start_all(bench, filling, &services, &cgroup, &mut members)
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
        let service = services.add(index, &bench.pause)?;
        // Not to be started: the service's own process is none of the supervisor's cost.
        let down = service.join("down");
        std::fs::write(&down, "").map_err(|cause| Error::File {
            act: "create",
            path: down,
            cause,
        })?;
        let mut command = match filling {
            Filling::Supervisors(suite) => suite.command("runsv"),
            Filling::Floor => Command::new(&bench.pause),
        };
        if matches!(filling, Filling::Supervisors(_)) {
            command.arg(&service);
        }
        members.push(spawn(&mut cgroup.command(&command))?);
    }
    for (index, member) in members.iter().enumerate() {
        match filling {
            Filling::Supervisors(_) => {
                Status::wait(&services.path(index), Duration::from_millis(1), |_| true)?;
            }
            Filling::Floor => wait_for_exec(member, &bench.pause)?,
        }
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

fn measure(cgroup: &Cgroup, members: &[Child]) -> Result<Cost> {
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let count = members.len() as f64;
    let charged = cgroup.charged()? / count;
    let (mut resident, mut private_dirty) = (0.0, 0.0);
    for member in members {
        let path = format!("/proc/{}/smaps_rollup", member.id());
        let text = std::fs::read_to_string(&path).map_err(|cause| Error::File {
            act: "read",
            path: path.into(),
            cause,
        })?;
        resident += kib(&text, "Rss:");
        private_dirty += kib(&text, "Private_Dirty:");
    }
    Ok(Cost { charged, resident: resident / count, private_dirty: private_dirty / count })
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
