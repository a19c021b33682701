//! The environment that the program gets: the inherited one, and what is
//! changed in it.

use alloc::vec::Vec;
use core::ffi::CStr;

use runit_rt::Errno;
use runit_rt::strings::{CStrList, Slot, list_in};

/// The environment to be.
pub struct Environment<'a> {
    inherited: CStrList<'a>,
    /// Empty until the first change.
    entries: Vec<&'a CStr>,
    /// Room for `entries` as a list: made with each change, since limits that
    /// are set later may leave none.
    slots: Vec<Slot>,
}

impl<'a> Environment<'a> {
    /// As inherited.
    pub fn new(inherited: CStrList<'a>) -> Self {
        Self { inherited, entries: Vec::new(), slots: Vec::new() }
    }

    /// Changes it: removes what `names` name, and adds `entries`, of the form
    /// `NAME=VALUE`, whose names must be among them.
    ///
    /// `names` are sorted here, so that thousands of them cost no more than
    /// they must.
    pub fn change(
        &mut self,
        mut names: Vec<&'a [u8]>,
        entries: Vec<&'a CStr>,
    ) -> Result<(), Errno> {
        names.sort_unstable();
        if self.slots.is_empty() {
            reserve(&mut self.entries, self.inherited.count())?;
            self.entries.extend(self.inherited);
        }
        self.entries.retain(|entry| names.binary_search(&name_of(entry.to_bytes())).is_err());
        reserve(&mut self.entries, entries.len())?;
        self.entries.extend(entries);
        self.slots.clear();
        reserve(&mut self.slots, self.entries.len() + 1)?;
        self.slots.resize(self.entries.len() + 1, Slot::default());
        Ok(())
    }

    /// As a list for `execve`.
    pub fn list(&mut self) -> CStrList<'_> {
        // Without a change there is no room, and the inherited list stands.
        list_in(&mut self.slots, self.entries.iter().copied()).unwrap_or(self.inherited)
    }
}

/// Room for `more` elements, or the error that there is no memory for it.
pub fn reserve<T>(list: &mut Vec<T>, more: usize) -> Result<(), Errno> {
    list.try_reserve(more).map_err(|_| Errno::NOMEM)
}

/// An entry's name, up to its first `=`.
fn name_of(entry: &[u8]) -> &[u8] {
    entry.split(|&byte| byte == b'=').next().unwrap_or_default()
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
    !name.is_empty() && !name.contains(&b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(
        inherited: &[&'static CStr],
        changes: &[(&[&'static [u8]], &[&'static CStr])],
    ) -> Vec<&'static CStr> {
        let mut slots = [Slot::default(); 8];
        let list = list_in(&mut slots, inherited.iter().copied()).unwrap();
        let mut environment = Environment::new(list);
        for (names, entries) in changes {
            environment.change(names.to_vec(), entries.to_vec()).unwrap();
        }
        let list = environment.list();
        // The strings outlive the list that they are in.
        let all = inherited.iter().chain(changes.iter().flat_map(|(_, entries)| *entries));
        let all: Vec<_> = all.copied().collect();
        list.map(|found| *all.iter().find(|entry| **entry == found).unwrap()).collect()
    }

    #[test]
    fn names_are_replaced_whole_and_removed_however_often_they_are_there() {
        let inherited = [c"AB=1", c"A=1", c"B=2", c"A=3", c"odd"];
        assert_eq!(changed(&inherited, &[]), inherited);
        assert_eq!(
            changed(&inherited, &[(&[b"B", b"A"], &[c"A=new"])]),
            [c"AB=1", c"odd", c"A=new"]
        );
        assert_eq!(
            changed(&inherited, &[(&[b"A"], &[c"A=x"]), (&[b"A", b"odd"], &[c"A="])]),
            [c"AB=1", c"B=2", c"A="]
        );
        assert_eq!(changed(&[], &[(&[b"A"], &[])]), [] as [&CStr; 0]);
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
