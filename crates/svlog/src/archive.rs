//! The files of a log directory, by their names and first bytes.

use alloc::vec::Vec;

use runit_core::tai::Tai64n;

/// The file that is being written.
pub const CURRENT: &[u8] = b"current";

/// What `s6-log` and `multilog` call a file that a processor works on.
pub const PREVIOUS: &[u8] = b"previous";

/// The size of an archive's name without what tells how far it has got.
const LABEL: usize = 25;

/// What may follow the label of an archive that is whole: `.u`, which a
/// processor has not yet seen or which was `current` in a crash, and `.s`. For
/// a moment there are both, with the same content in other words. `.t`, what a
/// processor writes, is not whole.
pub const SUFFIXES: [&[u8]; 2] = [b".u", b".s"];

/// An archive: its name without what tells how far it has got. In the order of
/// bytes they are in the order of time.
pub type Stem = [u8; LABEL];

/// The stem of [`PREVIOUS`], which is later than all that have a label.
const LAST: Stem = [0xff; LABEL];

/// The archive that a file of this name is (part of); `None` for other files.
pub fn stem(name: &[u8]) -> Option<Stem> {
    if name == PREVIOUS {
        return Some(LAST);
    }
    let (label, suffix) = name.split_first_chunk()?;
    Tai64n::from_label(label)?;
    SUFFIXES.contains(&suffix).then_some(*label)
}

/// The names that an archive's file may have, as they follow each other.
pub fn names(stem: &Stem) -> [[u8; LABEL + 2]; 2] {
    let mut names = [[0; LABEL + 2]; 2];
    for (name, suffix) in names.iter_mut().zip(SUFFIXES) {
        let whole = stem.iter().chain(suffix);
        let whole: &mut dyn Iterator<Item = &u8> =
            if *stem == LAST { &mut PREVIOUS.iter() } else { &mut { whole } };
        for (to, from) in name.iter_mut().zip(whole) {
            *to = *from;
        }
    }
    names
}

/// Puts archives in order, each once: a comb sort, which is short, and quick
/// enough for thousands.
pub fn order(stems: &mut Vec<Stem>) {
    let mut gap = stems.len();
    let mut sorted = false;
    while gap > 1 || !sorted {
        gap = (gap * 10 / 13).max(1);
        sorted = true;
        for low in 0..stems.len() {
            if let Some([one, .., other]) = stems.get_mut(low..=low + gap) {
                if one > other {
                    core::mem::swap(one, other);
                    sorted = false;
                }
            }
        }
    }
    stems.dedup();
}

/// What an archive is compressed with, by its first bytes.
pub fn compression(first: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 5] = [
        (b"\x1f\x8b", "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\xfd7zXZ\0", "xz"),
        (b"BZh", "bzip2"),
        (b"\x04\x22\x4d\x18", "lz4"),
    ];
    KNOWN.iter().find(|(magic, _)| first.starts_with(magic)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_known_by_name() {
        let label = *b"@400000006b03a68f12219bf4";
        assert_eq!(stem(b"@400000006b03a68f12219bf4.s"), Some(label));
        assert_eq!(stem(b"@400000006b03a68f12219bf4.u"), Some(label));
        assert_eq!(stem(b"previous"), Some(LAST));
        assert_eq!(names(&label)[1], *b"@400000006b03a68f12219bf4.s");
        assert!(names(&LAST)[0].starts_with(b"previous\0"));
        for other in [
            &b"@400000006b03a68f12219bf4.t"[..],
            b"@400000006b03a68f12219bf4",
            b"@400000006b03a68f12219bf4.s.gz",
            b"@400000006b03a68f12219bf.s",
            b"current",
            b"lock",
            b"",
        ] {
            assert_eq!(stem(other), None);
        }
    }

    fn numbered(number: u32) -> Stem {
        let label = std::format!("@{number:024}");
        label.as_bytes().try_into().unwrap()
    }

    #[test]
    fn in_order_and_once() {
        // Numbers in an order like chance's, some of them twice.
        let mut stems: Vec<_> = (0..1000).map(|i| numbered(i * 7919 % 997)).collect();
        let mut expected = stems.clone();
        expected.sort_unstable();
        expected.dedup();
        order(&mut stems);
        assert_eq!(stems, expected);
    }

    #[test]
    fn compressed_data_is_known() {
        assert_eq!(compression(b"\x1f\x8b\x08\0"), Some("gzip"));
        assert_eq!(compression(b"\xfd7zXZ\0\0"), Some("xz"));
        assert_eq!(compression(b"(\xb5/\xfd"), Some("zstd"));
        assert_eq!(compression(b"@4000"), None);
        assert_eq!(compression(b""), None);
    }
}
