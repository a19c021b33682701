//! A service that keeps a ledger of all that happens to it, and what its supervisor says.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::lab::{Check, wait, write};

/// Starts are written down, and a process that finds the one before it alive says so. What it
/// writes to its standard output is for the log.
const RUN: &str = r#"#!/bin/sh
if [ -e last ] && read -r old <last && [ -d "/proc/$old" ]; then
    echo "double $old $$" >>ledger
fi
echo "$$" >last
echo "start $$" >>ledger
echo "line $$"
exec sleep 1000
"#;

const FINISH: &str = "#!/bin/sh\necho \"finish $1 $2\" >>ledger\n";

/// It lets the signal be sent.
const CONTROL: &str = "#!/bin/sh\necho hook >>ledger\nexit 1\n";

const LOG: &str = "#!/bin/sh\nexec cat >>../logged\n";

/// The directory of one.
#[derive(Debug)]
pub struct Service {
    dir: PathBuf,
}

/// What `supervise/status` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its process, 0 if there is none.
    pub pid: u32,
    /// 0 down, 1 run, 2 finish.
    pub state: u8,
}

impl Service {
    /// With all that a service can have.
    pub fn whole(dir: PathBuf) -> Check<Self> {
        let service = Self::plain(dir)?;
        write(&service.dir.join("finish"), FINISH)?;
        write(&service.dir.join("control/t"), CONTROL)?;
        write(&service.dir.join("log/run"), LOG)?;
        Ok(service)
    }

    /// With `run` alone.
    pub fn plain(dir: PathBuf) -> Check<Self> {
        write(&dir.join("run"), RUN)?;
        Ok(Self { dir })
    }

    /// A `check` besides, which finds the service well once it was started.
    pub fn check_script(&self) -> Check {
        write(&self.dir.join("check"), "#!/bin/sh\nexec test -e last\n")
    }

    /// Its path.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn ledger(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.dir.join("ledger")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The processes that were started, in order.
    pub fn starts(&self) -> Vec<u32> {
        let numbers = |line: &String| line.strip_prefix("start ")?.parse().ok();
        self.ledger().iter().filter_map(numbers).collect()
    }

    /// What the supervisor says.
    pub fn status(&self) -> Option<Status> {
        self.status_in("supervise/status")
    }

    /// The same of the log service.
    pub fn log_status(&self) -> Option<Status> {
        self.status_in("log/supervise/status")
    }

    fn status_in(&self, name: &str) -> Option<Status> {
        let bytes = std::fs::read(self.dir.join(name)).ok()?;
        let pid = bytes.get(12..16)?.try_into().ok()?;
        Some(Status { pid: u32::from_le_bytes(pid), state: *bytes.get(19)? })
    }

    /// Whether the last that was started runs, and its supervisor knows.
    pub fn is_up(&self) -> bool {
        let last = self.starts().last().copied();
        let status = self.status();
        last.is_some()
            && status == last.map(|pid| Status { pid, state: 1 })
            && self.live().len() == 1
    }

    /// The processes of `run` that live.
    pub fn live(&self) -> Vec<u32> {
        let lives = |pid: &u32| {
            let current = std::fs::read_link(format!("/proc/{pid}/cwd"));
            current.is_ok_and(|current| current == self.dir)
        };
        self.starts().into_iter().filter(lives).collect()
    }

    /// Writes control bytes; that nobody reads them is no matter.
    pub fn send(&self, bytes: &str) {
        self.send_to("supervise/control", bytes);
    }

    /// The same to the log service.
    pub fn send_log(&self, bytes: &str) {
        self.send_to("log/supervise/control", bytes);
    }

    fn send_to(&self, name: &str, bytes: &str) {
        use rustix::fs::{Mode, OFlags, open};
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let path = self.dir.join(name);
        if let Ok(fifo) = open(path.as_os_str().as_encoded_bytes(), flags, Mode::empty()) {
            let _ = rustix::io::write(&fifo, bytes.as_bytes());
        }
    }

    /// Waits until one is up that was started after so many.
    pub fn wait_up_after(&self, starts: usize, limit: Duration) -> Check {
        wait(limit, "the service to be up", || self.starts().len() > starts && self.is_up())
    }

    /// Waits until it is down.
    pub fn wait_down(&self, limit: Duration) -> Check {
        let down = Some(Status { pid: 0, state: 0 });
        wait(limit, "the service to be down", || self.status() == down && self.live().is_empty())
    }

    /// Checks what the ledger tells after all has ended: `excused` says whether an end of `run`
    /// may be without its `finish`, for a reason that was told.
    pub fn check_ledger(&self, excused: bool) -> Check {
        let ledger = self.ledger();
        if let Some(line) = ledger.iter().find(|line| line.starts_with("double")) {
            return Err(format!("two at a time: {line}"));
        }
        let starts = self.starts();
        if self.dir.join("finish").exists() {
            let ends = ledger.iter().filter(|line| line.starts_with("finish -1 ")).count();
            if ends > starts.len() || (ends < starts.len() && !excused) {
                return Err(format!("{} starts, {ends} finishes", starts.len()));
            }
        }
        if self.dir.join("log").exists() {
            let logged = std::fs::read_to_string(self.dir.join("logged")).unwrap_or_default();
            let lines: Vec<String> = starts.iter().map(|pid| format!("line {pid}\n")).collect();
            let expected = lines.concat();
            if logged != expected {
                return Err(format!("logged {logged:?}, not {expected:?}"));
            }
        }
        Ok(())
    }
}
