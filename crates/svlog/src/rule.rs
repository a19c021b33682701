//! Time zones as POSIX writes them (Base Definitions, 8.3, `TZ`): the value of
//! the variable, and the last line of a zone file, with the extensions of
//! RFC 9636 (hours of a change from -167 to 167).

use crate::calendar::{DAY, Date, is_leap};

/// A zone without exceptions: one offset, or two that change twice a year.
/// Offsets are seconds that local time is ahead of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    standard: i64,
    summer: Option<Summer>,
}

/// The other part of the year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Summer {
    offset: i64,
    begin: Change,
    end: Change,
}

/// When local time changes, in each year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    day: Day,
    /// Seconds of local time after the day's beginning.
    time: i64,
}

/// A day of each year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    /// Day 1 to 365, where February 29 is never counted.
    Julian(i64),
    /// Days after January 1, where it is.
    Plain(i64),
    /// Of a month the week, 5 for the last, and the weekday, 0 for Sunday.
    Week { month: i64, week: i64, weekday: i64 },
}

/// What is meant where two offsets are given and no changes: POSIX leaves it to
/// us, and all take the rule of the United States.
const DEFAULT: [Change; 2] = [
    Change { day: Day::Week { month: 3, week: 2, weekday: 0 }, time: 2 * 3600 },
    Change { day: Day::Week { month: 11, week: 1, weekday: 0 }, time: 2 * 3600 },
];

impl Rule {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self { standard: 0, summer: None };

    /// Reads `STDOFF[DST[OFF][,BEGIN[/TIME],END[/TIME]]]`; `None` where the
    /// text is something else.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut text = Text(text);
        text.name()?;
        let standard = -text.time(24)?;
        if text.0.is_empty() {
            return Some(Self { standard, summer: None });
        }
        text.name()?;
        let offset = match text.0.first() {
            None | Some(b',') => standard + 3600,
            _ => -text.time(24)?,
        };
        let [begin, end] =
            if text.0.is_empty() { DEFAULT } else { [text.change()?, text.change()?] };
        text.0.is_empty().then_some(Self { standard, summer: Some(Summer { offset, begin, end }) })
    }

    /// How far local time is ahead of UTC at a time of UTC, both in seconds.
    pub fn offset(&self, unix: i64) -> i64 {
        let Some(summer) = self.summer else { return self.standard };
        let year = Date::of((unix + self.standard).div_euclid(DAY)).year;
        let begin = summer.begin.local(year) - self.standard;
        let end = summer.end.local(year) - summer.offset;
        let is_summer = if begin < end {
            begin <= unix && unix < end
        } else {
            // South of the equator it lasts over the new year.
            unix < end || begin <= unix
        };
        if is_summer { summer.offset } else { self.standard }
    }
}

impl Change {
    /// When it happens in a year, in local time, in seconds from 1970-01-01.
    fn local(self, year: i64) -> i64 {
        let january = Date { year, month: 1, day: 1 }.days();
        let day = match self.day {
            Day::Plain(days) => january + days,
            Day::Julian(day) => january + day - 1 + i64::from(is_leap(year) && day > 59),
            Day::Week { month, week, weekday } => {
                let first = Date { year, month, day: 1 }.days();
                // 1970-01-01 was a Thursday.
                let until = (weekday - (first + 4)).rem_euclid(7);
                let next = Date { year: year + month / 12, month: month % 12 + 1, day: 1 }.days();
                let mut day = first + until + 7 * (week - 1);
                if day >= next {
                    day -= 7;
                }
                day
            }
        };
        day * DAY + self.time
    }
}

/// What is left to be read.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    /// Takes a zone's name: three letters or more, or anything in `<>`.
    fn name(&mut self) -> Option<()> {
        let length = if self.take(b'<') {
            let length = self.0.iter().position(|&byte| byte == b'>')?;
            self.0 = self.0.get(length..)?;
            self.take(b'>');
            return (length > 0).then_some(());
        } else {
            self.0.iter().take_while(|byte| byte.is_ascii_alphabetic()).count()
        };
        self.0 = self.0.get(length..)?;
        (length >= 3).then_some(())
    }

    /// Takes `[+-]hh[:mm[:ss]]` of at most so many hours, as seconds.
    fn time(&mut self, hours: i64) -> Option<i64> {
        let negative = self.take(b'-');
        if !negative {
            self.take(b'+');
        }
        let mut time = self.number(0, hours)? * 3600;
        if self.take(b':') {
            time += self.number(0, 59)? * 60;
            if self.take(b':') {
                time += self.number(0, 59)?;
            }
        }
        Some(if negative { -time } else { time })
    }

    /// Takes `,DAY[/TIME]`.
    fn change(&mut self) -> Option<Change> {
        if !self.take(b',') {
            return None;
        }
        let day = if self.take(b'J') {
            Day::Julian(self.number(1, 365)?)
        } else if self.take(b'M') {
            let month = self.number(1, 12)?;
            let week = self.after_dot(1, 5)?;
            Day::Week { month, week, weekday: self.after_dot(0, 6)? }
        } else {
            Day::Plain(self.number(0, 365)?)
        };
        let time = if self.take(b'/') { self.time(167)? } else { 2 * 3600 };
        Some(Change { day, time })
    }

    fn after_dot(&mut self, least: i64, most: i64) -> Option<i64> {
        if self.take(b'.') { self.number(least, most) } else { None }
    }

    /// Takes a byte if it is this one.
    fn take(&mut self, byte: u8) -> bool {
        let rest = self.0.strip_prefix(&[byte]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Takes a number between the two.
    fn number(&mut self, least: i64, most: i64) -> Option<i64> {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        let add =
            |number: i64, digit: &u8| number.checked_mul(10)?.checked_add(i64::from(digit - b'0'));
        let number = digits.iter().try_fold(0, add)?;
        (length > 0 && (least..=most).contains(&number)).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(rule: &str, unix: i64) -> i64 {
        Rule::parse(rule.as_bytes()).unwrap_or_else(|| panic!("{rule}")).offset(unix)
    }

    /// The seconds before and at which the offset changes.
    #[track_caller]
    fn changes(rule: &str, at: i64, before: i64, after: i64) {
        assert_eq!((offset(rule, at - 1), offset(rule, at)), (before, after), "{rule}");
    }

    #[test]
    fn offsets_are_east_of_utc() {
        assert_eq!(offset("UTC0", 0), 0);
        assert_eq!(offset("CET-1", 0), 3600);
        assert_eq!(offset("<+0530>-5:30", 0), 19_800);
        assert_eq!(offset("NST3:30:10", 0), -12_610);
        assert_eq!(offset("ABC+24", 0), -86_400);
    }

    // The instants are those of `date -d @N` in the zones.
    #[test]
    fn central_europe() {
        let rule = "CET-1CEST,M3.5.0,M10.5.0/3";
        changes(rule, 1_774_746_000, 3600, 7200);
        changes(rule, 1_792_890_000, 7200, 3600);
        // February 29 does not matter to the last Sunday of March.
        changes(rule, 1_711_846_800, 3600, 7200);
    }

    #[test]
    fn the_united_states_also_by_default() {
        for rule in ["EST5EDT,M3.2.0,M11.1.0", "EST5EDT", "EST5EDT4"] {
            changes(rule, 1_772_953_200, -18_000, -14_400);
            changes(rule, 1_793_512_800, -14_400, -18_000);
        }
    }

    #[test]
    fn south_of_the_equator() {
        let rule = "AEST-10AEDT,M10.1.0,M4.1.0/3";
        changes(rule, 1_775_318_400, 39_600, 36_000);
        changes(rule, 1_791_043_200, 36_000, 39_600);
        assert_eq!(offset(rule, 1_767_225_600), 39_600);
    }

    #[test]
    fn winter_time_in_dublin_is_the_exception() {
        let rule = "IST-1GMT0,M10.5.0,M3.5.0/1";
        changes(rule, 1_774_746_000, 0, 3600);
        changes(rule, 1_792_890_000, 3600, 0);
    }

    #[test]
    fn times_of_a_change_may_be_negative_and_beyond_a_day() {
        // Nuuk: on the Saturday before the last Sunday of March, 22 h.
        let rule = "<-02>2<-01>,M3.5.0/-1,M10.5.0/0";
        changes(rule, 1_774_746_000, -7200, -3600);
        // Gaza: 50 h after a Saturday's beginning.
        changes("EET-2EEST,M3.4.4/50,M10.4.4/50", 1_774_656_000, 7200, 10_800);
    }

    #[test]
    fn days_by_number() {
        // Day 60 is March 1 with J, and February 29 or March 1 without.
        changes("AAA0BBB,J60/0,J61/0", 1_709_251_200, 0, 3600);
        changes("AAA0BBB,59/0,61/0", 1_709_164_800, 0, 3600);
        // Summer all year round.
        for unix in [1_767_225_599, 1_767_225_600, 1_782_864_000] {
            assert_eq!(offset("XXX3EDT4,0/0,J365/23", unix), -14_400);
        }
    }

    #[test]
    fn what_is_no_rule() {
        for text in [
            "",
            "UTC",
            "Europe/Berlin",
            "AB1",
            "CET-1CEST,M3.5.0",
            "CET-1CEST,M3.5.0,M10.5.0/3x",
            "CET-25",
            "CET-1:60",
            "<>1",
            "<+01",
            "CET-1CEST,M13.1.0,M10.5.0",
            "CET-1CEST,J0,J1",
            "CET-1CEST,M3.6.0,M10.5.0",
            "CET-1CEST,M3.5.7,M10.5.0",
            "CET-1CEST,366,1",
            "CET-99999999999999999999",
        ] {
            assert_eq!(Rule::parse(text.as_bytes()), None, "{text}");
        }
    }
}
