//! `cargo xtask torture`: a whole tree under torment, and a ledger at the end.

mod answer;
mod clients;
mod ledger;
mod limits;
mod lines;
mod lives;
mod plan;
mod processes;
mod reaper;
mod record;
mod report;
mod rng;
mod service;
mod settle;
mod torment;
mod tree;
mod world;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::args::Args;
use crate::bench::family::Family;
use crate::bench::suite::Suite;
use crate::error::{Error, OnFile, Result};
use crate::process::quietly;
use crate::verbs::{Flag, Verb};
use crate::workspace::{Profile, Workspace};
use limits::Limits;
use plan::Plan;
use report::Report;
use world::World;

pub use service::started_as;

/// The verb.
pub static VERB: Verb = Verb {
    name: "torture",
    summary: "Torments a tree of services, and balances its books",
    about: "
Hundreds of services with their loggers, under one runsvdir: random kills (of
supervisors and loggers too), commands from many clients, directories that come,
move and go, full disks, no room for processes or memory. Then it settles, and
each start, end and log line is accounted for: docs/torture.md. It takes root,
and cgroups; all happens in namespaces of its own. With --suite, what that suite
does is a result, and no failure.
",
    options: &[
        Flag { name: "minutes", value: Some("N"), help: "how long the torment lasts; default 1" },
        Flag { name: "seconds", value: Some("N"), help: "the same in seconds" },
        Flag {
            name: "seed",
            value: Some("N"),
            help: "what is done, and to whom; default by the clock",
        },
        Flag { name: "services", value: Some("N"), help: "how many at first; default 200" },
        Flag { name: "suite", value: Some("DIR"), help: "the programs in DIR instead of ours" },
        Flag { name: "inside", value: Some("DIR"), help: "used by itself, in its namespaces" },
    ],
    rest: "",
    run: torture,
};

fn torture(workspace: &Workspace, args: &Args) -> Result<()> {
    let number = |name, default: u64| match args.value(name) {
        Some(word) => word
            .to_str()
            .and_then(|word| word.parse().ok())
            .ok_or_else(|| Error::Usage(format!("--{name} {}: no number", word.to_string_lossy()))),
        None => Ok(default),
    };
    let seconds = number("seconds", number("minutes", 1)? * 60)?;
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = number("seed", u64::from(clock.subsec_nanos()))?;
    let services = number("services", 200)?;
    let services = u32::try_from(services).ok().filter(|number| (20..=8000).contains(number));
    let services = services.ok_or_else(|| Error::Usage("--services: from 20 to 8000".into()))?;
    let suite = match args.value("suite") {
        Some(word) => Suite::parse(word)?,
        None => Suite {
            label: "ours".into(),
            directory: workspace.build_tools(Profile::Release)?,
            family: Family::Runit,
        },
    };
    if let Some(missing) =
        ["runsv", "runsvdir", "sv", "svlogd"].iter().find(|tool| !suite.has(&[tool]))
    {
        let what = format!("no {missing} in {}", suite.directory.display());
        return Err(Error::Usage(what));
    }
    match args.value("inside") {
        None => enclose(&suite, seconds, seed, services, args.has("suite")),
        Some(base) => {
            for ending in ENDING {
                let always = Arc::new(AtomicBool::new(true));
                signal_hook::flag::register_conditional_shutdown(ending, 130, always)
                    .on("handle", "a signal")?;
            }
            let plan = Plan { seed, services, clients: 8, base: base.into() };
            let report = run(plan, suite, seconds)?;
            print!("{}", report.text());
            if report.failed() > 0 { Err(Error::Reported) } else { Ok(()) }
        }
    }
}

/// What ends it before its time.
const ENDING: [i32; 2] = [SIGINT, SIGTERM];

/// Runs this again in a PID and a mount namespace, whose end ends all in them.
fn enclose(suite: &Suite, seconds: u64, seed: u64, services: u32, result: bool) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Err(Error::Failed("torture takes root".into()));
    }
    println!("{services} services of {}, {seconds} s, seed {seed}", suite.directory.display());
    let base = std::env::temp_dir().join(format!("runit-torture-{}", std::process::id()));
    std::fs::create_dir(&base).on("create", &base)?;
    let this = std::env::current_exe().on("find", "/proc/self/exe")?;
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount", "--mount-proc", "--kill-child"]).arg(this);
    command.arg("torture").arg("--inside").arg(&base).arg("--suite").arg(&suite.directory);
    for (name, number) in [("seconds", seconds), ("seed", seed), ("services", services.into())] {
        command.arg(format!("--{name}")).arg(number.to_string());
    }
    // Ctrl-C ends what is inside; what is left here is tidied up after that.
    for ending in ENDING {
        signal_hook::flag::register(ending, Arc::default()).on("handle", "a signal")?;
    }
    let outcome = quietly(&mut command);
    limits::remove(&group(&base));
    // The disk in memory went with the namespace.
    std::fs::remove_dir(&base).on("remove", &base)?;
    match outcome {
        Err(Error::Command { status, .. }) if status.code() == Some(1) => {
            if result {
                println!("what failed above is a result of this suite, seed {seed}");
                return Ok(());
            }
            println!(
                "again: cargo xtask torture --seconds {seconds} --seed {seed} --services {services}"
            );
            Err(Error::Reported)
        }
        outcome => outcome,
    }
}

/// The name of the cgroups, from that of the directory.
fn group(base: &Path) -> String {
    base.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// From laying out to the last check.
fn run(plan: Plan, suite: Suite, seconds: u64) -> Result<Report> {
    let base: PathBuf = plan.base.clone();
    tree::lay_out(&plan, seconds.div_ceil(60))?;
    let limits = Limits::new(&group(&base))?;
    let world: &'static World = Box::leak(Box::new(World::new(plan, suite, limits)));
    std::thread::spawn(|| world.reaper.work());
    let mut report = Report::default();
    world.start_runsvdir()?;
    let down = settle::all_up(world);
    if !down.is_empty() {
        let messages = std::fs::read_to_string(world.messages()).unwrap_or_default();
        return Err(Error::Failed(format!("{}; messages: {messages}", down.join(", "))));
    }
    let before = settle::Use::now(world);
    torment::all_at_once(world, Duration::from_secs(seconds))?;
    settle::calm_down(world, &mut report)?;
    settle::at_rest(world, before, &mut report);
    settle::shut_down(world, &mut report)?;
    ledger::balance(world, &mut report)?;
    Ok(report)
}
