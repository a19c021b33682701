//! What a seed determines before anything runs: each service's kind and place.

use std::path::{Path, PathBuf};

/// How a service behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// TERM ends it, by the signal's default.
    Plain,
    /// On TERM it writes a last line and exits 0.
    Polite,
    /// Only KILL ends it.
    Deaf,
    /// Exits 3 after a while.
    Crashing,
    /// Exits at once, over and over.
    Quick,
    /// As [`Self::Polite`]; only one client commands it, and nobody kills it.
    Witness,
}

impl Kind {
    /// Whether it stays up when it is left alone.
    pub fn stays(self) -> bool {
        !matches!(self, Self::Crashing | Self::Quick)
    }
}

/// One run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Determines all that is random.
    pub seed: u64,
    /// How many services there are at first.
    pub services: u32,
    /// How many clients there are; the first service of each is its witness.
    pub clients: u32,
    /// Below which everything is.
    pub base: PathBuf,
}

impl Plan {
    /// How the service behaves.
    pub fn kind(&self, id: u32) -> Kind {
        if id < self.clients {
            return Kind::Witness;
        }
        match id % 10 {
            0..=3 => Kind::Plain,
            4..=6 => Kind::Polite,
            7 => Kind::Deaf,
            8 => Kind::Crashing,
            _ => Kind::Quick,
        }
    }

    /// Whether it is to be up at the end, when all has settled.
    pub fn ends_up(&self, id: u32) -> bool {
        self.kind(id).stays() && id % 7 != 3
    }

    /// Where its log is; some are on the small disk, which has no room for one that is
    /// added when it is full.
    pub fn log(&self, id: u32) -> PathBuf {
        let place = if id % 8 == 1 && id < self.services { "disk" } else { "logs" };
        self.base.join(place).join(name(id))
    }

    /// The directory for runsvdir.
    pub fn services_directory(&self) -> PathBuf {
        self.base.join("services")
    }

    /// Where directories wait that are not among the services.
    pub fn parked(&self) -> PathBuf {
        self.base.join("parked")
    }

    /// A file in `kind`, one of the directories that services write to.
    pub fn file(&self, kind: &str, id: u32) -> PathBuf {
        self.base.join(kind).join(name(id))
    }
}

/// Whether the service has a `finish`.
pub fn has_finish(id: u32) -> bool {
    id % 3 == 0
}

/// The service's first name; later ones have a suffix.
pub fn name(id: u32) -> String {
    format!("s{id:04}")
}

/// The service that has or had this name.
pub fn id_of(name: &str) -> Option<u32> {
    name.strip_prefix('s')?.get(..4)?.parse().ok()
}

/// The service that the directory is of, and whether it is that of its logger.
///
/// `cwd` is as the kernel tells it, with ` (deleted)` where it is.
pub fn place_of(plan: &Plan, cwd: &Path) -> Option<(u32, bool)> {
    let below = cwd.strip_prefix(&plan.base).ok()?;
    let mut parts = below.iter().map(|part| part.to_string_lossy());
    let top = parts.next()?;
    let id = id_of(&parts.next()?)?;
    match &*top {
        "logs" | "disk" => Some((id, true)),
        "services" | "parked" => {
            Some((id, parts.next().is_some_and(|part| part.starts_with("log"))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_known_by_name_and_directory() {
        let plan = Plan { seed: 1, services: 9, clients: 2, base: "/b".into() };
        assert_eq!(id_of(&name(42)), Some(42));
        assert_eq!(id_of("s0042-7"), Some(42));
        assert_eq!(id_of("lock"), None);
        let place = |path: &str| place_of(&plan, Path::new(path));
        assert_eq!(place("/b/services/s0003"), Some((3, false)));
        assert_eq!(place("/b/parked/s0003-1 (deleted)"), Some((3, false)));
        assert_eq!(place("/b/services/s0003/log"), Some((3, true)));
        assert_eq!(place("/b/disk/s0003"), Some((3, true)));
        assert_eq!(place("/b/services"), None);
        assert_eq!(place("/elsewhere/s0003"), None);
        assert_eq!(plan.kind(1), Kind::Witness);
        assert_eq!(plan.kind(7), Kind::Deaf);
    }
}
