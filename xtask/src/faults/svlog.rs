//! `svlog`, by itself and as `sv log`: every line that there is, once and in order, or a failure
//! that is told.

use std::io::Write as _;
use std::process::{Command, Output};
use std::time::Duration;

use rustix::process::Signal;

use super::lab::{Check, LIMIT, Lab, Outcome, Strace, wait};
use super::machine::is_mute;
use super::message;
use super::short::{output, text};
use super::subject::Subject;

/// How long a step may take while the fault lasts.
const STEP: Duration = Duration::from_millis(1500);

/// The most calls that it may make while the fault lasts.
const CALLS: usize = 5000;

/// What its lines begin with.
const STARTS: &[&str] = &["svlog: fail: ", "svlog: warning: ", "svlog: fatal: ", "fatal: ", "sv: "];

/// Lines with stamps; those of two services come in turn.
fn lines(numbers: std::ops::Range<u32>, service: u32) -> String {
    let line = |number| {
        let second = 0x5f5e_1000 + 2 * number + service;
        format!("@40000000{second:08x}00000000 line {number} of {service}\n")
    };
    numbers.map(line).collect()
}

/// Two logs with archives.
fn logs(lab: &Lab<'_>) -> Check {
    for (service, name) in ["one", "two"].into_iter().enumerate() {
        let service = u32::try_from(service).unwrap_or_default();
        for (file, numbers) in [
            ("@400000005f5e100000000000.s", 0..40),
            ("@400000005f5e110000000000.u", 40..80),
            ("current", 80..120),
        ] {
            lab.write(&format!("{name}/log/main/{file}"), &lines(numbers, service))?;
        }
    }
    Ok(())
}

/// The scenario of `svlog` for what there is.
pub fn show(lab: &Lab<'_>) -> Check<Outcome> {
    logs(lab)?;
    let whole = judge(lab, "svlog", &["./one", "./two"])?;
    let end = judge(lab, "svlog", &["-n", "50", "./two"])?;
    Ok(whole.max(end))
}

/// The scenario of `sv log`.
pub fn sv_log(lab: &Lab<'_>) -> Check<Outcome> {
    logs(lab)?;
    judge(lab, "sv", &["log", "./one"])
}

/// Runs it without and with the fault.
fn judge(lab: &Lab<'_>, tool: &str, arguments: &[&str]) -> Check<Outcome> {
    // That is no file's name.
    let run = |mut command: Command| output(command.env("TZ", "UTC0").args(arguments));
    let expected = run(lab.command(tool))?;
    let Output { status, stdout, stderr } = run(lab.traced(tool))?;
    let (shown, err) = (text(&stdout), text(&stderr));
    message::are_sane(&err, STARTS)?;
    let expected = text(&expected.stdout);
    // The last ones of a log that cannot be read to its end are others.
    let plain: Vec<_> = arguments.iter().filter(|word| word.starts_with("./")).collect();
    let all = text(&output(lab.command("svlog").env("TZ", "UTC0").args(plain))?.stdout);
    let mut rest = all.lines();
    // What is not whole is the line that could not be written.
    let whole = shown.rfind('\n').and_then(|end| shown.get(..end)).unwrap_or_default();
    let invented = whole.lines().find(|line| !rest.any(|one| one == *line));
    match status.code() {
        Some(0) if shown == expected || is_broken_pipe(lab) => Ok(Outcome::Survived),
        Some(1..=111) if invented.is_none() && (!err.is_empty() || is_mute(lab)) => {
            Ok(Outcome::Failed)
        }
        _ => Err(format!(
            "{tool} {}: {status}, {} lines of {}, said: {err}",
            arguments.join(" "),
            shown.lines().count(),
            expected.lines().count()
        )),
    }
}

/// Whether this is the fault that tells that nobody reads: its reader has gone, and knows.
fn is_broken_pipe(lab: &Lab<'_>) -> bool {
    is_mute(lab) && matches!(lab.strace, Strace::Inject(case) if case.errno == "EPIPE")
}

/// The scenario of `svlog -f`, with lines that come and a log that is rotated.
pub fn follow(lab: &Lab<'_>) -> Check<Outcome> {
    logs(lab)?;
    let mut command = lab.traced("svlog");
    command.args(["-f", "-n", "3", "--raw", "./one"]);
    let mut subject = lab.start(&mut command)?;
    let current = lab.path("one/log/main/current");
    let told = |error: std::io::Error| format!("current: {error}");
    let append = |numbers: std::ops::Range<u32>| {
        let mut file = std::fs::File::options().create(true).append(true).open(&current)?;
        file.write_all(lines(numbers, 0).as_bytes())
    };
    let _ = wait_for(lab, &mut subject, 120, STEP);
    append(120..130).map_err(told)?;
    let _ = wait_for(lab, &mut subject, 130, STEP);
    let archive = current.with_file_name("@400000005f5e120000000000.s");
    std::fs::rename(&current, archive).map_err(told)?;
    append(130..140).map_err(told)?;
    let _ = wait_for(lab, &mut subject, 140, STEP);
    let ended = subject.code();
    subject.end_fault()?;
    if lab.calls() > CALLS {
        return Err(format!("{} calls in a few seconds", lab.calls()));
    }
    message::are_sane(&subject.said(), STARTS)?;
    if let Some(code) = ended {
        return match code {
            0 if is_broken_pipe(lab) => Ok(Outcome::Survived),
            1..=111 if !subject.said().is_empty() || is_mute(lab) => Ok(Outcome::Failed),
            _ => Err(format!("it has ended with {code}, said: {}", subject.said())),
        };
    }
    append(140..150).map_err(told)?;
    wait_for(lab, &mut subject, 150, LIMIT).map_err(|why| {
        format!("{why}; shown: {:?}; said: {}", stdout(lab).lines().last(), subject.said())
    })?;
    subject.signal(Signal::TERM)?;
    subject.wait_end(LIMIT)?;
    let shown = stdout(lab);
    if shown == lines(117..150, 0) {
        return Ok(Outcome::Survived);
    }
    // What could not be read while it was there is left out, and that is said; nothing is shown
    // twice, and all that came later is.
    let in_order = shown.lines().is_sorted_by(|one, next| one < next);
    if in_order && shown.ends_with(&lines(140..150, 0)) && !subject.said().is_empty() {
        return Ok(Outcome::Survived);
    }
    Err(format!("shown: {shown}"))
}

fn stdout(lab: &Lab<'_>) -> String {
    std::fs::read_to_string(lab.path("stdout")).unwrap_or_default()
}

/// Waits until it has shown the line before `number`.
fn wait_for(lab: &Lab<'_>, subject: &mut Subject, number: u32, limit: Duration) -> Check {
    let line = lines(number - 1..number, 0);
    wait(limit, "lines to be shown", || subject.code().is_some() || stdout(lab).ends_with(&line))
}
