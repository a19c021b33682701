//! End-to-end tests.
#![forbid(unsafe_code)]

mod runsv_life;
