//! Process 1, in a PID namespace: what it keeps when idle, how often it wakes up, and how soon it
//! has handed over to stage 2.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::memory::bytes;
use super::report::{Row, Unit, median};
use super::starts::Starts;
use super::suite::Suite;
use super::svlogd::processor_time;
use super::tree::{LIMIT, children, reap, spawn};
use super::wakeups::switches;
use super::{Bench, Case};
use crate::enter;
use crate::error::{Error, OnFile, Result};

/// The case.
pub static CASE: Case = Case {
    name: "init",
    about: "process 1 in a PID namespace",
    needs: &["runit"],
    ours_alone: false,
    run,
};

/// How many orphans [`STORM`] makes.
const ORPHANS: usize = 10_000;

/// A stage 2 that leaves orphans to process 1, says when it has made all of them, and waits.
const STORM: &str = "#!/bin/sh
n=0
while [ $n -lt 2500 ]; do
    (true & true & true & true &)
    n=$((n + 1))
done
: >/made
exec /etc/runit/wait
";

/// A root directory with one suite's `runit`, a first stage that does nothing, and a second that
/// only waits.
struct Machine {
    root: PathBuf,
}

/// One that has been booted; what it runs ends with this value.
struct System {
    unshare: Child,
    first: u32,
}

impl Machine {
    fn new(bench: &Bench, suite: &Suite, index: usize) -> Result<Self> {
        let root = bench.scratch.join(format!("init{index}"));
        let _ = std::fs::remove_dir_all(&root);
        for directory in ["etc/runit", "sbin", "dev"] {
            let path = root.join(directory);
            std::fs::create_dir_all(&path).on("create", path)?;
        }
        let copy = |from: &Path, to: &str| {
            let to = root.join(to);
            std::fs::copy(from, &to).on("copy to", to)
        };
        copy(&suite.tool("runit").unwrap_or_default(), "sbin/runit")?;
        copy(&bench.pause, "etc/runit/2")?;
        copy(&bench.pause, "etc/runit/wait")?;
        script(&root.join("etc/runit/1"), "#!/bin/true\n")?;
        let null = root.join("dev/null");
        std::fs::write(&null, "").on("create", null)?;
        Ok(Self { root })
    }

    /// Boots it, and gives the time from the start of process 1 to that of stage 2.
    fn boot(&self) -> Result<(System, f64)> {
        let first = Starts::of(&self.root.join("sbin/runit"))?;
        let second = Starts::of(&self.root.join("etc/runit/2"))?;
        let mut command = Command::new("unshare");
        command.args([
            "--pid",
            "--fork",
            "--mount",
            "--kill-child",
            "sh",
            "-c",
            enter::SCRIPT,
            "sh",
        ]);
        command.arg(&self.root).arg("/sbin/runit");
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        let mut system = System { unshare: spawn(&mut command)?, first: 0 };
        first.wait()?;
        let start = Instant::now();
        second.wait()?;
        let seconds = start.elapsed().as_secs_f64();
        system.find_first()?;
        Ok((system, seconds))
    }
}

impl System {
    /// Finds process 1, once its stage 2 runs.
    fn find_first(&mut self) -> Result<()> {
        let end = Instant::now() + LIMIT;
        let runs = |pid: &u32| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            words.split(|byte| *byte == 0).any(|word| word == b"/etc/runit/2")
        };
        while Instant::now() < end {
            for first in children(self.unshare.id())? {
                if children(first).is_ok_and(|stages| stages.iter().any(runs)) {
                    self.first = first;
                    return Ok(());
                }
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(Error::Failed("runit has not started its stage 2".into()))
    }
}

/// Writes a script.
fn script(path: &Path, text: &str) -> Result<()> {
    // What is there may be running: never into it.
    let _ = std::fs::remove_file(path);
    std::fs::write(path, text).on("write", path)?;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, mode).on("change", path)
}

/// The processor time that process 1 takes to reap what [`STORM`] leaves to it.
fn storm(machine: &Machine) -> Result<Option<f64>> {
    script(&machine.root.join("etc/runit/2"), STORM)?;
    let made = machine.root.join("made");
    let _ = std::fs::remove_file(&made);
    let (system, _) = machine.boot()?;
    let end = Instant::now() + LIMIT;
    while !(made.exists() && children(system.first)?.len() == 1) {
        if Instant::now() > end {
            return Err(Error::Failed("runit has not reaped its orphans".into()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(processor_time(&PathBuf::from(format!("/proc/{}", system.first))))
}

impl Drop for System {
    fn drop(&mut self) {
        // All in the namespace ends with it.
        let _ = self.unshare.kill();
        let _ = self.unshare.wait();
        // It has become ours, and ends as its parent has.
        if self.first != 0 {
            let _ = reap(vec![self.first]);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "all figures are far below 2^52")]
fn run(bench: &Bench, suites: &[&Suite]) -> Result<Vec<Row>> {
    let (rounds, seconds) = if bench.quick { (5, 15) } else { (31, 30) };
    let indexed = suites.iter().enumerate();
    let machines: Result<Vec<_>> =
        indexed.map(|(index, suite)| Machine::new(bench, suite, index)).collect();
    let machines = machines?;
    let mut times = vec![Vec::new(); suites.len()];
    let mut resident = times.clone();
    for _ in 0..rounds {
        for ((machine, times), resident) in machines.iter().zip(&mut times).zip(&mut resident) {
            let (system, time) = machine.boot()?;
            times.push(time);
            let path = format!("/proc/{}/smaps_rollup", system.first);
            let text = std::fs::read_to_string(&path).on("read", path)?;
            resident.push(bytes(&text, "Rss:") as f64);
        }
    }
    let systems: Result<Vec<_>> = machines.iter().map(|each| Ok(each.boot()?.0)).collect();
    let systems = systems?;
    // What follows a start is not idleness.
    std::thread::sleep(Duration::from_secs(2));
    let count = || systems.iter().map(|system| switches(system.first)).collect::<Result<Vec<_>>>();
    let before = count()?;
    std::thread::sleep(Duration::from_secs(seconds));
    let after = count()?;
    drop(systems);
    let mut storms = vec![Vec::new(); suites.len()];
    for _ in 0..rounds.min(5) {
        for (machine, storms) in machines.iter().zip(&mut storms) {
            storms.extend(storm(machine)?);
        }
    }
    for machine in &machines {
        std::fs::remove_dir_all(&machine.root).on("remove", &machine.root)?;
    }
    let size = |suite: &&Suite| Some(suite.tool("runit")?.metadata().ok()?.len() as f64);
    let row = |key, what: String, unit, figures| Row { key, what, unit, figures };
    let middle = |samples: &[Vec<f64>]| samples.iter().map(|each| median(each)).collect();
    let wakeups = before.iter().zip(&after).map(|(b, a)| Some((a - b) as f64)).collect();
    Ok(vec![
        row("init-resident", "resident memory of runit".into(), Unit::Kib, middle(&resident)),
        row(
            "init-wakeups",
            format!("wake-ups of an idle runit in {seconds} s"),
            Unit::Count,
            wakeups,
        ),
        row("init-size", "size of runit".into(), Unit::Bytes, suites.iter().map(size).collect()),
        row(
            "init-boot",
            "runit to stage 2, stage 1 being empty".into(),
            Unit::Time,
            middle(&times),
        ),
        row(
            "init-orphans",
            format!("processor time of runit for {ORPHANS} orphans"),
            Unit::Time,
            middle(&storms),
        ),
    ])
}
