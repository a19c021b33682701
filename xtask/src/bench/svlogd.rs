//! What it costs to log lines: time, processor time and memory, beside other
//! loggers and `cat`.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::report::{Row, Unit, median};
use super::suite::Suite;
use super::{Bench, Case, timed};
use crate::error::{Error, OnFile, Result};

/// The case.
pub static CASE: Case = Case {
    name: "svlogd",
    about: "lines logged to a tmpfs, through a pipe",
    needs: &["svlogd"],
    ours_alone: false,
    run,
};

/// Lines and what is to become of them.
struct Scenario {
    name: &'static str,
    options: &'static [&'static str],
    config: &'static str,
    directories: usize,
    /// The length of a line.
    length: usize,
    /// Whether each line is written by itself.
    single: bool,
    rivals: &'static [Rival],
}

impl Scenario {
    /// Whether the logger's memory is told of this one.
    fn is_for_memory(&self) -> bool {
        self.name == DATE.name && self.length == DATE.length
    }
}

/// For how long a logger may hold memory for what comes next.
const LULL: Duration = Duration::from_millis(200);

/// Another program that does the same; `DIR` stands for the log directory.
struct Rival {
    name: &'static str,
    words: &'static [&'static str],
}

const CAT: Rival = Rival { name: "cat", words: &["sh", "-c", "exec cat >DIR/current"] };

/// As `svlogd` by default: ten files of a million bytes.
const S6: Rival = Rival { name: "s6-log", words: &["s6-log", "n10", "s1000000", "DIR"] };
const S6_LABEL: Rival = Rival { name: "s6-log", words: &["s6-log", "n10", "s1000000", "t", "DIR"] };
const S6_DATE: Rival = Rival { name: "s6-log", words: &["s6-log", "n10", "s1000000", "T", "DIR"] };
const MULTILOG: Rival = Rival { name: "multilog", words: &["multilog", "n10", "s1000000", "DIR"] };
const MULTILOG_LABEL: Rival =
    Rival { name: "multilog", words: &["multilog", "t", "n10", "s1000000", "DIR"] };

const PATTERNS: &str = "-*debug*\n-*foo*\n+*error*\n-bar*\n+*: req*\n-*xyz\n+info*\n-*: *: pid *\n";

const PLAIN: Scenario = Scenario {
    name: "plain",
    options: &[],
    config: "",
    directories: 1,
    length: 90,
    single: false,
    rivals: &[CAT, S6, MULTILOG],
};
const DATE: Scenario = Scenario { name: "-tt", options: &["-tt"], rivals: &[S6_DATE], ..PLAIN };

static SCENARIOS: &[Scenario] = &[
    PLAIN,
    Scenario { name: "-t", options: &["-t"], rivals: &[S6_LABEL, MULTILOG_LABEL], ..PLAIN },
    DATE,
    Scenario { name: "-ttt", options: &["-ttt"], ..DATE },
    Scenario { name: "-tt, eight patterns", config: PATTERNS, rivals: &[], ..DATE },
    Scenario { name: "four directories", directories: 4, rivals: &[], ..PLAIN },
    Scenario { name: "-r _", options: &["-r", "_"], rivals: &[], ..PLAIN },
    Scenario { length: 20, ..PLAIN },
    Scenario { length: 1000, ..PLAIN },
    Scenario { length: 100_000, ..PLAIN },
    Scenario { length: 20, ..DATE },
    Scenario { length: 1000, ..DATE },
    Scenario { length: 100_000, rivals: &[], ..DATE },
    Scenario { name: "plain, single lines", single: true, ..PLAIN },
    Scenario { name: "-tt, single lines", single: true, ..DATE },
];

/// What one run of a logger took.
#[derive(Default)]
struct Samples {
    seconds: Vec<f64>,
    processor: Vec<f64>,
    idle: Vec<f64>,
    peak: Vec<f64>,
}

fn run(bench: &Bench, suites: &[&Suite]) -> Result<Vec<Row>> {
    let place = Place::new(bench);
    let rounds = if bench.quick { 1 } else { 5 };
    let mut rows = Vec::new();
    for scenario in SCENARIOS {
        let volume = if bench.quick { 10_000_000 } else { 60_000_000 };
        let volume = if scenario.single { volume / 6 } else { volume };
        let text = lines(scenario.length, volume);
        let rivals: Vec<&Rival> = scenario.rivals.iter().filter(|r| found(r.words[0])).collect();
        let mut samples: Vec<Samples> = Vec::new();
        samples.resize_with(suites.len() + rivals.len(), Samples::default);
        for _ in 0..rounds {
            for (index, suite) in suites.iter().enumerate() {
                let mut command = suite.command("svlogd");
                command.args(scenario.options);
                place.empty(scenario)?;
                command.args(place.directories(scenario.directories));
                log(&mut command, &text, scenario, &mut samples[index])?;
            }
            for (index, rival) in rivals.iter().enumerate() {
                place.empty(scenario)?;
                let mut command = rival.command(&place);
                log(&mut command, &text, scenario, &mut samples[suites.len() + index])?;
            }
        }
        rows.extend(rows_of(scenario, &text, &samples, suites.len(), &rivals));
    }
    place.remove()?;
    Ok(rows)
}

fn rows_of(
    scenario: &Scenario,
    text: &[u8],
    samples: &[Samples],
    suites: usize,
    rivals: &[&Rival],
) -> Vec<Row> {
    let megabytes = text.len() / 1_000_000;
    let what = format!("svlogd {}: {megabytes} MB of {} bytes", scenario.name, scenario.length);
    let seconds: Vec<_> = samples.iter().map(|samples| median(&samples.seconds)).collect();
    #[expect(clippy::cast_precision_loss, reason = "far from 2^52 lines")]
    let count = (text.len() / scenario.length) as f64;
    let of_suites = |pick: fn(&Samples) -> &[f64]| {
        samples[..suites].iter().map(|samples| median(pick(samples))).collect::<Vec<_>>()
    };
    let per_line = of_suites(|samples| &samples.processor);
    let per_line = per_line.iter().map(|time| Some(time.as_ref()? / count)).collect();
    let row = |key, what: String, unit, figures| Row { key, what, unit, figures };
    let mut rows = vec![
        row("svlogd", what.clone(), Unit::Time, seconds[..suites].to_vec()),
        row("svlogd-cpu", format!("{what}, processor time a line"), Unit::Time, per_line),
    ];
    for (rival, theirs) in rivals.iter().zip(&seconds[suites..]) {
        let by = |ours: &Option<f64>| Some(ours.as_ref()? / theirs.as_ref()?);
        let figures = seconds[..suites].iter().map(by).collect();
        rows.push(row("svlogd-rival", format!("{what}, to {}", rival.name), Unit::Ratio, figures));
    }
    if scenario.is_for_memory() {
        rows.push(row(
            "svlogd-idle",
            format!("{what}, resident after it"),
            Unit::Kib,
            of_suites(|s| &s.idle),
        ));
        rows.push(row(
            "svlogd-peak",
            format!("{what}, resident at most"),
            Unit::Kib,
            of_suites(|s| &s.peak),
        ));
    }
    rows
}

/// Hands the text to the logger, from its first byte until the logger has ended.
fn log(
    command: &mut Command,
    text: &[u8],
    scenario: &Scenario,
    samples: &mut Samples,
) -> Result<()> {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().on("run", command.get_program())?;
    let process = PathBuf::from(format!("/proc/{}", child.id()));
    let name = PathBuf::from(command.get_program());
    let seconds = timed(|| {
        let input = child.stdin.as_mut().ok_or_else(|| Error::Failed("no pipe".into()))?;
        let parts = if scenario.single { scenario.length } else { text.len() };
        text.chunks(parts).try_for_each(|part| input.write_all(part)).on("write to", &name)?;
        wait_idle(&process)?;
        Ok(())
    })?;
    if scenario.is_for_memory() {
        std::thread::sleep(LULL);
    }
    let status = fs::read_to_string(process.join("status")).on("read", &process)?;
    let kib = |name: &str| -> Option<f64> {
        let value = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(value.split_whitespace().nth(1)?.parse::<f64>().ok()? * 1024.0)
    };
    samples.idle.extend(kib("VmRSS"));
    samples.peak.extend(kib("VmHWM"));
    let end = timed(|| end(&mut child))?;
    samples.seconds.push(seconds + end);
    samples.processor.extend(processor_time(&process));
    child.wait().on("wait for", &name).map(|_| ())
}

/// Waits until it has read everything and sleeps.
fn wait_idle(process: &Path) -> Result<()> {
    loop {
        let stat = fs::read_to_string(process.join("stat")).on("read", process)?;
        let asleep = stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'));
        let waiting = fs::read_to_string(process.join("wchan")).unwrap_or_default();
        if asleep && !waiting.contains("fsync") {
            return Ok(());
        }
        std::thread::yield_now();
    }
}

/// Ends its input and waits until it has ended, but leaves it to be collected.
fn end(child: &mut Child) -> Result<()> {
    drop(child.stdin.take());
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| Error::Failed("no pid".into()))?;
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
        .map(|_| ())
        .map_err(|error| Error::Failed(format!("unable to wait for a logger: {error}")))
}

/// The seconds of processor time that a process has had.
pub fn processor_time(process: &Path) -> Option<f64> {
    let text = fs::read_to_string(process.join("schedstat")).ok()?;
    Some(text.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
}

/// So many bytes of lines like those of services, the same in every run.
fn lines(length: usize, volume: usize) -> Vec<u8> {
    const WORDS: [&str; 12] = [
        "info:",
        "debug:",
        "error:",
        "request",
        "handled",
        "in",
        "12",
        "ms",
        "from",
        "10.0.0.1",
        "warning:",
        "connection",
    ];
    let mut text = Vec::with_capacity(volume + length);
    let mut seed = 1_u64;
    while text.len() < volume {
        let end = text.len() + length - 1;
        while text.len() < end {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let index = usize::try_from(seed >> 40).unwrap_or(0) % WORDS.len();
            text.extend_from_slice(WORDS[index].as_bytes());
            text.push(b' ');
        }
        text.truncate(end);
        text.push(b'\n');
    }
    text
}

/// Whether a program is in the PATH.
fn found(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

impl Rival {
    fn command(&self, place: &Place) -> Command {
        let directory = place.directory(0).display().to_string();
        let words = self.words.iter().map(|word| word.replace("DIR", &directory));
        let words: Vec<String> = words.collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    }
}

/// Where log directories are: in memory, so that no disk is measured.
struct Place(PathBuf);

impl Place {
    fn new(bench: &Bench) -> Self {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory } else { &bench.scratch };
        Self(parent.join(format!("xtask-svlogd-{}", std::process::id())))
    }

    fn directory(&self, number: usize) -> PathBuf {
        self.0.join(number.to_string())
    }

    fn directories(&self, count: usize) -> impl Iterator<Item = PathBuf> + use<'_> {
        (0..count).map(|number| self.directory(number))
    }

    /// New directories for a run.
    fn empty(&self, scenario: &Scenario) -> Result<()> {
        self.remove()?;
        for directory in self.directories(scenario.directories) {
            fs::create_dir_all(&directory).on("create", &directory)?;
            if !scenario.config.is_empty() {
                let config = directory.join("config");
                let mut file = File::create(&config).on("create", &config)?;
                file.write_all(scenario.config.as_bytes()).on("write", &config)?;
            }
        }
        Ok(())
    }

    fn remove(&self) -> Result<()> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).on("remove", &self.0)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_their_length() {
        for length in [20, 90, 100_000] {
            let text = lines(length, 250_000);
            assert!(text.len() >= 250_000);
            assert!(text.split_inclusive(|&byte| byte == b'\n').all(|line| line.len() == length));
        }
    }

    #[test]
    fn a_run_is_measured() {
        let mut samples = Samples::default();
        log(&mut Command::new("cat"), &lines(90, 100_000), &PLAIN, &mut samples).unwrap();
        assert!(samples.seconds[0] > 0.0 && samples.processor[0] > 0.0);
        assert!(samples.peak[0] >= samples.idle[0] && samples.idle[0] > 0.0);
    }
}
