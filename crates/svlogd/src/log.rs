//! A log directory with its feed: what happens while it cannot be written.

use core::ffi::CStr;
use core::time::Duration;

use alloc::rc::Rc;
use alloc::vec::Vec;

use runit_core::diag::{Bytes, ErrText};
use runit_rt::{clock, stdio};
use rustix::io::Errno;

use crate::feed::{Feed, Record, Target};
use crate::logdir::LogDir;
use crate::report;
use crate::stamp::Stamp;

/// How often a directory that cannot be written is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// Lines for standard error are put together up to what a pipe takes whole.
const ALERTS: usize = 4096;

/// See the module.
pub struct Log<'a> {
    /// The directory.
    pub dir: LogDir<'a>,
    feed: Feed,
    outage: Option<Outage>,
    rotation: Rotation,
}

/// Since when a directory cannot be written, and what was said of it.
struct Outage {
    since: Duration,
    retry_at: Duration,
    what: &'static str,
    error: Errno,
    dropping: bool,
}

/// Whether rotation has failed, and when it is tried again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rotation {
    Fine,
    Failed(Duration),
}

/// What all directories share.
pub struct Common {
    /// LEN of the contract.
    pub length: usize,
    /// What is to go to standard error.
    pub alerts: Alerts,
}

/// Lines on their way to standard error.
pub struct Alerts(Vec<u8>);

impl Alerts {
    /// None yet.
    pub fn new() -> Self {
        Self(Vec::new())
    }

    fn push(&mut self, record: &Record<'_>) {
        let parts = [record.stamp, record.prefix, record.text, record.dots, b"\n"];
        let size: usize = parts.iter().map(|part| part.len()).sum();
        if self.0.len() + size > ALERTS {
            self.send();
        }
        for part in parts {
            self.0.extend_from_slice(part);
        }
    }

    /// Writes them. Standard error that takes nothing is no reason to wait.
    pub fn send(&mut self) {
        let mut rest = &self.0[..];
        while !rest.is_empty() {
            match rustix::io::write(stdio::stderr(), rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        self.0.clear();
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
        let dir = LogDir::open(path, verbose).map_err(|unusable| unusable.warn(path)).ok()?;
        let feed = Feed::new(form);
        let feed = feed.map_err(|error| report::warning(&ErrText(error))).ok()?;
        let mut log = Self { dir, feed, outage: None, rotation: Rotation::Fine };
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
            let now = clock::monotonic();
            if now < outage.retry_at {
                if outage.dropping {
                    self.discard(batch, common);
                }
                return;
            }
        }
        match self.try_advance(batch, common) {
            Ok(()) => self.recovered(),
            Err((what, error)) => self.failed(what, error, batch, common),
        }
    }

    fn try_advance(
        &mut self,
        batch: &[u8],
        common: &mut Common,
    ) -> Result<(), (&'static str, Errno)> {
        if let Some(size) = self.dir.ensure_open()? {
            self.feed.opened(size);
        }
        let config = Rc::clone(&self.dir.config);
        let mut disk =
            Disk { dir: &mut self.dir, alerts: &mut common.alerts, rotation_failed: false };
        let result = self.feed.advance(batch, common.length, &config, &mut disk);
        let failed = disk.rotation_failed;
        self.rotation =
            if failed { Rotation::Failed(clock::monotonic() + RETRY) } else { Rotation::Fine };
        result.map_err(|error| ("unable to write to current", error))
    }

    fn failed(&mut self, what: &'static str, error: Errno, batch: &[u8], common: &mut Common) {
        let now = clock::monotonic();
        let path = Bytes(self.dir.path().to_bytes());
        let before = self.outage.take();
        let since = before.as_ref().map_or(now, |before| before.since);
        if before.as_ref().is_none_or(|before| (before.what, before.error) != (what, error)) {
            report::pausing(&format_args!("{what}: {path}: {}", ErrText(error)));
        }
        let was_dropping = before.is_some_and(|before| before.dropping);
        let late = self.dir.config.drop_after.is_some_and(|after| now >= since + after);
        if late && !was_dropping {
            report::warning(&format_args!(
                "dropping lines until it can be written: {path}: {}",
                ErrText(error)
            ));
        }
        self.outage = Some(Outage { since, retry_at: now + RETRY, what, error, dropping: late });
        if late {
            self.discard(batch, common);
        }
    }

    fn recovered(&mut self) {
        if let Some(outage) = self.outage.take() {
            let seconds = clock::monotonic().saturating_sub(outage.since).as_secs();
            let path = Bytes(self.dir.path().to_bytes());
            report::warning(&format_args!("resuming: {path}: after {seconds} seconds"));
        }
    }

    fn discard(&mut self, batch: &[u8], common: &mut Common) {
        let config = Rc::clone(&self.dir.config);
        let mut disk =
            Disk { dir: &mut self.dir, alerts: &mut common.alerts, rotation_failed: false };
        self.feed.discard(batch, common.length, &config, &mut disk);
    }

    /// Gives up what cannot be written, and says how much it was; whether it
    /// was anything.
    pub fn give_up(&mut self, batch: &[u8], common: &mut Common) -> bool {
        self.discard(batch, common);
        let lost = self.feed.lost();
        if lost.lines > 0 {
            let path = Bytes(self.dir.path().to_bytes());
            let reason = self.outage.as_ref().map_or(Errno::IO, |outage| outage.error);
            report::warning(&format_args!(
                "lost {} lines ({} bytes): {path}: {}",
                lost.lines,
                lost.bytes,
                ErrText(reason)
            ));
        }
        lost.lines > 0
    }

    /// Closes the directory; whether lines were lost that the log knows
    /// nothing of.
    pub fn close(&mut self, common: &mut Common) -> bool {
        let told = self.feed.lost().lines == 0 || self.try_advance(&[], common).is_ok();
        let lost = !told && self.give_up(&[], common);
        self.dir.close();
        lost
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

    /// Takes over what waits in `old`, a feed of the same place.
    pub fn inherit(&mut self, old: Self) -> LogDir<'a> {
        self.feed = old.feed;
        // A file of its own, begun within a line or not.
        self.feed.opened(0);
        old.dir
    }

    /// The directory alone.
    pub fn into_dir(self) -> LogDir<'a> {
        self.dir
    }

    /// Asks for rotation where it is due by age, or was and failed.
    pub fn look_at_the_clock(&mut self, now: Duration) {
        let aged = self.dir.rotate_at.is_some_and(|at| at <= now);
        if aged {
            let again = |age| now + age;
            self.dir.rotate_at = self.dir.config.age.map(again);
        }
        if aged || matches!(self.rotation, Rotation::Failed(at) if at <= now) {
            self.feed.rotate_soon();
        }
    }

    /// When something is to be done although nothing happens.
    pub fn deadline(&self) -> Option<Duration> {
        let rotation = match self.rotation {
            Rotation::Fine => None,
            Rotation::Failed(at) => Some(at),
        };
        let outage = self.outage.as_ref().map(|outage| outage.retry_at);
        [self.dir.rotate_at, rotation, outage].into_iter().flatten().min()
    }
}
