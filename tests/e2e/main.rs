//! End-to-end tests: one module for each topic.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test's helpers fail like the test itself")]

mod runsv_files;
