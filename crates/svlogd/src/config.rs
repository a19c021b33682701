//! LOGDIR/`config`, one setting a line (CONTRACT section 6).

use alloc::boxed::Box;
use core::ffi::CStr;
use core::net::SocketAddr;

use runit_rt::bytes;
use runit_rt::pages::Pages;
use runit_rt::strings::c_str_in;

use crate::address;
use crate::heads::Head;
use crate::rules::{LONGEST_PREFIX, Rules};

/// So many patterns are quick.
const HEADS: usize = 32;

/// What a log directory is configured to do.
pub struct Config {
    /// The lines of the file that are needed again, each behind a NUL; none
    /// for the defaults.
    store: Option<Pages>,
    /// How much of it they take.
    length: usize,
    /// How many lines these are, and how the first ones begin.
    count: usize,
    heads: Box<[Head; HEADS]>,
    /// Where `p`'s value stands there, and its length.
    prefix: (usize, usize),
    /// Where `!`'s value stands, which ends with a NUL.
    processor: usize,
    /// `+`, `-`: there are such lines.
    selects: bool,
    /// `e`, `E`: there are such lines.
    alerts: bool,
    /// `s`: the most bytes of `current`; 0 for no limit.
    pub size: u64,
    /// How many old files are kept.
    pub keep: Keep,
    /// `t`: the age in seconds at which `current` is rotated if it is not
    /// empty; 0 for none.
    pub age: u64,
    /// `u`, `U`: where lines are sent.
    pub remote: Option<SocketAddr>,
    /// `U`: lines are sent only.
    remote_only: bool,
    /// `d` (ours): how many seconds the directory may be unwritable before
    /// lines are dropped instead of waiting; the largest number: for ever.
    pub drop_after: u64,
}

/// How many old files are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// `n`: always; 0 for all.
    pub number: u64,
    /// `N`: when the disk is full; 0 for all.
    pub when_full: u64,
}

/// Why a line of the file cannot be followed, and the part of it that is to
/// blame. It is left out; the rest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault<'a>(pub &'static str, pub &'a [u8]);

impl Default for Config {
    fn default() -> Self {
        Self {
            store: None,
            length: 0,
            count: 0,
            heads: Box::default(),
            prefix: (0, 0),
            processor: 0,
            selects: false,
            alerts: false,
            size: 1_000_000,
            keep: Keep { number: 10, when_full: 0 },
            age: 0,
            remote: None,
            remote_only: false,
            drop_after: u64::MAX,
        }
    }
}

impl Config {
    /// Follows a file's text, which is the first `length` bytes of `store`
    /// behind a NUL; there is room for two bytes more. `complain` hears of each
    /// line, by its number, that cannot be followed.
    pub fn follow_all(
        &mut self,
        mut store: Pages,
        length: usize,
        complain: &mut dyn FnMut(u64, Fault<'_>),
    ) {
        *self = Self::default();
        let (mut at, mut number) = (1, 0);
        while at <= length {
            let rest = store.get(at..=length).unwrap_or_default();
            let end = bytes::find(rest, b'\n').unwrap_or(rest.len());
            let line = rest.get(..end).unwrap_or_default();
            number += 1;
            let mut keep = false;
            match self.follow(line) {
                Ok(kept) => keep = kept,
                Err(fault) => complain(number, fault),
            }
            if keep {
                // Never beyond where it stands now: lines only move up.
                if let Some(head) = self.heads.get_mut(self.count) {
                    *head = Head::of(self.length, line.get(1..).unwrap_or_default());
                }
                self.count += 1;
                put_nul(&mut store, self.length);
                bytes::move_down(&mut store, at, end, self.length + 1);
                self.length += 1 + end;
            }
            at += end + 1;
        }
        put_nul(&mut store, self.length);
        self.store = Some(store);
    }

    /// Does what a line says; whether the line is needed again.
    fn follow<'a>(&mut self, line: &'a [u8]) -> Result<bool, Fault<'a>> {
        let Some((&setting, value)) = line.split_first() else { return Ok(false) };
        // Where its value will stand.
        let place = self.length + 2;
        match setting {
            b'#' => {}
            b's' => self.size = scaled(value, b'k', 1024, b'm', 1024 * 1024)?,
            b'n' => self.keep.number = scaled(value, 0, 1, 0, 1)?,
            b'N' => self.keep.when_full = scaled(value, 0, 1, 0, 1)?,
            b't' => self.age = scaled(value, b'm', 60, b'h', 3600)?,
            b'd' => self.drop_after = scaled(value, b'm', 60, b'h', 3600)?,
            b'u' | b'U' => {
                let value = trimmed(value);
                self.remote = Some(address::parse(value).map_err(|what| Fault(what, value))?);
                self.remote_only = setting == b'U';
            }
            b'p' if value.len() > LONGEST_PREFIX => return Err(Fault("prefix too long", b"")),
            b'p' => {
                self.prefix = (place, value.len());
                return Ok(true);
            }
            b'!' => {
                self.processor = place;
                return Ok(true);
            }
            b'+' | b'-' => {
                self.selects = true;
                return Ok(true);
            }
            b'e' | b'E' => {
                self.alerts = true;
                return Ok(true);
            }
            _ if trimmed(line).is_empty() => {}
            _ => return Err(Fault("unknown setting", b"")),
        }
        Ok(false)
    }

    fn stored(&self) -> &[u8] {
        self.store.as_deref().unwrap_or_default()
    }

    /// What happens to each line.
    pub fn rules(&self) -> Rules<'_> {
        let (start, length) = self.prefix;
        let prefix = self.stored().get(start..).and_then(|rest| rest.get(..length));
        Rules {
            size: self.size,
            prefix: prefix.unwrap_or_default(),
            lines: self.stored().get(..self.length).unwrap_or_default(),
            count: self.count,
            heads: &*self.heads,
            selects: self.selects,
            alerts: self.alerts,
            remote: self.remote.is_some(),
            remote_only: self.remote_only,
        }
    }

    /// `!`: the processor's command.
    pub fn processor(&self) -> Option<&CStr> {
        let command = c_str_in(self.stored().get(self.processor..)?)?;
        (!command.is_empty()).then_some(command)
    }

    /// Takes `!` back; whether there was one.
    pub fn forget_processor(&mut self) -> bool {
        let was_there = self.processor().is_some();
        self.processor = 0;
        was_there
    }

    /// Reads a text that has no faults.
    ///
    /// # Panics
    /// When it has one.
    #[cfg(test)]
    pub fn read(text: &str) -> Self {
        Self::read_all(text, &mut |line, fault| panic!("{line}: {fault:?}"))
    }

    #[cfg(test)]
    fn read_all(text: &str, complain: &mut dyn FnMut(u64, Fault<'_>)) -> Self {
        let mut config = Self::default();
        let mut store = Pages::new(text.len() + 2).unwrap();
        store[1..=text.len()].copy_from_slice(text.as_bytes());
        config.follow_all(store, text.len(), complain);
        config
    }
}

fn put_nul(store: &mut [u8], at: usize) {
    if let Some(byte) = store.get_mut(at) {
        *byte = 0;
    }
}

/// Without the blanks at the end, which one cannot see in an editor.
fn trimmed(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t' | b'\r'] = text {
        text = rest;
    }
    text
}

/// A number, multiplied by what the letter behind it, `a` or `b`, stands for.
fn scaled(text: &[u8], a: u8, by_a: u64, b: u8, by_b: u64) -> Result<u64, Fault<'_>> {
    let text = trimmed(text);
    let (digits, factor) = match text {
        [digits @ .., letter] if *letter == a => (digits, by_a),
        [digits @ .., letter] if *letter == b => (digits, by_b),
        digits => (digits, 1),
    };
    number(digits).and_then(|n| n.checked_mul(factor)).ok_or(Fault("unable to scan number: ", text))
}

/// Decimal digits, at least one and nothing else.
pub fn number(digits: &[u8]) -> Option<u64> {
    let mut sum: u64 = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        sum = sum.checked_mul(10)?.checked_add(digit.into())?;
    }
    (!digits.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    fn parse(text: &str) -> (Config, Vec<String>) {
        let mut faults = Vec::new();
        let config = Config::read_all(text, &mut |line, fault| {
            let Fault(what, text) = fault;
            faults.push(format!("{line}: {what}{}", String::from_utf8_lossy(text)));
        });
        (config, faults)
    }

    type C = Config;

    #[test]
    fn nothing_said_means_the_defaults() {
        for text in ["", "\n# s5\n#\n   \t\r\n\n"] {
            let config = C::read(text);
            assert_eq!(config.size, 1_000_000);
            assert_eq!(config.keep, Keep { number: 10, when_full: 0 });
            assert!(config.rules().are_none() && config.processor().is_none());
            assert_eq!((config.age, config.drop_after), (0, u64::MAX));
        }
    }

    #[test]
    fn every_setting_is_understood() {
        let config = C::read("s4096\nn3\nN2\nt90\n!gzip -c\npa b: \nd30");
        assert_eq!((config.size, config.rules().size), (4096, 4096));
        assert_eq!(config.keep, Keep { number: 3, when_full: 2 });
        assert_eq!((config.age, config.drop_after), (90, 30));
        assert_eq!(config.processor(), Some(c"gzip -c"));
        assert_eq!(config.rules().prefix, b"a b: ");
        assert_eq!(C::read("s2k").size, 2048);
        assert_eq!(C::read("s3m \r").size, 3 << 20);
        assert_eq!(C::read("t2m").age, 120);
        assert_eq!(C::read("t1h").age, 3600);
        assert_eq!(C::read("d0").drop_after, 0);
        assert_eq!(C::read("s0\nn0\nN0").size, 0);
        // The last one of each counts, also where it takes it back.
        assert_eq!(C::read("!cat\n!tee x").processor(), Some(c"tee x"));
        assert_eq!(C::read("!cat\n!").processor(), None);
        let long = "x".repeat(LONGEST_PREFIX);
        assert_eq!(C::read(&format!("p{long}")).rules().prefix.len(), LONGEST_PREFIX);
        assert_eq!(parse(&format!("px{long}")).1, ["1: prefix too long"]);
    }

    #[test]
    fn a_pattern_may_be_empty_and_there_may_be_many() {
        let config = C::read("-*\n+ x \n+");
        assert!(config.rules().select(b" x ") && config.rules().select(b""));
        assert!(!config.rules().select(b" x"));
        let text = "+\n".repeat(1000) + "-*";
        assert!(!C::read(&text).rules().select(b""));
        // What is not needed leaves nothing behind that could be taken for a pattern.
        let text = format!("#{}\n+a\n#-*\n-*\nn5 -*\n+ab*\n#\n", "-*\n#".repeat(50));
        let (config, _) = parse(&text);
        assert!(config.rules().select(b"abc") && !config.rules().select(b"a"));
        assert_eq!(config.rules().lines, b"\0+a\0-*\0+ab*");
    }

    #[test]
    fn lines_are_also_or_only_sent() {
        assert!(C::read("U1.2.3.4").rules().remote_only);
        let config = C::read("U1.2.3.4\nu[::1]:99 ");
        assert!(config.rules().remote && !config.rules().remote_only);
        assert_eq!(config.remote, Some("[::1]:99".parse().unwrap()));
    }

    #[test]
    fn each_bad_line_is_named_and_the_rest_counts() {
        let (config, faults) = parse("n7\nzap\ns\ns1x\nu1.2.3\nN4\n s3");
        assert_eq!(config.keep, Keep { number: 7, when_full: 4 });
        assert_eq!(config.size, 1_000_000);
        assert_eq!(
            faults,
            [
                "2: unknown setting",
                "3: unable to scan number: ",
                "4: unable to scan number: 1x",
                "5: unable to scan ip address: 1.2.3",
                "7: unknown setting",
            ]
        );
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        for bad in [
            "s18446744073709551616",
            "s18446744073709551615k",
            "n-1",
            "n1k",
            "t1d",
            "sk",
            "u1.2.3.4:0",
            "d",
        ] {
            assert_eq!(parse(bad).1.len(), 1, "{bad}");
        }
    }

    #[test]
    fn a_processor_can_be_taken_back() {
        let mut config = C::read("s100\n!cat\n-x*\n");
        assert!(config.forget_processor() && config.processor().is_none());
        assert!(!config.forget_processor());
        assert!(!config.rules().select(b"x") && config.size == 100, "the rest counts");
    }
}
