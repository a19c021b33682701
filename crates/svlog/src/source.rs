//! A service's log as one sequence of lines, which does not end where `current`
//! is put away and begun anew.

use alloc::vec::Vec;

use runit_rt::Errno;
use rustix::fd::OwnedFd;
use rustix::fs::{Stat, fstat};

use crate::archive::{CURRENT, Stem, compression};
use crate::file::{archives, is_same, open, open_archive, read_at, stat};
use crate::lines::Lines;
use crate::merge::Head;
use crate::message::Message;
use crate::place::{Candidate, join};
use crate::stamp::{self, Stamp};
use crate::tail;

/// How often a directory is looked at that changes while it is looked at.
const ATTEMPTS: usize = 100;

/// How much of two files is compared to tell whether one is a copy.
const START: usize = 256;

/// The file that is being read.
struct Open {
    file: OwnedFd,
    stat: Stat,
    offset: u64,
    /// Where reading ends; `None`: where the file does.
    limit: Option<u64>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing more will be written to it.
    Whole,
    /// It is `current`, as far as is known.
    Written,
    /// It was `current`. The next time that its end is reached is the last.
    PutAway,
    /// Everything has been read.
    Ended,
}

/// A service's log.
pub struct Source<'a> {
    /// The service, as it was named.
    pub name: &'a [u8],
    /// The directory.
    pub path: Vec<u8>,
    leaps: bool,
    follow: bool,
    /// The archives that have been seen.
    known: Vec<Stem>,
    /// Those that are to be read, the next one last.
    queue: Vec<Stem>,
    /// Those that are there now, and a moment ago.
    stems: [Vec<Stem>; 2],
    /// What follows them.
    current: Option<(OwnedFd, Stat)>,
    /// Where in the first file to begin.
    begin: u64,
    open: Option<Open>,
    lines: Lines,
    /// The time of the last line that had one.
    since: Option<Stamp>,
    /// Whether anything could not be read.
    pub failed: bool,
}

impl<'a> Source<'a> {
    /// The log of the service `name` in a directory.
    #[inline(never)]
    pub fn new(name: &'a [u8], place: Candidate, follow: bool) -> Self {
        Self {
            name,
            path: place.path,
            leaps: place.leaps,
            follow,
            known: Vec::new(),
            queue: Vec::new(),
            stems: [Vec::new(), Vec::new()],
            current: None,
            begin: 0,
            open: None,
            lines: Lines::default(),
            since: None,
            failed: false,
        }
    }

    /// Says that a file cannot be read; while following, where the same trouble
    /// is met at every look, once.
    #[inline(never)]
    fn unreadable(&mut self, file: &[u8], error: Errno) {
        if core::mem::replace(&mut self.failed, true) && self.follow {
            return;
        }
        Message::Unreadable(self.name, join(&self.path, file), error).tell();
    }

    /// Goes to where the last `wanted` lines begin; gives how many there are.
    #[inline(never)]
    pub fn start(&mut self, wanted: u64) -> u64 {
        if !self.look() {
            return 0;
        }
        let mut left = wanted;
        if let Some((file, stat)) = &self.current {
            match last_lines(file, stat, left) {
                Ok((begin, count)) => {
                    self.begin = begin;
                    left -= count;
                }
                Err(error) => self.unreadable(CURRENT, error),
            }
        }
        let mut compressed = None;
        core::mem::swap(&mut self.known, &mut self.stems[0]);
        for index in (0..self.known.len()).rev() {
            let Some(&stem) = self.known.get(index).filter(|_| left > 0) else { break };
            let found = open_archive(&self.path, &stem).and_then(|(file, stat)| {
                let how = compression(&Start::of(&file).0);
                let lines = if how.is_some() { (0, 0) } else { last_lines(&file, &stat, left)? };
                Ok((how, lines))
            });
            match found {
                Ok((Some(how), _)) => {
                    let (count, ..) = compressed.unwrap_or((0, how, stem));
                    compressed = Some((count + 1, how, stem));
                }
                Ok((None, (begin, count))) => {
                    self.begin = begin;
                    left -= count;
                    self.queue.push(stem);
                }
                // Deleted since.
                Err(Errno::NOENT) => {}
                Err(error) => self.unreadable(&stem, error),
            }
        }
        if let Some((count, how, stem)) = compressed {
            Message::Compressed(self.name, count, how, join(&self.path, &stem)).tell();
        }
        wanted - left
    }

    /// Looks at the directory until it is seen as it was at one moment, and
    /// leaves the archives in the first of `stems`, the file that is being
    /// written in `current`. If that cannot be, says why, and gives false.
    #[inline(never)]
    fn look(&mut self) -> bool {
        let mut before: Option<Option<(OwnedFd, Stat)>> = None;
        for _ in 0..ATTEMPTS {
            let current = match open(&self.path, CURRENT) {
                Ok(current) => Some(current),
                Err(Errno::NOENT) => None,
                Err(error) => {
                    self.unreadable(CURRENT, error);
                    return false;
                }
            };
            self.stems.swap(0, 1);
            match archives(&self.path, &mut self.stems[0]) {
                Ok(()) => {}
                // One may look for `current` where one may not look around.
                Err(Errno::ACCESS) if current.is_some() => {}
                Err(error) => {
                    self.unreadable(b"", error);
                    return false;
                }
            }
            // Archives are renamed while a directory is read, and then may be
            // missed: it must look the same twice.
            let same = match (&before, &current) {
                (Some(Some((_, one))), Some((_, other))) => is_same(one, other),
                (Some(None), None) => true,
                _ => false,
            };
            if same && self.stems[0] == self.stems[1] {
                self.current = current;
                return true;
            }
            before = Some(current);
        }
        self.current = before.flatten();
        true
    }

    /// What the next line says of its time, and the time of the one before it.
    /// Reads on where necessary.
    #[inline(never)]
    pub fn head(&mut self) -> (Head, Option<Stamp>) {
        let head = if self.advance() {
            let (leaps, ended) = (self.leaps, self.ended());
            match self.lines.peek(ended).and_then(|line| stamp::split(line, leaps)) {
                Some((stamp, _)) => Head::At(stamp),
                None => Head::Unstamped,
            }
        } else {
            Head::None
        };
        (head, self.since)
    }

    /// Takes the line that [`Source::head`] is about, and gives `take` its
    /// stamp with the length of that, and the line.
    #[inline(never)]
    pub fn take(&mut self, take: impl FnOnce(Option<(Stamp, usize)>, &[u8])) {
        let (leaps, ended) = (self.leaps, self.ended());
        if let Some(line) = self.lines.peek(ended) {
            let stamp = stamp::split(line, leaps);
            self.since = stamp.map_or(self.since, |(stamp, _)| Some(stamp));
            take(stamp, line);
        }
        self.lines.skip(ended);
    }

    fn ended(&self) -> bool {
        self.open.as_ref().is_none_or(|open| open.state == State::Ended)
    }

    /// Reads until there is a line; false where there is none (for now).
    #[inline(never)]
    fn advance(&mut self) -> bool {
        loop {
            if self.lines.ready(self.ended()) {
                return true;
            }
            let Some(open) = self.open.as_mut().filter(|open| open.state != State::Ended) else {
                if self.next_file() {
                    continue;
                }
                return false;
            };
            let mut room = self.lines.room();
            if let Some(limit) = open.limit {
                let left = usize::try_from(limit - open.offset).unwrap_or(usize::MAX);
                let length = room.len().min(left);
                room = room.get_mut(..length).unwrap_or_default();
            }
            let read = read_at(&open.file, open.offset, room);
            if let Ok(length @ 1..) = read {
                open.offset += length as u64;
                self.lines.filled(length);
                continue;
            }
            // What cannot be read of `current` is for the next look.
            let written = open.state == State::Written;
            if !written {
                open.state = State::Ended;
            }
            if let Err(error) = read {
                self.unreadable(b"", error);
            }
            if written && !self.end_of_current() {
                return false;
            }
        }
    }

    /// What the end of `current` means; false: nothing, for now.
    fn end_of_current(&mut self) -> bool {
        let Some(open) = &mut self.open else { return false };
        let Ok(old) = fstat(&open.file) else { return false };
        // Somebody has emptied it.
        if u64::try_from(old.st_size).is_ok_and(|size| size < open.offset) {
            open.offset = 0;
            self.lines.clear();
            return true;
        }
        // Until there is another one, it may still be written to.
        let put_away = stat(&self.path, CURRENT).is_ok_and(|now| !is_same(&now, &old));
        // What was written before it was put away may not have been read.
        if put_away {
            open.state = State::PutAway;
        }
        put_away
    }

    /// Goes on to the next file; false where there is none (for now).
    #[inline(never)]
    fn next_file(&mut self) -> bool {
        let begin = core::mem::take(&mut self.begin);
        while let Some(stem) = self.queue.pop() {
            match open_archive(&self.path, &stem) {
                Ok((file, stat)) => {
                    self.read_on(file, stat, begin, State::Whole, None);
                    return true;
                }
                Err(Errno::NOENT) => {
                    Message::Gone(self.name, join(&self.path, &stem)).tell();
                }
                Err(error) => self.unreadable(&stem, error),
            }
        }
        if let Some((file, stat)) = self.current.take() {
            let state = if self.follow { State::Written } else { State::Whole };
            let size = u64::try_from(stat.st_size).unwrap_or(0);
            let limit = if self.follow { None } else { Some(size.max(begin)) };
            self.read_on(file, stat, begin, state, limit);
            return true;
        }
        self.follow && self.turn()
    }

    #[inline(never)]
    fn read_on(
        &mut self,
        file: OwnedFd,
        stat: Stat,
        offset: u64,
        state: State,
        limit: Option<u64>,
    ) {
        self.lines.clear();
        self.open = Some(Open { file, stat, offset, limit, state });
    }

    /// After `current` was put away and read to its end: finds out what has
    /// come after it; false: nothing yet.
    #[inline(never)]
    fn turn(&mut self) -> bool {
        if !self.look() || self.current.is_none() {
            return false;
        }
        let [stems, _] = &mut self.stems;
        for &stem in stems.iter().rev().filter(|stem| !self.known.contains(stem)) {
            self.queue.push(stem);
        }
        if let Err(error) = self.leave_own() {
            self.queue.clear();
            self.current = None;
            self.unreadable(b"", error);
            return false;
        }
        core::mem::swap(&mut self.known, &mut self.stems[0]);
        true
    }

    /// Takes out of the queue the file that was `current`, and those before it: that archive is
    /// the same file, or what a processor has made of it.
    fn leave_own(&mut self) -> Result<(), Errno> {
        let Some(open) = &self.open else { return Ok(()) };
        let start = Start::of(&open.file);
        let mut left = self.queue.len();
        for (index, stem) in self.queue.iter().enumerate() {
            let (file, stat) = match open_archive(&self.path, stem) {
                // What we may never read, or what is no file, is none of ours.
                Err(Errno::NOENT | Errno::ACCESS | Errno::INVAL) => continue,
                found => found?,
            };
            if is_same(&stat, &open.stat) {
                left = index;
                break;
            }
            let other = Start::of(&file);
            if other.0 == start.0 || compression(&other.0).is_some() {
                // The oldest is the last.
                left = index;
            }
        }
        self.queue.truncate(left);
        self.open = None;
        Ok(())
    }
}

/// Where the last lines of a file begin, and how many there are.
#[inline(never)]
fn last_lines(file: &OwnedFd, stat: &Stat, wanted: u64) -> Result<(u64, u64), Errno> {
    // Nobody has so many lines: all are wanted, and need not be counted.
    if wanted == u64::MAX {
        return Ok((0, 0));
    }
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    tail::begin(size, wanted, |offset, room| read_at(file, offset, room))
}

/// The first bytes of a file, and zeros where it has less.
struct Start([u8; START]);

impl Start {
    #[inline(never)]
    fn of(file: &OwnedFd) -> Self {
        let mut start = Self([0; START]);
        // What cannot be read is as nothing; reading on will tell.
        let _ = read_at(file, 0, &mut start.0);
        start
    }
}
