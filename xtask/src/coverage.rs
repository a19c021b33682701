//! `cargo xtask coverage`: which lines of the decisions the unit tests go through.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::Args;
use crate::debian::Unpacked;
use crate::error::{Error, OnFile, Result};
use crate::process::{run, stdout};
use crate::table::Table;
use crate::verbs::Verb;
use crate::workspace::Workspace;

/// The verb.
pub static VERB: Verb = Verb {
    name: "coverage",
    summary: "Lines of the pure modules that unit tests go through",
    about: "
Builds the unit tests of the crates with coverage, runs them, and shows for
each module that decides without a system call how many of its lines were run;
tests themselves are not counted. Fails where a module is below its floor.
What reads the compiler's profiles is Debian's llvm-19, unpacked below
target/cross: this needs apt-get, but not root, and installs nothing.
",
    options: &[],
    rest: "",
    run: coverage,
};

/// Of a hundred lines of a module, how many are run at least.
const FLOOR: f64 = 98.0;

/// The modules, by crate.
const MODULES: &[(&str, &[&str])] = &[
    (
        "runit-core",
        &[
            "control", "diag", "exit", "face", "help", "layout", "lookup", "options", "status",
            "tai",
        ],
    ),
    ("runsv", &["machine", "pair"]),
    ("runsvdir", &["index", "plan", "title_log", "watch"]),
    ("sv", &["command", "goal", "json", "render"]),
    (
        "svlogd",
        &["address", "clean", "config", "feed", "out", "rotate", "rules", "stamp", "target"],
    ),
    ("svlogd-select", &["line", "pattern"]),
    ("chpst", &["account", "applet", "capability", "environment", "limits", "number", "options"]),
    ("chpst", &["plan", "text"]),
    ("svlog", &["archive", "calendar", "lines", "merge", "options", "place", "rule", "script"]),
    ("svlog", &["stamp", "zone"]),
    ("runit-init", &["boot", "event"]),
    ("utmpset", &["record"]),
];

/// Whose tests go through the modules too: whole trees that live in a simulation.
const SIMULATION: &str = "simulation";

/// Those that have a floor of their own, and why.
const EXCEPTIONS: &[(&str, &str, f64)] = &[
    // Prints help and usage, which the end-to-end tests read.
    ("runit-core", "face", 45.0),
];

/// What reads profiles of the compilers from 1.85 on, and what it loads.
const PACKAGES: &[&str] = &[
    "llvm-19",
    "libllvm19",
    "libz3-4",
    "libedit2",
    "libbsd0",
    "libmd0",
    "libxml2",
    "libicu72",
    "libpfm4",
];

fn coverage(workspace: &Workspace, _: &Args) -> Result<()> {
    let tools = Tools::new(workspace)?;
    let kept = workspace.target.join("coverage");
    let profiles = kept.join("profiles");
    let tests = build(workspace, &kept)?;
    // What build scripts may have left, and earlier runs.
    let _ = std::fs::remove_dir_all(&profiles);
    for test in &tests {
        let mut test = Command::new(test);
        run(test.arg("--quiet").env("LLVM_PROFILE_FILE", profiles.join("%p.profraw")))?;
    }
    let mut raw = Vec::new();
    for entry in std::fs::read_dir(&profiles).on("read", &profiles)? {
        raw.push(entry.on("read", &profiles)?.path());
    }
    let merged = kept.join("merged");
    run(tools.command("llvm-profdata").args(["merge", "-sparse", "-o"]).arg(&merged).args(raw))?;
    let mut export = tools.command("llvm-cov");
    export.args(["export", "--format=lcov", "--instr-profile"]).arg(&merged);
    for test in &tests {
        export.arg("--object").arg(test);
    }
    report(workspace, &counts(&stdout(&mut export)?))
}

/// LLVM's programs.
struct Tools {
    root: PathBuf,
}

impl Tools {
    fn new(workspace: &Workspace) -> Result<Self> {
        let unpacked = Unpacked::new(workspace.target.join("cross"));
        unpacked.ensure("llvm", &PACKAGES.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        Ok(Self { root: unpacked.root() })
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.root.join("usr/lib/llvm-19/bin").join(name));
        command.env("LD_LIBRARY_PATH", self.root.join("usr/lib/x86_64-linux-gnu"));
        command
    }
}

/// Builds the crates' unit tests with coverage; gives their programs.
fn build(workspace: &Workspace, kept: &Path) -> Result<Vec<PathBuf>> {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--quiet", "--lib", "--no-run", "--message-format=json"]);
    // With a target named, build scripts do without.
    cargo.arg(format!("--target={}-unknown-linux-gnu", std::env::consts::ARCH));
    let mut names: Vec<&str> = MODULES.iter().map(|(name, _)| *name).collect();
    names.push(SIMULATION);
    names.dedup();
    for name in names {
        cargo.args(["--package", name]);
    }
    cargo.env("RUSTFLAGS", "-Cinstrument-coverage").env("CARGO_TARGET_DIR", kept.join("build"));
    Ok(stdout(&mut cargo)?.lines().filter_map(program).collect())
}

/// The program that a message of cargo's names.
fn program(message: &str) -> Option<PathBuf> {
    let (_, rest) = message.split_once(r#""executable":""#)?;
    rest.split('"').next().map(PathBuf::from)
}

/// How often each line was run, by file.
type Counts = BTreeMap<PathBuf, BTreeMap<usize, u64>>;

/// Reads `lcov`'s format, of which `SF:` names a file and `DA:` counts a line.
fn counts(lcov: &str) -> Counts {
    let mut counts = Counts::new();
    let mut file = PathBuf::new();
    for line in lcov.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            file = path.into();
        } else if let Some(data) = line.strip_prefix("DA:") {
            let mut numbers = data.split(',').map(str::parse);
            if let (Some(Ok(line)), Some(Ok(count))) = (numbers.next(), numbers.next()) {
                let count = u64::try_from(count).unwrap_or(u64::MAX);
                *counts.entry(file.clone()).or_default().entry(line).or_default() += count;
            }
        }
    }
    counts
}

/// Shows how much of each module was run; fails where it is too little.
fn report(workspace: &Workspace, counts: &Counts) -> Result<()> {
    let mut table = Table::new(["module", "lines", "run", "%", "not run"]);
    let (mut all, mut all_run) = (0, 0);
    let mut low = Vec::new();
    for (name, modules) in MODULES {
        for module in *modules {
            let path = workspace.root.join(format!("crates/{name}/src/{module}.rs"));
            let text = std::fs::read_to_string(&path).on("read", &path)?;
            let counted = counted(&text);
            let Some(lines) = counts.get(&path) else {
                return Err(Error::Failed(format!("no count of {}", path.display())));
            };
            let lines: Vec<_> = lines.iter().filter(|(line, _)| counted.contains(line)).collect();
            let missed = lines.iter().filter(|(_, count)| **count == 0);
            let missed: Vec<usize> = missed.map(|(line, _)| **line).collect();
            let run = lines.len() - missed.len();
            (all, all_run) = (all + lines.len(), all_run + run);
            let percent = percent(run, lines.len());
            let exception = EXCEPTIONS.iter().find(|(at, of, _)| (at, of) == (name, module));
            if percent < exception.map_or(FLOOR, |(_, _, floor)| *floor) {
                low.push(format!("{name} {module}"));
            }
            table.row([
                format!("{name} {module}"),
                lines.len().to_string(),
                run.to_string(),
                format!("{percent:.1}"),
                shortened(&missed),
            ]);
        }
    }
    let total = format!("{:.1}", percent(all_run, all));
    table.row(["all".into(), all.to_string(), all_run.to_string(), total, String::new()]);
    print!("{}", table.markdown());
    if low.is_empty() {
        Ok(())
    } else {
        Err(Error::Failed(format!("coverage below its floor: {}", low.join(", "))))
    }
}

/// The numbers, or the first of them.
fn shortened(numbers: &[usize]) -> String {
    const SHOWN: usize = 8;
    let shown = numbers.iter().take(SHOWN).map(ToString::to_string);
    let mut text = shown.collect::<Vec<_>>().join(" ");
    if numbers.len() > SHOWN {
        text.push_str(" ...");
    }
    text
}

/// The numbers of the lines of a file that count: not those of tests, and not
/// those of private `const` functions, which the compiler itself runs.
fn counted(text: &str) -> BTreeSet<usize> {
    let mut counted = BTreeSet::new();
    let mut by_compiler = false;
    let mut after_test = false;
    for (number, line) in (1..).zip(text.lines()) {
        if after_test && line.starts_with("mod ") && line.ends_with('{') {
            break;
        }
        after_test = line == "#[cfg(test)]";
        by_compiler |= line.starts_with("const fn ");
        if !by_compiler {
            counted.insert(number);
        }
        by_compiler &= line != "}";
    }
    counted
}

/// Of a hundred.
fn percent(part: usize, whole: usize) -> f64 {
    let number = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    if whole == 0 { 100.0 } else { 100.0 * number(part) / number(whole) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_a_file_are_added_up() {
        let counts = counts("SF:/a.rs\nDA:3,1\nDA:4,0\nend_of_record\nSF:/a.rs\nDA:3,2\n");
        assert_eq!(counts[Path::new("/a.rs")], BTreeMap::from([(3, 3), (4, 0)]));
    }

    #[test]
    fn programs_are_those_that_cargo_names() {
        let message = r#"{"reason":"compiler-artifact","executable":"/x/deps/y-1","fresh":true}"#;
        assert_eq!(program(message), Some(PathBuf::from("/x/deps/y-1")));
        assert_eq!(program(r#"{"executable":null}"#), None);
    }

    #[test]
    fn tests_do_not_count() {
        let text = "fn a() {\n}\n#[cfg(test)]\nfn b() {}\nconst fn c() {\n}\nx\n\
                    #[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(counted(text), BTreeSet::from([1, 2, 3, 4, 7, 8]));
    }

    #[test]
    fn nothing_is_covered_wholly() {
        assert!((percent(0, 0) - 100.0).abs() < 1e-9 && (percent(1, 2) - 50.0).abs() < 1e-9);
    }
}
