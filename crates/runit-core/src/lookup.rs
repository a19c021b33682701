//! The names of a tool's options as the parser looks them up, made of the table of
//! options when the tool is compiled.

use crate::options::{Found, Opt};

/// A name: a letter, or a long one.
#[derive(Clone, Copy, Debug)]
pub struct Row<K> {
    /// What it stands for.
    pub found: Found<K>,
    /// Whether it takes a value.
    pub takes_value: bool,
    /// How many bytes it has.
    length: u8,
}

/// The names of a tool's options.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<K: 'static> {
    /// One behind the other, without anything between.
    names: &'static [u8],
    rows: &'static [Row<K>],
}

/// How many rows there are, and how many bytes all names have.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Rows.
    pub rows: usize,
    /// Bytes.
    pub names: usize,
}

/// A lookup being made, in room for it.
#[derive(Clone, Copy, Debug)]
pub struct Room<K, const ROWS: usize, const NAMES: usize> {
    rows: [Row<K>; ROWS],
    names: [u8; NAMES],
    used: Size,
}

/// How much room the names of these options need.
pub const fn size<K: Copy>(options: &[Opt<K>]) -> Size {
    Room::<K, 0, 0>::of(options).used
}

impl<K: Copy, const ROWS: usize, const NAMES: usize> Room<K, ROWS, NAMES> {
    /// The names of these options, in as much room as [`size`] says.
    ///
    /// # Panics
    /// When compiling, where a long name has one letter or hundreds.
    pub const fn of(options: &[Opt<K>]) -> Self {
        let row = Row { found: Found::Help, takes_value: false, length: 0 };
        let used = Size { rows: 0, names: 0 };
        let mut all = Self { rows: [row; ROWS], names: [0; NAMES], used };
        let mut index = 0;
        while index < options.len() {
            let option = &options[index];
            let (found, takes_value) = (Found::Option(option.key), option.value.is_some());
            if let Some(letter) = option.short {
                all.add(&[letter], found, takes_value);
            }
            if let Some(long) = option.long {
                assert!(long.len() > 1, "a long name of one letter would be taken for a letter");
                all.add(long.as_bytes(), found, takes_value);
            }
            index += 1;
        }
        all.add(b"help", Found::Help, false);
        all.add(b"version", Found::Version, false);
        all
    }

    #[expect(clippy::cast_possible_truncation, reason = "seen by `assert` when compiling")]
    const fn add(&mut self, name: &[u8], found: Found<K>, takes_value: bool) {
        assert!(name.len() <= u8::MAX as usize);
        if self.used.rows < ROWS {
            self.rows[self.used.rows] = Row { found, takes_value, length: name.len() as u8 };
        }
        self.used.rows += 1;
        let mut index = 0;
        while index < name.len() {
            if self.used.names < NAMES {
                self.names[self.used.names] = name[index];
            }
            self.used.names += 1;
            index += 1;
        }
    }

    /// The same as a reference.
    pub const fn lookup(&'static self) -> Lookup<K> {
        Lookup { names: &self.names, rows: &self.rows }
    }
}

impl<K: Copy> Lookup<K> {
    /// The row of `name`.
    pub(crate) fn find(&self, name: &[u8]) -> Option<Row<K>> {
        let mut names = self.names;
        for row in self.rows {
            let (this, behind) = names.split_at_checked(row.length.into())?;
            if this == name {
                return Some(*row);
            }
            names = behind;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[Opt<u8>] = &[
        Opt { key: 0, short: Some(b'w'), long: Some("wait"), value: Some("SEC"), help: "" },
        Opt { key: 1, short: None, long: Some("json"), value: None, help: "" },
    ];

    #[test]
    fn names_are_found_whole() {
        const SIZE: Size = size(OPTIONS);
        static ROOM: Room<u8, { SIZE.rows }, { SIZE.names }> = Room::of(OPTIONS);
        let find = |name: &[u8]| ROOM.lookup().find(name).map(|row| (row.found, row.takes_value));
        assert_eq!(find(b"w"), Some((Found::Option(0), true)));
        assert_eq!(find(b"wait"), Some((Found::Option(0), true)));
        assert_eq!(find(b"json"), Some((Found::Option(1), false)));
        assert_eq!(find(b"help"), Some((Found::Help, false)));
        assert_eq!(find(b"version"), Some((Found::Version, false)));
        for wrong in [&b""[..], b"x", b"wai", b"waitj", b"ait", b"versionx"] {
            assert_eq!(find(wrong), None);
        }
    }

    #[test]
    fn there_is_room_for_all_and_no_more() {
        let some = Room::<u8, 1, 3>::of(OPTIONS);
        assert_eq!((some.rows[0].found, some.names), (Found::Option(0), *b"wwa"));
        assert_eq!((size(OPTIONS).rows, size(OPTIONS).names), (5, 1 + 4 + 4 + 4 + 7));
    }
}
