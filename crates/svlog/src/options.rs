//! The options, and how the program presents itself.

use runit_core::face::Face;
use runit_core::layout::SVDIR;
use runit_core::options::{Complaint, Found, Opt, Scanner};
use runit_core::tool::Tool;
use runit_rt::strings::{CStrList, whole_number};

/// What an option means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Go on with what is written from now on.
    Follow,
    /// Only the last lines.
    Lines,
    /// UTC, not local time.
    Utc,
    /// Lines as they are in the files.
    Raw,
    /// No names of services.
    NoName,
    /// Help.
    Help,
}

/// How the program presents itself.
pub const TOOL: Tool<Key> = Tool {
    name: "svlog",
    usage: "svlog [-f] [-n N] service ...",
    synopsis: &["svlog [-f] [-n N] [--utc|--raw] [--no-name] SERVICE ..."],
    about: "Shows what services have logged, archives and current, in local time.",
    options: &[
        Opt {
            key: Key::Follow,
            short: Some(b'f'),
            long: Some("follow"),
            value: None,
            help: "the last 10 lines, and then what is logged from now on",
        },
        Opt {
            key: Key::Lines,
            short: Some(b'n'),
            long: Some("lines"),
            value: Some("N"),
            help: "the last N lines (without -f: everything)",
        },
        Opt {
            key: Key::Utc,
            short: None,
            long: Some("utc"),
            value: None,
            help: "time stamps in UTC",
        },
        Opt {
            key: Key::Raw,
            short: None,
            long: Some("raw"),
            value: None,
            help: "time stamps as they are in the log",
        },
        Opt {
            key: Key::NoName,
            short: None,
            long: Some("no-name"),
            value: None,
            help: "of several services, lines without names",
        },
        Opt { key: Key::Help, short: Some(b'h'), long: None, value: None, help: "show this help" },
    ],
    notes: &[
        "\
A SERVICE with / or . in front or / behind is a directory, of a service or of
a log; any other is in SVDIR (",
        SVDIR,
        "). Several are merged by time.
Local time is that of TZ, or of /etc/localtime.
Exit code: how many services failed, at most 99; 100 wrong usage.",
    ],
};

/// What of it is in the file.
pub const FACE: Face<Key> = runit_core::face!(TOOL);

/// How many lines are shown before those that follow.
const BEFORE: u64 = 10;

/// What the command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
pub struct Request {
    /// Go on.
    pub follow: bool,
    /// How many lines, if not all.
    pub lines: Option<u64>,
    /// UTC.
    pub utc: bool,
    /// As in the files.
    pub raw: bool,
    /// Names of services, where there are several.
    pub names: bool,
}

/// What else a command line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other<'a> {
    /// A question.
    Help,
    /// Another.
    Version,
    /// Wrong.
    Misuse(Option<Complaint<'a>>),
    /// This is no number.
    NoNumber(&'a [u8]),
}

/// Reads the arguments, without the program's name; also gives the services.
#[inline(never)]
pub fn read(args: CStrList<'_>) -> Result<(Request, CStrList<'_>), Other<'_>> {
    let mut request = Request { follow: false, lines: None, utc: false, raw: false, names: true };
    let mut scanner = Scanner::new(FACE.options, args);
    while let Some(found) = scanner.next() {
        match found {
            Ok(Found::Option(Key::Follow)) => request.follow = true,
            Ok(Found::Option(Key::Lines)) => {
                let value = scanner.value().unwrap_or_default().to_bytes();
                request.lines = Some(whole_number(value).ok_or(Other::NoNumber(value))?);
            }
            Ok(Found::Option(Key::Utc)) => request.utc = true,
            Ok(Found::Option(Key::Raw)) => request.raw = true,
            Ok(Found::Option(Key::NoName)) => request.names = false,
            Ok(Found::Option(Key::Help) | Found::Help) => return Err(Other::Help),
            Ok(Found::Version) => return Err(Other::Version),
            Err(_) => return Err(Other::Misuse(scanner.complaint())),
        }
    }
    if request.follow {
        request.lines.get_or_insert(BEFORE);
    }
    let services = scanner.operands();
    if services.count() == 0 { Err(Other::Misuse(None)) } else { Ok((request, services)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::CStr;
    use runit_rt::strings::ListBuf;

    fn with<T>(args: &[&CStr], check: impl FnOnce(Result<(Request, usize), Other<'_>>) -> T) -> T {
        let list = ListBuf::<8>::new(args);
        check(read(list.as_list()).map(|(request, services)| (request, services.count())))
    }

    #[test]
    fn what_is_asked_for() {
        let all = Request { follow: false, lines: None, utc: false, raw: false, names: true };
        with(&[c"a", c"-b"], |read| assert_eq!(read, Ok((all, 2))));
        with(&[c"-f", c"a"], |read| {
            assert_eq!(read, Ok((Request { follow: true, lines: Some(10), ..all }, 1)));
        });
        with(&[c"-fn0", c"--utc", c"a"], |read| {
            let request = Request { follow: true, lines: Some(0), utc: true, ..all };
            assert_eq!(read, Ok((request, 1)));
        });
        with(&[c"--lines=99999999999999999999", c"--raw", c"--no-name", c"--", c"-a"], |read| {
            let request = Request { lines: Some(u64::MAX), raw: true, names: false, ..all };
            assert_eq!(read, Ok((request, 1)));
        });
    }

    #[test]
    fn what_is_wrong() {
        for args in [&[][..], &[c"-f"], &[c"--"]] {
            with(args, |read| assert_eq!(read, Err(Other::Misuse(None))));
        }
        with(&[c"-x"], |read| {
            assert_eq!(read, Err(Other::Misuse(Some(Complaint::Unknown(b"x")))));
        });
        for value in [c"", c"-1", c"+1", c"1k", c"x"] {
            with(&[c"-n", value, c"a"], |read| {
                assert_eq!(read, Err(Other::NoNumber(value.to_bytes())));
            });
        }
        with(&[c"-h"], |read| assert_eq!(read, Err(Other::Help)));
        with(&[c"--version"], |read| assert_eq!(read, Err(Other::Version)));
    }
}
