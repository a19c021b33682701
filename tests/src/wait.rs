//! Waiting for a condition, never for a time.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// How long a condition may take before the test fails; far more than any should need, on a machine
/// that has much else to do, too.
pub const LIMIT: Duration = Duration::from_secs(90);

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What a condition gave: there already, or not yet and what was seen instead.
pub trait Outcome {
    /// What a fulfilled condition hands on.
    type Value;
    /// The value, or a description of what was seen.
    fn settle(self) -> Result<Self::Value, String>;
}

impl Outcome for bool {
    type Value = ();
    fn settle(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("false".into()) }
    }
}

impl<T> Outcome for Option<T> {
    type Value = T;
    fn settle(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing".into())
    }
}

impl<T, E: Display> Outcome for Result<T, E> {
    type Value = T;
    fn settle(self) -> Result<T, String> {
        self.map_err(|error| error.to_string())
    }
}

/// Looks at `condition` until it holds and gives its value; panics after [`LIMIT`], naming `what`
/// was waited for and what was seen last.
#[track_caller]
pub fn wait_until<O: Outcome>(what: &str, mut condition: impl FnMut() -> O) -> O::Value {
    let started = Instant::now();
    loop {
        match condition().settle() {
            Ok(value) => return value,
            Err(seen) if started.elapsed() > LIMIT => {
                panic!("waited {LIMIT:?} for {what}; last seen: {seen}")
            }
            Err(_) => std::thread::sleep(LOOK_EVERY),
        }
    }
}
