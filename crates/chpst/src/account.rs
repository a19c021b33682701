//! Users and groups: how they are named, and their lines in `passwd(5)` and
//! `group(5)`. Where the lines come from is the caller's affair.

use alloc::vec::Vec;
use core::ffi::CStr;

use runit_rt::Errno;
use rustix::fs::Gid;

use crate::environment::append;
use crate::error::{Error, Failed};
use crate::number;
use crate::text::{pieces, same_letters};

/// An account as an option or argument names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account<'a> {
    /// `user`, or `user:group1:group2...`.
    Named(&'a CStr),
    /// `+user`, the sign included: with all groups of the account, as a login
    /// has them.
    Login(&'a CStr),
    /// `:uid:gid1:gid2...`, the first colon included.
    Numbers(&'a CStr),
    /// `user` alone, as daemontools takes it.
    Alone(&'a CStr),
}

/// The user id and the group ids, of which the first is to be the process's
/// own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The user id.
    pub uid: u32,
    /// The process's own group.
    pub gid: Gid,
    /// All groups, that one among them.
    pub groups: Vec<Gid>,
}

/// Whose lines are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// `passwd(5)`
    Users,
    /// `group(5)`
    Groups,
    /// A user's name, and the numbers of all groups that it is a member of.
    Memberships,
}

/// Where the lines come from.
pub trait Source {
    /// All lines of the local file; nothing if there is none.
    fn file(&mut self, database: Database) -> Result<&[u8], Errno>;
    /// The line for `name` as other sources have it (LDAP and the like).
    fn elsewhere(&mut self, database: Database, name: &[u8]) -> Result<Vec<u8>, Errno>;
}

impl<'a> Account<'a> {
    /// The account that `-u` or `-U` names.
    pub fn parse(spec: &'a CStr) -> Result<Self, Error<'a>> {
        match spec.to_bytes() {
            [b':', numbers @ ..] => match numeric(numbers) {
                Some(_) => Ok(Self::Numbers(spec)),
                None => Err(Error::Refused("invalid uid/gids", numbers)),
            },
            [b'+', ..] => Ok(Self::Login(spec)),
            _ => Ok(Self::Named(spec)),
        }
    }

    /// The ids, asked of `source` unless they are given as numbers.
    #[inline(never)]
    pub fn resolve(self, source: &mut dyn Source) -> Result<Ids, Error<'a>> {
        let (spec, unknown) = match self {
            Self::Alone(name) => (name.to_bytes(), "unknown account"),
            Self::Named(spec) | Self::Login(spec) | Self::Numbers(spec) => {
                (spec.to_bytes(), "unknown user/group")
            }
        };
        let (name, words) = match self {
            Self::Alone(_) => (spec, None),
            Self::Login(_) => (spec.get(1..).unwrap_or_default(), None),
            Self::Named(_) | Self::Numbers(_) => {
                let mut words = pieces(spec, b':');
                (words.next().unwrap_or_default(), Some(words))
            }
        };
        if let Self::Numbers(_) = self {
            return numeric(spec.get(1..).unwrap_or_default())
                .ok_or(Error::Refused("invalid uid/gids", spec));
        }
        let looked_up = lookup(source, name, words, matches!(self, Self::Login(_)));
        looked_up
            .map_err(Failed::to("get password/group file entry"))?
            .ok_or(Error::Refused(unknown, spec))
    }
}

/// `uid:gid1:gid2...`
fn numeric(text: &[u8]) -> Option<Ids> {
    let mut numbers = pieces(text, b':').map(number::id);
    let uid = numbers.next()??;
    let gid = Gid::from_raw(numbers.next()??);
    let mut groups = Vec::new();
    append(&mut groups, gid).ok()?;
    for number in numbers {
        append(&mut groups, Gid::from_raw(number?)).ok()?;
    }
    Some(Ids { uid, gid, groups })
}

/// User `name` with the groups `words`, or else with its own, and with those
/// that it is a member of if it is to have `all`.
fn lookup<'w>(
    source: &mut dyn Source,
    name: &[u8],
    words: Option<impl Iterator<Item = &'w [u8]>>,
    all: bool,
) -> Result<Option<Ids>, Errno> {
    let Some(user) = find(source, Database::Users, name)? else {
        return Ok(None);
    };
    let mut groups = Vec::new();
    for word in words.into_iter().flatten() {
        let Some(group) = find(source, Database::Groups, word)? else {
            return Ok(None);
        };
        append(&mut groups, group.gid)?;
    }
    let gid = groups.first().copied().unwrap_or(user.gid);
    if groups.is_empty() {
        append(&mut groups, gid)?;
    }
    if all {
        for line in pieces(source.file(Database::Groups)?, b'\n') {
            if let Some(group) = read(line, Database::Groups) {
                let members = pieces(line, b':').nth(3).unwrap_or_default();
                if pieces(members, b',').any(|member| member == name) {
                    add(&mut groups, group.gid)?;
                }
            }
        }
        if !user.local {
            let answer = source.elsewhere(Database::Memberships, name)?;
            let line = pieces(&answer, b'\n').next().unwrap_or_default();
            for word in pieces(line, b' ') {
                if let Some(gid) = number::id(word) {
                    add(&mut groups, Gid::from_raw(gid))?;
                }
            }
        }
    }
    Ok(Some(Ids { uid: user.id, gid, groups }))
}

/// Adds a group that is not there yet.
fn add(groups: &mut Vec<Gid>, gid: Gid) -> Result<(), Errno> {
    if groups.contains(&gid) { Ok(()) } else { append(groups, gid) }
}

/// What a line says.
struct Entry {
    /// The user's id; a group's id.
    id: u32,
    /// The user's own group; the group itself.
    gid: Gid,
    /// Whether it stands in the local file.
    local: bool,
}

/// The first line for `name` that makes sense, of the local file or from
/// elsewhere.
fn find(source: &mut dyn Source, database: Database, name: &[u8]) -> Result<Option<Entry>, Errno> {
    for line in pieces(source.file(database)?, b'\n') {
        if pieces(line, b':').next() == Some(name) {
            if let Some(entry) = read(line, database) {
                return Ok(Some(entry));
            }
        }
    }
    // What no account can be called is nothing to ask others for; a dash would
    // be taken for an option.
    if name.is_empty()
        || name.starts_with(b"-")
        || name.iter().any(|byte| matches!(byte, b':' | b'\n'))
    {
        return Ok(None);
    }
    for line in pieces(&source.elsewhere(database, name)?, b'\n') {
        // A number would be answered with the account that has it, which is
        // not called so. Directories may know no difference between A and a.
        let first = pieces(line, b':').next().unwrap_or_default();
        if same_letters(first, name) {
            if let Some(entry) = read(line, database) {
                return Ok(Some(Entry { local: false, ..entry }));
            }
        }
    }
    Ok(None)
}

fn read(line: &[u8], database: Database) -> Option<Entry> {
    let mut numbers = pieces(line, b':').skip(2).map(number::id);
    let id = numbers.next()??;
    let gid = if database == Database::Users { numbers.next()?? } else { id };
    Some(Entry { id, gid: Gid::from_raw(gid), local: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::tests::sentence;
    use core::fmt::Write;
    use std::format;
    use std::string::String;

    /// Files, and what other sources say.
    #[derive(Default)]
    struct Fake {
        broken: Option<Errno>,
        asked: String,
    }

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\nbroken:x:1x:5::/:\n+::::::\n\
        web:x:80:81:Web,,:/:/bin/false\nweb:x:90:91:::\nmax:x:4294967295:1:::\nlast:x:7:8::/:";
    const GROUP: &[u8] =
        b"root:x:0:\nwww:x:81:\nlogs:x:4:root,web\nwebs:x:5:webby\nweb:x:6:web,web\nbad:x:z:web\n";

    impl Source for Fake {
        fn file(&mut self, database: Database) -> Result<&[u8], Errno> {
            match (self.broken, database) {
                (Some(Errno::NOENT), _) => Ok(b""),
                (Some(error), _) => Err(error),
                (None, Database::Users) => Ok(PASSWD),
                (None, _) => Ok(GROUP),
            }
        }

        fn elsewhere(&mut self, database: Database, name: &[u8]) -> Result<Vec<u8>, Errno> {
            writeln!(self.asked, "{database:?} {}", name.escape_ascii()).unwrap();
            Ok(match (database, name) {
                (Database::Users, b"ldap" | b"LDAP") => b"ldap:*:1000:1001:L:/:/bin/sh\n".to_vec(),
                (Database::Users, b"80") => PASSWD.to_vec(),
                (Database::Memberships, b"ldap") => b"ldap      1001 1003\n".to_vec(),
                (Database::Groups, b"staff") => b"staff:*:1002:ldap\n".to_vec(),
                _ => Vec::new(),
            })
        }
    }

    fn resolve(spec: &'static CStr) -> Result<(u32, u32, Vec<u32>), String> {
        let ids = Account::parse(spec).and_then(|account| account.resolve(&mut Fake::default()));
        ids.map(|ids| {
            (ids.uid, ids.gid.as_raw(), ids.groups.iter().map(|gid| gid.as_raw()).collect())
        })
        .map_err(sentence)
    }

    #[test]
    fn names_are_found_in_the_files() {
        assert_eq!(resolve(c"root"), Ok((0, 0, [0].into())));
        assert_eq!(resolve(c"web"), Ok((80, 81, [81].into())));
        assert_eq!(resolve(c"last"), Ok((7, 8, [8].into())));
        assert_eq!(resolve(c"web:logs"), Ok((80, 4, [4].into())));
        assert_eq!(resolve(c"web:logs:www:root"), Ok((80, 4, [4, 81, 0].into())));
    }

    #[test]
    fn what_is_not_there_is_unknown() {
        for spec in
            [c"nobody", c"broken", c"max", c"", c"0", c"80", c"web:", c"web::www", c"web:81", c"-x"]
        {
            let expected = format!("unknown user/group: {}", spec.to_str().unwrap());
            assert_eq!(resolve(spec), Err(expected));
        }
        assert_eq!(resolve(c"+nobody"), Err("unknown user/group: +nobody".into()));
        assert_eq!(resolve(c"+web:www"), Err("unknown user/group: +web:www".into()));
    }

    #[test]
    fn numbers_are_checked() {
        assert_eq!(resolve(c":1:2"), Ok((1, 2, [2].into())));
        assert_eq!(resolve(c":1:2:3:2"), Ok((1, 2, [2, 3, 2].into())));
        for spec in [c":", c":1", c"::1", c":1:", c":1:2:", c":a:1", c":1:-1", c":4294967295:0"] {
            let expected = format!("invalid uid/gids: {}", &spec.to_str().unwrap()[1..]);
            assert_eq!(resolve(spec), Err(expected));
        }
    }

    #[test]
    fn others_are_asked_for_what_the_files_lack() {
        assert_eq!(resolve(c"ldap"), Ok((1000, 1001, [1001].into())));
        assert_eq!(resolve(c"LDAP:staff:www"), Ok((1000, 1002, [1002, 81].into())));
        let mut source = Fake::default();
        Account::Named(c"root:staff").resolve(&mut source).unwrap();
        assert_eq!(source.asked, "Groups staff\n");
        for name in [c"-x", c"", c"a\nb"] {
            Account::Alone(name).resolve(&mut source).unwrap_err();
        }
        assert_eq!(source.asked, "Groups staff\n");
    }

    #[test]
    fn a_login_has_all_groups_once() {
        assert_eq!(resolve(c"+web"), Ok((80, 81, [81, 4, 6].into())));
        assert_eq!(resolve(c"+ldap"), Ok((1000, 1001, [1001, 1003].into())));
    }

    #[test]
    fn daemontools_takes_a_name_alone() {
        let mut source = Fake::default();
        let mut alone = |name| Account::Alone(name).resolve(&mut source);
        assert_eq!(alone(c"web").unwrap().gid.as_raw(), 81);
        for name in [c"web:logs", c":1:2", c"+web"] {
            let expected = format!("unknown account: {}", name.to_str().unwrap());
            assert_eq!(sentence(alone(name).unwrap_err()), expected);
        }
    }

    #[test]
    fn a_file_that_is_missing_is_empty_and_one_that_is_broken_is_not() {
        let mut source = Fake { broken: Some(Errno::NOENT), ..Fake::default() };
        assert_eq!(Account::Named(c"ldap").resolve(&mut source).unwrap().uid, 1000);
        source.broken = Some(Errno::IO);
        let error = Account::Named(c"ldap").resolve(&mut source).unwrap_err();
        assert_eq!(sentence(error), "unable to get password/group file entry: input/output error");
    }
}
