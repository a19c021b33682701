//! utmp, an entry of which is marked in its place, and wtmp, which grows by one.

use core::time::Duration;

use rustix::fd::OwnedFd;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::retry_on_intr;

use crate::error::Error;
use crate::record::{Layout, Line, Record};
use runit_rt::Errno;

/// Who is logged in. Settable when building, as `RUNIT_UTMP`.
pub const UTMP: &str = match option_env!("RUNIT_UTMP") {
    Some(path) => path,
    None => "/var/run/utmp",
};

/// Who was logged in when. Settable when building, as `RUNIT_WTMP`.
pub const WTMP: &str = match option_env!("RUNIT_WTMP") {
    Some(path) => path,
    None => "/var/log/wtmp",
};

/// The mode of a wtmp that is made.
const PRIVATE: u32 = 0o600;

/// Marks the first entry with somebody logged in on `line` as ended at `now`.
pub fn mark<'a>(line: &Line<'a>, now: Duration) -> Result<(), Error<'a>> {
    let file = open(UTMP, OFlags::RDWR, "lock: ")?;
    let failed = |error| Error::Utmp(line.name(), error);
    let mut record = Record::new(Layout::NATIVE);
    let mut at = 0;
    while read(&file, record.bytes_mut(), at).map_err(failed)? {
        if record.is_login_on(line) {
            record.log_out(now);
            return write_at(&file, record.bytes(), at).map_err(failed);
        }
        at += record.bytes().len() as u64;
    }
    Err(Error::NoEntry(line.name()))
}

/// Appends to wtmp that `line` was left at `now`.
pub fn append<'a>(line: &Line<'a>, now: Duration) -> Result<(), Error<'a>> {
    let file = open(WTMP, OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE, "lock ")?;
    let failed = |error| Error::Wtmp(line.name(), error);
    let size = rustix::fs::fstat(&file).map_err(failed)?.st_size;
    let mut record = Record::new(Layout::NATIVE);
    record.set_line(line);
    record.log_out(now);
    let written = retry_on_intr(|| rustix::io::write(&file, record.bytes()));
    if written == Ok(record.bytes().len()) {
        return Ok(());
    }
    // A piece of an entry would shift all that follow.
    let whole = u64::try_from(size).unwrap_or(0);
    let _ = rustix::fs::ftruncate(&file, whole);
    Err(failed(written.err().unwrap_or(Errno::NOSPC)))
}

/// Opens and locks; `lock` is how a failure of the latter is said.
fn open(path: &'static str, flags: OFlags, lock: &'static str) -> Result<OwnedFd, Error<'static>> {
    let flags = flags | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = retry_on_intr(|| rustix::fs::open(path, flags, Mode::from_raw_mode(PRIVATE)))
        .map_err(|error| Error::Unable("open ", path, error))?;
    retry_on_intr(|| rustix::fs::flock(&file, FlockOperation::LockExclusive))
        .map_err(|error| Error::Unable(lock, path, error))?;
    Ok(file)
}

/// Reads an entry at `at`; false at the end of the file, or of what is whole of it.
fn read(file: &OwnedFd, into: &mut [u8], at: u64) -> Result<bool, Errno> {
    let size = into.len();
    Ok(retry_on_intr(|| rustix::io::pread(file, &mut *into, at))? == size)
}

fn write_at(file: &OwnedFd, record: &[u8], at: u64) -> Result<(), Errno> {
    let mut rest = record;
    let mut at = at;
    while !rest.is_empty() {
        let written = retry_on_intr(|| rustix::io::pwrite(file, rest, at))?;
        rest = rest.get(written..).unwrap_or_default();
        at += written as u64;
    }
    Ok(())
}
