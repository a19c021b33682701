//! A log directory with its feed: what happens while it cannot be written.

use core::ffi::CStr;

use alloc::rc::Rc;
use alloc::vec::Vec;

use crate::feed::Feed;
use crate::stamp::Stamp;
use crate::target::{Record, Target};
use runit_rt::strings::decimal;
use runit_rt::{errtext, stdio};
use rustix::io::Errno;

use crate::logdir::LogDir;
use crate::moment::Moment;
use crate::processor::Processor;
use crate::ready;
use crate::report::{self, Fault, Level, What};

/// After how many milliseconds a directory that cannot be written is tried
/// again.
const RETRY: u64 = 500;

/// Lines for standard error are put together up to what a pipe takes whole.
const ALERTS: usize = 4096;

/// See the module.
pub struct Log<'a> {
    /// The directory.
    pub dir: LogDir<'a>,
    feed: Feed,
    outage: Option<Outage>,
    /// When rotation, which has failed, is tried again.
    rotate_again: Moment,
}

/// Since when a directory cannot be written, and what was said of it.
struct Outage {
    since: Moment,
    retry_at: Moment,
    fault: Fault,
    dropping: bool,
}

/// What all directories share.
pub struct Common {
    /// LEN of the contract.
    pub length: usize,
    /// What is to go to standard error.
    pub alerts: Alerts,
}

/// For how many milliseconds standard error may take nothing before copies of
/// lines are dropped.
const ALERT_PATIENCE: u64 = 500;

/// Lines on their way to standard error.
pub struct Alerts {
    text: Vec<u8>,
    /// Standard error took nothing for a while; it is not waited for again.
    stuck: bool,
}

impl Alerts {
    /// None yet.
    pub fn new() -> Self {
        Self { text: Vec::new(), stuck: false }
    }

    fn push(&mut self, record: &Record<'_>) {
        let parts = [record.stamp, record.prefix, record.text, record.dots, b"\n"];
        let size: usize = parts.iter().map(|part| part.len()).sum();
        if self.text.len() + size > ALERTS {
            self.send();
        }
        for part in parts {
            self.text.extend_from_slice(part);
        }
    }

    /// Writes them. They are copies: standard error that takes nothing makes
    /// nobody wait for long.
    pub fn send(&mut self) {
        let mut rest = &self.text[..];
        while !rest.is_empty() {
            self.stuck = !ready::error_takes(if self.stuck { 0 } else { ALERT_PATIENCE });
            if self.stuck {
                break;
            }
            // Which a pipe that takes anything takes without a wait.
            let part = rest.get(..ALERTS).unwrap_or(rest);
            match rustix::io::write(stdio::stderr(), part) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        self.text.clear();
    }
}

/// The directory as the feed sees it.
struct Disk<'d, 'a> {
    dir: &'d mut LogDir<'a>,
    alerts: &'d mut Alerts,
    rotation_failed: bool,
}

impl Target for Disk<'_, '_> {
    fn write(&mut self, head: &[u8], tail: &[u8]) -> Result<usize, Errno> {
        self.dir.write(head, tail)
    }

    fn rotate(&mut self) -> bool {
        let done = self.dir.rotate();
        self.rotation_failed = !done;
        done
    }

    fn alert(&mut self, record: &Record<'_>) {
        self.alerts.push(record);
    }

    fn send(&mut self, record: &Record<'_>) -> bool {
        self.dir.sender.as_mut().is_none_or(|sender| sender.send(record))
    }
}

impl<'a> Log<'a> {
    /// Opens the directory at `path`, warning where that fails. Of the current
    /// batch, of `batch` bytes and ending `inside` a line, it sees nothing.
    pub fn open(
        path: &'a CStr,
        form: Stamp,
        verbose: bool,
        batch: usize,
        inside: bool,
    ) -> Option<Self> {
        let opened = LogDir::open(path, verbose).and_then(|dir| {
            let feed = Feed::new(form).map_err(|error| What::OpenDirectory.because(error))?;
            Ok(Self { dir, feed, outage: None, rotate_again: Moment::NEVER })
        });
        let mut log =
            opened.map_err(|fault| report::fault(Level::Warning, fault, path, b"")).ok()?;
        log.feed.skip(batch, inside);
        Some(log)
    }

    /// The feed.
    pub fn feed(&mut self) -> &mut Feed {
        &mut self.feed
    }

    /// Whether all of the batch is done with.
    pub fn is_done(&self, batch: &[u8]) -> bool {
        self.feed.is_done(batch.len())
    }

    /// Takes the batch as far as it goes now.
    pub fn advance(&mut self, batch: &[u8], common: &mut Common) {
        if let Some(outage) = &self.outage {
            if Moment::now() < outage.retry_at {
                if outage.dropping {
                    self.discard(batch, common);
                }
                return;
            }
        }
        match self.try_advance(batch, common) {
            Ok(()) => self.recovered(),
            Err(fault) => self.failed(fault, batch, common),
        }
    }

    fn try_advance(&mut self, batch: &[u8], common: &mut Common) -> Result<(), Fault> {
        if let Some(size) = self.dir.ensure_open()? {
            self.feed.opened(size);
        }
        let config = Rc::clone(&self.dir.config);
        let mut disk =
            Disk { dir: &mut self.dir, alerts: &mut common.alerts, rotation_failed: false };
        let result = self.feed.advance(batch, common.length, &config.rules, &mut disk);
        self.rotate_again =
            if disk.rotation_failed { Moment::now().after(RETRY) } else { Moment::NEVER };
        result.map_err(|error| What::WriteCurrent.because(error))
    }

    #[cold]
    fn failed(&mut self, fault: Fault, batch: &[u8], common: &mut Common) {
        let now = Moment::now();
        let path = self.dir.path();
        let (since, said, was_dropping) = match &self.outage {
            Some(before) => (before.since, before.fault == fault, before.dropping),
            None => (now, false, false),
        };
        if !said {
            report::fault(Level::Pausing, fault, path, b"");
        }
        let dropping =
            self.dir.config.drop_after.is_some_and(|after| now.since(since) / 1000 >= after);
        if dropping && !was_dropping {
            let what = b"dropping lines until it can be written: ";
            report::say(Level::Warning, &[what, path.to_bytes()]);
        }
        self.outage = Some(Outage { since, retry_at: now.after(RETRY), fault, dropping });
        if dropping {
            self.discard(batch, common);
        }
    }

    #[inline]
    fn recovered(&mut self) {
        if let Some(outage) = self.outage.take() {
            let seconds = Moment::now().since(outage.since) / 1000;
            let path = self.dir.path().to_bytes();
            let mut digits = [0; 20];
            let seconds = decimal(seconds, &mut digits);
            report::say(Level::Warning, &[b"resuming: ", path, b": after ", seconds, b" seconds"]);
        }
    }

    fn discard(&mut self, batch: &[u8], common: &mut Common) {
        let config = Rc::clone(&self.dir.config);
        let mut disk =
            Disk { dir: &mut self.dir, alerts: &mut common.alerts, rotation_failed: false };
        self.feed.discard(batch, common.length, &config.rules, &mut disk);
    }

    /// Closes the directory. What of the batch is not written by now is given
    /// up; whether anything was.
    pub fn close(&mut self, batch: &[u8], common: &mut Common) -> bool {
        if !self.is_done(batch) {
            self.discard(batch, common);
        }
        let lost = self.feed.lost();
        if lost.lines > 0 {
            let path = self.dir.path().to_bytes();
            let reason = self.outage.as_ref().map_or(Errno::IO, |outage| outage.fault.error);
            let reason = errtext::text(reason).as_bytes();
            let (mut lines, mut bytes) = ([0; 20], [0; 20]);
            let lines = decimal(lost.lines, &mut lines);
            let bytes = decimal(lost.bytes, &mut bytes);
            let (middle, end): (&[u8], &[u8]) = (b" lines (", b" bytes): ");
            report::say(
                Level::Warning,
                &[b"lost ", lines, middle, bytes, end, path, b": ", reason],
            );
            // The log says so too, if it can now.
            let _ = self.try_advance(&[], common);
        }
        self.dir.close();
        lost.lines > 0
    }

    /// Opens `current` again and reads the configuration (HUP).
    pub fn reopen(&mut self) {
        self.dir.close();
        self.dir.read_config();
        // What cannot be done now is tried again with the next batch.
        if let Ok(Some(size)) = self.dir.ensure_open() {
            self.feed.opened(size);
        }
    }

    /// Goes on where `old` stands, which then has nothing left to write.
    pub fn take_over(&mut self, old: &mut Self) {
        core::mem::swap(&mut self.feed, &mut old.feed);
        // A file of its own, begun within a line or not.
        self.feed.opened(0);
    }

    /// What works on its old files.
    pub fn into_processor(self) -> Processor<'a> {
        self.dir.processor
    }

    /// Asks for rotation where it is due by age, or was and failed.
    pub fn look_at_the_clock(&mut self, now: Moment) {
        let aged = self.dir.rotate_at <= now;
        if aged {
            self.dir.rotate_at = now.after(self.dir.config.age.saturating_mul(1000));
        }
        if aged || self.rotate_again <= now {
            self.feed.rotate_soon();
        }
    }

    /// When something is to be done although nothing happens.
    pub fn deadline(&self) -> Moment {
        let outage = self.outage.as_ref().map_or(Moment::NEVER, |outage| outage.retry_at);
        outage.min(self.rotate_again).min(self.dir.rotate_at).min(self.dir.processor.retry_at())
    }
}
