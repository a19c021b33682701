//! Time stamps before lines: `-t`, `-tt` and `-ttt` (CONTRACT section 6).
//!
//! The clock is read once for each batch of lines. Lines of one batch differ
//! by a nanosecond each in a TAI64N label, so that labels rise strictly; the
//! other forms, which show 10 µs, are the same for all of them.

use core::time::Duration;

use runit_core::tai::Tai64n;

/// The length of a stamp in bytes: every form has 25, and a blank.
pub const SIZE: usize = 26;

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// Seconds in a day.
const DAY: u64 = 86_400;

/// What stands before each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// Nothing.
    None,
    /// A TAI64N label and a blank.
    Tai,
    /// `YYYY-MM-DD_HH:MM:SS.xxxxx` and a blank, UTC; the byte is between date
    /// and time.
    Date(u8),
}

impl Stamp {
    /// What `-t` given `count` times means.
    pub fn from_count(count: usize) -> Self {
        match count {
            0 => Self::None,
            1 => Self::Tai,
            2 => Self::Date(b'_'),
            _ => Self::Date(b'T'),
        }
    }
}

/// The stamp of a line, and of the lines after it.
#[derive(Clone, Debug)]
pub struct Stamper {
    form: Stamp,
    /// Nanoseconds since 1970.
    time: u64,
    text: [u8; SIZE],
}

impl Stamper {
    /// Stamps of this form, for 1970 until [`set`](Self::set) says otherwise.
    pub fn new(form: Stamp) -> Self {
        let mut stamper = Self { form, time: 0, text: [b' '; SIZE] };
        stamper.write();
        stamper
    }

    /// Starts a batch read at `now`, since 1970. Where the clock has not
    /// advanced since the last stamp, or was behind it by no more than a
    /// batch can be ahead of the clock, the stamps just go on.
    pub fn set(&mut self, now: Duration) {
        const BATCH: u64 = 1_000_000;
        let now = now.as_secs().wrapping_mul(SECOND) + u64::from(now.subsec_nanos());
        // How far the stamps are ahead; very far, where they are behind.
        if self.time.wrapping_sub(now) > BATCH {
            self.time = now;
            self.write();
        }
    }

    /// The stamp, with its blank; empty where there is none.
    #[inline(never)]
    pub fn text(&self) -> &[u8] {
        if matches!(self.form, Stamp::None) { &[] } else { &self.text }
    }

    /// Goes on to the next line of the batch.
    #[inline]
    pub fn advance(&mut self) {
        self.time += 1;
        if matches!(self.form, Stamp::Tai) {
            self.count_up();
        }
    }

    /// Goes on where `other` stands, if that is later.
    pub fn go_behind(&mut self, other: &Self) {
        if other.time > self.time {
            *self = other.clone();
        }
    }

    /// Adds one to the hexadecimal digits of the nanoseconds.
    fn count_up(&mut self) {
        const NANOSECONDS: core::ops::Range<usize> = 17..25;
        if self.time % SECOND == 0 {
            return self.write();
        }
        for digit in self.text.get_mut(NANOSECONDS).unwrap_or_default().iter_mut().rev() {
            match *digit {
                b'f' => *digit = b'0',
                b'9' => return *digit = b'a',
                _ => return *digit += 1,
            }
        }
    }

    fn write(&mut self) {
        let nanoseconds = u32::try_from(self.time % SECOND).unwrap_or(0);
        match self.form {
            Stamp::None => {}
            Stamp::Tai => {
                let time = Duration::new(self.time / SECOND, nanoseconds);
                self.put(Tai64n::from_unix(time).label());
            }
            Stamp::Date(separator) => {
                self.put(date(self.time / SECOND, nanoseconds, separator));
            }
        }
    }

    /// Everything but the blank.
    fn put(&mut self, text: [u8; SIZE - 1]) {
        if let Some(room) = self.text.first_chunk_mut() {
            *room = text;
        }
    }
}

/// `YYYY-MM-DD_HH:MM:SS.xxxxx` of a second since 1970, UTC. Years are shown
/// modulo 10,000.
fn date(time: u64, nanoseconds: u32, separator: u8) -> [u8; 25] {
    let whole = |number| u32::try_from(number).unwrap_or(0);
    let (year, month, day) = civil(whole(time / DAY));
    let second = whole(time % DAY);
    let mut text = *b"0000-00-00_00:00:00.00000";
    if let Some(between) = text.get_mut(10) {
        *between = separator;
    }
    let mut fields =
        [year, month, day, second / 3600, second / 60 % 60, second % 60, nanoseconds / 10_000];
    // From the last digit of the last field on; what is no digit parts fields.
    let mut field = fields.len() - 1;
    for place in text.iter_mut().rev() {
        match (*place, fields.get_mut(field)) {
            (b'0', Some(value)) => {
                *place += (*value % 10).to_le_bytes()[0];
                *value /= 10;
            }
            _ => field = field.wrapping_sub(1),
        }
    }
    text
}

/// Year, month and day of a day since 1970 in the Gregorian calendar.
///
/// Years are counted from March, so that a leap day is the last day of its
/// year, and in eras of 400 years, which are all of the same length.
fn civil(day: u32) -> (u32, u32, u32) {
    const DAYS_OF_ERA: u32 = 146_097;
    /// From 1 March of the year 0 to 1970.
    const EPOCH: u32 = 719_468;
    let day = day + EPOCH;
    let in_era = day % DAYS_OF_ERA;
    let year_of_era = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // From March on, 153 days are five months.
    let month = (5 * in_year + 2) / 153;
    let day_of_month = in_year - (153 * month + 2) / 5 + 1;
    let year = day / DAYS_OF_ERA * 400 + year_of_era;
    if month < 10 { (year, month + 3, day_of_month) } else { (year + 1, month - 9, day_of_month) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    fn text(form: Stamp, time: Duration) -> String {
        let mut stamper = Stamper::new(form);
        stamper.set(time);
        String::from_utf8(stamper.text().to_vec()).unwrap()
    }

    #[test]
    fn every_form_is_as_the_reference_writes_it() {
        let time = Duration::new(1_761_000_000, 123_459_789);
        assert_eq!(text(Stamp::None, time), "");
        assert_eq!(text(Stamp::from_count(1), time), "@4000000068f6ba4a075bd8cd ");
        assert_eq!(text(Stamp::from_count(2), time), "2025-10-20_22:40:00.12345 ");
        assert_eq!(text(Stamp::from_count(3), time), "2025-10-20T22:40:00.12345 ");
        assert_eq!(Stamp::from_count(9), Stamp::Date(b'T'));
    }

    #[test]
    fn every_day_of_eight_centuries_follows_the_one_before() {
        let length = |year: u32, month| match month {
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let mut expected = (1970, 1, 1);
        for day in 0..300_000 {
            assert_eq!(civil(day), expected);
            let (year, month, day) = expected;
            expected = if day < length(year, month) {
                (year, month, day + 1)
            } else if month < 12 {
                (year, month + 1, 1)
            } else {
                (year + 1, 1, 1)
            };
        }
    }

    #[test]
    fn lines_of_a_batch_count_nanoseconds_across_a_second() {
        let start = Duration::new(5, 999_999_000);
        let mut stamper = Stamper::new(Stamp::Tai);
        stamper.set(start);
        for line in 0..3000 {
            let expected = Tai64n::from_unix(start + Duration::from_nanos(line)).label();
            assert_eq!(&stamper.text()[..25], expected);
            stamper.advance();
        }
    }

    #[test]
    fn what_goes_behind_others_never_repeats_them() {
        let now = Duration::from_secs(100);
        let mut first = Stamper::new(Stamp::Tai);
        first.set(now);
        let mut copy = first.clone();
        copy.advance();
        first.go_behind(&copy);
        first.set(now);
        assert_eq!(&first.text()[..25], Tai64n::from_unix(now + Duration::from_nanos(1)).label());
        first.go_behind(&Stamper::new(Stamp::Tai));
        assert_eq!(first.text(), copy.text());
    }

    #[test]
    fn labels_rise_although_the_clock_stands_still_and_follow_it_when_it_jumps() {
        let mut stamper = Stamper::new(Stamp::Tai);
        let mut seen = Vec::new();
        for _ in 0..3 {
            stamper.set(Duration::from_secs(100));
            for _ in 0..4 {
                seen.push(stamper.text().to_vec());
                stamper.advance();
            }
        }
        assert!(seen.is_sorted_by(|a, b| a < b));
        stamper.set(Duration::from_secs(90));
        assert_eq!(&stamper.text()[..25], Tai64n::from_unix(Duration::from_secs(90)).label());
    }
}
