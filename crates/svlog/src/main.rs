//! `svlog`: see the library.
#![cfg_attr(not(test), no_std, no_main)]
#![forbid(unsafe_code)]

/// What grows is kept and used again: buffers, lists of archives.
#[cfg(not(test))]
#[global_allocator]
static HEAP: runit_rt::heap::Bump<svlog::OutOfMemory> = runit_rt::heap::Bump::new();

#[cfg(not(test))]
runit_rt::entry!("svlog", svlog::main, brief);
