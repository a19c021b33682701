//! `runit-init`: it asks process 1 to go down; as process 1 it becomes `runit`.

use super::lab::{Check, Lab, Outcome};
use super::machine::{Machine, is_mute};
use super::message;
use super::short::{output, text};

/// A process 1 that takes a request, which its arguments are, and writes down what came of it.
const FIRST: &str = "#!/bin/sh
trap 'echo told' CONT
\"$@\"
code=$?
echo \"$code $(stat -c %a /run/runit.stopit) $(stat -c %a /run/runit.reboot)\"
";

/// The scenario.
pub fn run(lab: &Lab<'_>) -> Check<Outcome> {
    let machine = Machine::new(lab, &["runit-init"])?;
    lab.write("first", FIRST)?;
    lab.write("sbin/runit", "#!/bin/sh\necho runit\n")?;
    let mut failed = false;
    for (level, done) in [("0", "told\n0 100 0\n"), ("6", "told\n0 100 100\n")] {
        machine.flag("stopit", 0)?;
        machine.flag("reboot", 0o755)?;
        let mut words = vec!["/first".to_owned()];
        words.extend(machine.traced(&[], "runit-init"));
        words.push(level.to_owned());
        failed |= judge(&machine, &words, done)?;
    }
    // As process 1.
    failed |= judge(&machine, &machine.traced(&["-D"], "runit-init"), "runit\n")?;
    Ok(if failed { Outcome::Failed } else { Outcome::Survived })
}

/// Runs it: it does what is `done`, or else says why not, and tells nobody to go down.
fn judge(machine: &Machine<'_>, words: &[String], done: &str) -> Check<bool> {
    let seen = output(&mut machine.command(true, words))?;
    let (out, err) = (text(&seen.stdout), text(&seen.stderr));
    message::are_sane(&err, &["init: fatal: "])?;
    if out == done && seen.status.success() && err.is_empty() {
        return Ok(false);
    }
    let refused = out.is_empty() && seen.status.code() == Some(111) || out.starts_with("111 ");
    if refused && (!err.is_empty() || is_mute(machine.lab)) {
        return Ok(true);
    }
    Err(format!("{}, said: {out}{err}", seen.status))
}
