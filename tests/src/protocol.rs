//! The files of `supervise/`, decoded from their description alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;

use crate::Proc;
use crate::wait::wait_until;

/// The TAI64 label of 1970-01-01 00:00:00 UTC as runit counts: `2^62`, and ten seconds.
pub const TAI_EPOCH: u64 = 4_611_686_018_427_387_914;

/// What a service is doing: byte 19 of the record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// 0
    Down,
    /// 1: `run`
    Run,
    /// 2: `finish`
    Finish,
}

/// The 20 bytes of `status`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// Bytes 0 to 7, big-endian: TAI64 seconds.
    pub tai_seconds: u64,
    /// Bytes 8 to 11, big-endian.
    pub nanoseconds: u32,
    /// Bytes 12 to 15, little-endian; 0 when there is none.
    pub pid: u32,
    /// Byte 16.
    pub paused: bool,
    /// Byte 17: `u` or `d`.
    pub want: char,
    /// Byte 18.
    pub got_term: bool,
    /// Byte 19.
    pub state: State,
}

impl Status {
    /// Decodes a record; an error tells which byte is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let record: &[u8; 20] =
            bytes.try_into().map_err(|_| format!("{} bytes: {bytes:?}", bytes.len()))?;
        let flag = |at: usize| match record[at] {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(format!("byte {at} is {other}")),
        };
        let [s0, s1, s2, s3, s4, s5, s6, s7, n0, n1, n2, n3, p0, p1, p2, p3, _, want, _, state] =
            *record;
        Ok(Self {
            tai_seconds: u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7]),
            nanoseconds: u32::from_be_bytes([n0, n1, n2, n3]),
            pid: u32::from_le_bytes([p0, p1, p2, p3]),
            paused: flag(16)?,
            want: match want {
                b'u' => 'u',
                b'd' => 'd',
                other => return Err(format!("byte 17 is {other}")),
            },
            got_term: flag(18)?,
            state: match state {
                0 => State::Down,
                1 => State::Run,
                2 => State::Finish,
                other => return Err(format!("byte 19 is {other}")),
            },
        })
    }

    /// When the state was entered, since 1970.
    pub fn since(&self) -> Duration {
        Duration::new(self.tai_seconds.saturating_sub(TAI_EPOCH), self.nanoseconds)
    }

    /// The process in the record.
    pub fn process(&self) -> Option<Proc> {
        (self.pid != 0).then_some(Proc(self.pid))
    }
}

/// The time, since 1970.
pub fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// One supervised directory: a service, or its log service.
#[derive(Clone, Debug)]
pub struct Supervised {
    /// The directory that holds `run`.
    pub dir: PathBuf,
}

impl Supervised {
    /// The supervised directory `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The file `name` of `supervise/`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join("supervise").join(name)
    }

    /// The record, if there is a good one.
    pub fn try_status(&self) -> Result<Status, String> {
        let bytes = fs::read(self.file("status")).map_err(|error| format!("status: {error}"))?;
        Status::decode(&bytes)
    }

    /// The record.
    #[track_caller]
    pub fn status(&self) -> Status {
        self.try_status().unwrap_or_else(|error| panic!("{}: status: {error}", self.dir.display()))
    }

    /// The text of `stat`, without its newline, which must be there.
    #[track_caller]
    pub fn stat(&self) -> String {
        self.line("stat")
    }

    /// The text of `pid`: a number, or empty.
    #[track_caller]
    pub fn pid_text(&self) -> String {
        let text = self.text("pid");
        if text.is_empty() { text } else { self.line("pid") }
    }

    fn text(&self, name: &str) -> String {
        let path = self.file(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn line(&self, name: &str) -> String {
        let text = self.text(name);
        let line = text.strip_suffix('\n');
        line.unwrap_or_else(|| panic!("{}/supervise/{name}: {text:?}", self.dir.display())).into()
    }

    /// Whether a supervisor lives here: whether `ok` has a reader.
    pub fn is_supervised(&self) -> bool {
        open_fifo(&self.file("ok")).is_ok()
    }

    /// Writes control bytes, all in one write.
    #[track_caller]
    pub fn send(&self, bytes: &str) {
        self.try_send(bytes.as_bytes())
            .unwrap_or_else(|error| panic!("{}: control: {error}", self.dir.display()));
    }

    /// Writes control bytes, all in one write.
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<()> {
        open_fifo(&self.file("control"))?.write_all(bytes)
    }

    /// Waits until a supervisor lives here and has written its first record.
    #[track_caller]
    pub fn wait_supervised(&self) {
        wait_until(&format!("a supervisor of {}", self.dir.display()), || {
            if self.is_supervised() { self.try_status().map(drop) } else { Err("none".into()) }
        });
    }

    /// Waits until no supervisor lives here.
    #[track_caller]
    pub fn wait_unsupervised(&self) {
        wait_until(&format!("the supervisor of {} to end", self.dir.display()), || {
            !self.is_supervised()
        });
    }

    /// Waits for a record that fulfils `condition`.
    #[track_caller]
    pub fn wait_status(&self, what: &str, condition: impl Fn(&Status) -> bool) -> Status {
        wait_until(&format!("{}: {what}", self.dir.display()), || {
            let status = self.try_status()?;
            if condition(&status) { Ok(status) } else { Err(format!("{status:?}")) }
        })
    }

    /// Waits for `state`.
    #[track_caller]
    pub fn wait_state(&self, state: State) -> Status {
        self.wait_status(&format!("state {state:?}"), |status| status.state == state)
    }

    /// Waits until `run` runs and its process is a program called `name`: an earlier one may be gone
    /// before it gets so far.
    #[track_caller]
    pub fn wait_running(&self, name: &str) -> Status {
        wait_until(&format!("{}: to run {name}", self.dir.display()), || {
            let status = self.try_status()?;
            let args = status.process().unwrap_or(Proc(0)).args();
            let program = args.first().map(PathBuf::from).unwrap_or_default();
            let runs = program.file_name().is_some_and(|file| file == name);
            if status.state == State::Run && runs { Ok(status) } else { Err(format!("{status:?}")) }
        })
    }

    /// Waits until `run` runs as a process other than `before`.
    #[track_caller]
    pub fn wait_run_again(&self, before: &Status) -> Status {
        self.wait_status("another run", |status| {
            status.state == State::Run && status.pid != before.pid
        })
    }

    /// Waits until `stat` reads `text`.
    #[track_caller]
    pub fn wait_stat(&self, text: &str) {
        wait_until(&format!("{}: stat {text:?}", self.dir.display()), || {
            let seen = fs::read(self.file("stat")).unwrap_or_default();
            if seen.strip_suffix(b"\n") == Some(text.as_bytes()) {
                Ok(())
            } else {
                Err(format!("{:?}", std::ffi::OsStr::from_bytes(&seen)))
            }
        });
    }

    /// Waits until `stat` reads `text` and `status` ends with the bytes `tail`, 16 to 19.
    #[track_caller]
    pub fn wait_files(&self, text: &str, tail: [u8; 4]) {
        self.wait_stat(text);
        wait_until(&format!("{}: status to end with {tail:?}", self.dir.display()), || {
            let seen = fs::read(self.file("status")).unwrap_or_default();
            if seen.ends_with(&tail) { Ok(()) } else { Err(format!("{seen:?}")) }
        });
    }

    /// Waits until `finish` runs; the reference writes the record before it has a pid, too.
    #[track_caller]
    pub fn wait_finish(&self) -> Status {
        self.wait_status("finish with a pid", |s| s.state == State::Finish && s.pid != 0)
    }
}

/// Opens a FIFO for writing without waiting: an error when nobody reads.
pub fn open_fifo(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    OpenOptions::new().write(true).custom_flags(flags).open(path)
}
