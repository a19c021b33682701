//! `cargo xtask faults`: the real binaries, each system call that they make failed in turn.

mod case;

mod errnos;
mod init;
mod lab;
mod level;
mod limits;
mod loader;
mod logins;
mod machine;
mod manage;
mod message;
mod processes;
mod report;
mod request;
mod runsv;
mod runsvdir;
mod scenario;
mod service;
mod setup;
mod short;
mod subject;
mod svlog;
mod svlogd;

use std::ffi::OsStr;
use std::sync::Mutex;

use crate::args::Args;
use crate::bench::family::Family;
use crate::bench::suite::Suite;
use crate::error::{Error, OnFile, Result};
use crate::process::in_path;
use crate::verbs::{Flag, Verb};
use crate::workspace::{Profile, Workspace};

use case::Case;
use report::Tried;
use scenario::SCENARIOS;

/// The verb.
pub static VERB: Verb = Verb {
    name: "faults",
    summary: "Makes each system call of the tools fail, and checks what they do",
    about: "
A scenario is run once under strace, to see which calls the tool makes. Then
it is run again for each call, each error that the call can give, and each of
the first, the tenth and every call, which fail by strace's injection. When
the fault ends, supervisors must be at work, with no child and no line of log
lost or doubled; messages must be sane, and never many.

A failure is a line of words between tabs: `failed`, the case, what was wrong,
and the command that repeats it. docs/faults.md tells more.

  cargo xtask faults --only runsv:openat
  cargo xtask faults --only svlogd:write:ENOSPC:1+
",
    options: &[
        Flag { name: "quick", value: None, help: "one fault a call, always the same" },
        Flag {
            name: "only",
            value: Some("TOOL[:CALL[:ERRNO[:WHEN]]]"),
            help: "these cases; may be repeated",
        },
        Flag { name: "jobs", value: Some("N"), help: "so many at a time (three for each core)" },
        Flag { name: "suite", value: Some("DIR"), help: "the programs in DIR, not ours" },
        Flag { name: "plain", value: None, help: "run the scenarios without faults only" },
        Flag { name: "write", value: None, help: "put the tables into docs/faults.md" },
    ],
    rest: "",
    run: faults,
};

/// What our own suite is called.
pub const OURS: &str = "ours";

/// What of the document is made here.
const MARKS: [&str; 2] = ["<!-- made by cargo xtask faults --write -->\n", "<!-- end -->\n"];

fn faults(workspace: &Workspace, args: &Args) -> Result<()> {
    let only: Vec<String> =
        args.values("only").map(|word| word.to_string_lossy().into_owned()).collect();
    only.iter().try_for_each(|word| case::check_filter(word))?;
    let jobs = jobs(args.value("jobs"))?;
    if !in_path("strace") {
        return Err(Error::Failed("strace is needed, and not in PATH".into()));
    }
    let suite = if let Some(directory) = args.value("suite") {
        Suite::parse(directory)?
    } else {
        let directory = workspace.build_tools(Profile::Release)?;
        Suite { label: OURS.into(), directory, family: Family::Runit }
    };
    let wanted = |name: &str| {
        only.is_empty()
            || only.iter().any(|word| {
                word.split(':').next().is_some_and(|tool| tool.is_empty() || tool == name)
            })
    };
    let mut cases = Vec::new();
    let (mut passed, mut failed) = (0, 0);
    for scenario in SCENARIOS.iter().filter(|scenario| wanted(scenario.name)) {
        let there = suite.label == OURS || !scenario.ours_alone;
        if !there || suite.tool(scenario.tool).is_none() {
            println!("{}: nothing for this suite", scenario.name);
            continue;
        }
        match scenario::calls_of(&suite, scenario) {
            Ok(calls) => {
                passed += 1;
                let (more, unknown) = scenario::cases(scenario.name, &calls);
                println!(
                    "{}: {}: {} calls, {} faults",
                    scenario.name,
                    scenario.about,
                    calls.len(),
                    more.len()
                );
                for call in unknown {
                    println!("failed\t{}:{call}\tnot in the table of errors", scenario.name);
                    failed += 1;
                }
                cases.extend(more);
            }
            Err(why) => {
                println!("failed\t{}\twithout any fault: {why}", scenario.name);
                failed += 1;
            }
        }
    }
    if args.has("plain") {
        cases.clear();
    }
    cases.retain(|case| only.is_empty() || only.iter().any(|word| case.is_meant_by(word)));
    if args.has("quick") {
        // Of what is known to fail nothing is learnt, and it takes long.
        cases.retain(|case| limits::why(case).is_none());
        cases = case::representatives(cases);
    }
    let tried = try_all(&suite, cases, jobs);
    passed += tried.iter().filter(|one| one.result.is_ok()).count();
    failed += tried.iter().filter(|one| one.is_failure()).count();
    if !tried.is_empty() {
        println!("\n{}", report::summary(&tried));
    }
    if args.has("write") {
        write(workspace, &tried)?;
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { Ok(()) } else { Err(Error::Reported) }
}

fn jobs(word: Option<&OsStr>) -> Result<usize> {
    let Some(word) = word else {
        // They wait most of the time.
        return Ok(3 * std::thread::available_parallelism().map_or(1, usize::from));
    };
    let number = word.to_str().and_then(|word| word.parse().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| Error::Usage(format!("--jobs {}: not a number", word.to_string_lossy())))
}

/// Tries all cases, `jobs` at a time; failures are shown as they come.
fn try_all(suite: &Suite, cases: Vec<Case>, jobs: usize) -> Vec<Tried> {
    let queue = Mutex::new(cases.into_iter());
    let next = || queue.lock().ok().and_then(|mut queue| queue.next());
    let worker = || {
        let mut tried = Vec::new();
        while let Some(case) = next() {
            let result = scenario::run(suite, &case);
            let one = Tried { case, result };
            if let Some(line) = one.line() {
                let why = limits::why(&one.case);
                println!("{}", why.map_or(line, |why| format!("known limit\t{}\t{why}", one.case)));
            }
            tried.push(one);
        }
        tried
    };
    let mut tried: Vec<Tried> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
    });
    tried.sort_by(|a, b| a.case.cmp(&b.case));
    tried
}

/// Puts the tables between the marks of the document.
fn write(workspace: &Workspace, tried: &[Tried]) -> Result<()> {
    let path = workspace.root.join("docs/faults.md");
    let text = std::fs::read_to_string(&path).on("read", &path)?;
    let parts = text
        .split_once(MARKS[0])
        .and_then(|(before, rest)| Some((before, rest.split_once(MARKS[1])?.1)));
    let Some((before, after)) = parts else {
        return Err(Error::Failed(format!("{} has lost its marks", path.display())));
    };
    let tables = format!("{}\n{}", report::summary(tried), report::table(tried));
    let text = format!("{before}{}\n{tables}\n{}{after}", MARKS[0], MARKS[1]);
    std::fs::write(&path, text).on("write", &path)
}
