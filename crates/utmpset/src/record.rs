//! An entry of utmp: the structure that C libraries read and write (utmp(5)), as
//! bytes. Numbers are in the processor's own order.

use core::ops::Range;
use core::time::Duration;

/// Room for the longest entry.
pub const LARGEST: usize = 400;

/// Where the type, a 16-bit number, is.
const TYPE: Range<usize> = 0..2;
/// The name of the line, filled up with NULs.
const LINE: Range<usize> = 8..40;
/// The account that is logged in, likewise.
const USER: Range<usize> = 44..76;
/// Where it has come from, likewise. It follows the account.
const HOST: Range<usize> = 76..332;

/// The type of an entry whose session has ended.
const DEAD_PROCESS: i16 = 8;

/// What differs between processors: the width of the time, and so the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The size of an entry in bytes.
    pub size: usize,
    /// Where the seconds are; the microseconds follow.
    time: usize,
    /// The width of either in bytes.
    width: usize,
}

impl Layout {
    /// 32-bit times: 32-bit processors, and those 64-bit ones that share their
    /// files with a 32-bit predecessor, such as `x86_64`.
    pub const NARROW: Self = Self { size: 384, time: 340, width: 4 };

    /// 64-bit times: the other 64-bit processors.
    pub const WIDE: Self = Self { size: LARGEST, time: 344, width: 8 };

    /// The layout of this processor.
    pub const NATIVE: Self =
        if cfg!(any(target_arch = "aarch64", target_arch = "loongarch64", target_arch = "s390x")) {
            Self::WIDE
        } else {
            Self::NARROW
        };
}

/// The name of a line as an entry holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    name: &'a [u8],
}

impl<'a> Line<'a> {
    /// The line called `name`; `None` if that is longer than an entry takes.
    pub fn new(name: &'a [u8]) -> Option<Self> {
        (name.len() <= LINE.len()).then_some(Self { name })
    }

    /// The name.
    pub fn name(&self) -> &'a [u8] {
        self.name
    }
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    layout: Layout,
    bytes: [u8; LARGEST],
}

impl Record {
    /// An entry of zeros.
    pub fn new(layout: Layout) -> Self {
        Self { layout, bytes: [0; LARGEST] }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.layout.size).unwrap_or_default()
    }

    /// Its bytes, to be read from a file.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.layout.size).unwrap_or_default()
    }

    /// Whether somebody is logged in on `line` by this entry.
    pub fn is_login_on(&self, line: &Line<'_>) -> bool {
        let user = self.bytes.get(USER.start).copied().unwrap_or(0);
        let mut there = self.bytes.get(LINE).unwrap_or_default().iter();
        let same = line.name.iter().all(|byte| there.next() == Some(byte));
        user != 0 && same && matches!(there.next(), None | Some(0))
    }

    /// Makes it an entry of nobody, ended at `now`, the time since 1970.
    pub fn log_out(&mut self, now: Duration) {
        for byte in self.bytes.get_mut(USER.start..HOST.end).unwrap_or_default() {
            *byte = 0;
        }
        self.put(TYPE.start, &DEAD_PROCESS.to_ne_bytes());
        let Layout { time, width, .. } = self.layout;
        for (at, number) in [(time, now.as_secs()), (time + width, u64::from(now.subsec_micros()))]
        {
            if width == 8 {
                self.put(at, &number.to_ne_bytes());
            } else {
                // Past 2038 the low half is what readers of 32 bits make of it.
                let [a, b, c, d, ..] = number.to_le_bytes();
                self.put(at, &u32::from_le_bytes([a, b, c, d]).to_ne_bytes());
            }
        }
    }

    /// Sets the name of the line.
    pub fn set_line(&mut self, line: &Line<'_>) {
        self.put(LINE.start, line.name);
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        for (to, from) in self.bytes.iter_mut().skip(at).zip(bytes) {
            *to = *from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(layout: Layout, line: &[u8], user: &[u8]) -> Record {
        let mut record = Record::new(layout);
        record.put(LINE.start, line);
        record.put(USER.start, user);
        record.put(HOST.start, b"host");
        record
    }

    #[test]
    fn a_login_is_found_by_its_whole_line() {
        for layout in [Layout::NARROW, Layout::WIDE] {
            let login = record(layout, b"tty1", b"me");
            for (line, found) in [("tty1", true), ("tty", false), ("tty12", false), ("", false)] {
                assert_eq!(login.is_login_on(&Line::new(line.as_bytes()).unwrap()), found);
            }
            assert!(!record(layout, b"tty1", b"").is_login_on(&Line::new(b"tty1").unwrap()));
            let longest = [b'x'; 32];
            let full = record(layout, &longest, b"me");
            assert!(full.is_login_on(&Line::new(&longest).unwrap()));
            assert!(!full.is_login_on(&Line::new(&longest[..31]).unwrap()));
        }
        assert_eq!(Line::new(&[b'x'; 33]), None);
    }

    #[test]
    fn logging_out_keeps_line_and_what_is_behind_the_time() {
        let now = Duration::new(0x1234_5678, 9_000_000);
        for (layout, seconds) in [(Layout::NARROW, 340..344), (Layout::WIDE, 344..352)] {
            let mut all = Record::new(layout);
            all.bytes_mut().fill(0xff);
            all.log_out(now);
            let bytes = all.bytes();
            assert_eq!(bytes.len(), layout.size);
            assert_eq!(bytes[..2], 8_i16.to_ne_bytes());
            assert!(bytes[2..44].iter().all(|&byte| byte == 0xff));
            assert!(bytes[44..332].iter().all(|&byte| byte == 0));
            assert!(bytes[332..seconds.start].iter().all(|&byte| byte == 0xff));
            let number = |range: Range<usize>| match bytes[range] {
                [a, b, c, d] => u64::from(u32::from_ne_bytes([a, b, c, d])),
                [a, b, c, d, e, f, g, h] => u64::from_ne_bytes([a, b, c, d, e, f, g, h]),
                _ => unreachable!("of 4 or 8 bytes"),
            };
            let behind = seconds.end..seconds.end + seconds.len();
            assert_eq!(number(seconds), 0x1234_5678);
            assert_eq!(number(behind.clone()), 9_000);
            assert!(bytes[behind.end..].iter().all(|&byte| byte == 0xff));
        }
    }

    #[test]
    fn an_entry_gets_the_name_of_its_line() {
        let line = Line::new(b"tty7").unwrap();
        assert_eq!(line.name(), b"tty7");
        let mut entry = record(Layout::WIDE, b"", b"me");
        entry.set_line(&line);
        assert!(entry.is_login_on(&line));
    }
}
