//! Accounts, against a second reading of `passwd(5)` and `group(5)`. The input
//! is the user as `chpst -u` names it, in a line of its own, then the users'
//! file, a line `--`, and the groups' file.

use std::ffi::CString;

use chpst::account::{Account, Database, Source};
use runit_rt::Errno;

use crate::{split_at_byte, split_at_dashes};

/// The two files, and nobody else to ask.
struct Files {
    users: &'static [u8],
    groups: &'static [u8],
}

impl Source for Files {
    fn file(&self, database: Database) -> Result<&'static [u8], Errno> {
        Ok(if database == Database::Users { self.users } else { self.groups })
    }

    fn elsewhere(&self, _: Database, _: &[u8]) -> Result<&'static [u8], Errno> {
        Ok(b"")
    }
}

/// Tries an input.
pub fn run(data: &[u8]) {
    let (spec, files) = split_at_byte(data, b'\n');
    let (users, groups) = split_at_dashes(files);
    // A source's text lives as long as the program, as `chpst` reads it.
    let source = Files { users: users.to_vec().leak(), groups: groups.to_vec().leak() };
    let Ok(name) = CString::new(spec) else { return };
    let expected = expected(spec, users, groups);
    let resolved = Account::parse(&name).ok().and_then(|account| account.resolve(&source).ok());
    let resolved = resolved.map(|ids| {
        let groups: Vec<u32> = ids.groups.as_slice().iter().map(|gid| gid.as_raw()).collect();
        assert!(groups.contains(&ids.gid.as_raw()), "its own group is one of them");
        assert!(ids.uid != u32::MAX && !groups.contains(&u32::MAX), "-1 is nobody");
        (ids.uid, ids.gid.as_raw(), groups)
    });
    assert_eq!(resolved, expected, "{}", spec.escape_ascii());
}

/// User, group and all groups.
type Ids = (u32, u32, Vec<u32>);

fn expected(spec: &[u8], users: &[u8], groups: &[u8]) -> Option<Ids> {
    if let Some(numbers) = spec.strip_prefix(b":") {
        let ids: Option<Vec<u32>> = numbers.split(|&byte| byte == b':').map(id).collect();
        let (uid, groups) = ids.as_deref()?.split_first()?;
        return Some((*uid, *groups.first()?, groups.to_vec()));
    }
    if let Some(name) = spec.strip_prefix(b"+") {
        let (uid, gid) = user(name, users)?;
        let mut all = vec![gid];
        for fields in lines(groups) {
            let members = fields.get(3).copied().unwrap_or_default();
            let is_member = members.split(|&byte| byte == b',').any(|member| member == name);
            match fields.get(2).and_then(|field| id(field)) {
                Some(gid) if is_member && !all.contains(&gid) => all.push(gid),
                _ => {}
            }
        }
        return Some((uid, gid, all));
    }
    let mut words = spec.split(|&byte| byte == b':');
    let (uid, own) = user(words.next()?, users)?;
    let listed: Option<Vec<u32>> = words.map(|name| group(name, groups)).collect();
    let listed = listed?;
    Some(match listed.first() {
        Some(first) => (uid, *first, listed),
        None => (uid, own, vec![own]),
    })
}

fn lines(text: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    text.split(|&byte| byte == b'\n').map(|line| line.split(|&byte| byte == b':').collect())
}

/// The first line of that name whose numbers are numbers.
fn user(name: &[u8], users: &[u8]) -> Option<(u32, u32)> {
    lines(users)
        .filter(|fields| fields[0] == name)
        .find_map(|fields| Some((id(fields.get(2)?)?, id(fields.get(3)?)?)))
}

fn group(name: &[u8], groups: &[u8]) -> Option<u32> {
    lines(groups).filter(|fields| fields[0] == name).find_map(|fields| id(fields.get(2)?))
}

/// An id in digits, which is not -1.
fn id(text: &[u8]) -> Option<u32> {
    let all_digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let number: u32 = all_digits.then(|| std::str::from_utf8(text).ok()?.parse().ok())??;
    (number != u32::MAX).then_some(number)
}
