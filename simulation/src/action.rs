//! What can happen to a world from outside, and schedules of it.

use crate::rng::Rng;

/// A kind of thing that happens; what exactly is drawn from the action's seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A control byte for a service or its log service.
    Control,
    /// Many of them at once.
    Burst,
    /// A command given to `sv`, which waits for its goal.
    Request,
    /// A service writes lines.
    Output,
    /// A process ends by itself, or is killed, also while it is stopped.
    Ends,
    /// Many processes end at once.
    Massacre,
    /// A supervisor gets KILL.
    SupervisorKilled,
    /// A supervisor gets TERM.
    SupervisorTerm,
    /// A log service gets HUP, ALRM, TERM or KILL.
    LoggerSignal,
    /// A process that the service left behind holds the log pipe, or goes.
    Stray,
    /// A name appears in the directory of services.
    Create,
    /// One goes.
    Remove,
    /// One becomes another.
    Rename,
    /// Something else takes a name.
    Replace,
    /// The directory of services becomes another one.
    Switch,
    /// The link to it goes.
    Unlink,
    /// Events of the directory are lost, which is said.
    Overflow,
    /// `runsvdir` gets TERM, HUP or ALRM.
    DirectorySignal,
    /// `runsvdir` is killed.
    DirectoryKilled,
    /// Process 1 gets CONT, with or without `stopit`.
    Stop,
    /// Process 1 gets INT, PWR or TERM.
    InitSignal,
    /// Orphans come to process 1, and end.
    Orphans,
    /// The disk fills up, fails, or gets well.
    Disk,
    /// The wall clock is set.
    WallClock,
    /// Some time passes.
    Moment,
    /// Time passes until something is due.
    Deadline,
    /// The same, less a nanosecond.
    AlmostDeadline,
}

impl Kind {
    /// All kinds, and how often they are, compared with the others.
    pub const ALL: [(Self, u64); 27] = [
        (Self::Control, 16),
        (Self::Burst, 6),
        (Self::Request, 8),
        (Self::Output, 12),
        (Self::Ends, 8),
        (Self::Massacre, 2),
        (Self::SupervisorKilled, 1),
        (Self::SupervisorTerm, 1),
        (Self::LoggerSignal, 4),
        (Self::Stray, 2),
        (Self::Create, 3),
        (Self::Remove, 2),
        (Self::Rename, 2),
        (Self::Replace, 2),
        (Self::Switch, 1),
        (Self::Unlink, 1),
        (Self::Overflow, 1),
        (Self::DirectorySignal, 1),
        (Self::DirectoryKilled, 1),
        (Self::Stop, 1),
        (Self::InitSignal, 1),
        (Self::Orphans, 2),
        (Self::Disk, 4),
        (Self::WallClock, 3),
        (Self::Moment, 10),
        (Self::Deadline, 12),
        (Self::AlmostDeadline, 4),
    ];
}

/// One thing that happens. What it is and all that follows of chance until
/// the next one is decided by its own seed, so that leaving out one action
/// changes no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// What.
    pub kind: Kind,
    /// And how.
    pub seed: u64,
}

/// `length` actions of a random choice of kinds, each as often as this life
/// has it.
pub fn schedule(rng: &mut Rng, length: u64) -> Vec<Action> {
    let left_out = rng.pick([0, 20, 50, 80]);
    let mut lots = Vec::new();
    for (kind, weight) in Kind::ALL {
        // Without time nothing comes of anything.
        if !matches!(kind, Kind::Moment | Kind::Deadline) && rng.chance(left_out) {
            continue;
        }
        let weight = weight * rng.pick([1, 1, 1, 4]);
        lots.extend((0..weight).map(|_| kind));
    }
    (0..length)
        .map(|_| {
            let kind = lots.get(rng.index(lots.len())).copied().unwrap_or(Kind::Moment);
            Action { kind, seed: rng.draw() }
        })
        .collect()
}
