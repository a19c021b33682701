//! `sv`, run on a directory of services; and services whose supervisor is the test itself.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;

use crate::dirs::{create_dir, make_fifo};
use crate::protocol::{State, Supervised, TAI_EPOCH, open_fifo};
use crate::wait::{LIMIT, wait_until};
use crate::{Service, ServiceDirBuilder, Status, Supervisor, TempDir, suite};

/// For how many seconds `sv` waits where the test does not say: so long that a busy machine makes no
/// difference.
const PATIENCE: &str = "25";

/// What a program answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
    /// Its standard output, pids and seconds as `N`.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Answer {
    /// Checks everything but standard error.
    #[track_caller]
    pub fn is(&self, code: i32, out: &str) {
        assert_eq!((self.code, self.out.as_str()), (code, out), "standard error: {}", self.err);
    }

    /// Checks everything.
    #[track_caller]
    pub fn is_all(&self, code: i32, out: &str, err: &str) {
        self.is(code, out);
        assert_eq!(self.err, err);
    }
}

/// Puts `N` for pids and seconds: digits behind `(pid `, and digits before an `s` that ends a word.
fn steady(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let end = from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len());
        let (digits, behind) = from.split_at(end);
        result.push_str(before);
        let mut next = behind.chars();
        let seconds = next.next() == Some('s') && next.next().is_none_or(|c| !c.is_alphanumeric());
        let varies = seconds && before.ends_with(' ') || result.ends_with("(pid ");
        result.push_str(if varies { "N" } else { digits });
        rest = behind;
    }
    result + rest
}

/// A directory of services.
#[derive(Debug, Default)]
pub struct Services {
    /// Go first: then nobody writes into the directory any more.
    supervisors: Vec<Supervisor>,
    dir: TempDir,
}

impl Services {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Adds a service that has no supervisor.
    #[track_caller]
    pub fn add(&self, name: impl AsRef<OsStr>, service: ServiceDirBuilder) -> Service {
        service.build_in(self.path().join(name.as_ref()))
    }

    /// Adds a service and starts its supervisor.
    #[track_caller]
    pub fn supervise(&mut self, name: impl AsRef<OsStr>, service: ServiceDirBuilder) -> Service {
        let service = self.add(name, service);
        self.supervisors.push(Supervisor::runsv(service.path()));
        service
    }

    /// The supervisor that was started last.
    pub fn last(&mut self) -> &mut Supervisor {
        self.supervisors.last_mut().unwrap_or_else(|| panic!("no supervisor was started"))
    }

    /// `sv` with these arguments, about to be run to its end.
    pub fn command<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
    ) -> assert_cmd::Command {
        self.command_of(&suite::bin("sv"), args)
    }

    fn command_of<A: AsRef<OsStr>>(
        &self,
        program: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::new(program);
        command
            .args(args)
            .timeout(LIMIT)
            .env("SVDIR", self.path())
            .env("SVWAIT", PATIENCE)
            .env("SVSRC", "/nonexistent")
            .current_dir(self.path());
        command
    }

    /// Runs `sv` with these words.
    #[track_caller]
    pub fn sv(&self, words: &str) -> Answer {
        answer(&mut self.command(words.split_whitespace()))
    }

    /// Runs `sv` with these arguments.
    #[track_caller]
    pub fn sv_args<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Answer {
        answer(&mut self.command(args))
    }

    /// Runs `sv` under another name, with these words.
    #[track_caller]
    pub fn called(&self, name: &str, words: &str) -> Answer {
        let links = TempDir::new();
        let link = links.path().join(name);
        symlink(suite::bin("sv"), &link)
            .unwrap_or_else(|error| panic!("{}: {error}", link.display()));
        answer(&mut self.command_of(&link, words.split_whitespace()))
    }

    /// Runs `program` in this directory with these words.
    #[track_caller]
    pub fn run(&self, program: &Path, words: &str) -> Answer {
        answer(&mut self.command_of(program, words.split_whitespace()))
    }
}

/// Runs a command to its end.
#[track_caller]
pub fn answer(command: &mut assert_cmd::Command) -> Answer {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    Answer {
        code: output.status.code().unwrap_or(-1),
        out: steady(&String::from_utf8_lossy(&output.stdout)),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A supervisor that the test plays: it reads the control FIFO, and its status is what the test
/// says.
#[derive(Debug)]
pub struct Played {
    dir: PathBuf,
    control: File,
    _ok: File,
}

impl Played {
    /// Makes the service directory `dir`, and takes the supervisor's part in it.
    #[track_caller]
    pub fn new(dir: impl Into<PathBuf>, status: &Status) -> Self {
        let dir = dir.into();
        let supervise = dir.join("supervise");
        create_dir(&supervise);
        let open = |name| {
            let path = supervise.join(name);
            make_fifo(&path);
            OpenOptions::new()
                .read(true)
                .custom_flags(i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default())
                .open(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let played = Self { control: open("control"), _ok: open("ok"), dir };
        played.set(status);
        played
    }

    /// Ends the part. Waits until nobody reads either FIFO any more: what another test starts just
    /// then has this process's descriptors until it executes its program.
    #[track_caller]
    pub fn leave(self) {
        let supervised = Supervised::new(&self.dir);
        drop(self);
        supervised.wait_unsupervised();
        wait_until("nobody to read control", || open_fifo(&supervised.file("control")).is_err());
    }

    /// Its service directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Replaces the status, as supervisors do.
    #[track_caller]
    pub fn set(&self, status: &Status) {
        let mut bytes = [0; 20];
        bytes[..8].copy_from_slice(&status.tai_seconds.to_be_bytes());
        bytes[8..12].copy_from_slice(&status.nanoseconds.to_be_bytes());
        bytes[12..16].copy_from_slice(&status.pid.to_le_bytes());
        bytes[16..].copy_from_slice(&[
            status.paused.into(),
            u8::try_from(status.want).unwrap_or(0),
            status.got_term.into(),
            match status.state {
                State::Down => 0,
                State::Run => 1,
                State::Finish => 2,
            },
        ]);
        self.set_bytes(&bytes);
    }

    /// Replaces the status by any bytes.
    #[track_caller]
    pub fn set_bytes(&self, bytes: &[u8]) {
        let [new, name] =
            ["status.new", "status"].map(|name| self.dir.join("supervise").join(name));
        fs::write(&new, bytes)
            .and_then(|()| fs::rename(&new, &name))
            .unwrap_or_else(|error| panic!("{}: {error}", name.display()));
    }

    /// The control bytes that came since the last time.
    pub fn heard(&mut self) -> String {
        let mut bytes = [0; 256];
        // Nothing there is an error with some writers, an end with none.
        let length = self.control.read(&mut bytes).unwrap_or(0);
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }
}

/// A status: state, pid, wanted; since `age` ago.
pub fn status(state: State, pid: u32, want: char, age: Duration) -> Status {
    let since = crate::protocol::now().saturating_sub(age);
    Status {
        tai_seconds: TAI_EPOCH + since.as_secs(),
        nanoseconds: since.subsec_nanos(),
        pid,
        paused: false,
        want,
        got_term: false,
        state,
    }
}

/// The arguments of a shell that first runs `commands` and then becomes the rest.
pub fn through_sh(commands: &str) -> Vec<OsString> {
    ["/bin/sh", "-c", &format!("{commands}\nexec \"$@\""), "sh"].map(OsString::from).into()
}

/// A name of bytes.
pub fn name(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}
