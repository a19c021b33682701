//! Points in time by the monotonic clock, to the millisecond, for what is to be
//! done later: half the size of the core library's, and with an end of time.

use runit_rt::clock;

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// Later than any other.
    pub const NEVER: Self = Self(u64::MAX);

    /// The present.
    pub fn now() -> Self {
        let now = clock::monotonic();
        Self(now.as_secs() * 1000 + u64::from(now.subsec_millis()))
    }

    /// So many milliseconds later; never, if that is longer than forever.
    #[must_use]
    pub fn after(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// Milliseconds since `earlier`; 0 if it was later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_is_never() {
        let now = Moment::now();
        assert!(now < Moment::NEVER && now.after(u64::MAX) == Moment::NEVER);
        assert_eq!(now.after(1500).since(now), 1500);
        assert_eq!(now.since(now.after(1)), 0);
    }
}
