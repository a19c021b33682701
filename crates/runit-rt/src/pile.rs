//! Memory that grows: what programs without a heap use where a size is not
//! known beforehand.

use core::marker::PhantomData;

use rustix::io::Errno;
use rustix::mm::{MapFlags, MremapFlags, ProtFlags, mmap_anonymous, mremap};

/// The least that is asked of the kernel, and a page at least.
const SMALLEST: usize = 64 * 1024;

/// Values one after the other, in memory of their own that is never given
/// back: for a program that does its work and ends.
pub struct Pile<T: Copy> {
    bytes: Bytes,
    values: PhantomData<T>,
}

/// The same whatever the values are, so that there is one copy of its code.
struct Bytes {
    first: *mut u8,
    used: usize,
    mapped: usize,
}

impl Bytes {
    /// # Safety
    /// `count` bytes can be read at `from`, none of which are these here.
    unsafe fn append(&mut self, from: *const u8, count: usize) -> Result<(), Errno> {
        if self.mapped - self.used < count {
            (self.first, self.mapped) = grow(self.first, self.mapped, self.used, count)?;
        }
        // SAFETY: there is room behind the bytes used, to which nobody has a
        // reference; the caller answers for the source.
        unsafe { core::ptr::copy_nonoverlapping(from, self.first.add(self.used), count) };
        self.used += count;
        Ok(())
    }
}

impl<T: Copy> Pile<T> {
    /// An empty pile, without memory yet.
    #[must_use]
    pub const fn new() -> Self {
        let bytes = Bytes { first: core::ptr::null_mut(), used: 0, mapped: 0 };
        Self { bytes, values: PhantomData }
    }

    /// Appends `values`. An error means that there is no memory for them.
    pub fn extend(&mut self, values: &[T]) -> Result<(), Errno> {
        // SAFETY: the slice is that long, and a reference into this pile would
        // borrow it.
        unsafe { self.bytes.append(values.as_ptr().cast(), size_of_val(values)) }
    }

    /// Appends `value`.
    pub fn push(&mut self, value: T) -> Result<(), Errno> {
        self.extend(core::slice::from_ref(&value))
    }

    /// Leaves out what follows the first `length` values.
    pub fn truncate(&mut self, length: usize) {
        self.bytes.used = self.bytes.used.min(length.saturating_mul(size_of::<T>()));
    }

    /// The values.
    pub fn as_slice(&self) -> &[T] {
        if self.bytes.used == 0 {
            return &[];
        }
        // SAFETY: so many values were copied here, to a place that is aligned
        // for any type since it is the start of a mapping.
        unsafe {
            core::slice::from_raw_parts(self.bytes.first.cast(), self.bytes.used / size_of::<T>())
        }
    }

    /// The values, for the rest of the process's life.
    pub fn into_slice<'a>(self) -> &'a [T] {
        // SAFETY: nothing unmaps or changes the memory once this value is gone.
        unsafe { &*core::ptr::from_ref(self.as_slice()) }
    }
}

impl<T: Copy> Default for Pile<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Gives a mapping with room for `more` bytes beyond those `used`, twice as
/// large as before or larger, and its size.
fn grow(old: *mut u8, mapped: usize, used: usize, more: usize) -> Result<(*mut u8, usize), Errno> {
    let wanted = used.checked_add(more).ok_or(Errno::NOMEM)?.max(mapped.saturating_mul(2));
    let size = wanted.checked_next_multiple_of(SMALLEST).ok_or(Errno::NOMEM)?;
    let new = if mapped == 0 {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at a place of the kernel's choice.
        unsafe { mmap_anonymous(core::ptr::null_mut(), size, access, MapFlags::PRIVATE) }
    } else {
        // SAFETY: the old mapping is ours alone: a reference into it would
        // borrow the pile, which is borrowed mutably here.
        unsafe { mremap(old.cast(), mapped, size, MremapFlags::MAYMOVE) }
    };
    Ok((new?.cast(), size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn values_stay_in_order_while_the_pile_grows() {
        let mut bytes = Pile::new();
        let mut words = Pile::new();
        assert_eq!(bytes.as_slice(), b"");
        let mut expected = Vec::new();
        for number in 0..50_000_u32 {
            words.push(number).unwrap();
            bytes.extend(&number.to_ne_bytes()[..3]).unwrap();
            expected.extend_from_slice(&number.to_ne_bytes()[..3]);
        }
        assert_eq!(bytes.as_slice(), expected);
        assert!(words.into_slice().iter().copied().eq(0..50_000));
        bytes.truncate(10);
        bytes.truncate(20);
        let million = std::vec![7; 1_000_000];
        bytes.extend(&million).unwrap();
        assert_eq!(bytes.as_slice().len(), 1_000_010);
        assert!(bytes.as_slice().ends_with(&million));
        assert!(bytes.into_slice().starts_with(&expected[..10]));
    }

    #[test]
    fn what_cannot_be_is_no_memory() {
        assert_eq!(grow(core::ptr::null_mut(), 0, 0, usize::MAX), Err(Errno::NOMEM));
        assert_eq!(grow(core::ptr::null_mut(), 0, 1, usize::MAX), Err(Errno::NOMEM));
        assert_eq!(grow(core::ptr::null_mut(), 0, 0, usize::MAX / 4), Err(Errno::NOMEM));
    }
}
