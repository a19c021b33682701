//! `armv7`: number in r7, which may be the frame pointer and is therefore
//! swapped in; arguments in r0 to r5, result in r0.

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
            "mov fp, #0",
            "mov lr, #0",
            "mov r0, sp",
            "bic sp, sp, #7",
            "bl {entry}",
            "udf #0",
            entry = sym $entry,
        );

        /// Named by the unwinding tables of precompiled code, never called.
        #[unsafe(no_mangle)]
        extern "C" fn __aeabi_unwind_cpp_pr0() {}
        /// Named by the unwinding tables of precompiled code, never called.
        #[unsafe(no_mangle)]
        extern "C" fn __aeabi_unwind_cpp_pr1() {}
    };
}

/// Makes system call `number`; the result is the kernel's, negative for an error.
///
/// # Safety
/// The arguments must be right for that call.
pub(crate) unsafe fn syscall(number: u32, a: [usize; 6]) -> isize {
    let result;
    // SAFETY: the caller answers for the call; r7 is given back as it was.
    unsafe {
        asm!(
            "mov {keep}, r7",
            "mov r7, {number}",
            "svc #0",
            "mov r7, {keep}",
            keep = out(reg) _,
            number = in(reg) number as usize,
            inlateout("r0") a[0] => result,
            in("r1") a[1],
            in("r2") a[2],
            in("r3") a[3],
            in("r4") a[4],
            in("r5") a[5],
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
    // back here; r7 is given back as it was.
    unsafe {
        asm!(
            "mov r10, r7",
            "mov r7, {number}",
            "svc #0",
            "mov r7, r10",
            "cmp r0, #0",
            "bne 2f",
            "mov r0, r8",
            "bic sp, sp, #7",
            "blx r9",
            "udf #0",
            "2:",
            number = in(reg) linux_raw_sys::general::__NR_clone as usize,
            inlateout("r0") super::VFORK_FLAGS => result,
            in("r1") 0_usize,
            in("r2") 0_usize,
            in("r3") 0_usize,
            in("r4") 0_usize,
            in("r8") context,
            in("r9") child,
            out("r10") _,
            out("lr") _,
        );
    }
    result
}
