//! TAI64N: a point in time to the nanosecond, as status records and logs have
//! it (CONTRACT section 1).

use core::fmt;
use core::time::Duration;

/// What 1970-01-01 00:00 UTC counts as: 2^62, and the ten seconds that TAI was
/// ahead of UTC then.
const UNIX_EPOCH: u64 = 4_611_686_018_427_387_914;

/// The size of the binary form in bytes.
pub const SIZE: usize = 12;

/// A time stamp. The order of values is the order of times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tai64n {
    /// TAI64 seconds: 2^62 + 10 + Unix seconds.
    seconds: u64,
    nanoseconds: u32,
}

impl Tai64n {
    /// The stamp of a time since 1970-01-01 00:00 UTC.
    pub const fn from_unix(time: Duration) -> Self {
        Self { seconds: UNIX_EPOCH.wrapping_add(time.as_secs()), nanoseconds: time.subsec_nanos() }
    }

    /// The time since 1970-01-01 00:00 UTC; `None` for earlier ones.
    pub fn to_unix(self) -> Option<Duration> {
        let seconds = self.seconds.checked_sub(UNIX_EPOCH)?;
        Some(Duration::new(seconds, self.nanoseconds.min(999_999_999)))
    }

    /// How long before `self` the stamp `earlier` was; nothing if it was not.
    pub fn since(self, earlier: Self) -> Duration {
        match (self.to_unix(), earlier.to_unix()) {
            (Some(later), Some(earlier)) => later.saturating_sub(earlier),
            _ => Duration::ZERO,
        }
    }

    /// Whole seconds from `earlier` to `self` as `sv` shows them: the
    /// difference of the seconds, fractions left aside; 0 if it is negative.
    pub fn seconds_since(self, earlier: Self) -> u64 {
        self.seconds.saturating_sub(earlier.seconds)
    }

    /// The stamp a nanosecond later.
    #[must_use]
    pub fn next(self) -> Self {
        if self.nanoseconds < 999_999_999 {
            Self { nanoseconds: self.nanoseconds + 1, ..self }
        } else {
            Self { seconds: self.seconds.wrapping_add(1), nanoseconds: 0 }
        }
    }

    /// The binary form: seconds in 8 bytes, nanoseconds in 4, big-endian.
    pub fn to_bytes(self) -> [u8; SIZE] {
        let [a, b, c, d, e, f, g, h] = self.seconds.to_be_bytes();
        let [i, j, k, l] = self.nanoseconds.to_be_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l]
    }

    /// The stamp of a binary form. Every value is taken as it is.
    pub fn from_bytes(bytes: [u8; SIZE]) -> Self {
        let [a, b, c, d, e, f, g, h, nanoseconds @ ..] = bytes;
        Self {
            seconds: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            nanoseconds: u32::from_be_bytes(nanoseconds),
        }
    }

    /// The label text: `@` and 24 lower-case hexadecimal digits.
    pub fn label(self) -> [u8; 25] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut label = [b'@'; 25];
        for (pair, byte) in label[1..].chunks_exact_mut(2).zip(self.to_bytes()) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        label
    }

    /// The stamp of a label text; `None` where `text` does not start with one.
    pub fn from_label(text: &[u8]) -> Option<Self> {
        let digits = text.strip_prefix(b"@")?.get(..2 * SIZE)?;
        let mut bytes = [0; SIZE];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
        }
        Some(Self::from_bytes(bytes))
    }
}

impl fmt::Display for Tai64n {
    /// The label text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.label()).unwrap_or_default())
    }
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn the_epoch_is_ten_seconds_past_two_to_the_62() {
        assert_eq!(Tai64n::from_unix(Duration::ZERO).to_string(), "@400000000000000a00000000");
    }

    #[test]
    fn every_form_leads_back() {
        let stamp = Tai64n::from_unix(Duration::new(1_761_000_000, 123_456_789));
        assert_eq!(Tai64n::from_bytes(stamp.to_bytes()), stamp);
        assert_eq!(Tai64n::from_label(&stamp.label()), Some(stamp));
        assert_eq!(Tai64n::from_label(b"@4000000068f6ba4a075bcd15 x"), Some(stamp));
        assert_eq!(stamp.to_unix(), Some(Duration::new(1_761_000_000, 123_456_789)));
    }

    #[test]
    fn what_is_no_label_is_none() {
        for text in [
            &b""[..],
            b"@",
            b"4000000000000000a",
            b"@400000000000000a0000000",
            b"@400000000000000A00000000",
        ] {
            assert_eq!(Tai64n::from_label(text), None);
        }
    }

    #[test]
    fn after_the_last_nanosecond_comes_the_next_second() {
        let stamp = Tai64n::from_unix(Duration::new(7, 999_999_998));
        assert_eq!(stamp.next(), Tai64n::from_unix(Duration::new(7, 999_999_999)));
        assert_eq!(stamp.next().next(), Tai64n::from_unix(Duration::from_secs(8)));
    }

    #[test]
    fn differences_are_never_negative() {
        let early = Tai64n::from_unix(Duration::new(10, 900_000_000));
        let late = Tai64n::from_unix(Duration::new(12, 100_000_000));
        assert_eq!(late.since(early), Duration::from_millis(1200));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(late.seconds_since(early), 2);
        assert_eq!(early.seconds_since(late), 0);
        assert_eq!(Tai64n::default().since(early), Duration::ZERO);
        assert_eq!(Tai64n::default().to_unix(), None);
    }
}
