//! `runsv` with a service, its `finish`, a control script, and a logger.

use std::time::Duration;

use super::lab::{Check, LIMIT, Lab, Outcome, wait};
use super::message;
use super::service::{Service, Status};
use super::subject::Subject;

/// How long each step may take while the fault lasts.
const STEP: Duration = Duration::from_millis(2500);

/// The most calls that a supervisor may make while the fault lasts.
pub const CALLS: usize = 5000;

/// The scenario.
pub fn run(lab: &Lab<'_>) -> Check<Outcome> {
    let service = Service::whole(lab.path("s"))?;
    let mut subject = lab.start(lab.traced("runsv").arg("s"))?;
    // What cannot be done while the fault lasts is tried again after it.
    let mut killed = None;
    let _ = drive(&service, &mut subject, &mut killed);
    let refused = subject.code();
    subject.end_fault()?;
    if let Some(code) = refused {
        return refusal(&service, &subject, code);
    }
    if lab.calls() > CALLS {
        return Err(format!("{} calls in a few seconds", lab.calls()));
    }
    // A logger that is killed when there is something to read may have read it.
    wait_for_logger(&service, killed, LIMIT)?;
    recover(&service, &mut subject)?;
    let told = subject.said();
    message::are_sane(&told, &["runsv s: warning: ", "runsv s: fatal: "])?;
    let left = lab.processes();
    if !left.is_empty() {
        return Err(format!("processes {left:?} are left"));
    }
    service.check_ledger(told.contains("finish") || told.contains("fork"))?;
    Ok(Outcome::Survived)
}

/// Waits until there is another log service than the one that was `killed`.
fn wait_for_logger(service: &Service, killed: Option<Status>, limit: Duration) -> Check {
    let Some(killed) = killed else { return Ok(()) };
    wait(limit, "the log service", || {
        service.log_status().is_some_and(|now| now.state == 1 && now.pid != killed.pid)
    })
}

/// Starts, a signal through the control script, down, up, a dead logger.
fn drive(service: &Service, subject: &mut Subject, killed: &mut Option<Status>) -> Check {
    let up_after = |starts: usize, subject: &mut Subject| {
        wait(STEP, "up", || {
            subject.code().is_some() || service.starts().len() > starts && service.is_up()
        })
    };
    up_after(0, subject)?;
    service.send("t");
    up_after(1, subject)?;
    service.send("d");
    service.wait_down(STEP)?;
    *killed = service.log_status().filter(|status| status.state == 1);
    if killed.is_some() {
        service.send_log("k");
        wait_for_logger(service, *killed, STEP)?;
    }
    service.send("u");
    up_after(2, subject)
}

/// It has ended: right only if that was before it had started anything.
fn refusal(service: &Service, subject: &Subject, code: i32) -> Check<Outcome> {
    let said = subject.said();
    if !service.starts().is_empty() || code != 111 {
        return Err(format!("it has ended with {code}"));
    }
    message::are_sane(&said, &["runsv s: warning: ", "runsv s: fatal: "])?;
    match said.lines().filter(|line| line.starts_with("runsv s: fatal: ")).count() {
        1 => Ok(Outcome::Refused),
        count => Err(format!("it has ended after {count} fatal messages")),
    }
}

/// After the fault, all must go as ever.
fn recover(service: &Service, subject: &mut Subject) -> Check {
    service.send("u");
    service.wait_up_after(0, LIMIT)?;
    let starts = service.starts().len();
    service.send("t");
    service.wait_up_after(starts, LIMIT)?;
    service.send("d");
    service.wait_down(LIMIT)?;
    let starts = service.starts().len();
    service.send("u");
    service.wait_up_after(starts, LIMIT)?;
    service.send("x");
    match subject.wait_end(LIMIT)? {
        0 => Ok(()),
        code => Err(format!("at its end it exits with {code}")),
    }
}
