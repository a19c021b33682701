//! Faults of our own making, in the shells around the machines: each must be
//! seen by an invariant, or the invariants see nothing.

/// What a simulated shell does wrong, now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// SIGCHLD is dropped, and what has ended is not looked for.
    LostChild,
    /// A start makes two processes.
    SecondStart,
    /// The monotonic clock runs ahead while a start is held back.
    HastyStart,
    /// A deadline is slept through.
    Oversleeping,
    /// TERM is not passed on.
    SwallowedTerm,
    /// A changed status is not written.
    StaleStatus,
    /// A batch of lines is not written.
    LostLine,
    /// What was written is written again.
    DoubledLine,
    /// Old files are named by the clock alone.
    NameByClock,
    /// Old files are never deleted.
    KeepAll,
    /// An event of the directory is dropped.
    LostEvent,
    /// A supervisor that is to end is not told.
    ForgottenStop,
    /// Process 1 does not hear CONT.
    DeafInit,
    /// Process 1 reaps only one child for each SIGCHLD.
    LazyInit,
    /// `sv` takes every status as that of a new process.
    GullibleClient,
    /// A supervisor asks to be woken at once, for ever.
    Spinning,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::LostChild,
        Self::SecondStart,
        Self::HastyStart,
        Self::Oversleeping,
        Self::SwallowedTerm,
        Self::StaleStatus,
        Self::LostLine,
        Self::DoubledLine,
        Self::NameByClock,
        Self::KeepAll,
        Self::LostEvent,
        Self::ForgottenStop,
        Self::DeafInit,
        Self::LazyInit,
        Self::GullibleClient,
        Self::Spinning,
    ];
}
