//! LOGDIR/`config`, one setting a line (CONTRACT section 6).

use core::ffi::CStr;
use core::net::SocketAddr;

use runit_rt::bytes;
use runit_rt::pages::{Pages, Table};
use runit_rt::strings::c_str_in;
use rustix::io::Errno;
use svlogd_select::pattern::Pattern;

use crate::address;
use crate::rules::{LONGEST_PREFIX, Rules};

/// What a log directory is configured to do.
pub struct Config {
    /// The file's text and its patterns; none for the defaults.
    text: Option<Text>,
    /// Where `p`'s value stands there, and its length.
    prefix: (usize, usize),
    /// Where `!`'s value stands, which ends with a NUL; 0 for none.
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

/// A configuration's text, as it is kept.
pub struct Text {
    store: Pages,
    patterns: Table<Pattern>,
}

impl Text {
    /// Room for `length` bytes of text, to be written to [`store`](Self::store).
    pub fn new(length: usize) -> Result<Self, Errno> {
        // A pattern takes two bytes of text at least: its letter and the end of its line. There is
        // a NUL behind the last line.
        Ok(Self { store: Pages::new(length + 1)?, patterns: Table::new(length / 2 + 1)? })
    }

    /// With this text.
    pub fn of(text: &[u8]) -> Result<Self, Errno> {
        let mut new = Self::new(text.len())?;
        bytes::copy_short(new.store(), text);
        Ok(new)
    }

    /// Where the text goes, and a byte more.
    pub fn store(&mut self) -> &mut [u8] {
        &mut self.store
    }
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
            text: None,
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
    /// Follows a file's text, which is the first `length` bytes of the store.
    /// `complain` hears of each line, by its number, that cannot be followed.
    pub fn follow_all(
        &mut self,
        mut text: Text,
        length: usize,
        complain: &mut dyn FnMut(u64, Fault<'_>),
    ) {
        *self = Self::default();
        let (mut at, mut number) = (0, 0);
        while at < length {
            let rest = text.store.get(at..length).unwrap_or_default();
            let end = bytes::find(rest, b'\n').unwrap_or(rest.len());
            let line = rest.get(..end).unwrap_or_default();
            number += 1;
            if let Err(fault) = self.follow(line, at, &mut text.patterns) {
                complain(number, fault);
            }
            at += end;
            // The processor's command is a string.
            if let Some(end) = text.store.get_mut(at) {
                *end = 0;
            }
            at += 1;
        }
        self.text = Some(text);
    }

    /// Does what a line says, which begins at `at`.
    fn follow<'a>(
        &mut self,
        line: &'a [u8],
        at: usize,
        patterns: &mut Table<Pattern>,
    ) -> Result<(), Fault<'a>> {
        let Some((&setting, value)) = line.split_first() else { return Ok(()) };
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
            b'p' => self.prefix = (at + 1, value.len()),
            b'!' => self.processor = at + 1,
            b'+' | b'-' | b'e' | b'E' => {
                let pattern = Pattern::new(patterns, setting, value, at + 1);
                let any = if pattern.is_of_copies() { &mut self.alerts } else { &mut self.selects };
                *any = true;
                patterns.push(pattern);
            }
            _ if trimmed(line).is_empty() => {}
            _ => return Err(Fault("unknown setting", b"")),
        }
        Ok(())
    }

    fn stored(&self) -> &[u8] {
        self.text.as_ref().map_or(&[], |text| &text.store)
    }

    /// What happens to each line.
    pub fn rules(&self) -> Rules<'_> {
        let (start, length) = self.prefix;
        let prefix = self.stored().get(start..).and_then(|rest| rest.get(..length));
        Rules {
            size: self.size,
            prefix: prefix.unwrap_or_default(),
            texts: self.stored(),
            patterns: self.text.as_ref().map_or(&[], |text| &text.patterns),
            selects: self.selects,
            alerts: self.alerts,
            remote: self.remote.is_some(),
            remote_only: self.remote_only,
        }
    }

    /// `!`: the processor's command.
    pub fn processor(&self) -> Option<&CStr> {
        let command = c_str_in(self.stored().get(self.processor..)?)?;
        (self.processor > 0 && !command.is_empty()).then_some(command)
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
        config.follow_all(Text::of(text.as_bytes()).unwrap(), text.len(), complain);
        config
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
        let selects =
            |config: &Config, line: &str| config.rules().select(line.as_bytes(), line.len());
        assert!(selects(&config, " x ") && selects(&config, "") && !selects(&config, " x"));
        assert!(!selects(&C::read(&("+\n".repeat(1000) + "-*")), ""));
        // What stands elsewhere is not taken for a pattern.
        let text = format!("#{}\n+a\n#-*\n-*\nn5 -*\n+ab*\n#\n", "-*\n#".repeat(50));
        let (config, _) = parse(&text);
        assert!(selects(&config, "abc") && !selects(&config, "a"));
        assert_eq!(config.rules().patterns.len(), 3);
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
        assert!(!config.rules().select(b"x", 1) && config.size == 100, "the rest counts");
    }
}
