//! libFuzzer on the target that `RUNIT_FUZZ` names.
#![no_main]
#![forbid(unsafe_code)]

use std::sync::OnceLock;

use runit_fuzz::{Target, find};

/// The target, looked up once.
static TARGET: OnceLock<&'static Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let target = TARGET.get_or_init(|| {
        let name = std::env::var("RUNIT_FUZZ").unwrap_or_default();
        find(&name).unwrap_or_else(|| panic!("RUNIT_FUZZ={name}: no such target"))
    });
    (target.run)(data);
});
