//! `cargo xtask fuzz`: libFuzzer on whatever reads what others wrote.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::error::{Error, OnFile, Result};
use crate::process::run;
use crate::verbs::{Flag, Verb};
use crate::workspace::Workspace;

/// The verb.
pub static VERB: Verb = Verb {
    name: "fuzz",
    summary: "Lets libFuzzer look for input that is answered wrongly",
    about: "
Runs each TARGET of fuzz/src (without one, all), beginning with its corpus in
fuzz/corpus. What is found to be new is kept below target/fuzz, and is where the
next run begins; an input that fails is kept there too, and printed. Needs a C++
compiler. docs/fuzzing.md tells the rest.

  cargo xtask fuzz --seconds 5
  cargo xtask fuzz --seconds 3600 config lines
  cargo xtask fuzz --corpus
",
    options: &[
        Flag { name: "seconds", value: Some("N"), help: "for each target (10)" },
        Flag { name: "address-sanitizer", value: None, help: "with it: slower, sees more" },
        Flag { name: "corpus", value: None, help: "only the corpus and changed copies of it" },
    ],
    rest: "TARGET",
    run: fuzz,
};

/// What makes LLVM tell libFuzzer where the program goes and what it compares:
/// what `cargo fuzz` asks for, all of it to be had from any compiler.
const COVERAGE: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// How many inputs a process tries before the next one takes over: some of
/// what is tried gives no memory back, as it ends with its program.
const INPUTS: usize = 25_000;

/// No input of interest is longer.
const LONGEST: usize = 8192;

/// One input may take so many seconds: none takes a thousandth of it.
const SLOWEST: u32 = 20;

fn fuzz(workspace: &Workspace, args: &Args) -> Result<()> {
    let directory = workspace.root.join("fuzz");
    let kept = workspace.target.join("fuzz");
    if args.has("corpus") {
        return run(cargo(&directory, &kept).args(["test", "--quiet", "--locked"]));
    }
    let seconds = seconds(args)?;
    let targets = if args.rest.is_empty() {
        names(&directory.join("corpus"))?
    } else {
        args.rest.iter().map(|name| name.to_string_lossy().into_owned()).collect()
    };
    if let Some(wrong) = targets.iter().find(|name| !directory.join("corpus").join(name).is_dir()) {
        return Err(Error::Usage(format!("no target '{wrong}': see fuzz/corpus")));
    }
    let program = build(&directory, &kept, args.has("address-sanitizer"))?;
    let mut failed = Vec::new();
    for target in targets {
        let job = Job {
            program: &program,
            seeds: directory.join("corpus").join(&target),
            found: kept.join("found").join(&target),
            failed: kept.join("failed"),
            target,
        };
        if !job.run(Duration::from_secs(seconds))? {
            failed.push(job.target);
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Error::Failed(format!("fuzz: answered wrongly: {}", failed.join(", "))))
    }
}

fn seconds(args: &Args) -> Result<u64> {
    let Some(value) = args.value("seconds") else { return Ok(10) };
    let number = value.to_str().and_then(|text| text.parse().ok());
    number.ok_or_else(|| Error::Usage(format!("not a number: {}", value.to_string_lossy())))
}

/// The targets that have a corpus: all, as a test sees to.
fn names(corpus: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(corpus).on("read", corpus)? {
        names.push(entry.on("read", corpus)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Cargo in the targets' own workspace.
fn cargo(directory: &Path, kept: &Path) -> Command {
    let mut cargo = crate::process::cargo();
    cargo.current_dir(directory).env("CARGO_TARGET_DIR", kept.join("build"));
    cargo
}

/// Builds the program that has all targets.
fn build(directory: &Path, kept: &Path, sanitizer: bool) -> Result<PathBuf> {
    // With a target named, build scripts and macros do without the flags.
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut flags = COVERAGE.join(" ");
    let mut cargo = cargo(directory, kept);
    let mut place = kept.join("build");
    if sanitizer {
        // Of all that is asked for here, the one thing that a stable compiler
        // gives only to who insists.
        flags += " -Zsanitizer=address";
        place = kept.join("build-address-sanitizer");
        cargo.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", &place);
    }
    cargo.env("RUSTFLAGS", flags).args(["build", "--quiet", "--locked", "--release"]);
    run(cargo.args(["--features=libfuzzer", "--bin=libfuzzer", "--target"]).arg(&host))?;
    Ok(place.join(host).join("release/libfuzzer"))
}

/// A target to be run.
struct Job<'a> {
    program: &'a Path,
    target: String,
    seeds: PathBuf,
    found: PathBuf,
    failed: PathBuf,
}

impl Job<'_> {
    /// Runs it for that long; whether all was answered rightly.
    fn run(&self, time: Duration) -> Result<bool> {
        for directory in [&self.found, &self.failed] {
            std::fs::create_dir_all(directory).on("create", directory)?;
        }
        let end = Instant::now() + time;
        let mut tried = 0;
        loop {
            let left = end.saturating_duration_since(Instant::now()).as_secs();
            if left == 0 && tried > 0 {
                break;
            }
            let output = self.round(left.max(1))?;
            let said = String::from_utf8_lossy(&output.stderr);
            if !output.status.success() {
                eprint!("{said}");
                eprintln!("{}: {}", self.target, output.status);
                return Ok(false);
            }
            let Some(count) = done(&said) else {
                let what = format!("{}: libFuzzer did not say what it did", self.target);
                return Err(Error::Failed(what));
            };
            tried += count;
        }
        let found = std::fs::read_dir(&self.found).on("read", &self.found)?.count();
        println!("{:<12} {tried:>9} inputs tried, {found:>5} kept", self.target);
        Ok(true)
    }

    /// One process, for so many seconds at most.
    fn round(&self, seconds: u64) -> Result<Output> {
        let known = std::fs::read_dir(&self.found).on("read", &self.found)?.count();
        let inputs = known + INPUTS;
        let mut command = Command::new(self.program);
        command.env("RUNIT_FUZZ", &self.target).env("ASAN_OPTIONS", "detect_leaks=0");
        command.args([&self.found, &self.seeds]);
        command.arg(format!("-runs={inputs}")).arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-max_len={LONGEST}")).arg(format!("-timeout={SLOWEST}"));
        command.arg(format!("-artifact_prefix={}/{}-", self.failed.display(), self.target));
        command
            .stdin(Stdio::null())
            .output()
            .map_err(|cause| Error::Start { program: self.program.as_os_str().to_owned(), cause })
    }
}

/// How many inputs libFuzzer says that it has tried.
fn done(said: &str) -> Option<usize> {
    let line = said.lines().rev().find_map(|line| line.strip_prefix("Done "))?;
    line.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_inputs_is_what_libfuzzer_says() {
        assert_eq!(done("#7 DONE cov: 1\nDone 25000 runs in 3 second(s)\n"), Some(25_000));
        assert_eq!(done("Done\n"), None);
    }

    #[test]
    fn every_target_has_a_corpus() {
        let corpus = Workspace::locate().root.join("fuzz/corpus");
        let names = names(&corpus).unwrap();
        assert!(names.contains(&"config".to_owned()) && names.is_sorted());
    }
}
