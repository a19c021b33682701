//! What an idle supervisor keeps the machine from using otherwise.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::cgroup::Cgroup;
use super::report::{Row, Unit, median};
use super::suite::Suite;
use super::tree::{LIMIT, Services, reap};
use super::{Bench, Case};
use crate::error::{Error, OnFile, Result};
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

/// What one of the processes costs, in bytes.
#[derive(Clone, Copy)]
struct Cost {
    charged: f64,
    resident: f64,
    private_dirty: f64,
}

fn run(bench: &Bench, suites: &[&Suite]) -> Result<Vec<Row>> {
    // The first rounds fill caches, which are nobody's, with what the later ones use too.
    let (warm_ups, rounds) = if bench.quick { (1, 1) } else { (2, 3) };
    let mut programs: Vec<_> = suites.iter().map(|suite| suite.command("runsv")).collect();
    programs.push(Command::new(&bench.pause));
    let mut services = Vec::new();
    for index in 0..programs.len() {
        services.push(Services::new(bench.scratch.join(format!("memory{index}")))?);
        for service in 0..SUPERVISORS {
            let down = services[index].add(service, &bench.pause)?.join("down");
            // Not to be started: the service's own process is none of the supervisor's cost.
            std::fs::write(&down, "").on("create", down)?;
        }
    }
    let mut samples: Vec<Vec<Cost>> = vec![Vec::new(); programs.len()];
    for round in 0..warm_ups + rounds {
        for ((program, services), samples) in programs.iter().zip(&services).zip(&mut samples) {
            let cost = fill(program, services)?;
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

/// Runs the program on each of the services in a new cgroup, reads that, and ends all.
fn fill(program: &Command, services: &Services) -> Result<Cost> {
    let cgroup = Cgroup::new(&format!("xtask-bench-{}", std::process::id()), &["memory"])?;
    let arguments: Vec<_> = (0..SUPERVISORS).map(|index| services.path(index)).collect();
    let cost = cgroup.start(program, &arguments).and_then(|()| {
        let program = Path::new(program.get_program());
        all_wait(&cgroup, &program.canonicalize().on("find", program)?)?;
        measure(&cgroup)
    });
    let members = cgroup.members()?;
    for &member in &members {
        signal(member, Signal::TERM)?;
    }
    reap(members)?;
    cost
}

/// Waits until all members run the program and wait for something themselves.
fn all_wait(cgroup: &Cgroup, program: &Path) -> Result<()> {
    let end = Instant::now() + LIMIT;
    let waits = |pid: u32| {
        let runs = std::fs::read_link(format!("/proc/{pid}/exe"));
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        runs.is_ok_and(|runs| runs == program) && stat.contains(") S ")
    };
    // Twice in a row, so that a wait for the disk on the way is not taken for the last.
    for _ in 0..2 {
        loop {
            std::thread::sleep(Duration::from_millis(200));
            let members = cgroup.members()?;
            if members.len() == SUPERVISORS && members.into_iter().all(waits) {
                break;
            }
            if Instant::now() > end {
                let what = format!("not all of {SUPERVISORS} {} run", program.display());
                return Err(Error::Failed(what));
            }
        }
    }
    Ok(())
}

/// The charge is the mean, since the cgroup knows only a sum; the rest is that of the process in
/// the middle.
#[expect(clippy::cast_precision_loss, reason = "all figures are far below 2^52")]
fn measure(cgroup: &Cgroup) -> Result<Cost> {
    let members = cgroup.members()?;
    let charged = cgroup.charged()? as f64 / members.len() as f64;
    let (mut resident, mut private_dirty) = (Vec::new(), Vec::new());
    for member in &members {
        let path = format!("/proc/{member}/smaps_rollup");
        let text = std::fs::read_to_string(&path).on("read", path)?;
        resident.push(bytes(&text, "Rss:") as f64);
        private_dirty.push(bytes(&text, "Private_Dirty:") as f64);
    }
    let middle = |values: &[f64]| median(values).unwrap_or(f64::NAN);
    Ok(Cost { charged, resident: middle(&resident), private_dirty: middle(&private_dirty) })
}

/// The bytes in a line `KEY N kB`; 0 where it is missing.
pub fn bytes(text: &str, key: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_smaps_are_read() {
        let text = "00400000-7fff ---p [rollup]\nRss:     1362 kB\nPrivate_Dirty:  92 kB\n";
        assert_eq!(bytes(text, "Rss:"), 1362 * 1024);
        assert_eq!(bytes(text, "Private_Dirty:"), 92 * 1024);
        assert_eq!(bytes(text, "Swap:"), 0);
    }
}
