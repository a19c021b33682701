//! Buffers of whole pages, which the kernel provides as they are touched and
//! takes back when asked: memory for data in bulk, outside any heap.

use core::ffi::c_void;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags};

/// A buffer of its own pages, zeros at first. Pages never touched cost nothing.
pub struct Pages {
    first: *mut u8,
    length: usize,
}

impl Pages {
    /// A buffer of `length` bytes, which must not be 0.
    pub fn new(length: usize) -> Result<Self, Errno> {
        // SAFETY: a new mapping at a place of the kernel's choice.
        let first = unsafe {
            rustix::mm::mmap_anonymous(
                core::ptr::null_mut(),
                length,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )
        }?;
        Ok(Self { first: first.cast(), length })
    }

    /// Forgets the content: the memory goes back to the kernel, and the buffer
    /// is zeros again.
    pub fn forget(&mut self) {
        self.forget_from(0);
    }

    /// The same from `start` on, where a page must begin; else nothing changes.
    pub fn forget_from(&mut self, start: usize) {
        let rest = self.get_mut(start..).unwrap_or_default();
        let (first, length) = (rest.as_mut_ptr().cast::<c_void>(), rest.len());
        // SAFETY: the mapping is this value's, borrowed by nobody else now;
        // its bytes stay readable and writable. If it fails nothing changes.
        let _ = unsafe { rustix::mm::madvise(first, length, Advice::LinuxDontNeed) };
    }
}

impl Deref for Pages {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: mapped by `new` until `drop`, and initialised by the kernel.
        unsafe { core::slice::from_raw_parts(self.first, self.length) }
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `self` is borrowed for as long.
        unsafe { core::slice::from_raw_parts_mut(self.first, self.length) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`; nothing borrows from it any more.
        let _ = unsafe { rustix::mm::munmap(self.first.cast::<c_void>(), self.length) };
    }
}

/// Values of one type in pages: room that is not used costs nothing.
pub struct Table<T> {
    pages: Pages,
    count: usize,
    of: PhantomData<T>,
}

impl<T: Copy> Table<T> {
    /// An empty one with room for `most` values, at least one.
    pub fn new(most: usize) -> Result<Self, Errno> {
        let size = most.max(1).checked_mul(size_of::<T>()).ok_or(Errno::NOMEM)?;
        Ok(Self { pages: Pages::new(size)?, count: 0, of: PhantomData })
    }

    /// Appends a value; beyond what there is room for, nothing happens.
    pub fn push(&mut self, value: T) {
        if (self.count + 1) * size_of::<T>() <= self.pages.len() {
            // SAFETY: the place is within the pages, which are aligned for any
            // type, and what is there is never dropped.
            unsafe { self.pages.first.cast::<T>().add(self.count).write(value) };
            self.count += 1;
        }
    }
}

impl<T: Copy> Deref for Table<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: so many values have been written there by `push`.
        unsafe { core::slice::from_raw_parts(self.pages.first.cast(), self.count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_zeros_until_written_and_after_being_forgotten() {
        let mut pages = Pages::new(10_000).unwrap();
        assert!(pages.len() == 10_000 && pages.iter().all(|&byte| byte == 0));
        pages[9_999] = 7;
        assert_eq!(pages[9_999], 7);
        pages.forget();
        assert!(pages.iter().all(|&byte| byte == 0));
        pages[0] = 1;
    }

    #[test]
    fn a_table_holds_what_it_has_room_for() {
        let mut table = Table::new(3).unwrap();
        assert!(table.is_empty());
        for n in 0..4_u64 {
            table.push((n, b'x'));
        }
        assert_eq!(*table, [(0, b'x'), (1, b'x'), (2, b'x')]);
        assert_eq!(Table::<u64>::new(usize::MAX).err(), Some(Errno::NOMEM));
        let mut table = Table::new(0).unwrap();
        table.push(1_u8);
        assert_eq!(*table, [1]);
    }

    #[test]
    fn too_much_is_an_error() {
        assert_eq!(Pages::new(usize::MAX / 2).err(), Some(Errno::NOMEM));
    }
}
