//! `sv`: see the library.
#![cfg_attr(not(test), no_std, no_main)]
#![forbid(unsafe_code)]

#[cfg(not(test))]
#[global_allocator]
static HEAP: runit_rt::heap::Bump<sv::OutOfMemory> = runit_rt::heap::Bump::new();

#[cfg(not(test))]
runit_rt::entry!("sv", sv::main, brief);
