//! `utmpset`: see the library.
#![cfg_attr(not(test), no_std, no_main)]
#![forbid(unsafe_code)]

#[cfg(not(test))]
runit_rt::entry!("utmpset", utmpset::main);
