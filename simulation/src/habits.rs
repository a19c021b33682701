//! How a world is: drawn once for each life, so that each is about something.

use crate::rng::Rng;

/// What there is at the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// `runit` as process 1, `runsvdir` as its stage 2.
    Init,
    /// `runsvdir`, with somebody else as process 1.
    Directory,
    /// One `runsv`.
    Supervisor,
}

/// How often things happen in a world, in percent, and what there is in it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub struct Habits {
    /// What there is at the top.
    pub root: Root,
    /// A process ends at once, or within a second or two.
    pub short_lived: u64,
    /// A process does not care for TERM.
    pub deaf: u64,
    /// `finish` is there.
    pub finish: u64,
    /// A control script is there.
    pub script: u64,
    /// It takes its time.
    pub slow_script: u64,
    /// It handles what it is asked.
    pub handles: u64,
    /// No process can be made.
    pub fork_fails: u64,
    /// A program cannot be executed.
    pub exec_fails: u64,
    /// A process that the service left behind writes to the pipe.
    pub stray: u64,
    /// A `log/` appears.
    pub late_log: u64,
    /// A service has a `log/` from the start.
    pub log: u64,
    /// A service has a file `down`.
    pub down: u64,
    /// A program that could run does not get the processor in a step.
    pub lag: u64,
    /// A name of the directory cannot be followed.
    pub io_error: u64,
    /// A write takes less than it was given.
    pub short_write: u64,
    /// Process numbers are used again at once.
    pub pids_again: bool,
    /// There is no inotify.
    pub blind: bool,
    /// `runsvdir -P`.
    pub sessions: bool,
    /// `runsvdir -x`, as process 1 of a container has it.
    pub stop_on_exit: bool,
    /// Process 1 is that of a container.
    pub container: bool,
    /// The configuration of every log directory, an index of
    /// [`CONFIGS`](crate::logger::CONFIGS).
    pub config: usize,
    /// The number of `-t` options of every `svlogd`.
    pub stamps: usize,
}

impl Habits {
    /// Habits as chance has them; many are zero.
    pub fn random(rng: &mut Rng) -> Self {
        let root = rng.pick([Root::Init, Root::Directory, Root::Directory, Root::Supervisor]);
        let mut often = || rng.pick([0, 0, 10, 50, 90, 100]);
        let mut habits = Self {
            root,
            short_lived: often(),
            deaf: often(),
            finish: often(),
            script: often(),
            slow_script: often(),
            handles: often(),
            fork_fails: often().min(90),
            exec_fails: often().min(50),
            stray: often(),
            late_log: often(),
            log: often(),
            down: often().min(50),
            lag: often().min(90),
            io_error: often().min(30),
            short_write: often(),
            pids_again: false,
            blind: false,
            sessions: false,
            stop_on_exit: false,
            container: false,
            config: 0,
            stamps: 0,
        };
        habits.pids_again = rng.chance(70);
        habits.blind = rng.chance(15);
        habits.sessions = rng.chance(50);
        habits.stop_on_exit = rng.chance(30);
        habits.container = rng.chance(30);
        habits.config = rng.index(crate::logger::CONFIGS.len());
        habits.stamps = rng.pick([0, 0, 1, 2]);
        habits
    }

    /// The same world when nothing stands against anything.
    pub fn calm(&mut self) {
        self.short_lived = 0;
        self.deaf = 0;
        self.finish = 50;
        self.script = 0;
        self.slow_script = 0;
        self.handles = 0;
        self.fork_fails = 0;
        self.exec_fails = 0;
        self.stray = 0;
        self.late_log = 0;
        self.lag = 0;
        self.io_error = 0;
        self.short_write = 0;
    }
}
