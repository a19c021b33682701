//! `runsvdir`: see the library.
#![cfg_attr(not(test), no_std, no_main)]
#![forbid(unsafe_code)]

/// The table of services grows without limit.
#[cfg(not(test))]
#[global_allocator]
static HEAP: runit_rt::heap::Heap<runsvdir::OutOfMemory> = runit_rt::heap::Heap::new();

#[cfg(not(test))]
runit_rt::entry!("runsvdir", runsvdir::main, runsvdir::on_panic);
