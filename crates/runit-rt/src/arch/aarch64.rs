//! `aarch64`: number in x8, arguments in x0 to x5, result in x0. x19 is
//! LLVM's, so the vfork keeps what it needs in x20 and x21.

use core::arch::asm;
use core::ffi::c_void;

/// The process's first instruction: hands the initial stack pointer, where
/// argc, argv and envp lie, to `$entry`.
#[doc(hidden)]
#[macro_export]
macro_rules! __entry_symbol {
    ($entry:path) => {
        core::arch::global_asm!(
            ".globl _start",
            "_start:",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, sp",
            "and sp, x0, #-16",
            "bl {entry}",
            "brk #1",
            entry = sym $entry,
        );
    };
}

/// Makes system call `number`; the result is the kernel's, negative for an error.
///
/// # Safety
/// The arguments must be right for that call.
pub(crate) unsafe fn syscall(number: u32, a: [usize; 6]) -> isize {
    let result;
    // SAFETY: the caller answers for the call; the kernel keeps all other registers.
    unsafe {
        asm!(
            "svc #0",
            in("x8") number as usize,
            inlateout("x0") a[0] => result,
            in("x1") a[1],
            in("x2") a[2],
            in("x3") a[3],
            in("x4") a[4],
            in("x5") a[5],
            options(nostack),
        );
    }
    result
}

/// Starts a child that shares this memory and calls `child(context)`, while
/// this process stands still until the child has executed a program or ended.
/// Gives the child's pid or a negative error.
///
/// # Safety
/// `child` must never return and must leave the memory fit for this process.
pub(crate) unsafe fn vfork_call(
    child: unsafe extern "C" fn(*mut c_void) -> !,
    context: *mut c_void,
) -> isize {
    let result;
    // SAFETY: the child runs on the stack below this frame and never comes
    // back here; what this frame keeps in registers the kernel preserves.
    unsafe {
        asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x0, x20",
            "blr x21",
            "brk #1",
            "2:",
            in("x8") linux_raw_sys::general::__NR_clone as usize,
            inlateout("x0") super::VFORK_FLAGS => result,
            in("x1") 0_usize,
            in("x2") 0_usize,
            in("x3") 0_usize,
            in("x4") 0_usize,
            in("x20") context,
            in("x21") child,
        );
    }
    result
}
