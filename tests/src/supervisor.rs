//! Starting a supervisor, and ending it together with everything that it started.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;

use crate::dirs::{self, TempDir};
use crate::protocol::Supervised;
use crate::wait::wait_until;
use crate::{Proc, suite};

/// The variable that marks the processes of one supervisor, wherever they end up: runit hands its
/// environment on unchanged.
const MARK: &str = "RUNIT_TEST_MARK";

/// How a supervisor is to be started. Standard input is `/dev/null`; output and error go to files.
#[derive(Debug)]
pub struct Launch {
    wrapper: Vec<OsString>,
    program: PathBuf,
    args: Vec<OsString>,
    cwd: Option<PathBuf>,
    env: Vec<(OsString, Option<OsString>)>,
    stderr: Option<Stdio>,
    stdin: Option<Stdio>,
}

impl Launch {
    /// The suite's program `name`.
    pub fn new(name: &str) -> Self {
        Self::path(suite::bin(name))
    }

    /// The program at `path`.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self {
            wrapper: Vec::new(),
            program: path.into(),
            args: Vec::new(),
            cwd: None,
            env: vec![("PATH".into(), Some(suite::search_path()))],
            stderr: None,
            stdin: None,
        }
    }

    /// An argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Arguments before the program: a command that is to execute it, as `env -u NAME`.
    #[must_use]
    pub fn through<A: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = A>) -> Self {
        self.wrapper.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// Commands for `sh`, run in the process that then becomes the program, as `ulimit -n 6`.
    #[must_use]
    pub fn through_sh(self, commands: &str) -> Self {
        self.through(["/bin/sh", "-c", &format!("{commands}\nexec \"$@\""), "sh"])
    }

    /// As a user without privileges: another one, if this is root.
    #[must_use]
    pub fn unprivileged(self) -> Self {
        self.through(unprivileged())
    }

    /// The directory to start in.
    #[must_use]
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = Some(dir.into());
        self
    }

    /// An environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Takes a variable out of the environment.
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), None));
        self
    }

    /// Where standard error goes, instead of into the file that [`Supervisor::stderr`] reads.
    #[must_use]
    pub fn stderr(mut self, to: impl Into<Stdio>) -> Self {
        self.stderr = Some(to.into());
        self
    }

    /// Where standard input comes from.
    #[must_use]
    pub fn stdin(mut self, from: impl Into<Stdio>) -> Self {
        self.stdin = Some(from.into());
        self
    }

    /// Starts it.
    #[track_caller]
    pub fn spawn(self) -> Supervisor {
        adopt_orphans();
        let files = TempDir::new();
        let file = |name: &str| {
            let path = files.path().join(name);
            File::create(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let mark = new_mark();
        let words: Vec<_> = self
            .wrapper
            .into_iter()
            .chain([self.program.into_os_string()])
            .chain(self.args)
            .collect();
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env(MARK, &mark)
            .stdin(self.stdin.unwrap_or_else(Stdio::null))
            .stdout(file("stdout"))
            .stderr(self.stderr.unwrap_or_else(|| file("stderr").into()));
        if let Some(dir) = self.cwd {
            command.current_dir(dir);
        }
        for (name, value) in self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let child = command.spawn().unwrap_or_else(|error| panic!("{words:?}: {error}"));
        Supervisor { child, mark: format!("{MARK}={mark}").into(), files, status: None }
    }
}

/// The user that [`Launch::unprivileged`] takes when started by root; it needs no account.
pub const UNPRIVILEGED: u32 = 65_112;

/// The words that make a command run as a user without privileges.
pub fn unprivileged() -> Vec<String> {
    let id = UNPRIVILEGED;
    let words = ["setpriv", &format!("--reuid={id}"), &format!("--regid={id}"), "--clear-groups"];
    if is_root() { words.map(str::to_owned).into() } else { Vec::new() }
}

/// Whether the tests run as root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A value for [`MARK`] that no other supervisor has.
fn new_mark() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Processes whose parent dies become children of this process, so that a test can collect them.
fn adopt_orphans() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
            .unwrap_or_else(|errno| panic!("cannot become a subreaper: {errno}"));
    });
}

/// A started supervisor. When this value goes, every process it has started is ended, and
/// collected.
#[derive(Debug)]
pub struct Supervisor {
    child: Child,
    mark: OsString,
    files: TempDir,
    status: Option<ExitStatus>,
}

impl Supervisor {
    /// Starts `runsv DIR` and waits until it supervises.
    #[track_caller]
    pub fn runsv(dir: impl AsRef<Path>) -> Self {
        let dir = dir.as_ref();
        let runsv = Launch::new("runsv").arg(dir).spawn();
        Supervised::new(dir).wait_supervised();
        runsv
    }

    /// Its process.
    pub fn process(&self) -> Proc {
        Proc(self.child.id())
    }

    /// Sends it `signal`.
    #[track_caller]
    pub fn kill(&self, signal: Signal) {
        self.process().kill(signal);
    }

    /// What it, and what it started, wrote to standard error until now.
    pub fn stderr(&self) -> String {
        dirs::text(&self.files.path().join("stderr"))
    }

    /// What it, and what it started, wrote to standard output until now.
    pub fn stdout(&self) -> String {
        dirs::text(&self.files.path().join("stdout"))
    }

    /// Waits until standard error holds `text`.
    #[track_caller]
    pub fn wait_stderr(&self, text: &str) {
        wait_until(&format!("{text:?} on standard error"), || {
            let seen = self.stderr();
            if seen.contains(text) { Ok(()) } else { Err(format!("{seen:?}")) }
        });
    }

    /// Sets a soft limit of its process, which was started as [`Launch::unprivileged`] says: with
    /// the power that its own user has. `resource` and `limit` are as for prlimit(1).
    #[track_caller]
    pub fn limit(&self, resource: &str, limit: &str) {
        let words: Vec<_> = unprivileged()
            .into_iter()
            .chain(["prlimit".into(), format!("--pid={}", self.process())])
            .chain([format!("--{resource}={limit}:")])
            .collect();
        let status = Command::new(&words[0]).args(&words[1..]).status();
        assert!(status.is_ok_and(|status| status.success()), "{words:?}");
    }

    /// How it ended, if it has.
    pub fn try_status(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status =
                self.child.try_wait().unwrap_or_else(|error| panic!("cannot wait: {error}"));
        }
        self.status
    }

    /// Waits until it ends, and gives its exit code; -1 when a signal ended it.
    #[track_caller]
    pub fn wait_exit(&mut self) -> i32 {
        let what = format!("supervisor {} to end", self.process());
        let process = self.process();
        let status = wait_until(&what, || {
            let seen = format!("{:?}, children {:?}", process.args(), process.children());
            self.try_status().ok_or(seen)
        });
        status.code().unwrap_or(-1)
    }

    /// Whether it lives.
    pub fn lives(&mut self) -> bool {
        self.try_status().is_none()
    }

    /// All living processes that descend from it, itself too, however they are related now. A
    /// program that writes its title over its environment (nginx, redis) loses the mark: it counts
    /// as long as its parent does.
    pub fn family(&self) -> BTreeSet<Proc> {
        let mut others: Vec<_> = Proc::all().into_iter().filter(|p| p.lives()).collect();
        let mut found: BTreeSet<Proc> = BTreeSet::new();
        loop {
            let (more, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(|process| {
                process.environ().contains(&self.mark)
                    || process.parent().is_some_and(|parent| found.contains(&parent))
            });
            if more.is_empty() {
                return found;
            }
            found.extend(more);
            others = rest;
        }
    }

    /// Its living `runsv` children, by the name each was given.
    pub fn runsvs(&self) -> Vec<(OsString, Proc)> {
        let found: Vec<_> = self
            .family()
            .into_iter()
            .filter_map(|process| {
                let mut args = process.args().into_iter();
                let program = PathBuf::from(args.next()?);
                (program.file_name()? == "runsv").then_some((args.next()?, process))
            })
            .collect();
        // What a supervisor starts looks like it until it executes its program.
        let is_one = |process| found.iter().any(|(_, other)| *other == process);
        let mut supervisors = found.clone();
        supervisors.retain(|(_, process)| !process.parent().is_some_and(is_one));
        supervisors.sort();
        supervisors
    }

    /// The names that its `runsv` children were given, sorted.
    pub fn runsv_names(&self) -> Vec<OsString> {
        self.runsvs().into_iter().map(|(name, _)| name).collect()
    }

    /// The `runsv` child that was given `name`, waited for if need be.
    #[track_caller]
    pub fn runsv_named(&self, name: &str) -> Proc {
        wait_until(&format!("runsv {name}"), || {
            let all = self.runsvs();
            let found = all.iter().find(|(given, _)| given == name).map(|(_, process)| *process);
            found.ok_or_else(|| format!("{all:?}"))
        })
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("standard error of {:?}:\n{}", self.process(), self.stderr());
        }
        let mut ended = BTreeSet::new();
        loop {
            let family = self.family();
            for process in &family {
                // Gone in between is as good.
                let _ = process.try_kill(Signal::KILL);
            }
            let child = self.process();
            ended.extend(family.iter().copied().filter(|&process| process != child));
            if family.is_empty() && self.try_status().is_some() {
                break;
            }
            std::thread::yield_now();
        }
        for process in ended {
            process.reap();
        }
    }
}
