//! Users and groups: how they are named, and their lines in `passwd(5)` and
//! `group(5)`. Where the lines come from is the caller's affair.

use core::ffi::CStr;

use runit_rt::Errno;
use runit_rt::pile::Pile;
use runit_rt::strings::c_str_in;
use rustix::fs::Gid;

use crate::error::{Error, Failed, What};
use crate::number;
use crate::text::{pieces, same_letters};

/// An account as an option or argument names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account<'a> {
    /// The whole of it.
    pub spec: &'a CStr,
    /// How it is to be read.
    pub form: Form,
}

/// The ways to name an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `user`, or `user:group1:group2...`.
    Named,
    /// `+user`: with all groups of the account, as a login has them.
    Login,
    /// `:uid:gid1:gid2...`
    Numbers,
    /// `user` alone, as daemontools takes it.
    Alone,
}

/// The user id and the group ids, of which the first is to be the process's
/// own.
pub struct Ids {
    /// The user id.
    pub uid: u32,
    /// The process's own group.
    pub gid: Gid,
    /// All groups, that one among them.
    pub groups: Pile<Gid>,
    /// Whether they do not come from elsewhere.
    pub local: bool,
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
    fn file(&self, database: Database) -> Result<&'static [u8], Errno>;
    /// The line for `name` as other sources have it (LDAP and the like).
    fn elsewhere(&self, database: Database, name: &[u8]) -> Result<&'static [u8], Errno>;
}

impl<'a> Account<'a> {
    /// The account that `-u` or `-U` names. Numbers are checked.
    pub fn parse(spec: &'a CStr) -> Result<Self, Error<'a>> {
        let form = match spec.to_bytes() {
            [b':', numbers @ ..] => {
                if numeric(numbers).is_none() {
                    let name = spec.to_bytes_with_nul().get(1..).and_then(c_str_in);
                    return Err(Failed::refused(What::InvalidIds).about(name));
                }
                Form::Numbers
            }
            [b'+', ..] => Form::Login,
            _ => Form::Named,
        };
        Ok(Self { spec, form })
    }

    /// The ids, asked of `source` unless they are given as numbers.
    #[inline(never)]
    pub fn resolve(self, source: &dyn Source) -> Result<Ids, Failed> {
        let spec = self.spec.to_bytes();
        let behind_sign = spec.get(1..).unwrap_or_default();
        match self.form {
            Form::Numbers => numeric(behind_sign).ok_or(Failed::refused(What::InvalidIds)),
            Form::Alone => lookup(source, spec, None, What::UnknownAccount),
            Form::Named => {
                let colon = spec.iter().position(|&byte| byte == b':');
                let (name, groups) = spec.split_at(colon.unwrap_or(spec.len()));
                lookup(source, name, groups.get(1..), What::UnknownUserOrGroup)
            }
            Form::Login => {
                let mut ids = lookup(source, behind_sign, None, What::UnknownUserOrGroup)?;
                add_memberships(source, behind_sign, &mut ids)?;
                Ok(ids)
            }
        }
    }
}

/// `uid:gid1:gid2...`
fn numeric(text: &[u8]) -> Option<Ids> {
    let mut numbers = pieces(text, b':').map(number::id);
    let uid = numbers.next()??;
    let mut groups = Pile::new();
    for number in numbers {
        groups.push(Gid::from_raw(number?)).ok()?;
    }
    Some(Ids { uid, gid: *groups.as_slice().first()?, groups, local: true })
}

/// User `name` with the groups `list`, or else with its own.
fn lookup(
    source: &dyn Source,
    name: &[u8],
    list: Option<&[u8]>,
    unknown: What,
) -> Result<Ids, Failed> {
    let Entry { id, mut gid, local } = find(source, Database::Users, name, unknown)?;
    let mut groups = Pile::new();
    if let Some(list) = list {
        for word in pieces(list, b':') {
            let group = find(source, Database::Groups, word, unknown)?;
            groups.push(group.gid).map_err(Failed::to(What::Lookup))?;
        }
    }
    match groups.as_slice().first() {
        Some(&first) => gid = first,
        None => groups.push(gid).map_err(Failed::to(What::Lookup))?,
    }
    Ok(Ids { uid: id, gid, groups, local })
}

/// Adds the groups that have user `name` as a member, those that are not there
/// yet.
fn add_memberships(source: &dyn Source, name: &[u8], ids: &mut Ids) -> Result<(), Failed> {
    let failed = Failed::to(What::Lookup);
    let mut add = |gid| {
        if ids.groups.as_slice().contains(&gid) { Ok(()) } else { ids.groups.push(gid) }
    };
    for line in pieces(source.file(Database::Groups).map_err(&failed)?, b'\n') {
        let members = pieces(line, b':').nth(3).unwrap_or_default();
        if pieces(members, b',').any(|member| member == name) {
            if let Some(group) = read(line, Database::Groups) {
                add(group.gid).map_err(&failed)?;
            }
        }
    }
    if !ids.local {
        let answer = source.elsewhere(Database::Memberships, name).map_err(&failed)?;
        let line = pieces(answer, b'\n').next().unwrap_or_default();
        for gid in pieces(line, b' ').filter_map(number::id) {
            add(Gid::from_raw(gid)).map_err(&failed)?;
        }
    }
    Ok(())
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
fn find(
    source: &dyn Source,
    database: Database,
    name: &[u8],
    unknown: What,
) -> Result<Entry, Failed> {
    let text = source.file(database).map_err(Failed::to(What::Lookup))?;
    if let Some(entry) = line_for(name, text, database, |a, b| a == b) {
        return Ok(entry);
    }
    // What no account can be called is nothing to ask others for; a dash would
    // be taken for an option.
    let odd = |&byte: &u8| byte == b':' || byte == b'\n';
    if name.is_empty() || name.starts_with(b"-") || name.iter().any(odd) {
        return Err(Failed::refused(unknown));
    }
    let answer = source.elsewhere(database, name).map_err(Failed::to(What::Lookup))?;
    // A number would be answered with the account that has it, which is not
    // called so. Directories may know no difference between A and a.
    match line_for(name, answer, database, same_letters) {
        Some(entry) => Ok(Entry { local: false, ..entry }),
        None => Err(Failed::refused(unknown)),
    }
}

fn line_for(
    name: &[u8],
    text: &[u8],
    database: Database,
    same: fn(&[u8], &[u8]) -> bool,
) -> Option<Entry> {
    let mut lines = pieces(text, b'\n')
        .filter(|line| pieces(line, b':').next().is_some_and(|first| same(first, name)));
    lines.find_map(|line| read(line, database))
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
    use core::cell::RefCell;
    use core::fmt::Write;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    /// Files, and what other sources say.
    #[derive(Default)]
    struct Fake {
        broken: Option<Errno>,
        asked: RefCell<String>,
    }

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\nbroken:x:1x:5::/:\n+::::::\n\
        web:x:80:81:Web,,:/:/bin/false\nweb:x:90:91:::\nmax:x:4294967295:1:::\nlast:x:7:8::/:";
    const GROUP: &[u8] =
        b"root:x:0:\nwww:x:81:\nlogs:x:4:root,web\nwebs:x:5:webby\nweb:x:6:web,web\nbad:x:z:web\n";

    impl Source for Fake {
        fn file(&self, database: Database) -> Result<&'static [u8], Errno> {
            match (self.broken, database) {
                (Some(Errno::NOENT), _) => Ok(b""),
                (Some(error), _) => Err(error),
                (None, Database::Users) => Ok(PASSWD),
                (None, _) => Ok(GROUP),
            }
        }

        fn elsewhere(&self, database: Database, name: &[u8]) -> Result<&'static [u8], Errno> {
            writeln!(self.asked.borrow_mut(), "{database:?} {}", name.escape_ascii()).unwrap();
            Ok(match (database, name) {
                (Database::Users, b"ldap" | b"LDAP") => b"ldap:*:1000:1001:L:/:/bin/sh\n",
                (Database::Users, b"80") => PASSWD,
                (Database::Memberships, b"ldap") => b"ldap      1001 1003\n",
                (Database::Groups, b"staff") => b"staff:*:1002:ldap\n",
                _ => b"",
            })
        }
    }

    /// User, group, and all groups.
    type Resolved = (u32, u32, Vec<u32>);

    fn resolve_by(account: Account<'_>, source: &Fake) -> Result<Resolved, String> {
        let resolved = account.resolve(source);
        let ids = resolved.map_err(|failed| sentence(failed.about(Some(account.spec))))?;
        let groups = ids.groups.as_slice().iter().map(|gid| gid.as_raw()).collect();
        Ok((ids.uid, ids.gid.as_raw(), groups))
    }

    fn resolve(spec: &'static CStr) -> Result<Resolved, String> {
        resolve_by(Account::parse(spec).map_err(sentence)?, &Fake::default())
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
        let source = Fake::default();
        resolve_by(Account::parse(c"root:staff").unwrap(), &source).unwrap();
        assert_eq!(*source.asked.borrow(), "Groups staff\n");
        for name in [c"-x", c"", c"a\nb"] {
            resolve_by(Account { spec: name, form: Form::Alone }, &source).unwrap_err();
        }
        assert_eq!(*source.asked.borrow(), "Groups staff\n");
    }

    #[test]
    fn a_login_has_all_groups_once() {
        assert_eq!(resolve(c"+web"), Ok((80, 81, [81, 4, 6].into())));
        assert_eq!(resolve(c"+ldap"), Ok((1000, 1001, [1001, 1003].into())));
    }

    #[test]
    fn daemontools_takes_a_name_alone() {
        let source = Fake::default();
        let alone = |spec| resolve_by(Account { spec, form: Form::Alone }, &source);
        assert_eq!(alone(c"web").unwrap().1, 81);
        for name in [c"web:logs", c":1:2", c"+web"] {
            let expected = format!("unknown account: {}", name.to_str().unwrap());
            assert_eq!(alone(name).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_file_that_is_missing_is_empty_and_one_that_is_broken_is_not() {
        let mut source = Fake { broken: Some(Errno::NOENT), ..Fake::default() };
        assert_eq!(resolve_by(Account::parse(c"ldap").unwrap(), &source).unwrap().0, 1000);
        source.broken = Some(Errno::IO);
        let error = resolve_by(Account::parse(c"ldap").unwrap(), &source).unwrap_err();
        assert_eq!(error, "unable to get password/group file entry: input/output error");
    }
}
