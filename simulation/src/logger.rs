//! `svlogd`: the shell of one log directory around the real input, feed,
//! rotation and names.

use runit_core::exit::Exit;
use runit_core::tai::Tai64n;
use runsv::machine::Nanoseconds;
use rustix::io::Errno;
use rustix::process::Pid;
use svlogd::archive::next_moment;
use svlogd::config::{Config, Text};
use svlogd::feed::Feed;
use svlogd::input::Input;
use svlogd::stamp::{Stamp, Stamper};

use crate::clock::{MS, SECOND};
use crate::invariant::Invariant;
use crate::kernel::Kernel;
use crate::ledger::Ledger;
use crate::logdir::safe;
use crate::pipe::PipeId;
use crate::process::ServiceId;
use crate::writer::Writer;

/// Configurations that are tried.
pub const CONFIGS: [&str; 6] = [
    "",
    "s2000\nn3\nN1\n",
    "s4000\nn2\nN1\npprefix: \n",
    "s3000\nn5\nN2\nd2\n",
    "s2500\nn3\nN2\n-*x*\nt5\n",
    "s2000\nn0\nN1\nd1\npp \n-*\n+*y*\n",
];

/// LEN: how much of a line patterns see.
pub const LENGTH: usize = 100;

const HUP: u32 = 1;
const ALRM: u32 = 14;
const TERM: u32 = 15;

/// How long after TERM a directory may stay unwritable.
const PATIENCE: Nanoseconds = 3 * SECOND;

/// After what time a directory that cannot be written is tried again.
const RETRY: Nanoseconds = 500 * MS;

/// Since when the directory cannot be written.
struct Outage {
    since: Nanoseconds,
    retry_at: Nanoseconds,
    dropping: bool,
}

/// Why no more is read.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Input,
    Term(Nanoseconds),
}

/// See the module.
pub struct Logger {
    pid: Pid,
    service: ServiceId,
    pipe: PipeId,
    input: Input,
    feed: Feed,
    stamper: Stamper,
    config: Config,
    ledger: Ledger,
    /// Where in the pipe's stream the batch begins.
    batch_at: usize,
    open: bool,
    newest: Tai64n,
    outage: Option<Outage>,
    rotate_again: Option<Nanoseconds>,
    rotate_at: Option<Nanoseconds>,
    ending: Option<Ending>,
}

impl Logger {
    /// Starts in its directory; `None` where another one has the lock.
    pub fn new(kernel: &mut Kernel, pid: Pid) -> Option<Self> {
        let process = kernel.processes.get(pid)?;
        let (serial, service) = (process.serial, process.birth.service);
        let pipe = process.birth.input?;
        let start = kernel.pipes.get(&pipe)?.taken;
        let dir = &mut kernel.service(service).logs;
        if !dir.lock(serial) {
            kernel.saw("a logger that is refused", true);
            return None;
        }
        let newest = dir.newest();
        let form = Stamp::from_count(kernel.habits.stamps);
        let config = read(CONFIGS.get(kernel.habits.config)?)?;
        let mut logger = Self {
            pid,
            service,
            pipe,
            input: Input::new(0).ok()?,
            feed: Feed::new(form).ok()?,
            stamper: Stamper::new(form),
            config,
            ledger: Ledger::new(form, start),
            batch_at: start,
            open: false,
            newest,
            outage: None,
            rotate_again: None,
            rotate_at: None,
            ending: None,
        };
        logger.advance(kernel);
        Some(logger)
    }

    /// When it wakes up although nothing happens.
    pub fn deadline(&self) -> Option<Nanoseconds> {
        let outage = self.outage.as_ref().map(|outage| outage.retry_at);
        let patience = match self.ending {
            Some(Ending::Term(at)) => Some(at),
            _ => None,
        };
        [outage, patience, self.rotate_again, self.rotate_at].into_iter().flatten().min()
    }

    /// Whether something waits to be read, that it reads now.
    pub fn has_event(&self, kernel: &Kernel) -> bool {
        let Some(pipe) = kernel.pipes.get(&self.pipe) else { return false };
        self.is_done() && self.ending.is_none() && (pipe.has_content() || !pipe.is_open())
    }

    fn is_done(&self) -> bool {
        self.feed.is_done(self.input.batch().len())
    }

    /// One round of its loop.
    pub fn turn(&mut self, kernel: &mut Kernel) {
        let now = kernel.clock.mono();
        self.look_at_the_clock(now);
        while let Some(signal) = kernel.take_signal(self.pid) {
            match signal {
                TERM => self.terminate(kernel),
                HUP if self.ending.is_none() => self.reopen(kernel),
                ALRM => self.feed.rotate_soon(),
                _ => {}
            }
        }
        self.advance(kernel);
        if self.is_done() {
            self.end_batch();
        }
        if self.has_event(kernel) {
            self.read(kernel);
            self.advance(kernel);
        }
        let done = self.is_done();
        if done {
            self.end_batch();
        }
        let over = match self.ending {
            Some(Ending::Term(patience)) => done || now >= patience,
            Some(Ending::Input) => done,
            None => false,
        };
        if over {
            self.close(kernel);
        }
    }

    fn end_batch(&mut self) {
        self.batch_at += self.input.batch().len();
        self.input.consume();
        self.stamper.go_behind(self.feed.end());
    }

    fn look_at_the_clock(&mut self, now: Nanoseconds) {
        let aged = self.rotate_at.is_some_and(|at| at <= now);
        if aged {
            self.rotate_at = Some(now + self.config.age * SECOND);
        }
        if aged || self.rotate_again.is_some_and(|at| at <= now) {
            self.rotate_again = None;
            self.feed.rotate_soon();
        }
    }

    fn read(&mut self, kernel: &mut Kernel) {
        let Some(pipe) = kernel.pipes.get_mut(&self.pipe) else { return };
        match self.input.read(&pipe.read, None) {
            Ok(Some(0)) => {
                self.ending = Some(Ending::Input);
                self.input.finish();
            }
            Ok(Some(count)) => pipe.taken += count,
            Ok(None) | Err(_) => {}
        }
        // What is there of a long line is written before the next wait.
        if self.input.batch().is_empty() && self.input.could_release(LENGTH) {
            self.input.release();
        }
        if !self.input.batch().is_empty() {
            self.begin_batch(kernel);
        }
    }

    fn begin_batch(&mut self, kernel: &Kernel) {
        self.stamper.set(kernel.clock.wall());
        self.feed.begin(&self.stamper);
    }

    fn terminate(&mut self, kernel: &mut Kernel) {
        if matches!(self.ending, Some(Ending::Term(_))) {
            return;
        }
        if self.ending.is_none() {
            let fresh = self.is_done();
            if fresh {
                self.end_batch();
            }
            self.finish_line(kernel);
            self.input.finish();
            if fresh {
                self.begin_batch(kernel);
            }
        }
        self.ending = Some(Ending::Term(kernel.clock.mono() + PATIENCE));
    }

    /// Reads to the end of the line that has begun, if it is there.
    fn finish_line(&mut self, kernel: &mut Kernel) {
        let Some(pipe) = kernel.pipes.get_mut(&self.pipe) else { return };
        let left = pipe.left();
        let mut asked = 0;
        self.input.finish_line(&pipe.read, None, &mut || {
            asked += 1;
            asked <= left
        });
        // A byte was read each time that it was asked, but for the last if
        // there was none.
        pipe.taken += asked.min(left);
    }

    fn ensure_open(&mut self, kernel: &mut Kernel) -> Result<(), Errno> {
        if self.open {
            return Ok(());
        }
        let now = kernel.clock.tai();
        let Kernel { services, disk, .. } = &mut *kernel;
        let dir = &mut services.entry(self.service).or_default().logs;
        let mut current = dir.open(disk)?;
        if current.size > 0 && !current.safe {
            let moment = next_moment(now, self.newest);
            let latest = dir.latest;
            dir.rename(disk, safe(moment))?;
            self.newest = moment;
            current = dir.open(disk)?;
            kernel.saw("current recovered after a crash", true);
            kernel.check(latest < Some(moment), Invariant::Archives, || {
                format!("{moment:?} after {latest:?}")
            });
        }
        self.rotate_at =
            (self.config.age > 0).then(|| kernel.clock.mono() + self.config.age * SECOND);
        self.open = true;
        self.feed.opened(current.size);
        Ok(())
    }

    /// Closes `current` and opens it again.
    fn reopen(&mut self, kernel: &mut Kernel) {
        self.close_current(kernel);
        let _ = self.ensure_open(kernel);
    }

    fn close_current(&mut self, kernel: &mut Kernel) {
        let synced = kernel.disk.touch().is_ok();
        let dir = &mut kernel.service(self.service).logs;
        if let (true, true, Some(current)) = (self.open, synced, &mut dir.current) {
            current.safe = true;
        }
        self.open = false;
    }

    fn advance(&mut self, kernel: &mut Kernel) {
        let now = kernel.clock.mono();
        if let Some(outage) = &self.outage {
            if now < outage.retry_at {
                if outage.dropping {
                    self.discard(kernel);
                }
                return;
            }
        }
        match self.try_advance(kernel, true) {
            Ok(()) => self.outage = None,
            Err(error) => self.failed(kernel, error),
        }
    }

    /// What writes, what it is given, and where it writes to.
    fn parts<'a>(
        &'a mut self,
        kernel: &'a mut Kernel,
    ) -> (&'a mut Feed, &'a mut Input, Writer<'a>) {
        let writer = Writer {
            kernel,
            service: self.service,
            pipe: self.pipe,
            ledger: &mut self.ledger,
            config: &self.config,
            newest: &mut self.newest,
            open: &mut self.open,
            ended: self.ending.is_some(),
            rotation_failed: false,
        };
        (&mut self.feed, &mut self.input, writer)
    }

    fn try_advance(&mut self, kernel: &mut Kernel, whole: bool) -> Result<(), Errno> {
        self.ensure_open(kernel)?;
        let now = kernel.clock.mono();
        let (feed, input, mut writer) = self.parts(kernel);
        let batch = if whole { input.batch() } else { &[] };
        let rules = writer.config.rules();
        let result = feed.advance(batch, LENGTH, &rules, &mut writer);
        self.rotate_again = writer.rotation_failed.then_some(now + RETRY);
        result
    }

    fn failed(&mut self, kernel: &mut Kernel, error: Errno) {
        let now = kernel.clock.mono();
        kernel.saw("a log that cannot be written", true);
        kernel.note(|| format!("svlogd {:?} of {} pauses: {error:?}", self.pid, self.service));
        let since = self.outage.as_ref().map_or(now, |outage| outage.since);
        let dropping = (now - since) / SECOND >= self.config.drop_after;
        self.outage = Some(Outage { since, retry_at: now + RETRY, dropping });
        if dropping {
            kernel.saw("lines dropped", true);
            self.discard(kernel);
        }
    }

    fn discard(&mut self, kernel: &mut Kernel) {
        let end = self.batch_at + self.input.batch().len();
        let pipe = kernel.pipes.get(&self.pipe);
        let batch = pipe.map(|pipe| pipe.between(self.ledger.position(), end)).unwrap_or_default();
        let ended = self.ending.is_some();
        if let Err(what) = self.ledger.give_up(batch, &self.config.rules(), ended) {
            kernel.check(false, Invariant::Lines, || what);
        }
        let (feed, input, mut writer) = self.parts(kernel);
        let rules = writer.config.rules();
        feed.discard(input.batch(), LENGTH, &rules, &mut writer);
        let (pid, lost) = (self.pid, self.feed.lost());
        kernel.note(|| format!("svlogd {pid:?} gives up: {lost:?} in all"));
    }

    /// The end: what is not written by now is given up, and counted.
    fn close(&mut self, kernel: &mut Kernel) {
        if !self.is_done() {
            self.discard(kernel);
        }
        let gave_up = self.feed.lost().lines > 0;
        kernel.saw("lines given up at the end", gave_up);
        let _ = self.try_advance(kernel, false);
        let lost = self.feed.lost().lines;
        let pipe = kernel.pipes.get(&self.pipe);
        let input = pipe.map(|pipe| pipe.read_from(self.ledger.position())).unwrap_or_default();
        if let Err(what) = self.ledger.close(lost, input, &self.config.rules()) {
            kernel.check(false, Invariant::Lines, || what);
        }
        self.close_current(kernel);
        let code = if gave_up { 111 } else { 0 };
        kernel.exit(self.pid, Exit::Code(code));
    }

    /// Whether it has no reason not to be done with what it has read.
    pub fn check_rest(&self, kernel: &mut Kernel) {
        let done = self.is_done() || self.outage.is_some();
        kernel.check(done, Invariant::Due, || "svlogd rests with lines to write".into());
    }
}

/// A configuration from its text, which has no faults.
fn read(text: &str) -> Option<Config> {
    let mut config = Config::default();
    let mut fine = true;
    let length = text.len();
    config.follow_all(Text::of(text.as_bytes()).ok()?, length, &mut |_, _| fine = false);
    fine.then_some(config)
}
