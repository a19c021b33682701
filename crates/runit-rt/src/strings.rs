//! Null-terminated lists of C strings: argument vectors and environments in
//! the form in which the kernel gives and takes them.

use core::ffi::{CStr, c_char};
use core::marker::PhantomData;

/// A list of C strings ended by a null pointer, borrowed for `'a`.
#[derive(Clone, Copy)]
pub struct CStrList<'a> {
    first: *const *const c_char,
    strings: PhantomData<&'a CStr>,
}

impl<'a> CStrList<'a> {
    /// The list at `first`.
    ///
    /// # Safety
    /// `first` points to C strings followed by a null pointer, all of them
    /// readable and unchanged for `'a`.
    pub(crate) unsafe fn from_raw(first: *const *const c_char) -> Self {
        Self { first, strings: PhantomData }
    }

    pub(crate) fn as_ptr(self) -> *const *const c_char {
        self.first
    }

    /// The list without its first string; of an empty list, the same.
    #[must_use]
    pub fn rest(mut self) -> Self {
        self.next();
        self
    }

    /// The value of `name` where the strings have the form `NAME=VALUE`.
    pub fn value_of(self, name: &[u8]) -> Option<&'a CStr> {
        self.into_iter().find_map(|entry| {
            let value = entry.to_bytes().strip_prefix(name)?.strip_prefix(b"=")?;
            let start = entry.count_bytes() - value.len();
            CStr::from_bytes_with_nul(entry.to_bytes_with_nul().get(start..)?).ok()
        })
    }
}

#[expect(
    clippy::copy_iterator,
    reason = "a list is a pointer: a copy is the way to keep a place in it"
)]
impl<'a> Iterator for CStrList<'a> {
    type Item = &'a CStr;

    fn next(&mut self) -> Option<&'a CStr> {
        // SAFETY: by `from_raw`, this is a pointer of the list or its null end.
        let string = unsafe { *self.first };
        if string.is_null() {
            return None;
        }
        // SAFETY: the end is not yet reached, so the next pointer exists.
        self.first = unsafe { self.first.add(1) };
        // SAFETY: by `from_raw`, a C string that lives for `'a`.
        Some(unsafe { CStr::from_ptr(string) })
    }
}

/// Room for a list of at most `N` - 1 strings, on the stack.
pub struct ListBuf<'a, const N: usize> {
    pointers: [*const c_char; N],
    length: usize,
    strings: PhantomData<&'a CStr>,
}

impl<'a, const N: usize> ListBuf<'a, N> {
    /// The list of `strings`; those beyond `N` - 1 are left out, so choose `N`
    /// by what the caller passes.
    pub fn new(strings: &[&'a CStr]) -> Self {
        let mut list = Self { pointers: [core::ptr::null(); N], length: 0, strings: PhantomData };
        for string in strings {
            list.push(string);
        }
        list
    }

    /// Appends `string` if there is room; says whether there was.
    pub fn push(&mut self, string: &'a CStr) -> bool {
        let fits = self.length + 1 < N;
        if let (true, Some(slot)) = (fits, self.pointers.get_mut(self.length)) {
            *slot = string.as_ptr();
            self.length += 1;
        }
        fits
    }

    /// The list.
    pub fn as_list(&self) -> CStrList<'_> {
        // SAFETY: `push` leaves the last pointer null and keeps only strings
        // that live for `'a`, which outlives this borrow.
        unsafe { CStrList::from_raw(self.pointers.as_ptr()) }
    }
}

/// A place for one pointer of a list whose room the caller provides.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Slot(*const c_char);

impl Default for Slot {
    fn default() -> Self {
        Self(core::ptr::null())
    }
}

/// The list of `strings` in `slots`, of which there must be one more than
/// strings for the null at the end; `None` when there are fewer.
pub fn list_in<'a>(
    slots: &'a mut [Slot],
    strings: impl IntoIterator<Item = &'a CStr>,
) -> Option<CStrList<'a>> {
    let mut strings = strings.into_iter();
    for slot in &mut *slots {
        let Some(string) = strings.next() else {
            *slot = Slot::default();
            // SAFETY: a null pointer follows strings that live for `'a`, and
            // `Slot` is nothing but a pointer.
            return Some(unsafe { CStrList::from_raw(slots.as_ptr().cast()) });
        };
        slot.0 = string.as_ptr();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn a_list_keeps_what_fits_and_ends_in_null() {
        let mut list = ListBuf::<3>::new(&[c"a", c"b"]);
        assert!(!list.push(c"c"));
        assert_eq!(list.as_list().collect::<Vec<_>>(), [c"a", c"b"]);
        assert_eq!(list.as_list().rest().rest().rest().count(), 0);
    }

    #[test]
    fn value_of_wants_the_whole_name() {
        let list = ListBuf::<4>::new(&[c"PATHS=x", c"PATH=/bin:/sbin", c"PATH=no"]);
        assert_eq!(list.as_list().value_of(b"PATH"), Some(c"/bin:/sbin"));
        assert_eq!(list.as_list().value_of(b"PAT"), None);
    }

    #[test]
    fn a_list_in_given_room_needs_a_place_for_its_end() {
        let mut slots = [Slot::default(); 3];
        let list = list_in(&mut slots, [c"a", c"b"]).unwrap();
        assert_eq!(list.collect::<Vec<_>>(), [c"a", c"b"]);
        assert!(list_in(&mut slots, [c"a", c"b", c"c"]).is_none());
        assert_eq!(list_in(&mut slots, []).map(Iterator::count), Some(0));
    }
}
