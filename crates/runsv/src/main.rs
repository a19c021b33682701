//! `runsv`: see the library.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

runit_rt::entry!("runsv", runsv::main);
