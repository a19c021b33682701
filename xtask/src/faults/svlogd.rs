//! `svlogd` with a flow of lines, rotation and a processor.

use std::io::Write as _;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use super::OURS;
use super::lab::{Check, LIMIT, Lab, Outcome, wait};
use super::message;
use super::subject::Subject;

/// How long each step may take while the fault lasts.
const STEP: Duration = Duration::from_millis(1500);

/// The most calls that it may make while the fault lasts.
const CALLS: usize = 20_000;

const CONFIG: &str = "s2000\nn0\n!cat\n";

/// The scenario.
pub fn run(lab: &Lab<'_>) -> Check<Outcome> {
    with_config(lab, CONFIG)
}

/// The same with lines that are sent as well, which may be lost on their way.
pub fn run_with_udp(lab: &Lab<'_>) -> Check<Outcome> {
    let receiver = UdpSocket::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr().map(|at| (socket, at)));
    let (_receiver, address) = receiver.map_err(|error| format!("socket: {error}"))?;
    with_config(lab, &format!("{CONFIG}u{address}\n"))
}

fn with_config(lab: &Lab<'_>, config: &str) -> Check<Outcome> {
    lab.write("log/config", config)?;
    let mut command = lab.traced("svlogd");
    command.args(["-l", "100", "-b", "200", "log"]).stdin(Stdio::piped());
    let mut subject = lab.start(&mut command)?;
    let mut input = subject.stdin().ok_or("no pipe")?;
    // All that is written here fits into the pipe, so that nobody has to wait.
    let (first, rest) = (lines(0..1500), lines(1500..1800));
    // A flow, and then so much at once that the pipe is made larger.
    let (flow, burst) = first.as_bytes().split_at(9000);
    let mut written = String::new();
    for part in flow.chunks(1000).chain([burst]) {
        if input.write_all(part).is_ok() {
            written.push_str(&String::from_utf8_lossy(part));
        }
        let enough = written.len() / 2;
        let _ = wait(Duration::from_millis(20), "it to follow", || size(lab) > enough);
    }
    let _ = wait(STEP, "the lines", || subject.code().is_some() || logged(lab) == first);
    if subject.code().is_none() {
        subject.signal(Signal::ALARM)?;
        // In C runit a processor holds the logger's lock, and HUP ends the logger.
        if lab.suite.label == OURS {
            subject.signal(Signal::HUP)?;
        }
        let _ = wait(STEP, "rotation", || subject.code().is_some() || is_empty(lab));
    }
    let refused = subject.code();
    subject.end_fault()?;
    if let Some(code) = refused {
        return refusal(lab, &subject, code);
    }
    if lab.calls() > CALLS {
        return Err(format!("{} calls in a few seconds", lab.calls()));
    }
    input.write_all(rest.as_bytes()).map_err(|error| format!("input: {error}"))?;
    drop(input);
    // A processor that failed is run again after a while, of up to half a minute.
    match subject.wait_end(LIMIT * 3)? {
        0 => {}
        code => return Err(format!("at its end it exits with {code}")),
    }
    message::are_sane(&subject.said(), &["svlogd: "])?;
    let (there, expected) = (logged(lab), first + &rest);
    if there == expected { Ok(Outcome::Survived) } else { Err(difference(&there, &expected)) }
}

fn refusal(lab: &Lab<'_>, subject: &Subject, code: i32) -> Check<Outcome> {
    let said = subject.said();
    message::are_sane(&said, &["svlogd: "])?;
    if code == 111 && !said.is_empty() && logged(lab).is_empty() {
        Ok(Outcome::Refused)
    } else {
        Err(format!("it has ended with {code}"))
    }
}

fn lines(numbers: std::ops::Range<u32>) -> String {
    let lines: Vec<String> =
        numbers.map(|number| format!("{number:05} of a flow of lines.\n")).collect();
    lines.concat()
}

fn size(lab: &Lab<'_>) -> usize {
    logged(lab).len()
}

fn is_empty(lab: &Lab<'_>) -> bool {
    std::fs::metadata(lab.path("log/current")).is_ok_and(|current| current.len() == 0)
}

/// All that was logged, in order. Where what a processor has read could not be deleted, what it
/// has made counts.
fn logged(lab: &Lab<'_>) -> String {
    let directory = lab.path("log");
    let entries = std::fs::read_dir(&directory).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| {
        let archive = name.starts_with('@');
        archive && matches!(kind(name), 's' | 'u')
    });
    names.sort();
    let made = |name: &String| names.contains(&name.replace(".u", ".s"));
    let counts = |name: &&String| kind(name) == 's' || !made(name);
    let text = |name: &str| read(&directory.join(name));
    let all = names.iter().filter(counts).map(|name| text(name)).collect::<String>();
    let all = all + &text("current");
    // A line that could not be sent is quoted; behind it C runit ends one more line.
    let quoted =
        |line: &&str| *line == "\n" || QUOTED.iter().any(|beginning| line.starts_with(beginning));
    all.split_inclusive('\n').filter(|line| !quoted(line)).collect()
}

/// What stands before a line that could not be sent.
const QUOTED: [&str; 2] =
    ["warning: failure sending through udp: ", "warning: no udp socket available: "];

/// The letter that tells what an archive is.
fn kind(name: &str) -> char {
    name.chars().next_back().unwrap_or_default()
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

/// Where two texts differ first.
fn difference(there: &str, expected: &str) -> String {
    let (lines, wanted) = (there.lines().count(), expected.lines().count());
    let at = there.lines().zip(expected.lines()).position(|(a, b)| a != b);
    let at = at.unwrap_or(lines.min(wanted));
    let line = there.lines().nth(at).unwrap_or("nothing");
    format!("{lines} lines logged of {wanted}; line {at} is: {line}")
}
