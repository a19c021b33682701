//! The allocators of the tools that need one, on anonymous memory: [`Heap`]
//! (`talc`) for what lives long, [`Bump`] for what soon is another program.
//!
//! A tool's `main.rs` says `#[global_allocator] static HEAP: Heap<Its> = Heap::new();`, where `Its`
//! tells what it does where there is no memory.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::{Cell, UnsafeCell};
use core::marker::PhantomData;

use rustix::mm::{MapFlags, ProtFlags};
use talc::{OomHandler, Span, Talc};

/// What a program does when the kernel has no memory for it.
pub trait Shortage {
    /// What it says then, a whole line.
    const LINE: &'static str;
    /// Whether it asks again until there is some, as who must not end does; else it ends with
    /// code 111.
    const WAITS: bool;
}

/// New memory of `size` bytes, which is not zero; there may be a wait for it.
#[inline(never)]
fn obtain<S: Shortage>(size: usize) -> *mut u8 {
    let mut line = S::LINE.as_bytes();
    loop {
        if let Some(memory) = map(size) {
            return memory;
        }
        // There is nowhere to report a failure of this to. Said once: nothing is left of it then.
        let _ = rustix::io::write(crate::stdio::stderr(), line);
        line = &[];
        if !S::WAITS {
            crate::exit(111);
        }
        crate::clock::pause();
    }
}

/// What is asked of the kernel at once, at least.
const CHUNK: usize = 64 * 1024;

/// A heap for a program with one thread.
pub struct Heap<S: Shortage>(UnsafeCell<Talc<Grow<S>>>);

// SAFETY: the tools of the suite have one thread, and no signal handlers.
unsafe impl<S: Shortage> Sync for Heap<S> {}

impl<S: Shortage> Heap<S> {
    /// A heap without memory yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(UnsafeCell::new(Talc::new(Grow(PhantomData))))
    }
}

impl<S: Shortage> Default for Heap<S> {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: talc's own contract is the same as `GlobalAlloc`'s; the references
// made here do not overlap, since talc calls nothing but `Grow`, which does
// not allocate.
unsafe impl<S: Shortage> GlobalAlloc for Heap<S> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, see above.
        let talc = unsafe { &mut *self.0.get() };
        // SAFETY: the caller's layout is not of size zero.
        unsafe { talc.malloc(layout) }.map_or(core::ptr::null_mut(), core::ptr::NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: one thread, see above.
        let talc = unsafe { &mut *self.0.get() };
        if let Some(pointer) = core::ptr::NonNull::new(pointer) {
            // SAFETY: by the caller, allocated here with this layout.
            unsafe { talc.free(pointer, layout) };
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: one thread, see above.
        let talc = unsafe { &mut *self.0.get() };
        let Some(old) = core::ptr::NonNull::new(pointer) else {
            return pointer;
        };
        if new_size <= layout.size() {
            if new_size < layout.size() {
                // SAFETY: by the caller, allocated with this layout, and
                // `new_size` is not zero.
                unsafe { talc.shrink(old, layout, new_size) };
            }
            return pointer;
        }
        // SAFETY: by the caller, allocated with this layout.
        if let Ok(at) = unsafe { talc.grow_in_place(old, layout, new_size) } {
            return at.as_ptr();
        }
        // SAFETY: by the caller, rounded up to the alignment it does not overflow.
        let wanted = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: its size is not zero, being above the old one.
        let Ok(at) = (unsafe { talc.malloc(wanted) }) else {
            return core::ptr::null_mut();
        };
        // SAFETY: both are valid for the old size, and distinct.
        unsafe { core::ptr::copy_nonoverlapping(pointer, at.as_ptr(), layout.size()) };
        // SAFETY: by the caller, allocated with this layout.
        unsafe { talc.free(old, layout) };
        at.as_ptr()
    }
}

/// Asks the kernel for another chunk when talc runs out.
struct Grow<S>(PhantomData<S>);

impl<S: Shortage> OomHandler for Grow<S> {
    fn handle_oom(talc: &mut Talc<Self>, layout: Layout) -> Result<(), ()> {
        // Room for talc's own words beside the allocation.
        let wanted = layout.size().checked_add(layout.align()).and_then(|n| n.checked_add(256));
        let size = wanted.and_then(|n| n.checked_next_multiple_of(CHUNK)).ok_or(())?;
        let chunk = obtain::<S>(size);
        // SAFETY: the mapping is ours, and is never given back.
        unsafe { talc.claim(Span::from_base_size(chunk, size)) }.map(|_| ())
    }
}

/// New memory of `size` bytes, which is not zero.
fn map(size: usize) -> Option<*mut u8> {
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping at a place of the kernel's choice.
    let memory = unsafe {
        rustix::mm::mmap_anonymous(core::ptr::null_mut(), size, access, MapFlags::PRIVATE)
    };
    memory.ok().map(<*mut _>::cast)
}

/// An allocator that never takes anything back but the growth of its last
/// block: a tenth of the code, for a program with one thread that does its
/// work and ends.
pub struct Bump<S> {
    next: Cell<*mut u8>,
    left: Cell<usize>,
    shortage: PhantomData<S>,
}

// SAFETY: the tools of the suite have one thread, and no signal handlers.
unsafe impl<S: Shortage> Sync for Bump<S> {}

impl<S: Shortage> Bump<S> {
    /// An allocator without memory yet.
    #[must_use]
    pub const fn new() -> Self {
        let next = Cell::new(core::ptr::null_mut());
        Self { next, left: Cell::new(0), shortage: PhantomData }
    }

    /// Takes `size` bytes from what is left, if there are so many.
    fn take(&self, size: usize) -> Option<*mut u8> {
        let left = self.left.get().checked_sub(size)?;
        let block = self.next.get();
        self.left.set(left);
        self.next.set(block.wrapping_add(size));
        Some(block)
    }
}

impl<S: Shortage> Default for Bump<S> {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: a block is never handed out twice, and lies in memory that is mapped
// for good.
unsafe impl<S: Shortage> GlobalAlloc for Bump<S> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let gap = self.next.get().addr().wrapping_neg() & (layout.align() - 1);
        if self.take(gap.saturating_add(layout.size())).is_none() {
            // A mapping is aligned for anything that is allocated here.
            let Some(size) = layout.size().checked_next_multiple_of(CHUNK) else {
                return core::ptr::null_mut();
            };
            let chunk = obtain::<S>(size);
            self.next.set(chunk.wrapping_add(layout.size()));
            self.left.set(size - layout.size());
        }
        self.next.get().wrapping_sub(layout.size())
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let more = new_size.saturating_sub(layout.size());
        let last = block.wrapping_add(layout.size()) == self.next.get();
        if more == 0 || (last && self.take(more).is_some()) {
            return block;
        }
        // SAFETY: the new size is not zero, and the alignment was right before.
        let wanted = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: as above.
        let new = unsafe { self.alloc(wanted) };
        if !new.is_null() {
            // SAFETY: both are valid for the old size, and distinct.
            unsafe { core::ptr::copy_nonoverlapping(block, new, layout.size()) };
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ends;

    impl Shortage for Ends {
        const LINE: &'static str = "out of memory\n";
        const WAITS: bool = false;
    }

    #[test]
    fn blocks_keep_their_content_while_they_grow_and_shrink() {
        exercise(&Heap::<Ends>::new());
        exercise(&Bump::<Ends>::new());
    }

    #[test]
    fn blocks_are_aligned_and_apart() {
        let bump = Bump::<Ends>::new();
        let mut end = core::ptr::null_mut::<u8>();
        for (size, align) in [(1, 1), (8, 8), (3, 1), (64, 64), (CHUNK, 16), (2, 2), (CHUNK, 1)] {
            let layout = Layout::from_size_align(size, align).unwrap();
            // SAFETY: the size is not zero; all of the block is written to.
            let block = unsafe { bump.alloc(layout) };
            assert_eq!(block.align_offset(align), 0);
            assert_ne!(block, end.wrapping_sub(1));
            // SAFETY: as above.
            unsafe { block.write_bytes(1, size) };
            end = block.wrapping_add(size);
        }
    }

    fn exercise(heap: &dyn GlobalAlloc) {
        let mut layout = Layout::from_size_align(16, 8).unwrap();
        // SAFETY: each call passes the layout that the block has at that time.
        unsafe {
            let mut block = heap.alloc(layout);
            block.write_bytes(7, 16);
            for size in [100, 70_000, 1_000_000, 50, 3_000_000] {
                let other = heap.alloc(layout);
                block = heap.realloc(block, layout, size);
                assert!(!block.is_null() && !other.is_null());
                heap.dealloc(other, layout);
                layout = Layout::from_size_align(size, 8).unwrap();
                for at in 0..16 {
                    assert_eq!(block.add(at).read(), 7);
                }
            }
            heap.dealloc(block, layout);
        }
    }
}
