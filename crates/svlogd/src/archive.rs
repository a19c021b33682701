//! Old files: `@TAI64N.s`, and `.u` and `.t` while they are to be processed.

use core::ffi::CStr;
use core::mem::MaybeUninit;

use runit_core::tai::Tai64n;
use runit_rt::strings::c_str_in;
use rustix::fd::AsFd;
use rustix::fs::{Mode, OFlags, RawDir, openat};
use rustix::io::Errno;

/// What an old file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Safely on disk, and processed if that was asked for.
    Safe = b's',
    /// What a processor has made so far.
    Transient = b't',
    /// To be processed, or left by a crash.
    Unprocessed = b'u',
}

/// An old file, by its name. The order is that of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// When it was put away.
    pub moment: Tai64n,
    /// What it is.
    pub kind: Kind,
}

/// A name's text, with a NUL.
#[derive(Clone, Copy, Debug)]
pub struct Text([u8; 28]);

impl Name {
    /// The name that `text` is; `None` where it is another file's.
    fn parse(text: &[u8]) -> Option<Self> {
        let kind = match text.get(25..)? {
            b".s" => Kind::Safe,
            b".t" => Kind::Transient,
            b".u" => Kind::Unprocessed,
            _ => return None,
        };
        Some(Self { moment: Tai64n::from_label(text)?, kind })
    }

    /// The text.
    pub fn text(self) -> Text {
        self.text_as(self.kind)
    }

    /// The text of the same moment's file of another kind.
    #[inline(never)]
    pub fn text_as(self, kind: Kind) -> Text {
        let mut text = [0; 28];
        if let Some(label) = text.first_chunk_mut() {
            *label = self.moment.label();
        }
        let [.., dot, letter, _] = &mut text;
        (*dot, *letter) = (b'.', kind as u8);
        Text(text)
    }
}

impl Text {
    /// As system calls take it.
    pub fn as_c_str(&self) -> &CStr {
        c_str_in(&self.0).unwrap_or_default()
    }

    /// As bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.as_c_str().to_bytes()
    }
}

/// Shows `see` each old file of a directory, in no order.
pub fn scan(dir: impl AsFd, see: &mut dyn FnMut(Name)) -> Result<(), Errno> {
    // Opened anew: the place in a directory belongs to the descriptor.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = openat(dir, c".", flags, Mode::empty())?;
    let mut buffer = [MaybeUninit::uninit(); 2048];
    let mut entries = RawDir::new(dir, &mut buffer);
    while let Some(entry) = entries.next() {
        if let Some(name) = Name::parse(entry?.file_name().to_bytes()) {
            see(name);
        }
    }
    Ok(())
}

/// The oldest of the files that count, and how many do.
pub fn oldest(dir: impl AsFd, counts: &dyn Fn(Name) -> bool) -> Result<(u64, Option<Name>), Errno> {
    let (mut count, mut oldest) = (0, None);
    scan(dir, &mut |name| {
        if counts(name) {
            count += 1;
            oldest = Some(oldest.map_or(name, |oldest: Name| oldest.min(name)));
        }
    })?;
    Ok((count, oldest))
}

/// The moment to name the next old file by: now, but after every other one,
/// whatever the clock says.
pub fn next_moment(now: Tai64n, newest: Tai64n) -> Tai64n {
    now.max(newest.next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    fn at(seconds: u64, nanoseconds: u32) -> Tai64n {
        Tai64n::from_unix(Duration::new(seconds, nanoseconds))
    }

    #[test]
    fn names_are_told_from_other_files() {
        let name = Name { moment: at(1, 2), kind: Kind::Safe };
        assert_eq!(name.text().as_bytes(), b"@400000000000000b00000002.s");
        assert_eq!(name.text().as_c_str(), c"@400000000000000b00000002.s");
        assert_eq!(Name::parse(name.text().as_bytes()), Some(name));
        assert_eq!(name.text_as(Kind::Transient).as_bytes(), b"@400000000000000b00000002.t");
        for other in [
            "current",
            "@400000000000000b00000002",
            "@400000000000000b00000002.x",
            "@400000000000000b00000002.s~",
            "@400000000000000b0000000G.s",
            "x400000000000000b00000002.s",
        ] {
            assert_eq!(Name::parse(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn moments_never_repeat_nor_run_backwards() {
        assert_eq!(next_moment(at(5, 0), Tai64n::default()), at(5, 0));
        assert_eq!(next_moment(at(5, 0), at(4, 0)), at(5, 0));
        assert_eq!(next_moment(at(5, 0), at(5, 0)), at(5, 1));
        assert_eq!(next_moment(at(5, 0), at(900, 7)), at(900, 8));
        assert_eq!(next_moment(at(5, 0), at(255, 999_999_999)), at(256, 0));
    }

    #[test]
    fn the_oldest_comes_first() {
        let name = |seconds, kind| Name { moment: at(seconds, 0), kind };
        assert!(name(7, Kind::Safe) > name(5, Kind::Unprocessed));
        assert!(name(5, Kind::Safe) < name(5, Kind::Unprocessed));
        let none = oldest(rustix::fs::CWD, &|_| true).unwrap();
        assert_eq!(none, (0, None), "the sources have no old files among them");
    }
}
