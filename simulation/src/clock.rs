//! The two clocks of the world: one that only runs, one that is set.

use core::time::Duration;

use runit_core::tai::Tai64n;
use runsv::machine::{Nanoseconds, Now};
use sv::goal::Moment;

/// A thousandth of a second.
pub const MS: Nanoseconds = 1_000_000;

/// A second.
pub const SECOND: Nanoseconds = 1000 * MS;

/// Both clocks.
#[derive(Clone, Debug)]
pub struct Clock {
    mono: Nanoseconds,
    wall: Duration,
    /// How often the wall clock was set.
    pub jumps: u64,
}

impl Clock {
    /// Clocks of a machine that has been up for `mono`.
    pub fn new(mono: Nanoseconds) -> Self {
        Self { mono, wall: Duration::from_secs(1_700_000_000), jumps: 0 }
    }

    /// Time that never jumps.
    pub fn mono(&self) -> Nanoseconds {
        self.mono
    }

    /// The same, as `runsvdir` counts it.
    pub fn uptime(&self) -> Duration {
        Duration::from_nanos(self.mono)
    }

    /// Time since 1970, as far as this machine knows.
    pub fn wall(&self) -> Duration {
        self.wall
    }

    /// The same as a time stamp.
    pub fn tai(&self) -> Tai64n {
        Tai64n::from_unix(self.wall)
    }

    /// Both, as `runsv` has them.
    pub fn now(&self) -> Now {
        Now { mono: self.mono, tai: self.tai() }
    }

    /// Both, as `sv` has them.
    pub fn moment(&self) -> Moment {
        let real = u64::try_from(self.wall.as_nanos()).unwrap_or(u64::MAX);
        Moment { real, monotonic: self.mono }
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: Nanoseconds) {
        self.mono = self.mono.saturating_add(time);
        self.wall = self.wall.saturating_add(Duration::from_nanos(time));
    }

    /// Sets the wall clock.
    pub fn set(&mut self, wall: Duration) {
        self.wall = wall;
        self.jumps += 1;
    }
}
