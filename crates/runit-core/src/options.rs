//! One table of options per tool: the parser here, `--help` (module
//! [`tool`](crate::tool)), manual page and completions (xtask) all read it.

use core::ffi::CStr;

use crate::diag::{Bytes, Pieces, Say, Sink};
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
pub enum Found<'a, K> {
    /// An option of the table, and its value if it takes one.
    Option(K, Option<&'a CStr>),
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
            Self::Unknown(name) => ("illegal option", name),
            Self::NoValue(name) => ("option requires an argument", name),
            Self::Value(name) => ("option takes no argument", name),
        };
        Pieces(&[what, " -- "]).say(out);
        Bytes(name).say(out);
    }
}

/// Walks over the options of an argument list as POSIX says: letters cluster,
/// a value is the rest of the word or the next one, `--` or the first operand
/// ends the options. Long names must be whole, `--name=VALUE` or `--name VALUE`.
pub struct Scanner<'a, K: 'static> {
    table: &'static [Opt<K>],
    /// The rest of a cluster of letters.
    cluster: &'a [u8],
    /// The same with the NUL behind it, where a value of the cluster ends.
    rest: CStrList<'a>,
    ended: bool,
    complaint: Option<Complaint<'a>>,
}

impl<'a, K: Copy> Scanner<'a, K> {
    /// Over `args`, which do not include the program's name.
    pub fn new(table: &'static [Opt<K>], args: CStrList<'a>) -> Self {
        Self { table, cluster: b"", rest: args, ended: false, complaint: None }
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

    fn letter(&mut self) -> Result<Found<'a, K>, Misuse> {
        // The caller has seen that the cluster is not empty.
        let Some((letter, behind)) = self.cluster.split_first() else {
            return Err(Misuse);
        };
        self.cluster = behind;
        let name = core::slice::from_ref(letter);
        let Some(option) = self.table.iter().find(|o| o.short == Some(*letter)) else {
            return Err(self.misuse(Complaint::Unknown(name)));
        };
        let value = match option.value {
            None => None,
            // The cluster ends in its NUL alone: the value is the next word.
            Some(_) if self.cluster.len() <= 1 => Some(self.next_word(name)?),
            Some(_) => Some(c_str_in(self.cluster).ok_or(Misuse)?),
        };
        if value.is_some() || self.cluster.len() <= 1 {
            self.cluster = b"";
        }
        Ok(Found::Option(option.key, value))
    }

    /// The next argument, as the value of `option`.
    fn next_word(&mut self, option: &'a [u8]) -> Result<&'a CStr, Misuse> {
        self.rest.next().ok_or_else(|| self.misuse(Complaint::NoValue(option)))
    }

    fn long(&mut self, word: &'a CStr) -> Result<Found<'a, K>, Misuse> {
        let name = word.to_bytes_with_nul().get(2..).unwrap_or_default();
        let end = name.iter().position(|&byte| byte == b'=' || byte == 0).ok_or(Misuse)?;
        let (name, behind) = name.split_at(end);
        let given = match behind {
            [b'=', value @ ..] => Some(c_str_in(value).ok_or(Misuse)?),
            _ => None,
        };
        // Compared whole: patterns would be compared byte by byte.
        if given.is_none() && name == b"help" {
            return Ok(Found::Help);
        }
        if given.is_none() && name == b"version" {
            return Ok(Found::Version);
        }
        let is_it = |o: &&Opt<K>| o.long.is_some_and(|long| long.as_bytes() == name);
        let Some(option) = self.table.iter().find(is_it) else {
            return Err(self.misuse(Complaint::Unknown(name)));
        };
        let value = match (option.value, given) {
            (Some(_), None) => Some(self.next_word(name)?),
            (None, Some(_)) => return Err(self.misuse(Complaint::Value(name))),
            (_, given) => given,
        };
        Ok(Found::Option(option.key, value))
    }
}

impl<'a, K: Copy> Iterator for Scanner<'a, K> {
    type Item = Result<Found<'a, K>, Misuse>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.cluster.is_empty() {
            return Some(self.letter());
        }
        if self.ended {
            return None;
        }
        let mut behind = self.rest;
        let word = behind.next()?;
        match word.to_bytes() {
            b"--" => {
                self.rest = behind;
                self.ended = true;
                None
            }
            [b'-', b'-', ..] => {
                self.rest = behind;
                Some(self.long(word))
            }
            [b'-', _, ..] => {
                self.rest = behind;
                self.cluster = word.to_bytes_with_nul().get(1..).unwrap_or_default();
                Some(self.letter())
            }
            _ => {
                self.ended = true;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runit_rt::strings::{ShortCString, Slot, list_in};
    use std::string::{String, ToString};
    use std::vec::Vec;
    use std::{format, vec};

    const TABLE: &[Opt<char>] = &[
        Opt { key: 'v', short: Some(b'v'), long: Some("verbose"), value: None, help: "" },
        Opt { key: 't', short: Some(b't'), long: None, value: None, help: "" },
        Opt { key: 'w', short: Some(b'w'), long: Some("wait"), value: Some("SEC"), help: "" },
    ];

    fn scan(args: &[&'static CStr]) -> (Vec<String>, Vec<&'static CStr>) {
        let mut slots = [Slot::default(); 8];
        let list = list_in(&mut slots, args.iter().copied()).unwrap();
        let mut scanner = Scanner::new(TABLE, list);
        let mut found = vec![];
        for item in &mut scanner {
            let stop = item.is_err();
            found.push(match item {
                Ok(Found::Option(key, None)) => key.to_string(),
                Ok(Found::Option(key, Some(v))) => format!("{key}={}", v.to_string_lossy()),
                other => format!("{other:?}"),
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
        ] {
            let mut slots = [Slot::default(); 2];
            let mut scanner = Scanner::new(TABLE, list_in(&mut slots, [wrong]).unwrap());
            while scanner.next().unwrap().is_ok() {}
            let mut said = ShortCString::new();
            scanner.complaint().unwrap().say(&mut said);
            assert_eq!(said.as_c_str().to_str(), Ok(expected));
        }
    }
}
