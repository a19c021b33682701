//! One table of options per tool: the parser here, `--help` (module
//! [`tool`](crate::tool)), manual page and completions (xtask) all read it.

use core::ffi::CStr;

use runit_rt::strings::CStrList;

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
}

impl<'a, K: Copy> Scanner<'a, K> {
    /// Over `args`, which do not include the program's name.
    pub fn new(table: &'static [Opt<K>], args: CStrList<'a>) -> Self {
        Self { table, cluster: b"", rest: args, ended: false }
    }

    /// The arguments behind the options; to be asked when there are no more.
    pub fn operands(&self) -> CStrList<'a> {
        self.rest
    }

    fn letter(&mut self) -> Result<Found<'a, K>, Misuse> {
        let letter = self.cluster[0];
        self.cluster = &self.cluster[1..];
        let option = self.table.iter().find(|o| o.short == Some(letter)).ok_or(Misuse)?;
        let value = match option.value {
            None => None,
            // The cluster ends in its NUL alone: the value is the next word.
            Some(_) if self.cluster.len() <= 1 => Some(self.rest.next().ok_or(Misuse)?),
            Some(_) => Some(CStr::from_bytes_with_nul(self.cluster).map_err(|_| Misuse)?),
        };
        if value.is_some() || self.cluster.len() <= 1 {
            self.cluster = b"";
        }
        Ok(Found::Option(option.key, value))
    }

    fn long(&mut self, word: &'a CStr) -> Result<Found<'a, K>, Misuse> {
        let name = &word.to_bytes_with_nul()[2..];
        let end = name.iter().position(|&byte| byte == b'=' || byte == 0).ok_or(Misuse)?;
        let (name, behind) = name.split_at(end);
        let given = match behind {
            [b'=', value @ ..] => Some(CStr::from_bytes_with_nul(value).map_err(|_| Misuse)?),
            _ => None,
        };
        match (name, given) {
            (b"help", None) => return Ok(Found::Help),
            (b"version", None) => return Ok(Found::Version),
            _ => {}
        }
        let is_it = |o: &&Opt<K>| o.long.is_some_and(|long| long.as_bytes() == name);
        let option = self.table.iter().find(is_it).ok_or(Misuse)?;
        let value = match (option.value, given) {
            (Some(_), None) => Some(self.rest.next().ok_or(Misuse)?),
            (None, Some(_)) => return Err(Misuse),
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
                self.cluster = &word.to_bytes_with_nul()[1..];
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
    use runit_rt::strings::{Slot, list_in};
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
}
