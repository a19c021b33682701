//! `utmpset` on a utmp and wtmp of its own: entries stay whole.

use super::lab::{Check, Lab, Outcome};
use super::machine::{Machine, is_mute};
use super::message;
use super::short::{output, text};

/// The size of an entry, as utmp(5) has it.
const SIZE: usize = if cfg!(target_arch = "aarch64") { 400 } else { 384 };

/// The types of entries: of somebody who is logged in, and of a line that was left.
const USER_PROCESS: i16 = 7;
const DEAD_PROCESS: i16 = 8;

/// An entry of somebody on a line.
fn entry(line: &str, user: &str) -> Vec<u8> {
    let mut entry = vec![0; SIZE];
    entry[..2].copy_from_slice(&USER_PROCESS.to_ne_bytes());
    entry[8..8 + line.len()].copy_from_slice(line.as_bytes());
    entry[44..44 + user.len()].copy_from_slice(user.as_bytes());
    entry
}

/// Whether the entry tells that `line` was left.
fn is_left(entry: &[u8], line: &str) -> bool {
    let name = entry.get(8..8 + line.len());
    entry.starts_with(&DEAD_PROCESS.to_ne_bytes()) && name == Some(line.as_bytes())
}

/// The scenario.
pub fn run(lab: &Lab<'_>) -> Check<Outcome> {
    let machine = Machine::new(lab, &["utmpset"])?;
    let before: Vec<Vec<u8>> = (0..12)
        .map(|number| entry(&format!("tty{number:02}"), "somebody"))
        .chain([entry("pts/7", "me")])
        .collect();
    let read =
        |name: &str| std::fs::read(lab.path(name)).map_err(|error| format!("{name}: {error}"));
    for name in ["run/utmp", "var/log/wtmp"] {
        std::fs::write(lab.path(name), before.concat()).map_err(|error| error.to_string())?;
    }
    let mut words = machine.traced(&["-D"], "utmpset");
    words.extend(["-w", "pts/7"].map(str::to_owned));
    let seen = output(&mut machine.command(false, &words))?;
    let (out, err) = (text(&seen.stdout), text(&seen.stderr));
    let what = format!("{}, said: {out}{err}", seen.status);
    message::are_sane(&err, &["utmpset: fatal: ", "utmpset: warning: "])?;
    let (utmp, wtmp) = (read("run/utmp")?, read("var/log/wtmp")?);
    let after: Vec<&[u8]> = utmp.chunks(SIZE).collect();
    let others =
        after.len() == before.len() && after.iter().zip(&before).take(12).all(|(a, b)| a == b);
    let marked = after.last().is_some_and(|last| is_left(last, "pts/7"));
    if !others || !marked && after.last() != before.last().map(|last| &**last).as_ref() {
        return Err(format!("utmp is spoilt: {what}"));
    }
    let more = wtmp.strip_prefix(&*before.concat()).unwrap_or(b"spoilt");
    let added = more.len() == SIZE && is_left(more, "pts/7");
    if !added && !more.is_empty() {
        return Err(format!("wtmp is spoilt: {what}"));
    }
    match seen.status.code() {
        Some(0) if marked && added && err.is_empty() => Ok(Outcome::Survived),
        Some(111) if !err.is_empty() || is_mute(lab) => Ok(Outcome::Failed),
        _ => Err(format!("marked {marked}, added {added}: {what}")),
    }
}
