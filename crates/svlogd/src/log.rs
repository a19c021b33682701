//! A log directory with its feed: what happens while it cannot be written.

use core::ffi::CStr;

use runit_rt::strings::decimal;
use runit_rt::{errtext, stdio};
use rustix::io::Errno;

use crate::config::Config;
use crate::feed::Feed;
use crate::logdir::LogDir;
use crate::moment::Moment;
use crate::out::Out;
use crate::ready;
use crate::report::{self, Fault, Level, What};
use crate::stamp::Stamp;
use crate::target::{Record, Target};
use crate::udp::Sender;

/// After how many milliseconds a directory that cannot be written is tried
/// again.
const RETRY: u64 = 500;

/// Lines for standard error are put together up to what a pipe takes whole.
const ALERTS: usize = 4096;

/// For how many milliseconds standard error may take nothing before copies of
/// lines are dropped.
const ALERT_PATIENCE: u64 = 500;

/// See the module.
pub struct Log<'a> {
    /// The directory.
    pub dir: LogDir<'a>,
    /// Its configuration.
    pub config: Config,
    /// Its way through the lines.
    pub feed: Feed,
    sender: Option<Sender>,
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
    /// What stands before lines.
    pub form: Stamp,
    /// LEN of the contract.
    pub length: usize,
    /// Say what is done.
    pub verbose: bool,
    /// What is to go to standard error.
    pub alerts: Alerts,
}

/// Lines on their way to standard error.
pub struct Alerts {
    text: Out,
    /// Standard error took nothing for a while; it is not waited for again.
    stuck: bool,
}

impl Alerts {
    /// None yet, and room for one with so many bytes of a line.
    pub fn new(length: usize) -> Result<Self, Errno> {
        const HEAD: usize = 2 * ALERTS;
        Ok(Self { text: Out::new(length.saturating_add(HEAD))?, stuck: false })
    }

    fn push(&mut self, record: &Record<'_>) {
        if self.text.end() + record.size() > ALERTS {
            self.send();
        }
        record.put_into(&mut self.text);
    }

    /// Writes them. They are copies: standard error that takes nothing makes
    /// nobody wait for long.
    pub fn send(&mut self) {
        while !self.text.is_empty() {
            self.stuck = !ready::error_takes(if self.stuck { 0 } else { ALERT_PATIENCE });
            if self.stuck {
                return self.text.take(usize::MAX);
            }
            // Which a pipe that takes anything takes without a wait.
            let waiting = self.text.waiting();
            let part = waiting.get(..ALERTS).unwrap_or(waiting);
            let written = match rustix::io::write(stdio::stderr(), part) {
                Ok(count) => count,
                Err(Errno::INTR) => 0,
                Err(_) => usize::MAX,
            };
            self.text.take(written);
        }
    }
}

/// The directory as the feed sees it.
struct Disk<'d, 'a> {
    dir: &'d mut LogDir<'a>,
    sender: &'d mut Option<Sender>,
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
        self.sender.as_mut().is_some_and(|sender| sender.send(record))
    }
}

impl<'a> Log<'a> {
    /// Opens the directory at `path`. Of the current batch, of `batch` bytes
    /// and ending `inside` a line, it sees nothing.
    pub fn open(
        path: &'a CStr,
        common: &Common,
        batch: usize,
        inside: bool,
    ) -> Result<Self, Fault> {
        let dir = LogDir::open(path, common.verbose)?;
        let feed = Feed::new(common.form).map_err(|error| What::OpenDirectory.because(error))?;
        let mut log = Self {
            dir,
            config: Config::default(),
            feed,
            sender: None,
            outage: None,
            rotate_again: Moment::NEVER,
        };
        log.feed.skip(batch, inside);
        log.read_config(common.length);
        Ok(log)
    }

    /// Reads the configuration; what cannot be read changes nothing.
    fn read_config(&mut self, length: usize) {
        self.dir.read_config(&mut self.config);
        // Without room for a packet lines are said to be unsendable.
        self.sender = self.config.remote.and_then(|to| Sender::new(to, length).ok());
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
            Ok(()) if self.outage.is_none() => {}
            Ok(()) => self.recovered(),
            Err(fault) => self.failed(fault, batch, common),
        }
    }

    fn try_advance(&mut self, batch: &[u8], common: &mut Common) -> Result<(), Fault> {
        if let Some(size) = self.dir.ensure_open()? {
            self.feed.opened(size);
        }
        let mut disk = Disk {
            dir: &mut self.dir,
            sender: &mut self.sender,
            alerts: &mut common.alerts,
            rotation_failed: false,
        };
        let result = self.feed.advance(batch, common.length, &self.config.rules(), &mut disk);
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
        let dropping = now.since(since) / 1000 >= self.config.drop_after;
        if dropping && !was_dropping {
            report::about("dropping lines until it can be written: %", path);
        }
        self.outage = Some(Outage { since, retry_at: now.after(RETRY), fault, dropping });
        if dropping {
            self.discard(batch, common);
        }
    }

    #[cold]
    fn recovered(&mut self) {
        if let Some(outage) = self.outage.take() {
            let seconds = Moment::now().since(outage.since) / 1000;
            let path = self.dir.path().to_bytes();
            let mut digits = [0; 20];
            let seconds = decimal(seconds, &mut digits);
            report::say(Level::Warning, "resuming: %: after % seconds", &[path, seconds]);
        }
    }

    #[cold]
    fn discard(&mut self, batch: &[u8], common: &mut Common) {
        let mut disk = Disk {
            dir: &mut self.dir,
            sender: &mut self.sender,
            alerts: &mut common.alerts,
            rotation_failed: false,
        };
        self.feed.discard(batch, common.length, &self.config.rules(), &mut disk);
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
            let reason = errtext::local(reason).as_bytes();
            let (mut lines, mut bytes) = ([0; 20], [0; 20]);
            let lines = decimal(lost.lines, &mut lines);
            let bytes = decimal(lost.bytes, &mut bytes);
            let said = "lost % lines (% bytes): %: %";
            report::say(Level::Warning, said, &[lines, bytes, path, reason]);
        }
        // The log says so too, if it can now; and ends with a newline.
        let _ = self.try_advance(&[], common);
        self.dir.close();
        lost.lines > 0
    }

    /// Opens `current` again and reads the configuration (HUP).
    pub fn reopen(&mut self, common: &Common) {
        self.dir.close();
        self.read_config(common.length);
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

    /// Asks for rotation where it is due by age, or was and failed.
    pub fn look_at_the_clock(&mut self, now: Moment) {
        let aged = self.dir.rotate_at <= now;
        if aged {
            self.dir.rotate_at = now.after(self.dir.age.saturating_mul(1000));
        }
        if aged || self.rotate_again <= now {
            // Once: if it fails again it will say when.
            self.rotate_again = Moment::NEVER;
            self.feed.rotate_soon();
        }
    }

    /// When something is to be done although nothing happens.
    pub fn deadline(&self) -> Moment {
        let outage = self.outage.as_ref().map_or(Moment::NEVER, |outage| outage.retry_at);
        outage.min(self.rotate_again).min(self.dir.rotate_at).min(self.dir.processor.retry_at())
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;
    use std::format;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    /// While a directory cannot be opened, nothing is rotated; a time for
    /// another attempt that is left from before must not be waited for.
    #[test]
    fn rotation_that_failed_is_due_again_once() {
        let dir = std::env::temp_dir().join(format!("svlogd-log-{}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        let path = CString::new(dir.as_os_str().as_bytes()).unwrap();
        let alerts = Alerts::new(10).unwrap();
        let common = Common { form: Stamp::None, length: 10, verbose: false, alerts };
        let mut log = Log::open(&path, &common, 0, false).unwrap();
        let now = Moment::now();
        log.rotate_again = now.after(5);
        assert_eq!(log.deadline(), now.after(5));
        log.look_at_the_clock(now);
        assert_eq!(log.deadline(), now.after(5));
        log.look_at_the_clock(now.after(5));
        assert_eq!(log.deadline(), Moment::NEVER);
        drop(log);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
