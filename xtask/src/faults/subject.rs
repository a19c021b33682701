//! The program that a scenario looks at, from its start to its end.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::lab::{Check, LIMIT, Lab, alone, wait};
use super::processes::{children, state, tracer_of};
use crate::process::signal;

/// Who makes its calls fail.
enum Tracer {
    /// Not our child: it was put between us and the program.
    Other(u32),
    /// Our child, which came when the program was at work.
    Ours(Child),
}

/// The program.
pub struct Subject {
    child: Child,
    pid: u32,
    error: PathBuf,
    tracer: Option<Tracer>,
    ended: Option<i32>,
}

impl Subject {
    /// What `child` has become; its standard error goes to the file `error`.
    pub fn new(child: Child, error: PathBuf) -> Self {
        Self { pid: child.id(), child, error, tracer: None, ended: None }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Finds it where it is not our child, but that one's: process 1 of a namespace.
    pub fn find_inner(&mut self) -> Check {
        let outer = self.child.id();
        wait(LIMIT, "a child", || {
            if let [inner] = *children(outer) {
                self.pid = inner;
            }
            self.pid != outer || self.code().is_some()
        })
    }

    /// Its standard input, if that is a pipe.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Finds strace, which was started with it.
    pub fn find_tracer(&mut self) -> Check {
        let pid = self.pid();
        wait(LIMIT, "strace to be there", || {
            self.tracer = tracer_of(pid).map(Tracer::Other);
            self.tracer.is_some() || self.code().is_some()
        })
    }

    /// Begins the fault now that it waits for something.
    pub fn attach(&mut self, lab: &Lab<'_>) -> Check {
        let pid = self.pid();
        wait(LIMIT, "it to wait", || state(pid) == Some('S'))?;
        let mut strace = Command::new("strace");
        strace.args(lab.strace_options(&lab.trace())).args(["-p", &pid.to_string()]);
        strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let alone = alone();
        let child = strace.spawn().map_err(|error| format!("strace: {error}"))?;
        drop(alone);
        let number = child.id();
        self.tracer = Some(Tracer::Ours(child));
        wait(LIMIT, "strace", || tracer_of(pid) == Some(number))
    }

    /// Its exit code if it has ended, the signal's number below zero if that was by one.
    pub fn code(&mut self) -> Option<i32> {
        if self.ended.is_none() {
            let status = self.child.try_wait().ok().flatten();
            self.ended = status.map(|status| {
                status.code().unwrap_or_else(|| -status.signal().unwrap_or_default())
            });
        }
        self.ended
    }

    /// Waits for its end.
    pub fn wait_end(&mut self, limit: Duration) -> Check<i32> {
        let mut code = None;
        wait(limit, "its end", || {
            code = self.code();
            code.is_some()
        })?;
        code.ok_or_else(|| "no exit code".to_owned())
    }

    /// Ends the fault: strace lets go, and calls do what they should again.
    pub fn end_fault(&mut self) -> Check {
        let pid = self.pid();
        let Some(tracer) = self.tracer.take() else { return Ok(()) };
        let number = match &tracer {
            Tracer::Other(number) => *number,
            Tracer::Ours(child) => child.id(),
        };
        let start = Instant::now();
        let result = wait(LIMIT, "strace to let go", || {
            // If it has ended with the program, its number may be another's now.
            if tracer_of(pid) != Some(number) {
                return true;
            }
            // Between vfork and exec it may wait for one that cannot stop as the other has: then
            // its own end lets both go.
            let hard = start.elapsed() > Duration::from_secs(1);
            signal(number, if hard { Signal::KILL } else { Signal::TERM }).is_err()
        });
        if let Tracer::Ours(mut child) = tracer {
            let _ = child.kill();
            let _ = child.wait();
        }
        result
    }

    /// What it has said.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.error).unwrap_or_default()).into_owned()
    }

    /// Sends it a signal.
    pub fn signal(&self, which: Signal) -> Check {
        signal(self.pid(), which).map_err(|error| error.to_string())
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.end_fault();
        if self.code().is_none() {
            // Whoever waits for it ends with it, and has reaped it.
            let _ = signal(self.pid, Signal::KILL);
            if self.wait_end(Duration::from_secs(5)).is_err() {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
    }
}
