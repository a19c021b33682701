//! Tools that are run for one thing, and `sv` first of all. What they say they did must be so.

use std::process::{Command, Output, Stdio};

use super::OURS;
use super::lab::{Check, LIMIT, Lab, Outcome, Strace, alone};
use super::message;
use super::service::Service;

/// What lines of `sv` begin with.
pub const SV: &[&str] = &[
    "ok: ",
    "fail: ",
    "warning: ",
    "fatal: ",
    "timeout: ",
    "kill: ",
    "run: ",
    "down: ",
    "finish: ",
    "sv: ",
];

/// Runs it to its end, which must come in time.
pub fn output(command: &mut Command) -> Check<Output> {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let alone = alone();
    let mut child = command.spawn().map_err(|error| format!("start: {error}"))?;
    drop(alone);
    let mut code = None;
    // What it says fits into a pipe.
    let ended = super::lab::wait(LIMIT, "its end", || {
        code = child.try_wait().ok().flatten();
        code.is_some()
    });
    if ended.is_err() {
        let _ = child.kill();
    }
    let output = child.wait_with_output().map_err(|error| format!("wait: {error}"))?;
    ended.map(|()| output)
}

/// What it said, as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `sv` with commands that wait and one that does not.
pub fn sv(lab: &Lab<'_>) -> Check<Outcome> {
    let service = Service::plain(lab.path("s"))?;
    service.check_script()?;
    let mut supervisor = lab.start_untraced(lab.command("runsv").arg("s"))?;
    service.wait_up_after(0, LIMIT)?;
    let mut outcome = Outcome::Survived;
    for word in ["status", "stop", "start", "restart", "hup", "status"] {
        let starts = service.starts().len();
        let mut command = lab.traced("sv");
        let Output { status, stdout, stderr } =
            output(command.env("SVDIR", &lab.dir).args(["-w", "3", word, "./s"]))?;
        let (out, err) = (text(&stdout), text(&stderr));
        let what = || format!("sv {word}: {status}, said: {out}{err}");
        let check = |good: bool| if good { Ok(()) } else { Err(what()) };
        message::are_sane(&(out.clone() + &err), SV)
            .map_err(|why| format!("{why} ({})", what()))?;
        match status.code() {
            Some(0) => {
                check(match word {
                    "stop" => service.live().is_empty(),
                    "start" => service.live().len() == 1,
                    // C runit compares whole seconds, and may mean the process before.
                    "restart" if lab.suite.label != OURS => true,
                    "restart" => service.live().len() == 1 && service.starts().len() > starts,
                    "status" => !out.is_empty(),
                    _ => true,
                })?;
            }
            Some(1..=151) => {
                // Where nothing can be written the exit code must do.
                let mute = matches!(lab.strace, Strace::Inject(case) if case.call == "write");
                check(mute || !out.is_empty() || !err.is_empty())?;
                outcome = Outcome::Failed;
            }
            _ => return Err(what()),
        }
        // The next begins where this one should have led.
        service.send(if word == "stop" { "d" } else { "u" });
        if word == "stop" {
            service.wait_down(LIMIT)?;
        } else {
            service.wait_up_after(0, LIMIT)?;
        }
    }
    service.send("x");
    match supervisor.wait_end(LIMIT)? {
        0 => service.check_ledger(true).map(|()| outcome),
        code => Err(format!("runsv exits with {code}")),
    }
}
