//! The environment that the program gets: the inherited one, and what is
//! changed in it.

use alloc::vec::Vec;
use core::ffi::CStr;

use runit_rt::Errno;
use runit_rt::strings::{CStrList, Slot, c_str_in, list_in};

use crate::text::pieces;

/// The environment `old` with changes: an entry `NAME=VALUE` sets a variable, a
/// mere `NAME` removes it. The list and its memory are made now, since limits
/// that are set later may leave none; it lives as long as the process.
pub fn changed<'a>(old: CStrList<'a>, changes: &[&'a CStr]) -> Result<CStrList<'a>, Errno> {
    let mut entries = Vec::new();
    for entry in old {
        let name = name_of(entry);
        if !changes.iter().any(|change| name_of(change) == name) {
            append(&mut entries, entry)?;
        }
    }
    for change in changes {
        if name_of(change).len() < change.count_bytes() {
            append(&mut entries, change)?;
        }
    }
    list(&entries)
}

/// The strings as a list, which lives as long as the process.
pub fn list<'a>(strings: &[&'a CStr]) -> Result<CStrList<'a>, Errno> {
    let mut slots = Vec::new();
    reserve(&mut slots, strings.len() + 1)?;
    slots.resize(strings.len() + 1, Slot::default());
    list_in(slots.leak(), strings.iter().copied()).ok_or(Errno::NOMEM)
}

/// Room for `more` elements, or the error that there is no memory for it.
pub fn reserve<T>(list: &mut Vec<T>, more: usize) -> Result<(), Errno> {
    list.try_reserve(more).map_err(|_| Errno::NOMEM)
}

/// Appends an element, or gives the error that there is no memory for it.
pub fn append<T>(list: &mut Vec<T>, element: T) -> Result<(), Errno> {
    reserve(list, 1)?;
    list.push(element);
    Ok(())
}

/// Appends bytes, or gives the error that there is no memory for them.
pub fn append_bytes(text: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Errno> {
    reserve(text, bytes.len())?;
    text.extend_from_slice(bytes);
    Ok(())
}

/// The bytes of `parts` as a C string, which lives as long as the process. A
/// NUL among them ends it.
pub fn c_string(parts: &[&[u8]]) -> Result<&'static CStr, Errno> {
    let mut text = Vec::new();
    for part in parts {
        append_bytes(&mut text, part)?;
    }
    append_bytes(&mut text, b"\0")?;
    c_str_in(text.leak()).ok_or(Errno::NOMEM)
}

/// An entry's name, up to its first `=`.
fn name_of(entry: &CStr) -> &[u8] {
    pieces(entry.to_bytes(), b'=').next().unwrap_or_default()
}

/// What a file of an environment directory says, given its content up to and
/// without the first newline, becomes a value: trailing blanks and tabs are
/// cut, NUL bytes turned into newlines (CONTRACT section 5).
pub fn clean(value: &mut Vec<u8>, start: usize) {
    while value.len() > start && matches!(value.last(), Some(b' ' | b'\t')) {
        value.pop();
    }
    for byte in value.iter_mut().skip(start) {
        if *byte == 0 {
            *byte = b'\n';
        }
    }
}

/// Whether a file's name can be a variable's: it is not empty and has no `=`.
pub fn can_be_name(name: &[u8]) -> bool {
    !name.is_empty() && pieces(name, b'=').count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(inherited: &[&'static CStr], changes: &[&[&'static CStr]]) -> Vec<&'static CStr> {
        let mut slots = [Slot::default(); 8];
        let mut list = list_in(&mut slots, inherited.iter().copied()).unwrap();
        for change in changes {
            list = changed(list, change).unwrap();
        }
        // The strings outlive the list that they are in.
        let all = inherited.iter().chain(changes.iter().flat_map(|entries| *entries));
        let all: Vec<_> = all.copied().collect();
        list.map(|found| *all.iter().find(|entry| **entry == found).unwrap()).collect()
    }

    #[test]
    fn names_are_replaced_whole_and_removed_however_often_they_are_there() {
        let inherited = [c"AB=1", c"A=1", c"B=2", c"A=3", c"odd"];
        assert_eq!(after(&inherited, &[]), inherited);
        assert_eq!(after(&inherited, &[&[]]), inherited);
        assert_eq!(after(&inherited, &[&[c"B", c"A=new"]]), [c"AB=1", c"odd", c"A=new"]);
        let twice: &[&[&CStr]] = &[&[c"A=x"], &[c"A=", c"odd"]];
        assert_eq!(after(&inherited, twice), [c"AB=1", c"B=2", c"A="]);
        assert_eq!(after(&[], &[&[c"A"]]), [] as [&CStr; 0]);
    }

    #[test]
    fn values_lose_blanks_at_the_end_and_nul_bytes() {
        let clean = |text: &[u8]| {
            let mut value = text.to_vec();
            clean(&mut value, 2);
            value
        };
        assert_eq!(clean(b"A= a \t b\t \t"), b"A= a \t b");
        assert_eq!(clean(b"A=\t  "), b"A=");
        assert_eq!(clean(b"A=a\0b\0 "), b"A=a\nb\n");
    }

    #[test]
    fn some_file_names_are_no_variable_names() {
        assert!(can_be_name(b"a b\n\xff"));
        assert!(!can_be_name(b"") && !can_be_name(b"=") && !can_be_name(b"A=B"));
    }
}
