//! The Gregorian calendar, carried on before its introduction: days counted
//! from 1970-01-01, and dates.

/// The seconds of a day.
pub const DAY: i64 = 86_400;

/// The days of 400 years, after which the calendar repeats itself.
const CYCLE: i64 = 146_097;

/// The days from 0000-03-01 to 1970-01-01.
const MARCH_OF_YEAR_0: i64 = 719_468;

/// A date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// The year; 0 is the one before year 1.
    pub year: i64,
    /// The month, 1 to 12.
    pub month: i64,
    /// The day of the month, 1 to 31.
    pub day: i64,
}

impl Date {
    /// The date of a day, counted from 1970-01-01.
    pub fn of(days: i64) -> Self {
        // Years are taken to begin in March: then the day that leap years have
        // more is their last.
        let days = days + MARCH_OF_YEAR_0;
        let cycle = days.div_euclid(CYCLE);
        let in_cycle = days.rem_euclid(CYCLE);
        // The cycle's last day, and the last one of each four years, belong to
        // the year that ends with it.
        let leap_days = in_cycle / 1460 - in_cycle / 36_524 + in_cycle / (CYCLE - 1);
        let year = (in_cycle - leap_days) / 365;
        let in_year = in_cycle - (365 * year + year / 4 - year / 100);
        // From March on, five months have 153 days.
        let month = (5 * in_year + 2) / 153;
        let day = in_year - (153 * month + 2) / 5 + 1;
        let january_or_later = month >= 10;
        Self {
            year: cycle * 400 + year + i64::from(january_or_later),
            month: if january_or_later { month - 9 } else { month + 3 },
            day,
        }
    }

    /// The day, counted from 1970-01-01.
    pub fn days(self) -> i64 {
        let before_march = self.month <= 2;
        let year = self.year - i64::from(before_march);
        let month = if before_march { self.month + 9 } else { self.month - 3 };
        let in_cycle = year.rem_euclid(400);
        let in_year = (153 * month + 2) / 5 + self.day - 1;
        year.div_euclid(400) * CYCLE + in_cycle * 365 + in_cycle / 4 - in_cycle / 100 + in_year
            - MARCH_OF_YEAR_0
    }
}

/// Whether the year has 366 days.
pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        for (days, year, month, day) in [
            (0, 1970, 1, 1),
            (-1, 1969, 12, 31),
            (11_016, 2000, 2, 29),
            (11_017, 2000, 3, 1),
            (20_780, 2026, 11, 23),
            (-25_509, 1900, 2, 28),
            (-25_508, 1900, 3, 1),
            (47_540, 2100, 2, 28),
            (47_541, 2100, 3, 1),
            (2_932_896, 9999, 12, 31),
            (-719_528, 0, 1, 1),
        ] {
            let date = Date { year, month, day };
            assert_eq!(Date::of(days), date);
            assert_eq!(date.days(), days);
        }
    }

    #[test]
    fn every_day_of_a_cycle_follows_the_one_before() {
        let mut before = Date::of(-1000);
        for days in -999..CYCLE {
            let date = Date::of(days);
            assert_eq!(date.days(), days);
            let next_day =
                (date.year, date.month, date.day) == (before.year, before.month, before.day + 1);
            let next_month = date.day == 1
                && date.month == before.month % 12 + 1
                && date.year == before.year + i64::from(before.month == 12);
            assert!(next_day || next_month, "{before:?} {date:?}");
            before = date;
        }
    }

    #[test]
    fn leap_years() {
        assert!(is_leap(2000) && is_leap(2024) && !is_leap(1900) && !is_leap(2025));
    }
}
