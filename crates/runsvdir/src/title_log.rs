//! The rolling log in the command line (CONTRACT section 3): new characters
//! push from the right, the first five stay.

use alloc::vec::Vec;
use core::time::Duration;

use runit_core::diag::Sink;

/// How many characters stay as they are.
pub const FIXED: usize = 5;

/// The shortest text that can hold a log.
pub const SHORTEST: usize = 7;

/// How often a dot is added, so that old messages expire.
const EXPIRY: Duration = Duration::from_secs(15 * 60);

/// What a log argument shows behind its first characters.
#[derive(Debug, PartialEq, Eq)]
pub struct TitleLog {
    window: Vec<u8>,
    next_dot: Duration,
}

impl TitleLog {
    /// A log in the place of `argument`, whose first dot is due `now`; `None`
    /// when it is too short.
    pub fn new(argument: &[u8], now: Duration) -> Option<Self> {
        let window = argument.get(FIXED..).filter(|_| argument.len() >= SHORTEST)?;
        Some(Self { window: window.to_vec(), next_dot: now })
    }

    /// What stands behind the first characters now.
    pub fn window(&self) -> &[u8] {
        &self.window
    }

    /// Adds the dots that are due; after a long sleep one is enough.
    pub fn tick(&mut self, now: Duration) {
        if now >= self.next_dot {
            self.push(b".");
            self.next_dot = now + EXPIRY;
        }
    }

    /// When the next dot is due.
    pub fn deadline(&self) -> Duration {
        self.next_dot
    }
}

impl Sink for TitleLog {
    /// Adds `text` without its NUL bytes, which would end the argument.
    fn push(&mut self, text: &[u8]) {
        let room = self.window.len();
        let shown = text.iter().copied().filter(|&byte| byte != 0);
        // Only the last of it will be seen.
        let surplus = shown.clone().count().saturating_sub(room);
        let shown = shown.skip(surplus);
        let count = shown.clone().count();
        self.window.copy_within(count.., 0);
        for (to, from) in self.window.iter_mut().skip(room - count).zip(shown) {
            *to = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    fn log(argument: &[u8]) -> TitleLog {
        TitleLog::new(argument, Duration::ZERO).unwrap()
    }

    fn shown(log: &TitleLog) -> String {
        String::from_utf8(log.window().to_vec()).unwrap()
    }

    #[test]
    fn seven_characters_are_the_least() {
        assert_eq!(TitleLog::new(b"log:..", Duration::ZERO), None);
        assert_eq!(TitleLog::new(b"", Duration::ZERO), None);
        assert_eq!(shown(&log(b"log:...")), "..");
    }

    #[test]
    fn characters_push_from_the_right() {
        let mut log = log(b"log: ........");
        assert_eq!(shown(&log), "........");
        log.push(b"ab");
        assert_eq!(shown(&log), "......ab");
        log.push(b"");
        log.push(b"c\0d\0\0e\n");
        assert_eq!(shown(&log), "..abcde\n");
        log.push(b"0123456789\0");
        assert_eq!(shown(&log), "23456789");
        log.push(&[b'x'; 10_000]);
        assert_eq!(shown(&log), "xxxxxxxx");
        log.push(&[0; 10_000]);
        assert_eq!(shown(&log), "xxxxxxxx");
    }

    #[test]
    fn a_dot_at_the_start_and_every_fifteen_minutes() {
        let mut log = log(b"log: ----");
        let minutes = |n: u64| Duration::from_secs(60 * n);
        for (now, expected) in [
            (0, "---."),
            (0, "---."),
            (14, "---."),
            (15, "--.."),
            (29, "--.."),
            (45, "-..."),
            (59, "-..."),
            (60, "...."),
        ] {
            log.tick(minutes(now));
            assert_eq!(shown(&log), expected, "minute {now}");
        }
        assert_eq!(log.deadline(), minutes(75));
    }
}
