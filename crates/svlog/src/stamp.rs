//! Time stamps of log lines: read as loggers write them, shown as people read
//! them.

use runit_core::tai::Tai64n;

use crate::calendar::{DAY, Date};
use crate::zone::Zone;

/// When the line was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Seconds from 1970-01-01 00:00 UTC.
    pub seconds: i64,
    /// And nanoseconds.
    pub nanoseconds: u32,
}

/// The first second of the year 10000: what is later is no time, but digits
/// that look like one.
const END: i64 = 253_402_300_800;

/// The size of a stamp of `svlogd -tt`: `2026-11-23_02:35:49.41982`.
const TEXT: usize = 25;

/// What the clocks of International Atomic Time were ahead of UTC, beyond the
/// ten seconds of 1970, from these times on (IERS Bulletin C).
const LEAP_SECONDS: [(i64, i64); 4] =
    [(1_230_768_000, 24), (1_341_100_800, 25), (1_435_708_800, 26), (1_483_228_800, 27)];

/// The stamp at the beginning of a line, and its length with the blank behind
/// it; `None` where there is none. `leaps`: labels count leap seconds, as those
/// of `s6-log` do and those of `svlogd` and `multilog` do not.
#[inline(never)]
pub fn split(line: &[u8], leaps: bool) -> Option<(Stamp, usize)> {
    let (stamp, length) =
        if line.first() == Some(&b'@') { (label(line, leaps)?, 25) } else { (text(line)?, TEXT) };
    match line.get(length) {
        None => Some((stamp, length)),
        Some(b' ') => Some((stamp, length + 1)),
        Some(_) => None,
    }
}

fn label(line: &[u8], leaps: bool) -> Option<Stamp> {
    let time = Tai64n::from_label(line)?.to_unix()?;
    let mut seconds = i64::try_from(time.as_secs()).ok().filter(|&seconds| seconds < END)?;
    if leaps {
        let counted = |&&(since, ahead): &&(i64, i64)| since + ahead <= seconds;
        seconds -= LEAP_SECONDS.iter().rev().find(counted).map_or(0, |&(_, ahead)| ahead);
    }
    Some(Stamp { seconds, nanoseconds: time.subsec_nanos() })
}

/// `2026-11-23_02:35:49.41982`, with `T` too; UTC.
fn text(line: &[u8]) -> Option<Stamp> {
    const FORM: &[u8; TEXT] = b"dddd-dd-dd_dd:dd:dd.ddddd";
    let mut numbers = [0_i64; 7];
    let mut at = 0;
    for (&byte, &form) in line.get(..TEXT)?.iter().zip(FORM) {
        match (form, byte) {
            (b'd', b'0'..=b'9') => {
                let number = numbers.get_mut(at)?;
                *number = *number * 10 + i64::from(byte - b'0');
            }
            (b'd', _) => return None,
            (b'_', b'_' | b'T') => at += 1,
            _ if form == byte => at += 1,
            _ => return None,
        }
    }
    let [year, month, day, hour, minute, second, part] = numbers;
    let date = Date { year, month, day };
    if !(1..=12).contains(&month) || Date::of(date.days()) != date {
        return None;
    }
    // A leap second is a 60th.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = date.days() * DAY + hour * 3600 + minute * 60 + second;
    Some(Stamp { seconds, nanoseconds: u32::try_from(part).ok()? * 10_000 })
}

/// Shows stamps as `2026-11-23 03:35:49.41982`.
pub struct Clock {
    zone: Zone,
    /// The second that `text` shows.
    shown: Option<i64>,
    text: [u8; TEXT],
}

impl Clock {
    /// One that shows the time of a zone.
    pub fn new(zone: Zone) -> Self {
        Self { zone, shown: None, text: *b"0000-00-00 00:00:00.00000" }
    }

    /// The text of a stamp.
    #[inline(never)]
    pub fn show(&mut self, stamp: Stamp) -> &[u8] {
        // Lines come many a second.
        if self.shown != Some(stamp.seconds) {
            self.shown = Some(stamp.seconds);
            let local = stamp.seconds + self.zone.offset(stamp.seconds);
            let date = Date::of(local.div_euclid(DAY));
            let time = local.rem_euclid(DAY);
            for (end, digits, number) in [
                (4, 4, date.year),
                (7, 2, date.month),
                (10, 2, date.day),
                (13, 2, time / 3600),
                (16, 2, time / 60 % 60),
                (19, 2, time % 60),
            ] {
                self.put(end, digits, number);
            }
        }
        self.put(TEXT, 5, i64::from(stamp.nanoseconds / 10_000));
        &self.text
    }

    /// Puts the last `digits` of a number before `end`.
    #[inline(never)]
    fn put(&mut self, end: usize, digits: usize, mut number: i64) {
        let places = self.text.iter_mut().take(end).rev().take(digits);
        for place in places {
            *place = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Rule;
    use std::string::String;

    const SECOND: i64 = 1_795_401_349;

    fn at(seconds: i64, nanoseconds: u32) -> Stamp {
        Stamp { seconds, nanoseconds }
    }

    #[test]
    fn stamps_of_every_kind() {
        let time = at(SECOND, 419_820_000);
        for (line, length) in [
            (&b"2026-11-23_02:35:49.41982 x"[..], 26),
            (b"2026-11-23T02:35:49.41982 x", 26),
            (b"2026-11-23_02:35:49.41982", 25),
            (b"@400000006b03a68f19060de0 x", 26),
            (b"@400000006b03a68f19060de0", 25),
        ] {
            let (stamp, read) = split(line, false).unwrap();
            assert_eq!(read, length);
            assert_eq!((stamp.seconds, stamp.nanoseconds / 10_000), (SECOND, 41_982), "{time:?}");
        }
    }

    #[test]
    fn labels_may_count_leap_seconds() {
        let second = |label: &[u8]| split(label, true).unwrap().0.seconds;
        // What s6-log and svlogd wrote at one time.
        assert_eq!(second(b"@400000006b03a6aa11a282a5 x"), SECOND);
        // The second after the last leap second, and the one before it.
        assert_eq!(second(b"@40000000586846a500000000"), 1_483_228_800);
        assert_eq!(second(b"@40000000586846a300000000"), 1_483_228_799);
    }

    #[test]
    fn what_is_no_stamp() {
        for line in [
            &b""[..],
            b"text",
            b"@400000006b03a68f19060de",
            b"@400000006b03a68f19060de0x",
            b"@3fffffff6b03a68f19060de0 x",
            b"@500000006b03a68f19060de0 x",
            b"2026-11-23 02:35:49.41982 x",
            b"2026-11-23_02:35:49.4198 x",
            b"2026-11-23_02:35:49.419821",
            b"2026-13-23_02:35:49.41982 x",
            b"2026-02-29_02:35:49.41982 x",
            b"2026-11-00_02:35:49.41982 x",
            b"2026-11-23_24:35:49.41982 x",
            b"2026-11-23_02:60:49.41982 x",
            b"2026-11-23_02:35:61.41982 x",
            b"2026-11-23_02:35:49,41982 x",
        ] {
            assert_eq!(split(line, false), None, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn shown_in_local_time() {
        let mut clock = Clock::new(Rule::parse(b"CET-1CEST,M3.5.0,M10.5.0/3").unwrap().into());
        for (stamp, text) in [
            (at(SECOND, 419_829_999), "2026-11-23 03:35:49.41982"),
            (at(SECOND, 999_999_999), "2026-11-23 03:35:49.99999"),
            (at(1_782_864_000, 0), "2026-07-01 02:00:00.00000"),
            (at(END - 1, 0), "0000-01-01 00:59:59.00000"),
            (at(-1, 0), "1970-01-01 00:59:59.00000"),
        ] {
            assert_eq!(core::str::from_utf8(clock.show(stamp)), Ok(text));
        }
        let mut clock = Clock::new(Rule::UTC.into());
        assert_eq!(clock.show(at(SECOND, 0)), b"2026-11-23 02:35:49.00000");
    }
}
