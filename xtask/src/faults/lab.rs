//! A place for one run of a scenario: a directory of its own, and the program that is looked at,
//! with strace between it and the kernel.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::case::Case;
use super::processes;
use super::subject::Subject;
use crate::bench::suite::Suite;
use crate::process::signal;

/// How long what must happen may take.
pub const LIMIT: Duration = Duration::from_secs(20);

/// What a scenario found wrong, in words; or what it gives.
pub type Check<T = ()> = Result<T, String>;

/// How a run came out, if nothing was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The tool did its work, at the latest when the fault had ended.
    Survived,
    /// It has not started, and said why.
    Refused,
    /// A tool that is run for one thing said that it failed, and why.
    Failed,
    /// The call was never made, or not so often.
    Missed,
    /// Process 1 has passed over a stage that could not be executed, and said so.
    Skipped,
}

/// What strace does to the program.
#[derive(Clone, Copy, Debug)]
pub enum Strace<'a> {
    /// It takes note of every call.
    Trace,
    /// It makes calls fail as well.
    Inject(&'a Case),
}

/// Held while a file is written that is to be executed, and while a process is started: a child
/// that has not executed its program yet would have the file open, which then cannot be executed.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // It protects nothing that a panic could have left undone.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The place.
pub struct Lab<'a> {
    /// Where the programs are.
    pub suite: &'a Suite,
    /// A fresh directory.
    pub dir: PathBuf,
    /// What is done to the program that is looked at.
    pub strace: Strace<'a>,
}

impl<'a> Lab<'a> {
    /// Makes the directory.
    pub fn new(suite: &'a Suite, strace: Strace<'a>) -> Check<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "runit-faults-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        let dir = dir.canonicalize().map_err(|error| format!("{}: {error}", dir.display()))?;
        Ok(Self { suite, dir, strace })
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Where strace writes.
    pub fn trace(&self) -> PathBuf {
        self.path("trace")
    }

    /// Makes a file, executable if it is a script.
    pub fn write(&self, name: &str, content: &str) -> Check {
        write(&self.path(name), content)
    }

    /// A tool of the suite without strace, in the directory.
    pub fn command(&self, tool: &str) -> Command {
        let mut command = self.suite.command(tool);
        command.current_dir(&self.dir).stdin(Stdio::null());
        command
    }

    /// A tool of the suite with strace as this run has it.
    pub fn traced(&self, tool: &str) -> Command {
        self.traced_program(Path::new(self.command(tool).get_program()))
    }

    /// A program with strace as this run has it.
    pub fn traced_program(&self, program: &Path) -> Command {
        let mut strace = Command::new("strace");
        strace.arg("-D").args(self.strace_options(&self.trace())).arg("--").arg(program);
        strace.env_clear().env("PATH", self.suite.path());
        strace.current_dir(&self.dir).stdin(Stdio::null());
        strace
    }

    /// What strace is to do, and that it writes to `trace`. It lets go of children when they
    /// execute their programs; what it executes itself does not fail.
    pub fn strace_options(&self, trace: &Path) -> Vec<String> {
        let trace = trace.display().to_string();
        let mut words: Vec<String> = [
            "-A",
            "-f",
            "-b",
            "execve",
            "-qq",
            "-I2",
            "-s",
            "64",
            "-e",
            "signal=none",
            "-o",
            &trace,
        ]
        .map(str::to_owned)
        .into();
        if let Strace::Inject(case) = self.strace {
            let (call, errno) = (&case.call, &case.errno);
            let when = case.when.word_after(case.before);
            words.extend(["-e".to_owned(), format!("inject={call}:error={errno}:when={when}")]);
        }
        words
    }

    /// Starts a supervisor or logger; its standard output and error go to files.
    pub fn start(&self, command: &mut Command) -> Check<Subject> {
        let mut subject = self.start_untraced(command)?;
        subject.find_tracer()?;
        Ok(subject)
    }

    /// The same where strace has no part in it.
    pub fn start_untraced(&self, command: &mut Command) -> Check<Subject> {
        let (error, output) = (self.path("stderr"), self.path("stdout"));
        let file = |path| std::fs::File::create(path).map_err(|cause| format!("file: {cause}"));
        command.stderr(file(&error)?).stdout(file(&output)?);
        let alone = alone();
        let child = command.spawn().map_err(|cause| format!("start: {cause}"))?;
        drop(alone);
        Ok(Subject::new(child, error))
    }

    /// How many calls were made while strace looked.
    pub fn calls(&self) -> usize {
        std::fs::read(self.trace()).map_or(0, |text| text.split(|byte| *byte == b'\n').count())
    }

    /// The processes that are at work in the directory or below.
    pub fn processes(&self) -> Vec<u32> {
        processes::all()
            .into_iter()
            .filter(|pid| {
                let current = std::fs::read_link(format!("/proc/{pid}/cwd"));
                current.is_ok_and(|current| current.starts_with(&self.dir))
            })
            .collect()
    }
}

impl Drop for Lab<'_> {
    fn drop(&mut self) {
        // Some may be just about to start others.
        for _ in 0..3 {
            let left = self.processes();
            if left.is_empty() {
                break;
            }
            for pid in left {
                let _ = signal(pid, Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Waits until `condition` holds.
pub fn wait(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) -> Check {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() > limit {
            return Err(format!("waited {} s for {what}", limit.as_secs_f32()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Writes a file, executable if it is a script.
pub fn write(path: &Path, content: &str) -> Check {
    use std::os::unix::fs::PermissionsExt as _;
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(told)?;
    }
    let alone = alone();
    std::fs::write(path, content).map_err(told)?;
    drop(alone);
    let mode = if content.starts_with("#!") { 0o755 } else { 0o644 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(told)
}
