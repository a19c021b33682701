//! The environment that the program gets: the inherited one, and what is
//! changed in it.

use runit_rt::Errno;
use runit_rt::pile::Pile;
use runit_rt::strings::{CStrList, Link, c_str_in, decimal, list_of};

use crate::text::pieces;

/// Variables to be set and removed.
#[derive(Default)]
pub struct Changes {
    /// `NAME=VALUE` and a NUL for each, or `NAME`; and what was given up.
    pub text: Pile<u8>,
    /// Where in the text they are.
    places: Pile<Place>,
}

/// A variable's place in the text.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    name_end: usize,
    is_set: bool,
}

impl Changes {
    /// Makes what was appended to the text since its length was `start`, NUL
    /// included, a change: the variable's name is as long as `name`, and it is
    /// set or removed.
    pub fn add(&mut self, start: usize, name: &[u8], is_set: bool) -> Result<(), Errno> {
        self.places.push(Place { start, name_end: start + name.len(), is_set })
    }

    /// Sets `name` to `number`.
    pub fn set(&mut self, name: &[u8], number: u32) -> Result<(), Errno> {
        let start = self.text.as_slice().len();
        self.text.extend(name)?;
        self.text.push(b'=')?;
        self.text.extend(decimal(number.into(), &mut [0; 20]))?;
        self.text.push(0)?;
        self.add(start, name, true)
    }

    /// The environment `old` with these changes, made now, since limits that
    /// are set later may leave no memory; it lives as long as the process.
    pub fn apply(self, old: CStrList<'_>) -> Result<CStrList<'_>, Errno> {
        let text = self.text.into_slice();
        let mut links = Pile::new();
        for entry in old {
            let name = pieces(entry.to_bytes(), b'=').next();
            let is_it = |place: &Place| text.get(place.start..place.name_end) == name;
            if !self.places.as_slice().iter().any(is_it) {
                links.push(Link::to(entry))?;
            }
        }
        for place in self.places.as_slice() {
            if place.is_set {
                let entry = text.get(place.start..).and_then(c_str_in);
                links.push(Link::to(entry.unwrap_or_default()))?;
            }
        }
        links.push(Link::END)?;
        list_of(links.into_slice()).ok_or(Errno::NOMEM)
    }
}

/// Turns NUL bytes into newlines (CONTRACT section 5).
pub fn clean(value: &mut [u8]) {
    for byte in value {
        if *byte == 0 {
            *byte = b'\n';
        }
    }
}

/// The length of `text` without the blanks and tabs at its end.
pub fn trimmed(text: &[u8]) -> usize {
    let last = text.iter().rposition(|byte| !matches!(byte, b' ' | b'\t'));
    last.map_or(0, |last| last + 1)
}

/// Whether a file's name can be a variable's: it is not empty and has no `=`.
pub fn can_be_name(name: &[u8]) -> bool {
    !name.is_empty() && pieces(name, b'=').count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::CStr;
    use runit_rt::strings::{Slot, list_in};
    use std::vec::Vec;

    type Step = [(&'static [u8], Option<u32>)];

    fn after(inherited: &[&'static CStr], steps: &[&Step]) -> Vec<Vec<u8>> {
        let mut slots = [Slot::default(); 8];
        let mut list = list_in(&mut slots, inherited.iter().copied()).unwrap();
        for step in steps {
            let mut changes = Changes::default();
            for (name, value) in *step {
                if let Some(value) = value {
                    changes.set(name, *value).unwrap();
                    continue;
                }
                let start = changes.text.as_slice().len();
                changes.text.extend(name).unwrap();
                changes.add(start, name, false).unwrap();
            }
            list = changes.apply(list).unwrap();
        }
        list.map(|entry| entry.to_bytes().to_vec()).collect()
    }

    #[test]
    fn names_are_replaced_whole_and_removed_however_often_they_are_there() {
        let inherited = [c"AB=1", c"A=1", c"B=2", c"A=3", c"odd"];
        let all: [&[u8]; 5] = [b"AB=1", b"A=1", b"B=2", b"A=3", b"odd"];
        assert_eq!(after(&inherited, &[]), all);
        assert_eq!(after(&inherited, &[&[]]), all);
        let once: &Step = &[(b"B", None), (b"A", Some(20))];
        let expected: [&[u8]; 3] = [b"AB=1", b"odd", b"A=20"];
        assert_eq!(after(&inherited, &[once]), expected);
        let twice: [&Step; 2] = [&[(b"A", Some(1))], &[(b"A", Some(0)), (b"odd", None)]];
        let expected: [&[u8]; 3] = [b"AB=1", b"B=2", b"A=0"];
        assert_eq!(after(&inherited, &twice), expected);
        assert!(after(&[], &[&[(b"A", None)]]).is_empty());
    }

    #[test]
    fn values_lose_blanks_at_the_end_and_nul_bytes() {
        for (text, length) in [(b"a \t b\t \t" as &[u8], 5), (b" \t", 0), (b"", 0), (b"a\n ", 2)] {
            assert_eq!(trimmed(text), length);
        }
        let mut value = *b"a\0b\0 ";
        clean(&mut value);
        assert_eq!(&value, b"a\nb\n ");
    }

    #[test]
    fn some_file_names_are_no_variable_names() {
        assert!(can_be_name(b"a b\n\xff"));
        assert!(!can_be_name(b"") && !can_be_name(b"=") && !can_be_name(b"A=B"));
    }
}
