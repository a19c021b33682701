//! `runsvchdir`: at every instant `current` leads to a directory, wherever the switch is cut.

use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};

use super::OURS;
use super::lab::{Check, Lab, Outcome};
use super::machine::{Machine, is_mute};
use super::message;
use super::short::{output, text};

/// Where the levels are.
const LEVELS: &str = "etc/runit/runsvdir";

/// The scenario: from level `a`, with `b` before it, to level `c`.
pub fn run(lab: &Lab<'_>) -> Check<Outcome> {
    let machine = Machine::new(lab, &["runsvchdir"])?;
    let told = |error: std::io::Error| format!("levels: {error}");
    for level in ["a", "b", "c"] {
        std::fs::create_dir_all(lab.path(LEVELS).join(level)).map_err(told)?;
    }
    for (level, link) in [("a", "current"), ("b", "previous")] {
        std::os::unix::fs::symlink(level, lab.path(LEVELS).join(link)).map_err(told)?;
    }
    let done = AtomicBool::new(false);
    let (seen, there) = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut there = true;
            while there && !done.load(Ordering::Relaxed) {
                there = lab.path(LEVELS).join("current").is_dir();
            }
            there
        });
        let mut words = machine.traced(&["-D"], "runsvchdir");
        words.push("c".to_owned());
        let seen = output(&mut machine.command(false, &words));
        done.store(true, Ordering::Relaxed);
        (seen, watcher.join().unwrap_or(false))
    });
    let Output { status, stdout, stderr } = seen?;
    let (out, err) = (text(&stdout), text(&stderr));
    let what = format!("{status}, said: {out}{err}");
    // C runit says how it was called.
    let err = err.replace("/sbin/runsvchdir: ", "runsvchdir: ");
    message::are_sane(&err, &["runsvchdir: fatal: ", "runsvchdir: warning: "])?;
    let (current, previous) = (link(lab, "current"), link(lab, "previous"));
    // C runit's is not there for a while, whatever happens.
    let there = there || lab.suite.label != OURS;
    if !there || !["a", "c"].contains(&&*current) {
        return Err(format!("current led to {current:?}, perhaps to nothing for a while: {what}"));
    }
    let outcome = match status.code() {
        Some(0) if current == "c" && previous == "a" => Outcome::Survived,
        Some(111) if !err.is_empty() || is_mute(lab) => Outcome::Failed,
        _ => return Err(format!("current is {current}, previous {previous}: {what}")),
    };
    // Once more, without the fault: it completes what was cut, or finds it done.
    let again = output(&mut machine.command(false, &["/sbin/runsvchdir", "c"]))?;
    let (current, previous) = (link(lab, "current"), link(lab, "previous"));
    if !again.status.success() || current != "c" || previous != "a" {
        return Err(format!("done again, current is {current}, previous {previous}: {what}"));
    }
    Ok(outcome)
}

fn link(lab: &Lab<'_>, name: &str) -> String {
    let target = std::fs::read_link(lab.path(LEVELS).join(name)).unwrap_or_default();
    target.to_string_lossy().into_owned()
}
