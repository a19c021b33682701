//! Finding a service's log directory, and the time zone.

use alloc::vec::Vec;

use runit_rt::Errno;
use runit_rt::strings::CStrList;

use crate::archive::CURRENT;
use crate::file::{archives, canonical, is_directory, read, stat};
use crate::message::Message;
use crate::place::{Candidate, base, candidates, directory, join};
use crate::rule::Rule;
use crate::zone::Zone;

/// How much of a `log/run` is read.
const SCRIPT: usize = 64 * 1024;

/// The largest zone file.
const ZONE: usize = 1024 * 1024;

/// The directory in which a service named so, looked up in `services`, logs.
#[inline(never)]
pub fn log_of<'a>(name: &'a [u8], services: &[u8]) -> Result<Candidate, Message<'a>> {
    let service = directory(name, services);
    match is_directory(&service) {
        Ok(true) if !name.is_empty() => {}
        Ok(_) => return Err(Message::NoService(name, service, Errno::NOENT)),
        Err(error) => return Err(Message::NoService(name, service, error)),
    }
    // What has been named may be the log itself.
    if has_log(&service) == Ok(true) {
        return Ok(Candidate { path: service, leaps: false });
    }
    let mut log = join(&service, b"log");
    let mut owner = service.as_slice();
    if is_directory(&log) == Ok(false) {
        if let Some(service) = service.strip_suffix(b"/log") {
            log = join(service, b"log");
            owner = service;
        }
    }
    let owner_at = canonical(owner);
    let mut names = Vec::new();
    names.extend(base(owner));
    names.extend(owner_at.as_deref().and_then(base));
    // The logger sees no symlinks in its current directory.
    let log = canonical(&log).unwrap_or(log);
    let run = read(&log, b"run", SCRIPT).unwrap_or_default();
    let mut denied = None;
    for candidate in candidates(&log, &run, &names) {
        match has_log(&candidate.path) {
            Ok(true) => return Ok(candidate),
            Ok(false) => {}
            Err(error) => denied = denied.or(Some((candidate.path, error))),
        }
    }
    Err(match denied {
        Some((path, error)) => Message::Unreadable(name, path, error),
        None => Message::NoLog(name),
    })
}

/// Whether there is a log in a directory.
#[inline(never)]
fn has_log(path: &[u8]) -> Result<bool, Errno> {
    match stat(path, CURRENT) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT | Errno::NOTDIR) => {
            let mut found = Vec::new();
            Ok(archives(path, &mut found).is_ok() && !found.is_empty())
        }
        Err(error) => Err(error),
    }
}

/// The time zone that the environment asks for (POSIX, `TZ`), or else the
/// system's, or else UTC.
#[inline(never)]
pub fn zone(env: CStrList<'_>) -> Zone {
    let Some(wanted) = env.value_of(b"TZ") else {
        return zone_file(b"/etc", b"localtime").unwrap_or(Rule::UTC.into());
    };
    let wanted = wanted.to_bytes();
    let name = wanted.strip_prefix(b":").unwrap_or(wanted);
    if name.is_empty() {
        return Rule::UTC.into();
    }
    let file = zone_file(b"/usr/share/zoneinfo", name);
    file.or_else(|| Rule::parse(name).map(Zone::from)).unwrap_or(Rule::UTC.into())
}

#[inline(never)]
fn zone_file(directory: &[u8], name: &[u8]) -> Option<Zone> {
    Zone::parse(&read(directory, name, ZONE).ok()?)
}
