//! What `/proc` tells about a process, and signals for it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use rustix::process::{Pid, Signal, WaitOptions};

use crate::wait::wait_until;

/// A process, by its pid.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Proc(pub u32);

impl fmt::Display for Proc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Signal sets of a process; bit N-1 stands for signal N, from 1 to 31. The C library keeps some of
/// those above to itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signals {
    /// Blocked by its only thread.
    pub blocked: u64,
    /// Ignored.
    pub ignored: u64,
    /// Handled by a function of its own.
    pub caught: u64,
    /// Sent to the process and not yet delivered.
    pub pending: u64,
}

impl Signals {
    /// The bit that stands for `signal`.
    pub fn bit(signal: Signal) -> u64 {
        1 << (signal.as_raw() - 1)
    }
}

impl Proc {
    /// This process.
    pub fn this() -> Self {
        Self(std::process::id())
    }

    /// Every process there is.
    pub fn all() -> Vec<Self> {
        let entries = fs::read_dir("/proc").unwrap_or_else(|error| panic!("/proc: {error}"));
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .map(Self)
            .collect()
    }

    /// Its file `name` in `/proc`; empty when the process is gone or hides it.
    fn read(self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_default()
    }

    fn path(self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.0))
    }

    /// The field numbered as in `proc(5)`, from 3 on, of its `stat` file.
    fn stat(self, field: usize) -> Option<String> {
        let text = String::from_utf8_lossy(&self.read("stat")).into_owned();
        // The name, field 2, may hold anything; the last `)` ends it.
        let (_, rest) = text.rsplit_once(')')?;
        rest.split_whitespace().nth(field - 3).map(str::to_owned)
    }

    /// The letter of its state (`S` sleeping, `T` stopped, `Z` zombie); nothing when it is gone.
    pub fn state(self) -> Option<char> {
        self.stat(3)?.chars().next()
    }

    /// Whether it lives: a zombie does not.
    pub fn lives(self) -> bool {
        self.state().is_some_and(|state| state != 'Z' && state != 'X')
    }

    /// Its parent.
    pub fn parent(self) -> Option<Self> {
        self.stat(4)?.parse().ok().map(Self)
    }

    /// Its process group.
    pub fn group(self) -> Option<u32> {
        self.stat(5)?.parse().ok()
    }

    /// Its session.
    pub fn session(self) -> Option<u32> {
        self.stat(6)?.parse().ok()
    }

    /// Times it gave up the processor to wait: what an idle process must not do.
    pub fn voluntary_switches(self) -> Option<u64> {
        self.status_line("voluntary_ctxt_switches")?.parse().ok()
    }

    /// Its living children.
    pub fn children(self) -> Vec<Self> {
        let mut found: Vec<_> = Self::all()
            .into_iter()
            .filter(|process| process.parent() == Some(self) && process.lives())
            .collect();
        found.sort();
        found
    }

    /// The bytes of its command line, arguments ended by NUL.
    pub fn cmdline(self) -> Vec<u8> {
        self.read("cmdline")
    }

    /// Its arguments.
    pub fn args(self) -> Vec<OsString> {
        strings(&self.cmdline())
    }

    /// Its environment, as `NAME=VALUE`.
    pub fn environ(self) -> Vec<OsString> {
        strings(&self.read("environ"))
    }

    /// Its working directory.
    pub fn cwd(self) -> Option<PathBuf> {
        fs::read_link(self.path("cwd")).ok()
    }

    /// Its open descriptors and what they lead to.
    pub fn fds(self) -> BTreeMap<u32, PathBuf> {
        let Ok(entries) = fs::read_dir(self.path("fd")) else { return BTreeMap::new() };
        entries
            .flatten()
            .filter_map(|entry| {
                let number = entry.file_name().to_str()?.parse().ok()?;
                Some((number, fs::read_link(entry.path()).ok()?))
            })
            .collect()
    }

    /// The words of its `syscall` file: the number of the call that it is in, and the arguments.
    pub fn call(self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.read("syscall")).into_owned();
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// The signals that what this process starts finds ignored: as here, but for PIPE, which Rust
    /// ignores for itself alone.
    pub fn ignored_by_heirs() -> u64 {
        Self::this().signals().map_or(0, |here| here.ignored) & !Signals::bit(Signal::PIPE)
    }

    /// Its open descriptors but for those that this process was started with and hands on: what a
    /// shell or a terminal left open above the tests.
    pub fn own_fds(self) -> BTreeMap<u32, PathBuf> {
        let here = Self::this().fds();
        let mut fds = self.fds();
        fds.retain(|number, target| *number < 3 || here.get(number) != Some(target));
        fds
    }

    /// Waits until it has standard input, output and error and nothing else of its own: a program
    /// opens files for a moment as it starts, a leak stays.
    #[track_caller]
    pub fn wait_for_three_fds(self) -> BTreeMap<u32, PathBuf> {
        wait_until(&format!("process {self} to have three descriptors"), || {
            let fds = self.own_fds();
            if fds.keys().copied().eq(0..3) { Ok(fds) } else { Err(format!("{fds:?}")) }
        })
    }

    /// Its signal sets.
    pub fn signals(self) -> Option<Signals> {
        let set = |name| {
            let all = u64::from_str_radix(&self.status_line(name)?, 16).ok()?;
            Some(all & 0x7fff_ffff)
        };
        Some(Signals {
            blocked: set("SigBlk")?,
            ignored: set("SigIgn")?,
            caught: set("SigCgt")?,
            pending: set("ShdPnd")? | set("SigPnd")?,
        })
    }

    fn status_line(self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.read("status")).into_owned();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(value.trim().to_owned())
    }

    /// Sends it `signal`.
    pub fn try_kill(self, signal: Signal) -> io::Result<()> {
        let Some(pid) = self.pid() else { return Err(io::ErrorKind::InvalidInput.into()) };
        rustix::process::kill_process(pid, signal)
            .map_err(|errno| io::Error::from_raw_os_error(errno.raw_os_error()))
    }

    /// Sends it `signal`; it must be there.
    #[track_caller]
    pub fn kill(self, signal: Signal) {
        self.try_kill(signal).unwrap_or_else(|error| panic!("kill {self}: {error}"));
    }

    fn pid(self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.0).ok()?)
    }

    /// Collects it if it is a dead child of this process. Only for processes that were adopted,
    /// never for one that a `Child` stands for.
    pub fn reap(self) {
        if let Some(pid) = self.pid() {
            // An error means that it is no child of this process: somebody else collects it.
            let _ = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }

    /// Waits until it runs a program called `name`; between fork and exec it still shows what its
    /// parent is.
    #[track_caller]
    pub fn wait_for_exec(self, name: &str) {
        wait_until(&format!("process {self} to run {name}"), || {
            let args = self.args();
            let first = args.first().map(PathBuf::from).unwrap_or_default();
            if first.file_name() == Path::new(name).file_name() {
                Ok(())
            } else {
                Err(format!("{args:?}"))
            }
        });
    }

    /// Waits until it lives no longer.
    #[track_caller]
    pub fn wait_for_end(self) {
        wait_until(&format!("process {self} to end"), || match self.state() {
            None | Some('Z' | 'X') => Ok(()),
            Some(state) => Err(format!("state {state}, {:?}", self.args())),
        });
        if self.parent() == Some(Self::this()) {
            self.reap();
        }
    }

    /// Waits until it blocks `signal`: programs that read their signals do so before anything else,
    /// and would be ended by one that comes before.
    #[track_caller]
    pub fn wait_for_blocked(self, signal: Signal) {
        wait_until(&format!("process {self} to block {signal:?}"), || {
            let blocked = self.signals().ok_or("it is gone")?.blocked & Signals::bit(signal) != 0;
            if blocked { Ok(()) } else { Err("not yet") }
        });
    }

    /// Waits until it has taken a `signal` that was sent to it.
    #[track_caller]
    pub fn wait_for_taken(self, signal: Signal) {
        wait_until(&format!("process {self} to take {signal:?}"), || {
            let pending = self.signals().ok_or("it is gone")?.pending;
            let taken = pending & Signals::bit(signal) == 0;
            if taken { Ok(()) } else { Err("not yet") }
        });
    }

    /// Waits until its state is `letter`.
    #[track_caller]
    pub fn wait_for_state(self, letter: char) {
        wait_until(&format!("process {self} to be in state {letter}"), || {
            let state = self.state();
            if state == Some(letter) { Ok(()) } else { Err(format!("{state:?}")) }
        });
    }
}

/// Splits NUL-ended strings.
fn strings(bytes: &[u8]) -> Vec<OsString> {
    let mut all: Vec<_> =
        bytes.split(|&byte| byte == 0).map(|s| OsString::from_vec(s.to_vec())).collect();
    all.pop();
    all
}
