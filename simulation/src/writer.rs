//! What a log directory is to `svlogd`'s feed: writes that fail or fall short,
//! rotation, deletion of old files; and the account of each byte.

use runit_core::tai::Tai64n;
use rustix::io::Errno;
use svlogd::archive::next_moment;
use svlogd::config::Config;
use svlogd::rotate::is_excess;
use svlogd::target::{Record, Target};

use crate::invariant::Invariant;
use crate::kernel::Kernel;
use crate::ledger::Ledger;
use crate::logdir::safe;
use crate::pipe::PipeId;
use crate::process::ServiceId;
use crate::sabotage::Sabotage;

/// The directory as the feed sees it.
pub struct Writer<'a> {
    /// The world.
    pub kernel: &'a mut Kernel,
    /// Which directory.
    pub service: ServiceId,
    /// Where the lines come from.
    pub pipe: PipeId,
    /// The account.
    pub ledger: &'a mut Ledger,
    /// What the directory wants.
    pub config: &'a Config,
    /// The latest old file.
    pub newest: &'a mut Tai64n,
    /// Whether `current` is open.
    pub open: &'a mut bool,
    /// Whether no more is read.
    pub ended: bool,
    /// Whether rotation has failed.
    pub rotation_failed: bool,
}

impl Target for Writer<'_> {
    fn write(&mut self, head: &[u8], tail: &[u8]) -> Result<usize, Errno> {
        if !*self.open {
            return Err(Errno::BADF);
        }
        let mut bytes = [head, tail].concat();
        if self.kernel.rng.chance(self.kernel.habits.short_write) {
            bytes.truncate(1 + self.kernel.rng.index(bytes.len()));
        }
        let taken = loop {
            let Kernel { services, disk, .. } = &mut *self.kernel;
            let dir = &mut services.entry(self.service).or_default().logs;
            match dir.append(disk, bytes.len()) {
                Err(Errno::NOSPC) if self.make_room() => {}
                other => break other?,
            }
        };
        bytes.truncate(taken);
        let service = self.service;
        self.kernel
            .note(|| format!("svlogd of {service} writes {taken} of {}", head.len() + tail.len()));
        if self.kernel.sabotages(Sabotage::LostLine) {
            return Ok(taken);
        }
        self.account(&bytes);
        if self.kernel.sabotages(Sabotage::DoubledLine) {
            self.account(&bytes);
        }
        Ok(taken)
    }

    fn rotate(&mut self) -> bool {
        let now = self.kernel.clock.tai();
        let by_clock = self.kernel.sabotages(Sabotage::NameByClock);
        let moment = if by_clock { now } else { next_moment(now, *self.newest) };
        let Kernel { services, disk, .. } = &mut *self.kernel;
        let dir = &mut services.entry(self.service).or_default().logs;
        let (latest, taken) = (dir.latest, dir.old.contains_key(&safe(moment)));
        if dir.rename(disk, safe(moment)).is_err() {
            self.rotation_failed = true;
            return false;
        }
        *self.newest = moment;
        self.kernel.check(latest < Some(moment) && !taken, Invariant::Archives, || {
            format!("{moment:?} after {latest:?}")
        });
        self.kernel.saw("a rotation", true);
        self.delete_old();
        *self.open = self.kernel.disk.touch().is_ok();
        if *self.open {
            let Kernel { services, disk, .. } = &mut *self.kernel;
            let _ = services.entry(self.service).or_default().logs.open(disk);
        }
        true
    }

    fn alert(&mut self, _: &Record<'_>) {}

    fn send(&mut self, _: &Record<'_>) -> bool {
        true
    }
}

impl Writer<'_> {
    fn account(&mut self, bytes: &[u8]) {
        let pipe = self.kernel.pipes.get(&self.pipe);
        let input = pipe.map(|pipe| pipe.read_from(self.ledger.position())).unwrap_or_default();
        let judged = self.ledger.write(bytes, input, &self.config.rules(), self.ended);
        if let Err(what) = judged {
            self.kernel.check(false, Invariant::Lines, || what);
        }
    }

    /// On a full disk, deletes the oldest file if that is allowed.
    fn make_room(&mut self) -> bool {
        let Kernel { services, disk, .. } = &mut *self.kernel;
        let dir = &mut services.entry(self.service).or_default().logs;
        let some = is_excess(dir.old.len() as u64, self.config.keep.when_full);
        if some {
            dir.delete_oldest(disk);
        }
        self.kernel.saw("a full disk makes room", some);
        some
    }

    fn delete_old(&mut self) {
        if self.kernel.sabotages(Sabotage::KeepAll) {
            return self.check_keep();
        }
        let Kernel { services, disk, .. } = &mut *self.kernel;
        let dir = &mut services.entry(self.service).or_default().logs;
        while is_excess(dir.old.len() as u64, self.config.keep.number) {
            dir.delete_oldest(disk);
        }
        self.check_keep();
    }

    fn check_keep(&mut self) {
        let keep = self.config.keep.number;
        let count = self.kernel.service(self.service).logs.old.len() as u64;
        self.kernel.check(keep == 0 || count <= keep, Invariant::Keep, || {
            format!("{count} old files where {keep} are kept")
        });
    }
}
