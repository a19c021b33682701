//! The loop: standard input and signals in, batches and processors out.

use core::ffi::CStr;

use alloc::vec::Vec;

use crate::stamp::{Stamp, Stamper};
use runit_core::exit::Exit;
use runit_rt::signal::{Inherited, SignalFd};
use runit_rt::strings::CStrList;
use runit_rt::{clock, stdio};
use rustix::io::Errno;
use rustix::process::{WaitOptions, wait};

use crate::input::Input;
use crate::log::{Alerts, Common, Log};
use crate::logdir::identity;
use crate::moment::Moment;
use crate::options::Options;
use crate::processor::{Processor, Surroundings};
use crate::ready::{self, ALRM, AWAITED, HUP, Ready, TERM};
use crate::report::{self, Fault, Level, Once, What};

/// How many milliseconds after TERM a directory may stay unwritable.
const PATIENCE: u64 = 3000;

/// How often a processor may fail once svlogd is about to end.
const LAST_TRIES: u32 = 3;

/// After how many milliseconds standard input that fails is tried again.
const RETRY: u64 = 1000;

/// Why no more is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// The input ended: all that waits is finished.
    Input,
    /// TERM, and when to give up what cannot be written.
    Term(Moment),
}

/// See the module.
pub struct Shell<'a> {
    options: Options<'a>,
    surroundings: Surroundings<'a>,
    signals: SignalFd,
    common: Common,
    input: Input,
    stamper: Stamper,
    /// By position on the command line; `None` where it could not be opened.
    logs: Vec<(&'a CStr, Option<Log<'a>>)>,
    /// Processors, and their commands, of directories no longer written.
    retired: Vec<Processor<'a>>,
    ending: Option<Ending>,
    input_trouble: Once,
    input_retry_at: Moment,
    lost: bool,
}

impl<'a> Shell<'a> {
    /// Opens everything. The signals of [`ready::BLOCKED`] must be blocked, and
    /// `inherited` be the state before.
    pub fn new(
        options: Options<'a>,
        env: CStrList<'a>,
        inherited: &'a Inherited,
    ) -> Result<Self, Fault> {
        let system = |error| What::Start.because(error);
        let input = Input::new(options.buffer).map_err(system)?;
        let mut shell = Self {
            surroundings: Surroundings { env, signals: inherited },
            signals: SignalFd::new(AWAITED).map_err(system)?,
            common: Common { length: options.length, alerts: Alerts::new() },
            input,
            stamper: Stamper::new(options.stamp),
            logs: options.dirs.map(|path| (path, None)).collect(),
            retired: Vec::new(),
            ending: None,
            input_trouble: Once::default(),
            input_retry_at: Moment::NEVER,
            lost: false,
            options,
        };
        shell.open_directories();
        Ok(shell)
    }

    fn logs(&mut self) -> impl Iterator<Item = &mut Log<'a>> {
        self.logs.iter_mut().filter_map(|(_, log)| log.as_mut())
    }

    /// Opens what is not open, one after the other; what is, is opened again.
    fn open_directories(&mut self) {
        let (form, verbose) = (self.options.stamp, self.options.verbose);
        let batch = self.input.batch();
        for (path, slot) in &mut self.logs {
            if let Some(log) = slot {
                if identity(path) == Some(log.dir.identity()) {
                    log.reopen();
                    continue;
                }
            }
            // Another directory by that name, or none.
            let new = Log::open(path, form, verbose, batch.len(), self.input.is_inside());
            let old = core::mem::replace(slot, new);
            if let Some(mut old) = old {
                match slot {
                    Some(new) => new.take_over(&mut old),
                    // Its last lines go where the ones before went.
                    None => old.advance(batch, &mut self.common),
                }
                self.lost |= old.close(batch, &mut self.common);
                self.retired.push(old.into_processor());
            }
        }
        // `current` is opened, or said to be impossible to open, at once.
        self.advance();
    }

    /// Runs until the end; gives the exit code.
    pub fn run(mut self) -> u8 {
        loop {
            if self.logs().next().is_none() {
                report::say(Level::Fatal, &[b"no functional log directories."]);
                return 111;
            }
            self.advance();
            self.common.alerts.send();
            let busy = self.start_processors();
            let done = self.is_done();
            if done {
                self.end_batch();
            }
            if !busy && self.is_finished(done) {
                break;
            }
            self.wait(done);
        }
        let batch = self.input.batch();
        for log in self.logs.iter_mut().filter_map(|(_, log)| log.as_mut()) {
            self.lost |= log.close(batch, &mut self.common);
        }
        if self.lost { 111 } else { 0 }
    }

    /// Hands the batch to each directory.
    fn advance(&mut self) {
        let batch = self.input.batch();
        for (_, log) in &mut self.logs {
            if let Some(log) = log {
                log.advance(batch, &mut self.common);
            }
        }
    }

    fn end_batch(&mut self) {
        self.input.consume();
        self.logs().for_each(|log| log.feed().end());
    }

    /// Whether the batch is done with.
    fn is_done(&self) -> bool {
        let batch = self.input.batch();
        self.logs.iter().flat_map(|(_, log)| log).all(|log| log.is_done(batch))
    }

    /// Whether all lines are written, or given up, and no more are to come.
    fn is_finished(&self, done: bool) -> bool {
        match self.ending {
            None => false,
            Some(Ending::Input) => done,
            Some(Ending::Term(patience)) => done || Moment::now() >= patience,
        }
    }

    /// Starts what processors have to do; whether anything is left for them.
    /// With the end near nothing new is started after TERM, and what fails
    /// again and again waits for the next start of svlogd.
    fn start_processors(&mut self) -> bool {
        let around = self.surroundings;
        let ending = self.ending;
        let mut busy = self.retired.iter().any(Processor::is_running);
        for log in self.logs() {
            let dir = &mut log.dir;
            let failures = dir.processor.failures();
            if ending.is_some() && failures >= LAST_TRIES && !dir.processor.is_running() {
                dir.processor.give_up();
            }
            busy |= if matches!(ending, Some(Ending::Term(_))) && failures == 0 {
                dir.processor.is_running()
            } else {
                dir.processor.start(&dir.config.processor, around)
            };
        }
        busy
    }

    /// Waits for something to happen, and takes note of it.
    fn wait(&mut self, done: bool) {
        let retry = self.input_retry_at;
        let reading =
            done && self.ending.is_none() && (retry == Moment::NEVER || retry <= Moment::now());
        let mut ready = Ready::default();
        // Before a wait, what is there of a long line is written and memory
        // given back; not if more input is there already.
        let flush = done && self.input.could_release(self.options.length);
        if reading && (flush || self.input.is_swollen()) {
            ready = ready::wait(&self.signals, reading, Some(0));
            if !ready.input && !ready.signal {
                if flush {
                    self.input.release();
                    self.begin_batch();
                    return;
                }
                self.input.shrink();
                self.logs().for_each(|log| log.feed().shrink());
            }
        }
        if !ready.input && !ready.signal {
            let deadline = self.deadline();
            if deadline == Moment::NEVER {
                ready = ready::wait(&self.signals, reading, None);
            } else {
                ready = ready::wait(&self.signals, reading, Some(deadline.since(Moment::now())));
                let now = Moment::now();
                self.logs().for_each(|log| log.look_at_the_clock(now));
            }
        }
        if ready.signal {
            while let Some((signal, _)) = self.signals.read() {
                self.take_signal(signal);
            }
        }
        if ready.input && self.ending.is_none() {
            self.read();
        }
    }

    fn deadline(&mut self) -> Moment {
        let patience = match self.ending {
            Some(Ending::Term(patience)) => patience,
            _ => Moment::NEVER,
        };
        let first = patience.min(self.input_retry_at);
        self.logs().fold(first, |first, log| first.min(log.deadline()))
    }

    fn read(&mut self) {
        self.input_retry_at = Moment::NEVER;
        match self.input.read(stdio::stdin(), self.options.cleaner.as_ref()) {
            Ok(None) => {}
            Ok(Some(0)) => {
                self.ending = Some(Ending::Input);
                self.input.finish();
                self.begin_batch();
            }
            Ok(Some(_)) => {
                self.input_trouble.clear();
                if !self.input.batch().is_empty() {
                    self.begin_batch();
                }
            }
            Err(error) => {
                let fault = What::ReadInput.because(error);
                if self.input_trouble.is_news(fault) {
                    report::general(Level::Pausing, fault);
                }
                self.input_retry_at = Moment::now().after(RETRY);
            }
        }
    }

    /// A new batch: read the clock, once.
    fn begin_batch(&mut self) {
        if self.options.stamp != Stamp::None {
            self.stamper.set(clock::realtime());
        }
        let stamper = self.stamper.clone();
        for log in self.logs() {
            log.feed().begin(&stamper);
        }
    }

    fn take_signal(&mut self, signal: u32) {
        match signal {
            TERM => {
                self.info(b"sigterm received.");
                self.terminate();
            }
            HUP => {
                self.info(b"sighangup received.");
                if self.ending.is_none() {
                    self.open_directories();
                }
            }
            ALRM => {
                self.info(b"sigalarm received.");
                for log in self.logs() {
                    log.feed().rotate_soon();
                }
            }
            _ => self.reap(),
        }
    }

    fn info(&self, text: &[u8]) {
        if self.options.verbose {
            report::say(Level::Info, &[text]);
        }
    }

    fn terminate(&mut self) {
        if !matches!(self.ending, Some(Ending::Term(_))) {
            if self.ending.is_none() {
                self.finish_line();
            }
            self.ending = Some(Ending::Term(Moment::now().after(PATIENCE)));
        }
    }

    /// Takes what is there of the line that has begun; what follows it is for
    /// whoever reads next.
    fn finish_line(&mut self) {
        let fresh = self.is_done();
        if fresh {
            self.end_batch();
        }
        self.input.finish_line(
            stdio::stdin(),
            self.options.cleaner.as_ref(),
            &mut ready::input_is_there,
        );
        self.input.finish();
        if fresh {
            self.begin_batch();
        }
    }

    fn reap(&mut self) {
        loop {
            let (pid, status) = match wait(WaitOptions::NOHANG) {
                Ok(Some(ended)) => ended,
                Err(Errno::INTR) => continue,
                Ok(None) | Err(_) => break,
            };
            let Some(exit) = Exit::from_wait(status) else { continue };
            for log in self.logs() {
                if log.dir.processor.reaped(pid, exit) {
                    log.dir.delete_old();
                }
            }
            self.retired.retain_mut(|processor| {
                processor.reaped(pid, exit);
                processor.is_running()
            });
        }
    }
}
