//! `riscv64`: number in a7, arguments in a0 to a5, result in a0.

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
            ".option push",
            ".option norelax",
            "lla gp, __global_pointer$",
            ".option pop",
            "mv a0, sp",
            "andi sp, sp, -16",
            "call {entry}",
            "unimp",
            ".weak __global_pointer$",
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
            "ecall",
            in("a7") number as usize,
            inlateout("a0") a[0] => result,
            in("a1") a[1],
            in("a2") a[2],
            in("a3") a[3],
            in("a4") a[4],
            in("a5") a[5],
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
            "ecall",
            "bnez a0, 2f",
            "mv a0, s2",
            "jalr s3",
            "unimp",
            "2:",
            in("a7") linux_raw_sys::general::__NR_clone as usize,
            inlateout("a0") super::VFORK_FLAGS => result,
            in("a1") 0_usize,
            in("a2") 0_usize,
            in("a3") 0_usize,
            in("a4") 0_usize,
            in("s2") context,
            in("s3") child,
        );
    }
    result
}
