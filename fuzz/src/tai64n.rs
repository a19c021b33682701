//! Labels and other stamps, as `svlogd` writes them and `svlog` reads them. The
//! input is a log line; its first 12 bytes also are a stamp's binary form.

use core::time::Duration;

use runit_core::tai::Tai64n;
use svlog::rule::Rule;
use svlog::stamp::{Clock, split};
use svlogd::stamp::{Stamp, Stamper};

/// The first second that the writers' 64 bits of nanoseconds have no room for.
const END: u64 = 18_446_744_073;

/// The first second of the year 10000, from which on `svlog` sees no time.
const YEAR_10000: u64 = 253_402_300_800;

/// Tries an input.
pub fn run(data: &[u8]) {
    label(data);
    if let Some(bytes) = data.first_chunk() {
        binary(*bytes);
    }
    for leaps in [false, true] {
        if let Some((stamp, length)) = split(data, leaps) {
            assert!(length == 25 || length == 26);
            assert!(length <= data.len(), "the stamp is in the line");
            let shown = Clock::new(Rule::UTC.into()).show(stamp).to_vec();
            assert!(shown.iter().all(|byte| byte.is_ascii_digit() || b"- :.".contains(byte)));
            // What was text is shown as it was.
            if data[0] != b'@' && !data.starts_with(b"0000") && data[17..19] != *b"60" {
                let mut written = data[..25].to_vec();
                written[10] = b' ';
                assert_eq!(shown, written);
            }
        }
    }
}

/// Text to stamp and back.
fn label(data: &[u8]) {
    let is_label = data.len() >= 25
        && data[0] == b'@'
        && data[1..25].iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let stamp = Tai64n::from_label(data);
    assert_eq!(stamp.is_some(), is_label);
    if let Some(stamp) = stamp {
        assert_eq!(stamp.label(), data[..25]);
        assert_eq!(stamp.to_string().as_bytes(), &data[..25]);
        assert_eq!(Tai64n::from_bytes(stamp.to_bytes()), stamp);
    }
}

/// Binary form to stamp and back, and what writers make of the same time.
fn binary(bytes: [u8; 12]) {
    let stamp = Tai64n::from_bytes(bytes);
    assert_eq!(stamp.to_bytes(), bytes);
    assert_eq!(Tai64n::from_label(&stamp.label()), Some(stamp));
    let next = stamp.next();
    if bytes[..8] != [0xff; 8] {
        assert!(next > stamp && next.label() > stamp.label(), "order is that of the text");
        assert_eq!(stamp.since(next), Duration::ZERO);
    }
    let Some(time) = stamp.to_unix() else { return };
    if time.as_secs() < YEAR_10000 && bytes[8..] < *999_999_999_u32.to_be_bytes().as_slice() {
        assert_eq!(Tai64n::from_unix(time), stamp);
    }
    let time = Duration::new(time.as_secs() % END, time.subsec_nanos());
    for (form, unit) in [(Stamp::Tai, 1), (Stamp::Date(b'_'), 10_000), (Stamp::Date(b'T'), 10_000)]
    {
        let mut stamper = Stamper::new(form);
        stamper.set(time);
        let (read, length) = split(stamper.text(), false).expect("svlogd writes what svlog reads");
        assert_eq!(length, 26);
        assert_eq!(u64::try_from(read.seconds), Ok(time.as_secs()));
        assert_eq!(read.nanoseconds / unit, time.subsec_nanos() / unit);
        let before = stamper.text().to_vec();
        stamper.advance();
        assert!(stamper.text() >= &before[..], "stamps do not run backwards");
    }
}
