//! How far local time is ahead of UTC: from a zone file (RFC 9636, `TZif`), or
//! from the value of `TZ` itself.

use alloc::vec::Vec;

use crate::rule::Rule;

/// The size of a zone file's header.
const HEADER: usize = 44;

/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Before the first change. Offsets are seconds ahead of UTC.
    first: i64,
    /// When it changed, in seconds from 1970-01-01, and to what, in order.
    changes: Vec<(i64, i64)>,
    /// After the last change; `None`: as it was then.
    rule: Option<Rule>,
}

impl From<Rule> for Zone {
    fn from(rule: Rule) -> Self {
        Self { first: 0, changes: Vec::new(), rule: Some(rule) }
    }
}

impl Zone {
    /// Reads a zone file, of which versions above 1 have two parts; the second,
    /// with 64 bits a time, is the one that counts. Leap seconds are left
    /// aside: the times of logs do not count them. `None` for anything else.
    pub fn parse(file: &[u8]) -> Option<Self> {
        let head = Head::parse(file)?;
        let data = file.get(HEADER..)?;
        if head.version == 0 {
            return head.zone(data, 4);
        }
        let second = data.get(head.size(4)?..)?;
        let head = Head::parse(second)?;
        let data = second.get(HEADER..)?;
        let mut zone = head.zone(data, 8)?;
        let footer = data.get(head.size(8)?..)?.strip_prefix(b"\n")?;
        let end = footer.iter().position(|&byte| byte == b'\n')?;
        zone.rule = Rule::parse(footer.get(..end)?);
        Some(zone)
    }

    /// How far local time is ahead of UTC at a time of UTC, both in seconds.
    pub fn offset(&self, unix: i64) -> i64 {
        let past = self.changes.partition_point(|&(at, _)| at <= unix);
        match self.rule {
            Some(rule) if past == self.changes.len() => rule.offset(unix),
            _ => {
                let last = past.checked_sub(1).and_then(|last| self.changes.get(last));
                last.map_or(self.first, |&(_, offset)| offset)
            }
        }
    }
}

/// How many there are of what.
struct Head {
    version: u8,
    /// Of UT flags, standard flags, leap seconds, changes, kinds of local time,
    /// and characters of their names.
    counts: [usize; 6],
}

impl Head {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.strip_prefix(b"TZif")?.split_first()?;
        let mut counts = [0; 6];
        for (count, bytes) in counts.iter_mut().zip(rest.get(15..39)?.chunks_exact(4)) {
            *count = usize::try_from(number(bytes)).ok()?;
        }
        Some(Self { version: *version, counts })
    }

    /// The size of what follows, with so many bytes a time.
    fn size(&self, time: usize) -> Option<usize> {
        let [ut, standard, leaps, changes, kinds, names] = self.counts;
        let sizes = [(ut, 1), (standard, 1), (leaps, time + 4), (changes, time + 1), (kinds, 6)];
        sizes.iter().try_fold(names, |sum, (count, size)| {
            count.checked_mul(*size).and_then(|size| size.checked_add(sum))
        })
    }

    fn zone(&self, data: &[u8], time: usize) -> Option<Zone> {
        let [_, _, _, changes, kinds, _] = self.counts;
        let (times, rest) = data.split_at_checked(changes.checked_mul(time)?)?;
        let (which, rest) = rest.split_at_checked(changes)?;
        let kinds = rest.get(..kinds.checked_mul(6)?)?;
        let offset = |kind: usize| Some(number(kinds.get(kind * 6..kind * 6 + 4)?));
        let mut zone = Zone { first: offset(0)?, changes: Vec::new(), rule: None };
        for (at, kind) in times.chunks_exact(time).zip(which) {
            zone.changes.push((number(at), offset(usize::from(*kind))?));
        }
        Some(zone)
    }
}

/// A signed number, big-endian.
fn number(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|first| *first > 127);
    bytes.iter().fold(if negative { -1 } else { 0 }, |sum, byte| sum << 8 | i64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    /// A part of a zone file with these changes and kinds.
    fn part(version: u8, time: usize, changes: &[(i64, u8)], kinds: &[i32]) -> Vec<u8> {
        let mut bytes = b"TZif".to_vec();
        bytes.push(version);
        bytes.extend([0; 15]);
        // One leap second, to be passed over.
        for count in [0, 0, 1, changes.len(), kinds.len(), 4] {
            bytes.extend(u32::try_from(count).unwrap().to_be_bytes());
        }
        for (at, _) in changes {
            bytes.extend(&at.to_be_bytes()[8 - time..]);
        }
        bytes.extend(changes.iter().map(|(_, kind)| *kind));
        for kind in kinds {
            bytes.extend(kind.to_be_bytes());
            bytes.extend([0, 0]);
        }
        bytes.extend(b"ABC\0");
        bytes.extend(vec![0; time + 4]);
        bytes
    }

    #[test]
    fn version_1_has_32_bits_and_no_rule() {
        let zone = Zone::parse(&part(0, 4, &[(-1000, 1), (1000, 0)], &[3600, -7200])).unwrap();
        for (unix, offset) in
            [(-1001, 3600), (-1000, -7200), (999, -7200), (1000, 3600), (1 << 40, 3600)]
        {
            assert_eq!(zone.offset(unix), offset, "{unix}");
        }
    }

    #[test]
    fn later_versions_have_64_bits_and_a_rule_behind() {
        let far = -10_000_000_000;
        let mut file = part(b'2', 4, &[(0, 0)], &[1]);
        file.extend(part(b'2', 8, &[(far, 1), (0, 2)], &[60, 120, 3600]));
        let whole = file.len();
        file.extend(b"\nCET-1CEST,M3.5.0,M10.5.0/3\n");
        let zone = Zone::parse(&file).unwrap();
        for (unix, offset) in
            [(far - 1, 60), (far, 120), (-1, 120), (0, 3600), (1_774_746_000, 7200)]
        {
            assert_eq!(zone.offset(unix), offset, "{unix}");
        }
        // An empty rule: as after the last change.
        file.truncate(whole);
        file.extend(b"\n\n");
        assert_eq!(Zone::parse(&file).unwrap().offset(1_774_746_000), 3600);
    }

    #[test]
    fn a_file_that_is_cut_off_or_wrong_is_none() {
        let mut file = part(b'3', 4, &[(0, 0)], &[1]);
        file.extend(part(b'3', 8, &[(0, 0)], &[1]));
        file.extend(b"\nUTC0\n");
        assert!(Zone::parse(&file).is_some());
        for length in 0..file.len() {
            assert_eq!(Zone::parse(&file[..length]), None, "{length}");
        }
        assert_eq!(Zone::parse(&part(0, 4, &[(0, 1)], &[1])), None);
        assert_eq!(Zone::parse(&part(0, 4, &[], &[])), None);
        let mut huge = part(0, 4, &[], &[1]);
        huge[32..36].copy_from_slice(&[0xff; 4]);
        assert_eq!(Zone::parse(&huge), None);
    }

    #[test]
    fn a_rule_alone_is_a_zone() {
        assert_eq!(Zone::from(Rule::UTC).offset(1), 0);
        assert_eq!(Zone::from(Rule::parse(b"CET-1").unwrap()).offset(1), 3600);
    }
}
