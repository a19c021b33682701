//! Systems whose process 1 is under test: a PID namespace with a root directory of its own, in
//! which only programs and libraries are the machine's.

use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::dirs::{self, TempDir, copy_program, create_dir, lines, set_mode, write, write_script};
use crate::pty::Pty;
use crate::run::is_root;
use crate::{Launch, Proc, Supervisor, suite, wait_until};

/// A system that can be booted. Its stages write to `/log`.
#[derive(Debug)]
pub struct Machine {
    root: TempDir,
    commands: String,
    first: &'static str,
    environment: Vec<(&'static str, &'static str)>,
    proc: bool,
}

/// How process 1 of a machine ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The kernel's answer to a request to power off, in a PID namespace.
    PowerOff,
    /// Its answer to a request to reboot.
    Reboot,
    /// By itself, with this code.
    Code(i32),
    /// By another signal.
    Signal(i32),
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Machine {
    /// With stages that note when they begin; the second waits to be ended, and notes that too.
    /// It has no console. It is a machine, not a container: nothing shows that it is one.
    #[track_caller]
    pub fn new() -> Self {
        let machine = Self {
            root: TempDir::new(),
            commands: String::new(),
            first: "/sbin/runit",
            environment: Vec::new(),
            proc: false,
        };
        for place in ["etc/runit", "dev", "proc", "run", "sbin", "tmp"] {
            create_dir(&machine.path(place));
        }
        set_mode(&machine.path("tmp"), 0o1777);
        for name in ["runit", "runit-init"] {
            copy_program(&suite::bin(name), &machine.path("sbin").join(name));
        }
        // Debian's have other names for these two; this way they are the same.
        for name in ["stopit", "reboot"] {
            let link = symlink(format!("/run/runit.{name}"), machine.path("etc/runit").join(name));
            link.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        write(&machine.path("dev/null"), "");
        machine.stage("1", "echo 1 >>/log");
        machine.stage("2", &format!("echo 2 >>/log\n{WAIT}"));
        machine.stage("3", "echo 3 >>/log");
        machine
    }

    /// The path from outside of something in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes `/etc/runit/NAME`, a script.
    #[track_caller]
    pub fn stage(&self, name: &str, script: &str) {
        write_script(&self.path("etc/runit").join(name), script);
    }

    /// Makes `stopit` or `reboot` with this mode.
    #[track_caller]
    pub fn flag(&self, name: &str, mode: u32) {
        let path = self.path(&format!("run/runit.{name}"));
        write(&path, "");
        set_mode(&path, mode);
    }

    /// The mode of `stopit` or `reboot`.
    pub fn flag_mode(&self, name: &str) -> u32 {
        dirs::mode(&self.path(&format!("run/runit.{name}")))
    }

    /// A terminal as its console.
    #[must_use]
    pub fn console(self, console: &Pty) -> Self {
        write(&self.path("dev/console"), "");
        let mount = format!("mount --bind {} dev/console", console.path().display());
        self.prepare(&mount)
    }

    /// Commands for `sh` in its root directory, before it boots.
    #[must_use]
    pub fn prepare(mut self, commands: &str) -> Self {
        self.commands.push_str(commands);
        self.commands.push('\n');
        self
    }

    /// With this program as process 1.
    #[must_use]
    pub fn first(mut self, program: &'static str) -> Self {
        self.first = program;
        self
    }

    /// With a variable in the environment.
    #[must_use]
    pub fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    /// With `/proc` mounted, by which process 1 sees that it is in a namespace.
    #[must_use]
    pub fn with_proc(mut self) -> Self {
        self.proc = true;
        self
    }

    /// How process 1 is to be started.
    pub fn launch(&self) -> Launch {
        let proc = if self.proc { "mount -t proc proc proc" } else { "" };
        // Directories in the root are the machine's, but for those that it has already.
        let script = format!(
            "set -e
cd \"$1\"
for dir in bin lib lib32 lib64 libx32 usr; do
    if [ -L /$dir ]; then
        cp -a /$dir $dir
    elif [ -d /$dir ]; then
        mkdir -p $dir
        mount --rbind /$dir $dir
    fi
done
mount --bind /dev/null dev/null
{proc}
{}exec chroot . {}",
            self.commands, self.first
        );
        let mut launch = Launch::path("unshare");
        if !is_root() {
            launch = launch.args(["--user", "--map-root-user"]);
        }
        launch = launch
            .args(["--pid", "--fork", "--mount", "--kill-child", "sh", "-c"])
            .args([script.as_ref(), "sh".as_ref(), self.root.path().as_os_str()])
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env_remove("container");
        for (name, value) in &self.environment {
            launch = launch.env(name, value);
        }
        launch
    }

    /// Boots it.
    #[track_caller]
    pub fn boot(&self) -> System {
        self.start(self.launch())
    }

    /// Boots it as `launch` says.
    #[track_caller]
    pub fn start(&self, launch: Launch) -> System {
        System { supervisor: launch.spawn(), log: self.path("log") }
    }
}

/// What a stage does that waits to be ended: it notes the TERM that ends it.
pub const WAIT: &str = "\
trap 'echo TERM >>/log; exit' TERM
echo up >>/log
while :; do sleep 1000 & wait; done";

/// A machine that has been booted.
#[derive(Debug)]
pub struct System {
    supervisor: Supervisor,
    log: PathBuf,
}

impl System {
    /// Its process 1, once that is the one under test.
    #[track_caller]
    pub fn first(&self) -> Proc {
        wait_until("process 1", || {
            let first = *self.supervisor.process().children().first()?;
            let name = PathBuf::from(first.args().first()?);
            name.starts_with("/sbin").then_some(first)
        })
    }

    /// Sends process 1 a signal, as the machine around it may.
    #[track_caller]
    pub fn kill(&self, signal: Signal) {
        self.first().kill(signal);
    }

    /// What it said on standard error until now.
    pub fn said(&self) -> String {
        self.supervisor.stderr()
    }

    /// Waits until it has said this line.
    #[track_caller]
    pub fn wait_said(&self, line: &str) {
        self.supervisor.wait_stderr(&format!("{line}\n"));
    }

    /// Waits until the log consists of these words.
    #[track_caller]
    pub fn wait_log(&self, words: &str) {
        wait_until(&format!("{words:?} in the log"), || {
            let seen = self.log();
            if seen == words { Ok(()) } else { Err(format!("{seen:?}; said: {}", self.said())) }
        });
    }

    /// The log, a word for each line.
    pub fn log(&self) -> String {
        lines(&self.log).join(" ")
    }

    /// The path of the log from outside.
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// Whether it lives.
    pub fn lives(&mut self) -> bool {
        self.supervisor.lives()
    }

    /// Waits until process 1 has ended, and tells how.
    #[track_caller]
    pub fn wait_end(&mut self) -> End {
        let code = self.supervisor.wait_exit();
        // `unshare` ends as its child has.
        match self.supervisor.try_status().and_then(|status| status.signal()) {
            None => End::Code(code),
            Some(2) => End::PowerOff,
            Some(1) => End::Reboot,
            Some(other) => End::Signal(other),
        }
    }
}
