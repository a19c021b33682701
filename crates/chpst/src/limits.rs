//! Resource limits: which there are, and what is set for a value.

use rustix::process::{Resource as Kernel, Rlimit};

use crate::error::What;

/// A limited resource, in the order in which limits are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The data segment, in bytes.
    Data,
    /// The stack, in bytes.
    Stack,
    /// Locked memory, in bytes.
    Locked,
    /// The address space, in bytes.
    AddressSpace,
    /// Open files: one more than the highest descriptor.
    OpenFiles,
    /// Processes of the user.
    Processes,
    /// The size of a file that is written, in bytes.
    FileSize,
    /// The size of a core file, in bytes.
    Core,
    /// The resident set, in bytes; Linux takes no notice of it.
    Resident,
    /// Processor time, in seconds.
    Cpu,
}

impl Resource {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::Data,
        Self::Stack,
        Self::Locked,
        Self::AddressSpace,
        Self::OpenFiles,
        Self::Processes,
        Self::FileSize,
        Self::Core,
        Self::Resident,
        Self::Cpu,
    ];

    /// What `-m` limits.
    pub const MEMORY: [Self; 4] = [Self::Data, Self::Stack, Self::Locked, Self::AddressSpace];

    /// What to say of a wrong value.
    pub fn invalid(self) -> What {
        match self {
            Self::Data => What::InvalidData,
            Self::Stack => What::InvalidStack,
            Self::Locked => What::InvalidLocked,
            Self::AddressSpace => What::InvalidAddressSpace,
            Self::OpenFiles => What::InvalidOpenFiles,
            Self::Processes => What::InvalidProcesses,
            Self::FileSize => What::InvalidFileSize,
            Self::Core => What::InvalidCore,
            Self::Resident => What::InvalidResident,
            Self::Cpu => What::InvalidCpu,
        }
    }

    /// Whether its values may have a suffix: `2m` of time would be read as
    /// minutes.
    pub fn scaled(self) -> bool {
        self != Self::Cpu
    }

    /// The kernel's name for it.
    pub fn kernel(self) -> Kernel {
        match self {
            Self::Data => Kernel::Data,
            Self::Stack => Kernel::Stack,
            Self::Locked => Kernel::Memlock,
            Self::AddressSpace => Kernel::As,
            Self::OpenFiles => Kernel::Nofile,
            Self::Processes => Kernel::Nproc,
            Self::FileSize => Kernel::Fsize,
            Self::Core => Kernel::Core,
            Self::Resident => Kernel::Rss,
            Self::Cpu => Kernel::Cpu,
        }
    }
}

/// What a soft limit is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// This, or the hard limit if that is lower.
    At(u64),
    /// As the hard limit.
    Hard,
}

impl Limit {
    /// The limits to set where they are `old` now: the hard one stays.
    pub fn applied_to(self, old: Rlimit) -> Rlimit {
        let current = match (self, old.maximum) {
            (Self::Hard | Self::At(u64::MAX), hard) => hard,
            (Self::At(soft), hard) => Some(soft.min(hard.unwrap_or(u64::MAX))),
        };
        Rlimit { current, maximum: old.maximum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hard_limit_is_never_passed() {
        let old = |hard| Rlimit { current: Some(7), maximum: hard };
        for (limit, hard, soft) in [
            (Limit::At(5), Some(9), Some(5)),
            (Limit::At(10), Some(9), Some(9)),
            (Limit::At(10), None, Some(10)),
            (Limit::At(u64::MAX), Some(9), Some(9)),
            (Limit::At(u64::MAX), None, None),
            (Limit::Hard, Some(9), Some(9)),
            (Limit::Hard, None, None),
        ] {
            let new = limit.applied_to(old(hard));
            assert_eq!((new.current, new.maximum), (soft, hard), "{limit:?}");
        }
    }

    #[test]
    fn resources_are_numbered_in_their_order() {
        for (index, resource) in Resource::ALL.into_iter().enumerate() {
            assert_eq!(resource as usize, index);
        }
    }

    #[test]
    fn each_resource_is_another_one_of_the_kernels() {
        let names = Resource::ALL.map(|resource| std::format!("{:?}", resource.kernel()));
        assert_eq!(
            names,
            ["Data", "Stack", "Memlock", "As", "Nofile", "Nproc", "Fsize", "Core", "Rss", "Cpu"]
        );
    }
}
