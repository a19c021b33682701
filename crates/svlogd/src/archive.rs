//! Old files: `@TAI64N.s`, and `.u` and `.t` while they are to be processed.

use core::ffi::CStr;
use core::mem::MaybeUninit;

use alloc::vec::Vec;
use runit_core::tai::Tai64n;
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

/// The length of a name, with its NUL.
const SIZE: usize = 28;

/// The name of an old file. The order of names is the order of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name([u8; SIZE]);

impl Name {
    /// The name for a moment.
    pub fn new(moment: Tai64n, kind: Kind) -> Self {
        let mut name = [0; SIZE];
        name[..25].copy_from_slice(&moment.label());
        name[25] = b'.';
        name[26] = kind as u8;
        Self(name)
    }

    /// The name that `text` is; `None` where it is another file's.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let kind = match text.get(25..)? {
            b".s" => Kind::Safe,
            b".t" => Kind::Transient,
            b".u" => Kind::Unprocessed,
            _ => return None,
        };
        Some(Self::new(Tai64n::from_label(text)?, kind))
    }

    /// The same moment's file of another kind.
    #[must_use]
    pub fn with(self, kind: Kind) -> Self {
        let mut name = self.0;
        name[26] = kind as u8;
        Self(name)
    }

    /// What kind of file it is.
    pub fn kind(self) -> Kind {
        match self.0[26] {
            b's' => Kind::Safe,
            b't' => Kind::Transient,
            _ => Kind::Unprocessed,
        }
    }

    /// The moment.
    pub fn moment(self) -> Tai64n {
        Tai64n::from_label(&self.0).unwrap_or_default()
    }

    /// As text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0[..SIZE - 1]
    }

    /// As system calls take it.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or_default()
    }
}

/// The old files of a directory, in no order.
pub fn list(dir: impl AsFd) -> Result<Vec<Name>, Errno> {
    // Opened anew: the place in a directory belongs to the descriptor.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = openat(dir, c".", flags, Mode::empty())?;
    let mut buffer = [MaybeUninit::uninit(); 2048];
    let mut entries = RawDir::new(dir, &mut buffer);
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        names.extend(Name::parse(entry?.file_name().to_bytes()));
    }
    Ok(names)
}

/// Where the oldest of `names` stands; not at all, if there are none.
pub fn oldest(names: &[Name]) -> Option<usize> {
    names.iter().enumerate().min_by_key(|(_, name)| **name).map(|(index, _)| index)
}

/// The moment to name the next old file by: now, but after every other one,
/// whatever the clock says.
pub fn next_moment(now: Tai64n, newest: Option<Tai64n>) -> Tai64n {
    newest.map_or(now, |newest| now.max(newest.next()))
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
        let name = Name::new(at(1, 2), Kind::Safe);
        assert_eq!(name.as_bytes(), b"@400000000000000b00000002.s");
        assert_eq!(Name::parse(name.as_bytes()), Some(name));
        assert_eq!(name.with(Kind::Transient).kind(), Kind::Transient);
        assert_eq!(name.as_c_str(), c"@400000000000000b00000002.s");
        assert_eq!(name.moment(), at(1, 2));
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
        assert_eq!(next_moment(at(5, 0), None), at(5, 0));
        assert_eq!(next_moment(at(5, 0), Some(at(4, 0))), at(5, 0));
        assert_eq!(next_moment(at(5, 0), Some(at(5, 0))), at(5, 1));
        assert_eq!(next_moment(at(5, 0), Some(at(900, 7))), at(900, 8));
        assert_eq!(next_moment(at(5, 0), Some(at(255, 999_999_999))), at(256, 0));
    }

    #[test]
    fn the_oldest_goes_first() {
        let name = |seconds, kind| Name::new(at(seconds, 0), kind);
        assert_eq!(oldest(&[]), None);
        let names = [name(7, Kind::Safe), name(5, Kind::Unprocessed), name(6, Kind::Safe)];
        assert_eq!(oldest(&names), Some(1));
    }
}
