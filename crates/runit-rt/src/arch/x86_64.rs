//! `x86_64`: arguments in rdi, rsi, rdx, r10, r8, r9; rcx and r11 are lost.

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
            "xor ebp, ebp",
            "mov rdi, rsp",
            "and rsp, -16",
            "call {entry}",
            "ud2",
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
    // SAFETY: the caller answers for the call; the clobbers are the kernel's.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as usize => result,
            in("rdi") a[0],
            in("rsi") a[1],
            in("rdx") a[2],
            in("r10") a[3],
            in("r8") a[4],
            in("r9") a[5],
            lateout("rcx") _,
            lateout("r11") _,
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
    // SAFETY: the child runs on the stack below this frame (hence no
    // `nostack`: the red zone is kept free), and never comes back here.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "mov rdi, r12",
            "and rsp, -16",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") linux_raw_sys::general::__NR_clone as usize => result,
            in("rdi") super::VFORK_FLAGS,
            in("rsi") 0_usize,
            in("rdx") 0_usize,
            in("r10") 0_usize,
            in("r8") 0_usize,
            in("r12") context,
            in("r13") child,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    result
}
