//! One table of options per tool: the parser here, `--help` (module
//! [`tool`](crate::tool)), manual page and completions (xtask) all read it.

use core::ffi::CStr;

use crate::diag::{Bytes, Say, Sink};
use crate::lookup::Lookup;
use runit_rt::strings::{CStrList, c_str_in};

/// An option. `K` is the tool's own enum of what options mean.
#[derive(Clone, Copy, Debug)]
pub struct Opt<K: 'static> {
    /// What the option means to the tool.
    pub key: K,
    /// Its letter.
    pub short: Option<u8>,
    /// Its long name, without the dashes.
    pub long: Option<&'static str>,
    /// The name of its value, if it takes one.
    pub value: Option<&'static str>,
    /// What it does, in a line.
    pub help: &'static str,
}

/// What the scanner found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<K> {
    /// An option of the table.
    Option(K),
    /// `--help`.
    Help,
    /// `--version`.
    Version,
}

/// Why arguments cannot be understood; the answer is the usage line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misuse;

/// What is wrong with an option, named as on the command line without dashes.
/// The sentence is the reference's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complaint<'a> {
    /// There is no such option.
    Unknown(&'a [u8]),
    /// Its value is missing.
    NoValue(&'a [u8]),
    /// It takes no value.
    Value(&'a [u8]),
}

impl Say for Complaint<'_> {
    fn say(&self, out: &mut dyn Sink) {
        let (what, name) = match self {
            Self::Unknown(name) => ("illegal option -- ", name),
            Self::NoValue(name) => ("option requires an argument -- ", name),
            Self::Value(name) => ("option takes no argument -- ", name),
        };
        out.push(what.as_bytes());
        Bytes(name).say(out);
    }
}

/// Walks over the options of an argument list as POSIX says: letters cluster,
/// a value is the rest of the word or the next one, `--` or the first operand
/// ends the options. Long names must be whole, `--name=VALUE` or `--name VALUE`.
/// Behind the end, and behind a [`Misuse`], there is nothing to be asked for.
pub struct Scanner<'a, K: 'static> {
    names: Lookup<K>,
    /// The rest of a cluster of letters, up to its NUL.
    cluster: &'a [u8],
    rest: CStrList<'a>,
    value: Option<&'a CStr>,
    complaint: Option<Complaint<'a>>,
}

impl<'a, K: Copy> Scanner<'a, K> {
    /// Over `args`, which do not include the program's name.
    pub fn new(names: Lookup<K>, args: CStrList<'a>) -> Self {
        Self { names, cluster: b"", rest: args, value: None, complaint: None }
    }

    /// The value of the option that was found last, if it takes one. (Handed out with
    /// it, the two would be moved about in memory.)
    pub fn value(&self) -> Option<&'a CStr> {
        self.value
    }

    /// The arguments behind the options; to be asked when there are no more.
    pub fn operands(&self) -> CStrList<'a> {
        self.rest
    }

    /// What was wrong, after [`Misuse`].
    pub fn complaint(&self) -> Option<Complaint<'a>> {
        self.complaint
    }

    fn misuse(&mut self, complaint: Complaint<'a>) -> Misuse {
        self.complaint = Some(complaint);
        Misuse
    }

    /// The option of this name. If it takes a value, it is `given` if that is not
    /// empty, and else the next argument.
    fn option(&mut self, name: &'a [u8], given: &'a [u8]) -> Result<Found<K>, Misuse> {
        let Some(row) = self.names.find(name) else {
            return Err(self.misuse(Complaint::Unknown(name)));
        };
        if row.takes_value {
            self.value = if given.is_empty() { self.rest.next() } else { c_str_in(given) };
            if self.value.is_none() {
                return Err(self.misuse(Complaint::NoValue(name)));
            }
        }
        Ok(row.found)
    }

    /// The next letter of the cluster.
    fn letter(&mut self) -> Result<Found<K>, Misuse> {
        let (name, behind) = self.cluster.split_at_checked(1).unwrap_or_default();
        // What is more than the NUL may be a value.
        self.cluster = if behind.len() > 1 { behind } else { b"" };
        let found = self.option(name, self.cluster);
        if self.value.is_some() {
            self.cluster = b"";
        }
        found
    }

    /// The long option `word`, which has a NUL at its end.
    fn long(&mut self, word: &'a [u8]) -> Result<Found<K>, Misuse> {
        let end = word.iter().position(|&byte| byte == b'=' || byte == 0);
        let (name, behind) = word.split_at_checked(end.unwrap_or(0)).unwrap_or_default();
        // One byte would be taken for a letter.
        if name.len() == 1 {
            return Err(self.misuse(Complaint::Unknown(name)));
        }
        let given = if let [b'=', value @ ..] = behind { value } else { b"" };
        let found = self.option(name, given)?;
        if self.value.is_none() && !given.is_empty() {
            return Err(self.misuse(Complaint::Value(name)));
        }
        Ok(found)
    }
}

impl<K: Copy> Iterator for Scanner<'_, K> {
    type Item = Result<Found<K>, Misuse>;

    fn next(&mut self) -> Option<Self::Item> {
        self.value = None;
        if self.cluster.is_empty() {
            let mut behind = self.rest;
            let (dash, word) = behind.next()?.to_bytes_with_nul().split_first()?;
            if *dash != b'-' || word.len() <= 1 {
                return None;
            }
            self.rest = behind;
            if let [b'-', word @ ..] = word {
                // Two dashes, and their NUL.
                return if word.len() <= 1 { None } else { Some(self.long(word)) };
            }
            self.cluster = word;
        }
        Some(self.letter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup;
    use runit_rt::strings::{ShortCString, Slot, list_in};
    use std::string::{String, ToString};
    use std::vec::Vec;
    use std::{format, vec};

    const OPTIONS: &[Opt<char>] = &[
        Opt { key: 'v', short: Some(b'v'), long: Some("verbose"), value: None, help: "" },
        Opt { key: 't', short: Some(b't'), long: None, value: None, help: "" },
        Opt { key: 'w', short: Some(b'w'), long: Some("wait"), value: Some("SEC"), help: "" },
    ];

    const SIZE: lookup::Size = lookup::size(OPTIONS);
    static NAMES: lookup::Room<char, { SIZE.rows }, { SIZE.names }> = lookup::Room::of(OPTIONS);

    fn scan(args: &[&'static CStr]) -> (Vec<String>, Vec<&'static CStr>) {
        let mut slots = [Slot::default(); 8];
        let list = list_in(&mut slots, args.iter().copied()).unwrap();
        let mut scanner = Scanner::new(NAMES.lookup(), list);
        let mut found = vec![];
        while let Some(item) = scanner.next() {
            let stop = item.is_err();
            found.push(match (item, scanner.value()) {
                (Ok(Found::Option(key)), None) => key.to_string(),
                (Ok(Found::Option(key)), Some(v)) => format!("{key}={}", v.to_string_lossy()),
                (other, _) => format!("{other:?}"),
            });
            if stop {
                break;
            }
        }
        let operands = scanner.operands().count();
        (found, args[args.len() - operands..].to_vec())
    }

    #[test]
    fn letters_cluster_and_take_values() {
        assert_eq!(scan(&[c"-ttv", c"x", c"-v"]).0, ["t", "t", "v"]);
        assert_eq!(scan(&[c"-ttv", c"x", c"-v"]).1, [c"x", c"-v"]);
        assert_eq!(scan(&[c"-vw5", c"-w", c"6", c"up"]).0, ["v", "w=5", "w=6"]);
        assert_eq!(scan(&[c"-w", c"-1", c"-"]).0, ["w=-1"]);
        assert_eq!(scan(&[c"-"]).1, [c"-"]);
    }

    #[test]
    fn two_dashes_end_the_options() {
        assert_eq!(scan(&[c"-v", c"--", c"-t"]), (vec!["v".to_string()], vec![c"-t"]));
    }

    #[test]
    fn long_names_are_whole() {
        assert_eq!(scan(&[c"--wait=3", c"--wait", c"4", c"--verbose"]).0, ["w=3", "w=4", "v"]);
        assert_eq!(scan(&[c"--help"]).0, ["Ok(Help)"]);
        assert_eq!(scan(&[c"--version"]).0, ["Ok(Version)"]);
        for wrong in [c"--wai=3", c"--verbose=1", c"--help=1", c"--wait", c"-w", c"-x", c"---"] {
            assert_eq!(scan(&[wrong]).0, ["Err(Misuse)"], "{wrong:?}");
        }
    }

    #[test]
    fn misuse_is_named() {
        for (wrong, expected) in [
            (c"-vx", "illegal option -- x"),
            (c"-w", "option requires an argument -- w"),
            (c"--wait", "option requires an argument -- wait"),
            (c"--wai\n=3", "illegal option -- wai\\n"),
            (c"--verbose=1", "option takes no argument -- verbose"),
            (c"--help=1", "option takes no argument -- help"),
            (c"--v", "illegal option -- v"),
            (c"---", "illegal option -- -"),
        ] {
            let mut slots = [Slot::default(); 2];
            let mut scanner = Scanner::new(NAMES.lookup(), list_in(&mut slots, [wrong]).unwrap());
            while scanner.next().unwrap().is_ok() {}
            let mut said = ShortCString::new();
            scanner.complaint().unwrap().say(&mut said);
            assert_eq!(said.as_c_str().to_str(), Ok(expected));
        }
    }
}
