//! Users and groups: how they are named, and their lines in `passwd(5)` and
//! `group(5)`. Where the lines come from is the caller's affair.

use alloc::vec::Vec;
use core::ffi::CStr;

use runit_rt::Errno;
use rustix::fs::Gid;

use crate::error::Error;
use crate::number;

/// An account as an option or argument names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account<'a> {
    /// `user`, or `user:group1:group2...`.
    Named(&'a CStr),
    /// `+user`: with all groups of the account, as a login has them.
    Login(&'a [u8]),
    /// `:uid:gid1:gid2...`, without the first colon.
    Numbers(&'a [u8]),
    /// `user` alone, as daemontools takes it.
    Alone(&'a CStr),
}

/// The user id and the group ids, the account's own first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The user id.
    pub uid: u32,
    /// The group that is to be the process's own.
    pub gid: u32,
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
}

/// Where the lines come from.
pub trait Source {
    /// All lines of the local file.
    fn file(&mut self, database: Database) -> Result<&[u8], Errno>;
    /// The line for `name` as other sources have it (LDAP and the like).
    fn elsewhere(&mut self, database: Database, name: &[u8]) -> Result<Vec<u8>, Errno>;
    /// All groups of user `name` as other sources have them: the name, and
    /// numbers.
    fn groups_elsewhere(&mut self, name: &[u8]) -> Result<Vec<u8>, Errno>;
}

impl<'a> Account<'a> {
    /// The account that `-u` or `-U` names.
    pub fn parse(spec: &'a CStr) -> Result<Self, Error<'a>> {
        match spec.to_bytes() {
            [b':', numbers @ ..] => match numeric(numbers) {
                Some(_) => Ok(Self::Numbers(numbers)),
                None => Err(Error::Ids(numbers)),
            },
            [b'+', name @ ..] => Ok(Self::Login(name)),
            _ => Ok(Self::Named(spec)),
        }
    }

    /// The ids, asked of `source` unless they are given as numbers.
    pub fn resolve(self, source: &mut dyn Source) -> Result<Ids, Error<'a>> {
        match self {
            Self::Numbers(numbers) => numeric(numbers).ok_or(Error::Ids(numbers)),
            Self::Alone(name) => {
                let user = user(source, name.to_bytes())?.ok_or(Error::Account(name.to_bytes()))?;
                Ok(Ids::new(user.uid, user.gid))
            }
            Self::Login(name) => login(source, name),
            Self::Named(spec) => named(source, spec.to_bytes()),
        }
    }
}

impl Ids {
    fn new(uid: u32, gid: u32) -> Self {
        Self { uid, gid, groups: Vec::from([Gid::from_raw(gid)]) }
    }
}

/// `uid:gid1:gid2...`
fn numeric(text: &[u8]) -> Option<Ids> {
    let mut numbers = text.split(|&byte| byte == b':').map(number::id);
    let mut ids = Ids::new(numbers.next()??, numbers.next()??);
    for number in numbers {
        ids.groups.push(Gid::from_raw(number?));
    }
    Some(ids)
}

/// `user:group1:group2...`
fn named<'a>(source: &mut dyn Source, spec: &'a [u8]) -> Result<Ids, Error<'a>> {
    let unknown = Error::UserOrGroup(spec);
    let mut words = spec.split(|&byte| byte == b':');
    let name = words.next().unwrap_or_default();
    let user = user(source, name)?.ok_or(unknown.clone())?;
    let mut ids = Ids::new(user.uid, user.gid);
    for (place, word) in words.enumerate() {
        let gid = group(source, word)?.ok_or(unknown.clone())?;
        if place == 0 {
            ids = Ids::new(user.uid, gid);
        } else {
            ids.groups.push(Gid::from_raw(gid));
        }
    }
    Ok(ids)
}

/// The account with its own group, and those that have it as a member.
fn login<'a>(source: &mut dyn Source, name: &'a [u8]) -> Result<Ids, Error<'a>> {
    let user = user(source, name)?.ok_or(Error::UserOrGroup(name))?;
    let mut ids = Ids::new(user.uid, user.gid);
    let mut add = |gid: u32| {
        let gid = Gid::from_raw(gid);
        if !ids.groups.contains(&gid) {
            ids.groups.push(gid);
        }
    };
    for line in lines(file(source, Database::Groups)?) {
        if let Some(gid) = member_of(line, name) {
            add(gid);
        }
    }
    if !user.local {
        let answer = source.groups_elsewhere(name).map_err(lookup_failed)?;
        answer.split(u8::is_ascii_whitespace).filter_map(number::id).for_each(add);
    }
    Ok(ids)
}

/// A line of `passwd(5)`.
struct User {
    uid: u32,
    gid: u32,
    local: bool,
}

fn user(source: &mut dyn Source, name: &[u8]) -> Result<Option<User>, Error<'static>> {
    let found = find(source, Database::Users, name, |line| {
        let mut fields = fields(line).skip(2);
        Some((number::id(fields.next()?)?, number::id(fields.next()?)?))
    })?;
    Ok(found.map(|((uid, gid), local)| User { uid, gid, local }))
}

fn group(source: &mut dyn Source, name: &[u8]) -> Result<Option<u32>, Error<'static>> {
    let found = find(source, Database::Groups, name, group_number)?;
    Ok(found.map(|(gid, _)| gid))
}

/// The first line for `name` that `read` can read, of the local file or from
/// elsewhere, and whether it was local.
fn find<T>(
    source: &mut dyn Source,
    database: Database,
    name: &[u8],
    read: fn(&[u8]) -> Option<T>,
) -> Result<Option<(T, bool)>, Error<'static>> {
    let is_it = |line: &&[u8]| fields(line).next() == Some(name);
    let local = lines(file(source, database)?).filter(is_it).find_map(read);
    if let Some(found) = local {
        return Ok(Some((found, true)));
    }
    // What no account can be called is nothing to ask others for; a dash would
    // be taken for an option.
    if name.is_empty() || name[0] == b'-' || name.iter().any(|byte| b":\n".contains(byte)) {
        return Ok(None);
    }
    let answer = source.elsewhere(database, name).map_err(lookup_failed)?;
    // A number would be answered with the account that has it, which is not
    // called so. Directories may know no difference between A and a.
    let mut matching = lines(&answer)
        .filter(|line| fields(line).next().is_some_and(|first| first.eq_ignore_ascii_case(name)));
    Ok(matching.find_map(read).map(|found| (found, false)))
}

fn file(source: &mut dyn Source, database: Database) -> Result<&[u8], Error<'static>> {
    match source.file(database) {
        // In a small container, or below a new root, there may be none.
        Err(Errno::NOENT) => Ok(b""),
        result => result.map_err(lookup_failed),
    }
}

fn lookup_failed(error: Errno) -> Error<'static> {
    Error::Unable { what: "get password/group file entry", error }
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b'\n')
}

fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| byte == b':')
}

fn group_number(line: &[u8]) -> Option<u32> {
    number::id(fields(line).nth(2)?)
}

/// The group's number if the line of `group(5)` lists `name`.
fn member_of(line: &[u8], name: &[u8]) -> Option<u32> {
    let mut members = fields(line).nth(3)?.split(|&byte| byte == b',');
    members.any(|member| member == name).then(|| group_number(line))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::fmt::Write;
    use std::format;
    use std::string::{String, ToString};

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
                (Some(error), _) => Err(error),
                (None, Database::Users) => Ok(PASSWD),
                (None, Database::Groups) => Ok(GROUP),
            }
        }

        fn elsewhere(&mut self, database: Database, name: &[u8]) -> Result<Vec<u8>, Errno> {
            writeln!(self.asked, "{database:?} {}", name.escape_ascii()).unwrap();
            Ok(match (database, name) {
                (Database::Users, b"ldap" | b"LDAP") => b"ldap:*:1000:1001:L:/:/bin/sh\n".to_vec(),
                (Database::Users, b"80") => PASSWD.to_vec(),
                (Database::Groups, b"staff") => b"staff:*:1002:ldap\n".to_vec(),
                _ => Vec::new(),
            })
        }

        fn groups_elsewhere(&mut self, name: &[u8]) -> Result<Vec<u8>, Errno> {
            Ok(format!("{}      1001 1003\n", name.escape_ascii()).into_bytes())
        }
    }

    fn resolve(spec: &'static CStr) -> Result<(u32, u32, Vec<u32>), String> {
        let ids = Account::parse(spec).and_then(|account| account.resolve(&mut Fake::default()));
        ids.map(|ids| (ids.uid, ids.gid, ids.groups.iter().map(|gid| gid.as_raw()).collect()))
            .map_err(|error| error.to_string())
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
        assert_eq!(resolve(c"+nobody"), Err("unknown user/group: nobody".into()));
        assert_eq!(resolve(c"+web:www"), Err("unknown user/group: web:www".into()));
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
        assert_eq!(alone(c"web").unwrap().gid, 81);
        for name in [c"web:logs", c":1:2", c"+web"] {
            let expected = format!("unknown account: {}", name.to_str().unwrap());
            assert_eq!(alone(name).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_file_that_is_missing_is_empty_and_one_that_is_broken_is_not() {
        let mut source = Fake { broken: Some(Errno::NOENT), ..Fake::default() };
        assert_eq!(Account::Named(c"ldap").resolve(&mut source).unwrap().uid, 1000);
        source.broken = Some(Errno::IO);
        let error = Account::Named(c"ldap").resolve(&mut source).unwrap_err().to_string();
        assert_eq!(error, "unable to get password/group file entry: input/output error");
    }
}
