//! The command line (CONTRACT section 6).

use runit_core::face::Face;
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
        help: "read at least SIZE bytes at once",
    },
    Opt {
        key: Key::Verbose,
        short: Some(b'v'),
        long: Some("verbose"),
        value: None,
        help: "say what is done",
    },
    Opt {
        key: Key::Id,
        short: Some(b'V'),
        long: None,
        value: None,
        help: "show version and usage",
    },
];

/// For usage and help alike: its text counts in the size of the file.
const USAGE: &str = "svlogd [-ttv] [-r c] [-R abc] [-l len] [-b buflen] dir ...";

/// The tool as it presents itself.
pub const TOOL: Tool<Key> = Tool {
    name: "svlogd",
    usage: USAGE,
    synopsis: &[USAGE],
    about: "Writes the lines of standard input to log directories.",
    options: OPTIONS,
    notes: &["Each DIR may have a file config. TERM or end of input: exit; HUP: read config\n\
            again; ALRM: rotate."],
};

/// What of it is in the file.
pub const FACE: Face<Key> = runit_core::face!(TOOL);

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

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Log.
    Run,
    /// `--help`
    Help,
    /// `--version`
    Version,
    /// `-V`
    Id,
}

impl<'a> Options<'a> {
    /// What holds where nothing is asked for.
    pub fn new(args: CStrList<'a>) -> Self {
        Self {
            stamp: Stamp::None,
            cleaner: None,
            length: 1000,
            buffer: 1024,
            verbose: false,
            dirs: args,
        }
    }

    /// Understands the arguments, which do not include the program's name; else
    /// tells what is wrong, if it is an option's name.
    pub fn parse(&mut self) -> Result<Request, Option<Complaint<'a>>> {
        let mut scanner = Scanner::new(FACE.options, self.dirs);
        let mut stamps = 0;
        let (mut replacement, mut also) = (None, None);
        while let Some(found) = scanner.next() {
            let Ok(found) = found else { return Err(scanner.complaint()) };
            let value = scanner.value().unwrap_or_default().to_bytes();
            match found {
                Found::Help => return Ok(Request::Help),
                Found::Version => return Ok(Request::Version),
                Found::Option(Key::Id) => return Ok(Request::Id),
                Found::Option(Key::Stamp) => stamps += 1,
                Found::Option(Key::Verbose) => self.verbose = true,
                Found::Option(Key::Replace) => match *value {
                    [byte] => replacement = Some(byte),
                    _ => return Err(None),
                },
                Found::Option(Key::ReplaceAlso) => also = Some(value),
                Found::Option(Key::Length) => {
                    self.length = number(value, self.length).ok_or(None)?;
                }
                Found::Option(Key::Buffer) => {
                    self.buffer = number(value, self.buffer).ok_or(None)?;
                }
            }
        }
        self.dirs = scanner.operands();
        if self.buffer <= self.length || self.dirs.next().is_none() {
            return Err(None);
        }
        self.dirs = scanner.operands();
        self.stamp = Stamp::from_count(stamps);
        if replacement.is_some() || also.is_some() {
            let replacement = replacement.unwrap_or(b'_');
            self.cleaner = Some(Cleaner::new(replacement, also.unwrap_or_default()));
        }
        Ok(Request::Run)
    }
}

/// A number; 0 means what there is, as in the reference.
fn number(value: &[u8], default: usize) -> Option<usize> {
    let number = usize::try_from(config::number(value)?).ok()?;
    Some(if number == 0 { default } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::CStr;
    use runit_rt::strings::{Slot, list_in};

    /// Stamp, length, buffer, verbose and number of directories.
    fn run(args: &[&CStr]) -> Option<(Stamp, usize, usize, bool, usize)> {
        let mut slots = [Slot::default(); 12];
        let list = list_in(&mut slots, args.iter().copied()).unwrap();
        let mut o = Options::new(list);
        let request = o.parse().ok()?;
        (request == Request::Run).then(|| (o.stamp, o.length, o.buffer, o.verbose, o.dirs.count()))
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
        let mut options = Options::new(list);
        assert_eq!(options.parse(), Ok(Request::Run));
        let mut line = *b"x\x01-";
        options.cleaner.unwrap().clean(&mut line);
        assert_eq!(line, *b"__-");
    }

    #[test]
    fn help_is_as_reviewed() {
        insta::assert_snapshot!(FACE.help());
    }
}
