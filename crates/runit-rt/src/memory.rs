//! `memcpy` and its kin, which compiled code calls and a libc would bring.
//! [`entry!`](crate::entry) exports them from the tools alone, so that programs
//! with a libc (tests) keep their own. Written for size: whoever must copy
//! much (svlogd) lets the kernel do it.

/// As C's `memcpy`.
///
/// # Safety
/// Both ranges are valid for `n` bytes and do not overlap.
#[inline]
pub unsafe fn copy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: by this function's contract; the direction flag is clear by the ABI.
    unsafe {
        core::arch::asm!(
            "rep movsb",
            inout("rcx") n => _,
            inout("rdi") to => _,
            inout("rsi") from => _,
            options(nostack, preserves_flags),
        );
    }
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: by this function's contract.
    unsafe {
        forwards(to, from, n);
    }
    to
}

/// As C's `memmove`.
///
/// # Safety
/// Both ranges are valid for `n` bytes.
#[inline]
pub unsafe fn copy_overlapping(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= n {
        // SAFETY: `to` does not lie within the source, so ascending order works.
        return unsafe { copy(to, from, n) };
    }
    let mut i = n;
    while i > 0 {
        keep_loop();
        i -= 1;
        // SAFETY: `i` is below `n`.
        unsafe { to.add(i).write(from.add(i).read()) };
    }
    to
}

/// As C's `memset`.
///
/// # Safety
/// The range is valid for `n` bytes.
#[inline]
pub unsafe fn set(to: *mut u8, byte: i32, n: usize) -> *mut u8 {
    let mut i = 0;
    while i < n {
        keep_loop();
        // SAFETY: `i` is below `n`. C takes the low byte.
        unsafe { to.add(i).write(byte.to_le_bytes()[0]) };
        i += 1;
    }
    to
}

/// As C's `memcmp`.
///
/// # Safety
/// Both ranges are valid for `n` bytes.
#[inline]
pub unsafe fn compare(a: *const u8, b: *const u8, n: usize) -> i32 {
    let mut i = 0;
    while i < n {
        keep_loop();
        // SAFETY: `i` is below `n`.
        let (x, y) = unsafe { (a.add(i).read(), b.add(i).read()) };
        if x != y {
            return i32::from(x) - i32::from(y);
        }
        i += 1;
    }
    0
}

/// As C's `strlen`.
///
/// # Safety
/// `string` is ended by a NUL.
#[inline]
pub unsafe fn length(string: *const u8) -> usize {
    let mut n = 0;
    // SAFETY: the NUL is not yet passed.
    while unsafe { string.add(n).read() } != 0 {
        keep_loop();
        n += 1;
    }
    n
}

#[cfg(not(target_arch = "x86_64"))]
unsafe fn forwards(to: *mut u8, from: *const u8, n: usize) {
    let mut i = 0;
    while i < n {
        keep_loop();
        // SAFETY: `i` is below `n`, for which the caller answers.
        unsafe { to.add(i).write(from.add(i).read()) };
        i += 1;
    }
}

/// Keeps the optimiser from turning a loop into a call of the function it is in.
#[inline]
pub(crate) fn keep_loop() {
    // SAFETY: no instruction at all.
    unsafe { core::arch::asm!("", options(nomem, nostack, preserves_flags)) };
}

/// The exported names, for [`entry!`](crate::entry).
#[doc(hidden)]
#[macro_export]
macro_rules! __memory_symbols {
    () => {
        $crate::__memory_symbols! {
            memcpy = copy(to: *mut u8, from: *const u8, n: usize) -> *mut u8;
            memmove = copy_overlapping(to: *mut u8, from: *const u8, n: usize) -> *mut u8;
            memset = set(to: *mut u8, byte: i32, n: usize) -> *mut u8;
            memcmp = compare(a: *const u8, b: *const u8, n: usize) -> i32;
            bcmp = compare(a: *const u8, b: *const u8, n: usize) -> i32;
            strlen = length(string: *const u8) -> usize;
        }
    };
    ($($name:ident = $ours:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        $(
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name($($arg: $type),*) -> $result {
                // SAFETY: the same contract as C's function of this name.
                unsafe { $crate::memory::$ours($($arg),*) }
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_copies_work_both_ways() {
        for (to, from) in [(0_usize, 3_usize), (3, 0), (2, 2), (0, 10)] {
            let mut ours: [u8; 20] = core::array::from_fn(|i| u8::try_from(i).unwrap());
            let mut theirs = ours;
            let base = ours.as_mut_ptr();
            // SAFETY: both ranges lie within the 20 bytes.
            unsafe { copy_overlapping(base.add(to), base.add(from), 10) };
            theirs.copy_within(from..from + 10, to);
            assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn the_rest_does_as_c() {
        let mut buffer = [1_u8; 8];
        // SAFETY: within the buffer.
        unsafe { set(buffer.as_mut_ptr(), 0x1ff, 4) };
        assert_eq!(buffer, [255, 255, 255, 255, 1, 1, 1, 1]);
        // SAFETY: four and five bytes of literals that are longer.
        unsafe {
            assert!(compare(b"abcd".as_ptr(), b"abce".as_ptr(), 4) < 0);
            assert!(compare(b"\xff".as_ptr(), b"\x01".as_ptr(), 1) > 0);
            assert_eq!(compare(b"abcdX".as_ptr(), b"abcdY".as_ptr(), 4), 0);
            assert_eq!(length(c"seven b".as_ptr().cast()), 7);
        }
    }
}
