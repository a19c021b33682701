//! Time zones: the value of `TZ`, and zone files.

use svlog::rule::Rule;
use svlog::stamp::{Clock, Stamp};
use svlog::zone::Zone;

/// Half a year, and an hour more than a whole number of days.
const STEP: usize = 15_782_400 + 3600;

/// From 1970 up to the year 10000: what stamps there are.
const STAMPS: core::ops::Range<i64> = 0..253_402_300_800;

/// The most that a rule's offset can be: 24 hours, 59 minutes, 59 seconds, and
/// an hour for a summer that names none.
const MOST: i64 = 26 * 3600;

/// Tries an input.
pub fn run(data: &[u8]) {
    if let Some(rule) = Rule::parse(data) {
        let mut offsets = Vec::new();
        for unix in STAMPS.step_by(STEP * 50) {
            let offset = rule.offset(unix);
            assert!((-MOST..=MOST).contains(&offset), "{offset}");
            if !offsets.contains(&offset) {
                offsets.push(offset);
            }
        }
        assert!(offsets.len() <= 2, "summer and winter: {offsets:?}");
        show(rule.into());
    }
    if let Some(zone) = Zone::parse(data) {
        show(zone);
    }
}

/// Every time can be shown.
fn show(zone: Zone) {
    let mut clock = Clock::new(zone);
    for seconds in STAMPS.step_by(STEP * 100) {
        let shown = clock.show(Stamp { seconds, nanoseconds: 999_999_999 });
        assert!(shown.ends_with(b".99999"));
    }
}
