//! The loop: standard input and signals in, batches and processors out.

use core::ffi::CStr;

use alloc::boxed::Box;

use runit_core::exit::Exit;
use runit_rt::signal::{Inherited, SignalFd};
use runit_rt::strings::CStrList;
use runit_rt::{clock, stdio};
use rustix::io::Errno;
use rustix::process::{WaitOptions, wait};

use crate::clean::Cleaner;
use crate::input::Input;
use crate::log::{Alerts, Common, Log};
use crate::moment::Moment;
use crate::options::Options;
use crate::processor::{self, Surroundings};
use crate::ready::{self, ALRM, AWAITED, HUP, Ready, TERM};
use crate::report::{self, Fault, Level, Once, What};
use crate::stamp::{Stamp, Stamper};

/// How many milliseconds after TERM a directory may stay unwritable.
const PATIENCE: u64 = 3000;

/// How often a processor may fail once svlogd is about to end.
const LAST_TRIES: u32 = 3;

/// A batch that took less than so many nanoseconds, with the wait for it, is
/// one of a stream: it costs less to let more lines gather.
const RUSH: u32 = 20_000;

/// How many nanoseconds lines of a stream are left to gather.
const DOZE: i64 = 100_000;

/// For how many nanoseconds memory is kept for the next burst of lines.
const LULL: i64 = 20_000_000;

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

/// A directory of the command line, and the ones behind it.
struct Place<'a> {
    path: &'a CStr,
    /// `None` where it could not be opened.
    log: Option<Log<'a>>,
    next: Option<Box<Place<'a>>>,
}

/// See the module.
pub struct Shell<'a> {
    input: Input,
    common: Common,
    places: Option<Box<Place<'a>>>,
    stamper: Stamper,
    ending: Option<Ending>,
    lost: bool,
    signals: SignalFd,
    surroundings: Surroundings<'a>,
    input_trouble: Once,
    input_retry_at: Moment,
    /// The nanosecond of its second at which it last was about to wait.
    waited_at: u32,
    cleaner: Option<&'a Cleaner>,
}

/// How many nanoseconds of a second are over.
fn nanoseconds() -> u32 {
    clock::monotonic().subsec_nanos()
}

/// All the logs that are open.
struct Logs<'p, 'a>(Option<&'p mut Box<Place<'a>>>);

impl<'p, 'a> Iterator for Logs<'p, 'a> {
    type Item = &'p mut Log<'a>;

    #[inline(never)]
    fn next(&mut self) -> Option<Self::Item> {
        while let Some(place) = self.0.take() {
            self.0 = place.next.as_mut();
            if let Some(log) = &mut place.log {
                return Some(log);
            }
        }
        None
    }
}

impl<'a> Shell<'a> {
    /// Opens everything. The signals of [`ready::BLOCKED`] must be blocked, and
    /// `inherited` be the state before.
    pub fn new(
        options: &'a Options<'a>,
        env: CStrList<'a>,
        inherited: &'a Inherited,
    ) -> Result<Self, Fault> {
        let system = |error| What::Start.because(error);
        let mut places = None;
        let mut last = &mut places;
        for path in options.dirs {
            last = &mut last.insert(Box::new(Place { path, log: None, next: None })).next;
        }
        let mut shell = Self {
            input: Input::new(options.buffer).map_err(system)?,
            common: Common {
                form: options.stamp,
                length: options.length,
                verbose: options.verbose,
                alerts: Alerts::new(options.length).map_err(system)?,
            },
            places,
            stamper: Stamper::new(options.stamp),
            ending: None,
            lost: false,
            signals: SignalFd::new(AWAITED).map_err(system)?,
            surroundings: Surroundings { env, signals: inherited },
            input_trouble: Once::default(),
            input_retry_at: Moment::NEVER,
            waited_at: 0,
            cleaner: options.cleaner.as_ref(),
        };
        shell.open_directories();
        Ok(shell)
    }

    fn logs(&mut self) -> Logs<'_, 'a> {
        Logs(self.places.as_mut())
    }

    /// Opens what is not open, one after the other; what is, is opened again.
    fn open_directories(&mut self) {
        let (batch, inside) = (self.input.batch(), self.input.is_inside());
        let mut next = self.places.as_mut();
        while let Some(place) = next {
            if let Some(log) = &mut place.log {
                if log.dir.is_there() {
                    log.reopen(&self.common);
                    next = place.next.as_mut();
                    continue;
                }
            }
            // Another directory by that name, or none.
            let mut new = Log::open(place.path, &self.common, batch.len(), inside);
            if let Some(mut old) = place.log.take() {
                match &mut new {
                    Ok(new) => new.take_over(&mut old),
                    // Its last lines go where the ones before went.
                    Err(_) => old.advance(batch, &mut self.common),
                }
                self.lost |= old.close(batch, &mut self.common);
            }
            match new {
                Ok(new) => place.log = Some(new),
                Err(fault) => report::fault(Level::Warning, fault, place.path, b""),
            }
            next = place.next.as_mut();
        }
        // `current` is opened, or said to be impossible to open, at once.
        self.advance();
    }

    /// Runs until the end; gives the exit code.
    pub fn run(&mut self) -> u8 {
        loop {
            if self.logs().next().is_none() {
                report::say(Level::Fatal, "no functional log directories.", &[]);
                return 111;
            }
            let mut done = self.advance();
            self.common.alerts.send();
            let busy = self.start_processors();
            if done {
                self.end_batch();
            }
            if let Some(Ending::Term(patience)) = self.ending {
                done |= Moment::now() >= patience;
            }
            if done && !busy && self.ending.is_some() {
                break;
            }
            self.wait(done);
        }
        let batch = self.input.batch();
        for log in Logs(self.places.as_mut()) {
            self.lost |= log.close(batch, &mut self.common);
        }
        if self.lost { 111 } else { 0 }
    }

    /// Hands the batch to each directory; whether it is done with.
    fn advance(&mut self) -> bool {
        let batch = self.input.batch();
        let mut done = true;
        for log in Logs(self.places.as_mut()) {
            log.advance(batch, &mut self.common);
            done &= log.is_done(batch);
        }
        done
    }

    fn end_batch(&mut self) {
        self.input.consume();
        for log in Logs(self.places.as_mut()) {
            self.stamper.go_behind(log.feed.end());
        }
    }

    /// Starts what processors have to do; whether anything is left for them.
    /// With the end near nothing new is started after TERM, and what fails
    /// again and again waits for the next start of svlogd.
    fn start_processors(&mut self) -> bool {
        let (around, ending) = (self.surroundings, self.ending);
        let mut busy = false;
        for log in self.logs() {
            let running = log.dir.processor.is_running();
            let failures = log.dir.processor.failures();
            if ending.is_some() && failures >= LAST_TRIES && !running {
                log.dir.processor.give_up(log.dir.path());
            }
            busy |= if matches!(ending, Some(Ending::Term(_))) && failures == 0 {
                running
            } else {
                processor::start(&mut log.dir, log.config.processor(), around)
            };
        }
        busy
    }

    /// Waits for something to happen, and takes note of it. (A function of its own
    /// in the file, too: that is 200 bytes less.)
    #[inline(never)]
    fn wait(&mut self, done: bool) {
        let retry = self.input_retry_at;
        let reading =
            done && self.ending.is_none() && (retry == Moment::NEVER || retry <= Moment::now());
        let mut ready = Ready::default();
        if reading {
            let mut now = nanoseconds();
            if now.wrapping_sub(self.waited_at) < RUSH && self.input.left_room() {
                // A signal ends it, and input is looked at all the same: signals that never end
                // keep no line from the log.
                ready::wait_briefly(&self.signals, false, DOZE);
                now = nanoseconds();
            }
            self.waited_at = now;
        }
        // Before a wait, what is there of a long line is written, and memory given
        // back after a lull; not if more input is there.
        let flush = reading && self.input.could_release(self.common.length);
        if flush || reading && self.input.is_swollen() {
            ready = ready::wait_briefly(&self.signals, reading, if flush { 0 } else { LULL });
            if !ready.input && !ready.signal {
                if flush {
                    self.input.release();
                    self.begin_batch();
                    return;
                }
                self.input.shrink(stdio::stdin());
                self.logs().for_each(|log| log.feed.shrink());
            }
        }
        if !ready.input && !ready.signal {
            let deadline = self.deadline();
            ready = ready::wait_until(&self.signals, reading, deadline);
            if deadline != Moment::NEVER {
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
        match self.input.read(stdio::stdin(), self.cleaner) {
            Ok(None) => {}
            Ok(Some(count)) => {
                self.input_trouble.clear();
                if count == 0 {
                    self.ending = Some(Ending::Input);
                    self.input.finish();
                }
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
        if !matches!(self.common.form, Stamp::None) {
            self.stamper.set(clock::realtime());
        }
        for log in Logs(self.places.as_mut()) {
            log.feed.begin(&self.stamper);
        }
    }

    fn take_signal(&mut self, signal: u32) {
        match signal {
            TERM => {
                self.info("sigterm received.");
                self.terminate();
            }
            HUP => {
                self.info("sighangup received.");
                if self.ending.is_none() {
                    self.open_directories();
                }
            }
            ALRM => {
                self.info("sigalarm received.");
                self.logs().for_each(|log| log.feed.rotate_soon());
            }
            _ => self.reap(),
        }
    }

    fn info(&self, text: &'static str) {
        if self.common.verbose {
            report::say(Level::Info, text, &[]);
        }
    }

    fn terminate(&mut self) {
        if matches!(self.ending, Some(Ending::Term(_))) {
            return;
        }
        if self.ending.is_none() {
            // Takes what is there of the line that has begun; what follows it
            // is for whoever reads next.
            let batch = self.input.batch();
            let fresh = Logs(self.places.as_mut()).all(|log| log.is_done(batch));
            if fresh {
                self.end_batch();
            }
            self.input.finish_line(stdio::stdin(), self.cleaner, &mut ready::input_is_there);
            self.input.finish();
            if fresh {
                self.begin_batch();
            }
        }
        self.ending = Some(Ending::Term(Moment::now().after(PATIENCE)));
    }

    fn reap(&mut self) {
        loop {
            let (pid, status) = match wait(WaitOptions::NOHANG) {
                Ok(Some(ended)) => ended,
                Err(Errno::INTR) => continue,
                Ok(None) | Err(_) => return,
            };
            let Some(exit) = Exit::from_wait(status) else { continue };
            for log in self.logs() {
                if processor::reaped(&mut log.dir, pid, exit) {
                    log.dir.delete_old();
                }
            }
        }
    }
}
