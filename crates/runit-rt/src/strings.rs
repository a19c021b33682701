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
            c_str_in(entry.to_bytes_with_nul().strip_prefix(name)?.strip_prefix(b"=")?)
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

/// A string of a list, or its end, in room that grows (see
/// [`Pile`](crate::pile::Pile)).
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Link<'a>(*const c_char, PhantomData<&'a CStr>);

impl<'a> Link<'a> {
    /// What follows the last string.
    pub const END: Self = Self(core::ptr::null(), PhantomData);

    /// This string.
    pub fn to(string: &'a CStr) -> Self {
        Self(string.as_ptr(), PhantomData)
    }
}

/// The list of `links`, up to the first end; `None` where the last is none.
pub fn list_of<'a>(links: &'a [Link<'a>]) -> Option<CStrList<'a>> {
    let ended = links.last()?.0.is_null();
    // SAFETY: a null pointer follows strings that live for `'a`, and `Link` is
    // nothing but a pointer.
    ended.then(|| unsafe { CStrList::from_raw(links.as_ptr().cast()) })
}

/// The C string at the start of `bytes`, up to the first NUL; `None` where
/// there is none.
pub fn c_str_in(bytes: &[u8]) -> Option<&CStr> {
    bytes.iter().position(|&byte| byte == 0).map(|_| {
        // SAFETY: there is a NUL within the bytes.
        unsafe { CStr::from_ptr(bytes.as_ptr().cast()) }
    })
}

/// The decimal digits of `number`, put at the end of `digits`.
pub fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        used += 1;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    digits.get(digits.len() - used..).unwrap_or_default()
}

/// The number that decimal digits and nothing else stand for, the largest where
/// it is too large.
pub fn whole_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        Some(number.saturating_mul(10).saturating_add(digit.into()))
    })
}

/// A short C string made of pieces, on the stack.
pub struct ShortCString {
    buffer: [u8; 48],
    length: usize,
}

impl ShortCString {
    /// The most bytes that it holds, without the NUL.
    pub const CAPACITY: usize = 47;

    /// An empty string.
    #[inline(never)]
    pub const fn new() -> Self {
        Self { buffer: [0; 48], length: 0 }
    }

    /// Appends `bytes`; those beyond the capacity are left out, and so is a
    /// NUL and what follows it.
    pub fn push(&mut self, bytes: &[u8]) {
        let room = self.buffer.iter_mut().take(Self::CAPACITY).skip(self.length);
        for (to, &from) in room.zip(bytes.iter().take_while(|&&byte| byte != 0)) {
            *to = from;
            self.length += 1;
        }
    }

    /// The bytes without the NUL.
    pub fn as_bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// The string.
    pub fn as_c_str(&self) -> &CStr {
        // SAFETY: `push` writes no NUL and leaves the last byte, so the zeros
        // that follow the text are there.
        unsafe { CStr::from_ptr(self.buffer.as_ptr().cast()) }
    }
}

impl Default for ShortCString {
    fn default() -> Self {
        Self::new()
    }
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

    #[test]
    fn links_make_a_list_when_it_has_an_end() {
        let links = [Link::to(c"a"), Link::to(c"b"), Link::END];
        assert_eq!(list_of(&links).unwrap().collect::<Vec<_>>(), [c"a", c"b"]);
        assert!(list_of(&links[..2]).is_none());
        assert!(list_of(&[]).is_none());
    }

    #[test]
    fn a_c_string_ends_at_the_first_nul() {
        assert_eq!(c_str_in(b"ab\0c\0"), Some(c"ab"));
        assert_eq!(c_str_in(b"ab"), None);
        assert_eq!(c_str_in(b""), None);
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 7, 10, u64::MAX] {
            assert_eq!(decimal(number, &mut [0; 20]), std::format!("{number}").as_bytes());
        }
    }

    #[test]
    fn whole_numbers_are_digits_only() {
        assert_eq!(whole_number(b"0"), Some(0));
        assert_eq!(whole_number(b"0042"), Some(42));
        assert_eq!(whole_number(b"99999999999999999999999"), Some(u64::MAX));
        for wrong in [&b""[..], b"-1", b"+1", b"1 ", b"x", b"1x", b"0x1"] {
            assert_eq!(whole_number(wrong), None);
        }
    }

    #[test]
    fn a_short_string_keeps_what_fits() {
        let mut string = ShortCString::new();
        string.push(b"abc\0d");
        string.push(b"d");
        assert_eq!(string.as_c_str(), c"abcd");
        string.push(&[b'x'; 100]);
        assert_eq!(string.as_c_str().count_bytes(), ShortCString::CAPACITY);
        assert_eq!(string.as_bytes(), string.as_c_str().to_bytes());
    }
}
