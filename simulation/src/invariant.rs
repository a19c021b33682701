//! What must hold, by name, and how it did not.

use core::fmt;

/// Something that must hold in every world at every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Invariant {
    /// At most one process of a service, at most one supervisor of a directory.
    OneProcess,
    /// Each child that has ended is reaped by who made it, and known to them.
    NoChildLost,
    /// No start within the second after a service that came down too soon, no
    /// start that nobody asked for.
    Throttle,
    /// What is due is done, and what comes later has a deadline.
    Due,
    /// Signals and control scripts are those that the contract asks for, and
    /// only a process of one's own gets a signal.
    Signals,
    /// The status record tells the truth.
    Status,
    /// What is wanted up comes up, wanted down comes down, wanted gone goes.
    Progress,
    /// Nothing wakes up without an event or a deadline.
    Idle,
    /// The service ends first, the log service after the last byte.
    Order,
    /// Every line read is written or reported lost, none twice.
    Lines,
    /// Archive names strictly increase.
    Archives,
    /// No more old files than are to be kept.
    Keep,
    /// One supervisor for each directory, none for what is no service.
    Tree,
    /// `sv` says that a goal is reached only when it is.
    Goal,
    /// Stages follow one another, and stage 3 comes when asked for.
    Stages,
    /// No program panics.
    Panic,
}

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.what)
    }
}
