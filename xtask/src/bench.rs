//! `cargo xtask bench`: ours and others side by side, in one run.

pub mod cgroup;
mod chpst;
mod control;
mod death;
mod discover;
pub mod family;
mod guard;
mod init;
mod many;
mod memory;
mod pause;
mod plot;
mod query;
mod report;
mod scale;
mod sizes;
mod starts;
pub mod suite;
mod svlogd;
pub mod tree;
mod wakeups;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit};

use crate::args::Args;
use crate::error::{Error, OnFile, Result};
use crate::verbs::{Flag, Verb};
use crate::workspace::{Profile, Workspace};
use family::Family;
use report::Row;
use suite::Suite;

/// The verb.
pub static VERB: Verb = Verb {
    name: "bench",
    summary: "Measures ours and other runits side by side, as ratios",
    about: "
Without --against, Debian's runit is compared with, if it is installed; s6 and
daemontools are wherever they are. Suites take turns within each measurement,
and medians are shown. Memory is measured in a cgroup, which takes root.
docs/benchmarks.md says what each figure means.
",
    options: &[
        Flag {
            name: "against",
            value: Some("[LABEL=]DIR"),
            help: "compare with the programs in DIR; may be repeated",
        },
        Flag { name: "ours", value: Some("[LABEL=]DIR"), help: "take these for ours" },
        Flag { name: "only", value: Some("CASE"), help: "this case; may be repeated" },
        Flag { name: "quick", value: None, help: "fewer rounds, for a first look" },
        Flag { name: "guard", value: None, help: "only what CI checks, and check it" },
        Flag { name: "write", value: None, help: "put the table into docs/benchmarks.md" },
        Flag { name: "plot", value: Some("FILE"), help: "only cost against services, as SVG" },
    ],
    rest: "",
    run: bench,
};

/// A measurement.
struct Case {
    /// Its name for `--only`.
    name: &'static str,
    /// What is said when it begins.
    about: &'static str,
    /// The tools that a suite must have for it.
    needs: &'static [&'static str],
    /// Whether others cannot do it at all.
    ours_alone: bool,
    /// Measures these suites; each row has a figure for each of them.
    run: fn(&Bench, &[&Suite]) -> Result<Vec<Row>>,
}

/// All measurements, in the order of the table.
static CASES: &[&Case] = &[
    &memory::CASE,
    &sizes::CASE,
    &control::CASE,
    &discover::CASE,
    &death::CASE,
    &many::CASE,
    &wakeups::CASE,
    &query::CASE,
    &chpst::CASE,
    &scale::CASE,
    &init::CASE,
    &svlogd::CASE,
];

/// What all measurements share.
struct Bench {
    /// A directory of our own.
    scratch: PathBuf,
    /// A program that only waits.
    pause: PathBuf,
    /// Whether a first look will do.
    quick: bool,
}

fn bench(workspace: &Workspace, args: &Args) -> Result<()> {
    let cases = selected(args)?;
    let suites = suites(workspace, args)?;
    let bench = Bench::prepare(workspace.target.join("bench"), args.has("quick"))?;
    if let Some(file) = args.value("plot") {
        return plot::measure(&bench, &suites, Path::new(file));
    }
    let measured = || {
        let mut rows = Vec::new();
        for case in &cases {
            rows.extend(measure(&bench, case, &suites)?);
        }
        Ok(rows)
    };
    let rows = measured()?;
    let mut text = report::machine();
    for suite in suites.iter().skip(1) {
        let _ = writeln!(text, "- {}: {}", suite.label, suite.directory.display());
    }
    let text = format!("{text}\n{}", report::table(&suites, &rows));
    print!("{text}");
    if args.has("write") {
        write(&workspace.root.join("docs/benchmarks.md"), &text)?;
    }
    if args.has("guard") { guard::check(&suites, &rows, measured) } else { Ok(()) }
}

/// The cases that are asked for.
fn selected(args: &Args) -> Result<Vec<&'static Case>> {
    let partial = args.has("only") || args.has("guard") || args.has("quick");
    if args.has("write") && partial {
        return Err(Error::Usage("bench: --write wants all cases in full".into()));
    }
    let mut names: Vec<_> = args.values("only").map(|name| name.to_string_lossy()).collect();
    if args.has("guard") {
        names.extend(guard::CASES.iter().map(|&name| name.into()));
    }
    for name in &names {
        if !CASES.iter().any(|case| case.name == name) {
            let all: Vec<_> = CASES.iter().map(|case| case.name).collect();
            let what = format!("bench: no case '{name}': there are {}", all.join(", "));
            return Err(Error::Usage(what));
        }
    }
    let wanted = |case: &&&Case| names.is_empty() || names.iter().any(|name| *name == case.name);
    Ok(CASES.iter().filter(wanted).copied().collect())
}

/// Ours, then those to compare with.
fn suites(workspace: &Workspace, args: &Args) -> Result<Vec<Suite>> {
    let ours = match args.value("ours") {
        Some(word) => Suite::parse(word)?,
        None => Suite {
            label: "runit-rs".to_owned(),
            directory: workspace.build_tools(Profile::Release)?,
            family: Family::Runit,
        },
    };
    let mut suites = vec![ours];
    for word in args.values("against") {
        suites.push(Suite::parse(word)?);
    }
    if suites.len() == 1 {
        suites.extend(suite::debians());
    }
    // The guard's limits are to Debian's runit alone.
    if !args.has("guard") {
        suites.extend(suite::others());
    }
    Ok(suites)
}

impl Bench {
    fn prepare(scratch: PathBuf, quick: bool) -> Result<Self> {
        std::fs::create_dir_all(&scratch).on("create", &scratch)?;
        let pause = scratch.join("pause");
        pause::write(&pause)?;
        // What a supervisor leaves behind becomes ours to wait for.
        let adopted = rustix::process::set_child_subreaper(rustix::process::Pid::from_raw(1));
        // Supervisors of thousands of services may have thousands of descriptors.
        let limit = rustix::process::getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        adopted
            .and_then(|()| rustix::process::setrlimit(Resource::Nofile, raised))
            .map_err(|error| Error::Failed(format!("unable to prepare this process: {error}")))?;
        Ok(Self { scratch, pause, quick })
    }
}

/// Runs the case with all suites that have the tools for it.
fn measure(bench: &Bench, case: &Case, suites: &[Suite]) -> Result<Vec<Row>> {
    let takes_part =
        |index: usize, suite: &Suite| suite.has(case.needs) && !(case.ours_alone && index > 0);
    let here: Vec<usize> =
        (0..suites.len()).filter(|&index| takes_part(index, &suites[index])).collect();
    let taking_part: Vec<&Suite> = here.iter().map(|&index| &suites[index]).collect();
    if taking_part.is_empty() {
        eprintln!("{}: no suite has {}", case.name, case.needs.join(", "));
        return Ok(Vec::new());
    }
    let labels: Vec<_> = taking_part.iter().map(|suite| suite.label.as_str()).collect();
    eprintln!("{}: {} ({})", case.name, case.about, labels.join(", "));
    let mut rows = (case.run)(bench, &taking_part)?;
    for row in &mut rows {
        let mut figures = vec![None; suites.len()];
        for (&index, &figure) in here.iter().zip(&row.figures) {
            figures[index] = figure;
        }
        row.figures = figures;
    }
    Ok(rows)
}

/// Seconds that it takes.
fn timed<T>(act: impl FnOnce() -> Result<T>) -> Result<f64> {
    let start = Instant::now();
    act()?;
    Ok(start.elapsed().as_secs_f64())
}

/// Lets services get older than a second: then they are started again at once.
fn outlive_the_throttle() {
    std::thread::sleep(Duration::from_millis(1100));
}

/// Puts the text between the two markers of the document.
fn write(path: &Path, text: &str) -> Result<()> {
    let old = std::fs::read_to_string(path).on("read", path)?;
    let new = replaced(&old, text)
        .ok_or_else(|| Error::Failed(format!("{} lacks its markers", path.display())))?;
    std::fs::write(path, new).on("write", path)
}

/// The document with `text` between its markers; `None` without them.
fn replaced(document: &str, text: &str) -> Option<String> {
    const BEGIN: &str = "<!-- cargo xtask bench --write -->\n";
    const END: &str = "<!-- end -->";
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{text}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_replaced_between_its_markers() {
        let document = "# x\n<!-- cargo xtask bench --write -->\nold\n<!-- end -->\ny\n";
        let new = "# x\n<!-- cargo xtask bench --write -->\nnew\n<!-- end -->\ny\n";
        assert_eq!(replaced(document, "new\n").as_deref(), Some(new));
        assert_eq!(replaced("# x\n", "new"), None);
    }

    #[test]
    fn the_guard_and_the_names_of_cases_agree() {
        for name in guard::CASES {
            assert!(CASES.iter().any(|case| case.name == *name), "{name}");
        }
    }

    #[test]
    fn suites_without_the_tools_leave_their_cells_empty() {
        static CASE: Case = Case {
            name: "x",
            about: "",
            needs: &["env"],
            ours_alone: false,
            run: |_, suites| {
                let figures = vec![Some(7.0); suites.len()];
                let unit = report::Unit::Count;
                Ok(vec![Row { key: "x", what: "x".into(), unit, figures }])
            },
        };
        let bench = Bench { scratch: "/".into(), pause: "/".into(), quick: true };
        let suite = |directory: &str| Suite {
            label: "x".into(),
            directory: directory.into(),
            family: Family::Runit,
        };
        let suites = [suite("/nowhere"), suite("/usr/bin"), suite("/usr/bin")];
        let figures = |case: &Case, suites: &[Suite]| {
            measure(&bench, case, suites).unwrap().pop().map(|row| row.figures)
        };
        assert_eq!(figures(&CASE, &suites), Some(vec![None, Some(7.0), Some(7.0)]));
        assert_eq!(figures(&CASE, &suites[..1]), None);
        let ours_alone = Case { ours_alone: true, ..CASE };
        assert_eq!(figures(&ours_alone, &suites[1..]), Some(vec![Some(7.0), None]));
    }
}
