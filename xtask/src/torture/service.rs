//! The program that the services are: it records its starts and ends, writes
//! numbered lines, and keeps count of those that it has written.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{FlockOperation, Mode, OFlags};

use super::plan::{Kind, Plan};
use super::record::{Record, line};
use super::rng::Rng;

/// The file in a service directory that says which service it is.
pub const IDENTITY: &str = "identity";

/// Code of a service that ends because something of its own is missing.
const UNFIT: u8 = 111;

/// Code of a service that finds another one alive.
const TAKEN: u8 = 1;

/// If this was started as a part of a torture, does that and gives the exit code.
pub fn started_as() -> Option<ExitCode> {
    let mut words = std::env::args();
    let name = words.next()?;
    let code = match &*name {
        "./run" => run(&Me::read()?),
        "./finish" => finish(&Me::read()?, words),
        _ if Path::new(&name).file_name()? == HOG => hog(),
        _ => return None,
    };
    Some(ExitCode::from(code.unwrap_or(UNFIT)))
}

/// The name by which this takes memory until it is killed for it.
pub const HOG: &str = "torture-hog";

/// Takes memory, up to 256 MiB.
fn hog() -> Option<u8> {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    for _ in 0..256 {
        taken.push(vec![1; 1 << 20]);
    }
    u8::try_from(taken.len() % 2).ok()
}

/// Which service this is.
struct Me {
    plan: Plan,
    id: u32,
}

impl Me {
    fn read() -> Option<Self> {
        let text = std::fs::read_to_string(IDENTITY).ok()?;
        let mut words = text.split_whitespace();
        let id = words.next()?.parse().ok()?;
        let seed = words.next()?.parse().ok()?;
        let clients = words.next()?.parse().ok()?;
        let base = words.next()?.into();
        Some(Self { plan: Plan { seed, services: 0, clients, base }, id })
    }

    fn record(&self, record: Record) -> Option<()> {
        let path = self.plan.file("ledger", self.id);
        let mut file = OpenOptions::new().append(true).create(true).open(path).ok()?;
        file.write_all(record.to_string().as_bytes()).ok()
    }

    /// How many lives it has recorded.
    fn lives(&self) -> u64 {
        let ledger = std::fs::read_to_string(self.plan.file("ledger", self.id));
        last_life(&ledger.unwrap_or_default())
    }
}

/// The number of the last life that the ledger has.
fn last_life(ledger: &str) -> u64 {
    let starts = ledger.lines().rev().filter_map(Record::parse);
    let mut lives = starts.filter_map(|record| match record {
        Record::Start { life, .. } => Some(life),
        _ => None,
    });
    lives.next().unwrap_or(0)
}

/// What the identity file holds.
pub fn identity(plan: &Plan, id: u32) -> String {
    format!("{id} {} {} {}\n", plan.seed, plan.clients, plan.base.display())
}

/// Nanoseconds of the system's clock.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn finish(me: &Me, mut words: impl Iterator<Item = String>) -> Option<u8> {
    let code = words.next()?.parse().ok()?;
    let status = words.next()?.parse().ok()?;
    me.record(Record::Finish { code, status, at: now() })?;
    Some(0)
}

/// Begins a life: the only one to have locked the lock file, it says there who it is. Its number is
/// counted in the ledger, so that one that is killed before it has recorded itself leaves no gap.
fn begin(me: &Me) -> Option<Result<(u64, rustix::fd::OwnedFd), u8>> {
    let path = me.plan.file("locks", me.id);
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
    let bytes = path.as_os_str().as_encoded_bytes();
    let lock = rustix::fs::open(bytes, flags, Mode::from_raw_mode(0o644)).ok()?;
    let locked = rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive);
    let pid = std::process::id();
    if locked.is_err() {
        // The other one may have only just begun: let it write who it is.
        std::thread::sleep(Duration::from_millis(50));
        let holder = number_in(&path, 1).and_then(|holder| u32::try_from(holder).ok());
        me.record(Record::Taken { pid, holder: holder.unwrap_or(0), at: now() })?;
        return Some(Err(TAKEN));
    }
    let life = me.lives() + 1;
    let file = OpenOptions::new().write(true).open(&path).ok()?;
    file.write_all_at(format!("{life:20} {pid:10}\n").as_bytes(), 0).ok()?;
    let supervisor = std::os::unix::process::parent_id();
    me.record(Record::Start { life, pid, supervisor, at: now() })?;
    Some(Ok((life, lock)))
}

fn number_in(path: &Path, index: usize) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    text.split_whitespace().nth(index)?.parse().ok()
}

fn run(me: &Me) -> Option<u8> {
    let kind = me.plan.kind(me.id);
    let term = Arc::new(AtomicBool::new(false));
    if matches!(kind, Kind::Polite | Kind::Witness | Kind::Deaf) {
        signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&term)).ok()?;
    }
    let (life, _lock) = match begin(me)? {
        Ok(begun) => begun,
        Err(code) => return Some(code),
    };
    let mut rng = Rng::new(me.plan.seed, u64::from(me.id) << 32 | life);
    let path = me.plan.file("progress", me.id);
    let mut options = OpenOptions::new();
    let progress = options.write(true).create(true).truncate(false).open(path).ok()?;
    let mut lines = Lines { me, life, written: 0, progress };
    let most = match kind {
        Kind::Quick => rng.below(4),
        Kind::Crashing => rng.below(60),
        _ => u64::MAX,
    };
    while lines.written < most {
        let burst = if rng.chance(3) { 60 } else { 1 };
        for _ in 0..burst.min(most - lines.written) {
            if !lines.write() {
                me.record(Record::Broken { life, at: now() })?;
                return Some(UNFIT);
            }
        }
        if kind != Kind::Deaf && term.load(Ordering::Relaxed) {
            lines.write();
            return leave(me, life, 0);
        }
        std::thread::sleep(Duration::from_millis(20 + rng.below(150)));
    }
    leave(me, life, if kind == Kind::Crashing { 3 } else { 0 })
}

fn leave(me: &Me, life: u64, code: u8) -> Option<u8> {
    me.record(Record::Exit { life, code: code.into(), at: now() })?;
    Some(code)
}

/// The lines of one life.
struct Lines<'a> {
    me: &'a Me,
    life: u64,
    written: u64,
    progress: File,
}

impl Lines<'_> {
    /// Writes the next one, then counts it; false if it could not be written.
    fn write(&mut self) -> bool {
        let line = line(self.me.id, self.life, self.written + 1);
        // One call: standard output is flushed up to a newline straight away.
        if std::io::stdout().write_all(&line).is_err() {
            return false;
        }
        self.written += 1;
        let place = self.life * 8;
        self.progress.write_all_at(&self.written.to_le_bytes(), place).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_life_is_that_of_the_last_start() {
        assert_eq!(last_life(""), 0);
        assert_eq!(last_life("start 1 10 5 7\nexit 1 0 8\nstart 2 11 5 9\nfinish -1 15 10\n"), 2);
    }
}
