//! A program's start: from the kernel's stack to a tool's `main`.

use core::ffi::c_char;

use crate::strings::CStrList;

/// What the kernel gave the process to start with.
pub struct Start {
    argv: *mut *const c_char,
    env: CStrList<'static>,
    closed: [bool; 3],
}

impl Start {
    /// The arguments, `argv[0]` first.
    pub fn args(&self) -> CStrList<'_> {
        // SAFETY: argv is null-terminated and lives as long as the process;
        // `take`, which changes it, needs this value for itself.
        unsafe { CStrList::from_raw(self.argv) }
    }

    /// The environment, strings of the form `NAME=VALUE`.
    pub fn env(&self) -> CStrList<'static> {
        self.env
    }

    /// Which of descriptors 0 to 2 were closed; they are `/dev/null` now.
    pub fn closed_standard(&self) -> [bool; 3] {
        self.closed
    }

    /// Takes argument `index` out of the list, with all behind it, to write over
    /// its memory, which `ps` goes on showing. `None` when there is no such
    /// argument, and for `argv[0]`.
    pub fn take(&mut self, index: usize) -> Option<Argument> {
        let length = self.args().nth(index).filter(|_| index > 0)?.count_bytes();
        // SAFETY: `index` is that of a string of the list.
        let slot = unsafe { self.argv.add(index) };
        // SAFETY: nobody borrows from this value now, and with its pointer
        // gone from the list nobody will read the string again.
        let first = unsafe { slot.replace(core::ptr::null()) };
        Some(Argument { first: first.cast_mut().cast(), length })
    }
}

/// An argument's own memory, which `ps` shows: for `runsvdir`'s rolling
/// log (CONTRACT section 3).
pub struct Argument {
    first: *mut u8,
    length: usize,
}

impl Argument {
    /// Writes `text` over the argument from its byte `at` on; what does not
    /// fit is left out.
    pub fn overwrite(&mut self, at: usize, text: &[u8]) {
        for (index, &byte) in (at..self.length).zip(text) {
            // SAFETY: `index` is within the argument, whose memory is this
            // value's alone (see `Start::take`). Volatile, since those
            // who read it are other processes.
            unsafe { self.first.add(index).write_volatile(byte) };
        }
    }

    /// The argument's length in bytes.
    pub fn length(&self) -> usize {
        self.length
    }
}

/// Takes `argv` and `envp` from the stack, opens what is missing of
/// descriptors 0 to 2, runs `main` and ends the process with its code.
///
/// # Safety
/// `stack` is the stack pointer as the kernel left it at the entry point.
#[doc(hidden)]
pub unsafe fn run(stack: *mut usize, main: fn(&mut Start) -> u8) -> ! {
    let closed = crate::stdio::fill_standard();
    // SAFETY: the kernel lays out argc, argv, null, envp, null from here on.
    let argc = unsafe { *stack };
    // SAFETY: argv follows argc.
    let argv = unsafe { stack.add(1) }.cast::<*const c_char>();
    // SAFETY: envp follows argv's null.
    let envp = unsafe { argv.add(argc + 1) };
    // SAFETY: it is null-terminated and lives as long as the process.
    let env = unsafe { CStrList::from_raw(envp) };
    crate::exit(main(&mut Start { argv, env, closed }))
}

/// Makes `$main`, a `fn(&mut Start) -> u8` that gives the exit code, the program
/// `$name`. With a third argument, a `fn() -> !`, that is what follows the
/// message of a panic; without, the program ends with code 111. With `, brief`
/// the message does not tell the place: the names of files that it could be
/// are hundreds of bytes, which a program at its limit may lack.
#[macro_export]
macro_rules! entry {
    ($name:literal, $main:path) => {
        $crate::entry!($name, $main, $crate::panic::exit_111);
    };
    ($name:literal, $main:path, brief) => {
        $crate::__entry!($name, $main, $crate::panic::exit_111, |_| None);
    };
    ($name:literal, $main:path, $on_panic:path) => {
        $crate::__entry!($name, $main, $on_panic, core::panic::PanicInfo::location);
    };
}

/// [`entry!`] with what finds the place of a panic.
#[doc(hidden)]
#[macro_export]
macro_rules! __entry {
    ($name:literal, $main:path, $on_panic:path, $place:expr) => {
        $crate::__entry_symbol!(__runit_entry);
        $crate::__memory_symbols!();

        unsafe extern "C" fn __runit_entry(stack: *mut usize) -> ! {
            // SAFETY: `_start` passes the stack pointer on unchanged.
            unsafe { $crate::start::run(stack, $main) }
        }

        // Always inlined, the handler is seen not to read the message, and all
        // code for putting messages together goes.
        #[panic_handler]
        #[inline(always)]
        #[expect(clippy::inline_always, reason = "worth a fifth of the smallest tool")]
        fn __runit_panic(info: &core::panic::PanicInfo<'_>) -> ! {
            $crate::panic::report($name, $crate::panic::place(info, $place));
            $on_panic()
        }

        /// Named by precompiled code, never called: a panic does not unwind.
        #[unsafe(no_mangle)]
        extern "C" fn rust_eh_personality() {}

        /// Named by precompiled code, never called: a panic does not unwind.
        #[unsafe(no_mangle)]
        extern "C" fn _Unwind_Resume() {}
    };
}
