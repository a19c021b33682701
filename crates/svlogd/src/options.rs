//! The command line (CONTRACT section 6).

use core::ffi::CStr;

use runit_core::options::{Complaint, Found, Opt, Scanner};
use runit_core::tool::Tool;
use runit_rt::strings::CStrList;

use crate::clean::Cleaner;
use crate::stamp::Stamp;

use crate::config;

/// What an option means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// `-t`
    Stamp,
    /// `-v`
    Verbose,
    /// `-V`
    Id,
    /// `-r`
    Replace,
    /// `-R`
    ReplaceAlso,
    /// `-l`
    Length,
    /// `-b`
    Buffer,
}

const OPTIONS: &[Opt<Key>] = &[
    Opt {
        key: Key::Stamp,
        short: Some(b't'),
        long: None,
        value: None,
        help: "TAI64N label before each line; -tt, -ttt: date and time, UTC",
    },
    Opt {
        key: Key::Replace,
        short: Some(b'r'),
        long: None,
        value: Some("C"),
        help: "replace what is not printable by C",
    },
    Opt {
        key: Key::ReplaceAlso,
        short: Some(b'R'),
        long: None,
        value: Some("CHARS"),
        help: "replace these too (C is _ without -r)",
    },
    Opt {
        key: Key::Length,
        short: Some(b'l'),
        long: None,
        value: Some("LEN"),
        help: "match, send and copy to stderr no more than LEN bytes (1000)",
    },
    Opt {
        key: Key::Buffer,
        short: Some(b'b'),
        long: None,
        value: Some("SIZE"),
        help: "read SIZE bytes at once, if that is more than the usual",
    },
    Opt {
        key: Key::Verbose,
        short: Some(b'v'),
        long: Some("verbose"),
        value: None,
        help: "say on standard error what is done",
    },
    Opt {
        key: Key::Id,
        short: Some(b'V'),
        long: None,
        value: None,
        help: "show version and usage on standard error",
    },
];

/// The tool as it presents itself.
pub const TOOL: Tool<Key> = Tool {
    name: "svlogd",
    usage: "svlogd [-ttv] [-r c] [-R abc] [-l len] [-b buflen] dir ...",
    synopsis: &["svlogd [-tttv] [-r C] [-R CHARS] [-l LEN] [-b SIZE] DIR..."],
    about: "Writes the lines of standard input to log directories.",
    options: OPTIONS,
    notes: "Each DIR may have a file config. TERM or end of input: exit; HUP: read config\n\
            again; ALRM: rotate.",
};

/// What was asked for.
pub struct Options<'a> {
    /// What stands before each line.
    pub stamp: Stamp,
    /// What is replaced in each line.
    pub cleaner: Option<Cleaner>,
    /// LEN of the contract: matching looks at this many bytes.
    pub length: usize,
    /// How much to read at once, at least.
    pub buffer: usize,
    /// Say what is done.
    pub verbose: bool,
    /// The log directories.
    pub dirs: CStrList<'a>,
}

/// What the command line asks for.
pub enum Request<'a> {
    /// To log.
    Run(Options<'a>),
    /// `--help`
    Help,
    /// `--version`
    Version,
    /// `-V`
    Id,
}

/// Understands `args`, which do not include the program's name; else tells
/// what is wrong, if it is an option's name.
pub fn parse(args: CStrList<'_>) -> Result<Request<'_>, Option<Complaint<'_>>> {
    let mut scanner = Scanner::new(OPTIONS, args);
    let (mut stamps, mut verbose) = (0, false);
    let (mut replacement, mut also) = (None, None);
    let (mut length, mut buffer) = (1000, 1024);
    while let Some(found) = scanner.next() {
        match found.map_err(|_| scanner.complaint())? {
            Found::Help => return Ok(Request::Help),
            Found::Version => return Ok(Request::Version),
            Found::Option(Key::Id, _) => return Ok(Request::Id),
            Found::Option(Key::Stamp, _) => stamps += 1,
            Found::Option(Key::Verbose, _) => verbose = true,
            Found::Option(Key::Replace, value) => match bytes(value) {
                &[byte] => replacement = Some(byte),
                _ => return Err(None),
            },
            Found::Option(Key::ReplaceAlso, value) => also = Some(bytes(value)),
            Found::Option(Key::Length, value) => length = number(value, 1000).ok_or(None)?,
            Found::Option(Key::Buffer, value) => buffer = number(value, 1024).ok_or(None)?,
        }
    }
    let dirs = scanner.operands();
    if buffer <= length || dirs.count() == 0 {
        return Err(None);
    }
    let clean = replacement.is_some() || also.is_some();
    Ok(Request::Run(Options {
        stamp: Stamp::from_count(stamps),
        cleaner: clean.then(|| Cleaner::new(replacement.unwrap_or(b'_'), also.unwrap_or_default())),
        length,
        buffer,
        verbose,
        dirs,
    }))
}

fn bytes(value: Option<&CStr>) -> &[u8] {
    value.map_or(b"", CStr::to_bytes)
}

/// A number; 0 means the default, as in the reference.
fn number(value: Option<&CStr>, default: usize) -> Option<usize> {
    let number = usize::try_from(config::number(bytes(value))?).ok()?;
    Some(if number == 0 { default } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;
    use runit_core::diag::{Say, Sink};
    use runit_core::tool::Help;
    use runit_rt::strings::{Slot, list_in};
    use std::string::String;

    /// Stamp, length, buffer, verbose and number of directories.
    fn run(args: &[&CStr]) -> Option<(Stamp, usize, usize, bool, usize)> {
        let mut slots = [Slot::default(); 12];
        let list = list_in(&mut slots, args.iter().copied()).unwrap();
        match parse(list) {
            Ok(Request::Run(o)) => Some((o.stamp, o.length, o.buffer, o.verbose, o.dirs.count())),
            _ => None,
        }
    }

    #[test]
    fn options_cluster_and_have_defaults() {
        assert_eq!(run(&[c"a"]), Some((Stamp::None, 1000, 1024, false, 1)));
        assert_eq!(run(&[c"-ttv", c"a", c"b"]), Some((Stamp::Date(b'_'), 1000, 1024, true, 2)));
        assert_eq!(run(&[c"-l0", c"-b", c"0", c"a"]), Some((Stamp::None, 1000, 1024, false, 1)));
        assert_eq!(run(&[c"-l2000", c"-b3000", c"a"]).map(|o| (o.1, o.2)), Some((2000, 3000)));
        assert_eq!(run(&[c"-tr_", c"--", c"-a"]).map(|o| (o.0, o.4)), Some((Stamp::Tai, 1)));
    }

    #[test]
    fn misuse_is_refused() {
        for wrong in [
            &[][..],
            &[c"-t"],
            &[c"-x", c"a"],
            &[c"-r", c"ab", c"a"],
            &[c"-r", c"", c"a"],
            &[c"-l", c"2000", c"a"],
            &[c"-l", c"5", c"-b", c"5", c"a"],
            &[c"-l", c"many", c"a"],
            &[c"-b", c"-1", c"a"],
        ] {
            assert!(run(wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn replacing_has_a_default() {
        let mut slots = [Slot::default(); 4];
        let list = list_in(&mut slots, [c"-R", c"xy", c"a"]).unwrap();
        let Ok(Request::Run(options)) = parse(list) else { panic!("not understood") };
        let mut line = *b"x\x01-";
        options.cleaner.unwrap().clean(&mut line);
        assert_eq!(line, *b"__-");
    }

    fn help() -> String {
        struct Text(String);
        impl Sink for Text {
            fn push(&mut self, bytes: &[u8]) {
                self.0.push_str(std::str::from_utf8(bytes).unwrap());
            }
        }
        let mut text = Text(String::new());
        Help(&TOOL).say(&mut text);
        text.0
    }

    #[test]
    fn help_is_as_reviewed() {
        insta::assert_snapshot!(help());
    }
}
