//! What differs between processors: the entry symbol, the system call
//! instruction, and the vfork that must not return twice into Rust.
//!
//! A port is one file: `syscall` with six arguments, `vfork_call`, and the
//! macro [`__entry_symbol!`](crate::__entry_symbol).

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
#[cfg_attr(target_arch = "arm", path = "arm.rs")]
mod cpu;

pub(crate) use cpu::{syscall, vfork_call};

/// `CLONE_VM | CLONE_VFORK | SIGCHLD`: what `vfork` means to `clone`.
const VFORK_FLAGS: usize = 0x4111;
