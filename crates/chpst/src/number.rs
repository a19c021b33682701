//! The numbers that options take. Each is read whole: an empty text, rubbish
//! behind the digits and what does not fit are no numbers.

use crate::limits::Limit;

/// A number in decimal digits, nothing else.
pub fn decimal(text: &[u8]) -> Option<u64> {
    digits(text, 10)
}

/// A user or group id. The largest number of 32 bits is none: to the kernel it
/// means "leave as it is".
pub fn id(text: &[u8]) -> Option<u32> {
    u32::try_from(decimal(text)?).ok().filter(|&id| id != u32::MAX)
}

/// An increment to the nice value, with or without a sign.
pub fn increment(text: &[u8]) -> Option<i32> {
    let (sign, text) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        _ => (1, text),
    };
    i32::try_from(decimal(text)?).ok().map(|number| sign * number)
}

/// A file mode mask, in octal.
pub fn mask(text: &[u8]) -> Option<u32> {
    u32::try_from(digits(text, 8)?).ok().filter(|&mask| mask <= 0o777)
}

/// A resource limit: `=`, or a number. Where it is `scaled`, a `k`, `m` or `g`
/// behind the number means 2 to the 10, 20 or 30 times as much.
pub fn limit(text: &[u8], scaled: bool) -> Option<Limit> {
    let (text, shift) = match text {
        b"=" => return Some(Limit::Hard),
        [rest @ .., b'k' | b'K'] if scaled => (rest, 10),
        [rest @ .., b'm' | b'M'] if scaled => (rest, 20),
        [rest @ .., b'g' | b'G'] if scaled => (rest, 30),
        _ => (text, 0),
    };
    decimal(text)?.checked_mul(1 << shift).map(Limit::At)
}

fn digits(text: &[u8], base: u64) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = u64::from(byte.wrapping_sub(b'0'));
        if digit >= base {
            return None;
        }
        number.checked_mul(base)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_whole() {
        assert_eq!(decimal(b"0"), Some(0));
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for wrong in ["", "x", "-1", "+1", " 1", "1 ", "5x", "0x5", "18446744073709551616", "1.5"] {
            assert_eq!(decimal(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn ids_are_those_that_can_be_set() {
        assert_eq!(id(b"4294967294"), Some(4_294_967_294));
        assert_eq!(id(b"4294967295"), None);
        assert_eq!(id(b"4294967296"), None);
    }

    #[test]
    fn increments_have_one_sign() {
        for (text, number) in [("5", 5), ("+5", 5), ("-5", -5), ("-0", 0), ("100", 100)] {
            assert_eq!(increment(text.as_bytes()), Some(number));
        }
        for wrong in ["", "-", "+", "+-5", "--5", "5-", "2147483648"] {
            assert_eq!(increment(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn masks_are_octal() {
        assert_eq!(mask(b"022"), Some(0o22));
        assert_eq!(mask(b"777"), Some(0o777));
        for wrong in ["", "8", "1000", "u=rwx", "-1"] {
            assert_eq!(mask(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn limits_have_suffixes_and_the_hard_one_a_sign() {
        for (text, limit_) in [
            ("=", Limit::Hard),
            ("5", Limit::At(5)),
            ("5k", Limit::At(5 << 10)),
            ("16M", Limit::At(16 << 20)),
            ("17179869183g", Limit::At(17_179_869_183 << 30)),
        ] {
            assert_eq!(limit(text.as_bytes(), true), Some(limit_));
        }
        for wrong in ["", "k", "5kk", "5kb", "5t", "=5", "5=", "-1", "17179869184g"] {
            assert_eq!(limit(wrong.as_bytes(), true), None, "{wrong}");
        }
        assert_eq!(limit(b"5m", false), None);
        assert_eq!(limit(b"=", false), Some(Limit::Hard));
    }
}
