//! Capabilities by name, as `capabilities(7)` has them.

use core::fmt;

use crate::text::{pieces, same_letters};

/// The kernel's names in lower case without `CAP_`, in the order of their
/// numbers.
const NAMES: &str = "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap \
     linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner \
     sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice \
     sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap \
     mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf \
     checkpoint_restore";

/// A set of capabilities: number N is bit N.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities(pub u64);

impl Capabilities {
    /// The capabilities in a list with commas: names in any case with or
    /// without `cap_`, or numbers. `none` is the empty set; `~` before the
    /// list means all others.
    pub fn parse(list: &[u8]) -> Option<Self> {
        if let Some(others) = list.strip_prefix(b"~") {
            return Some(Self(!Self::parse(others)?.0));
        }
        if list == b"none" {
            return Some(Self::default());
        }
        pieces(list, b',').try_fold(Self::default(), |set, word| {
            let number = number(word).or_else(|| crate::number::decimal(word))?;
            (number < 64).then(|| Self(set.0 | 1 << number))
        })
    }

    /// Whether `number` is in the set.
    pub fn contains(self, number: u32) -> bool {
        self.0 >> number & 1 != 0
    }
}

fn number(word: &[u8]) -> Option<u64> {
    let bare = match word.split_at_checked(4) {
        Some((prefix, rest)) if same_letters(prefix, b"cap_") => rest,
        _ => word,
    };
    let place = pieces(NAMES.as_bytes(), b' ').position(|name| same_letters(name, bare))?;
    u64::try_from(place).ok()
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for number in (0..64_u8).filter(|&number| self.contains(number.into())) {
            f.write_str(separator)?;
            match NAMES.split(' ').nth(number.into()) {
                Some(name) => f.write_str(name)?,
                None => number.fmt(f)?,
            }
            separator = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn names_have_the_kernels_numbers() {
        use rustix::thread::CapabilitySet;
        for (name, set) in CapabilitySet::all().iter_names() {
            let parsed = Capabilities::parse(name.as_bytes());
            assert_eq!(parsed, Some(Capabilities(set.bits())), "{name}");
        }
    }

    #[test]
    fn lists_are_names_and_numbers() {
        let set = Capabilities::parse(b"CAP_CHOWN,net_bind_service,Cap_Kill,12").unwrap();
        assert_eq!(set, Capabilities(1 | 1 << 5 | 1 << 10 | 1 << 12));
        assert_eq!(format!("{set:?}"), "chown,kill,net_bind_service,net_admin");
        assert_eq!(Capabilities::parse(b"none"), Some(Capabilities(0)));
        assert_eq!(Capabilities::parse(b"~chown"), Some(Capabilities(!1)));
        assert_eq!(Capabilities::parse(b"~none"), Some(Capabilities(!0)));
        assert_eq!(format!("{:?}", Capabilities(1 << 63)), "63");
        for wrong in
            ["", "chow", "chown,", ",chown", "64", "-1", "cap_", "none,chown", "chown kill"]
        {
            assert_eq!(Capabilities::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
