//! LOGDIR/`config`, one setting a line (CONTRACT section 6).

use core::net::SocketAddr;

use alloc::vec::Vec;

use crate::rules::{LONGEST_PREFIX, Rules};

use crate::address;

/// What a log directory is configured to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `s`, `p`, `+`, `-`, `e`, `E`, and of `u`, `U` that lines are sent: what
    /// happens to each line.
    pub rules: Rules,
    /// `n`: how many old files are kept; 0 for all.
    pub keep: usize,
    /// `N`: how many old files are kept when the disk is full; 0 for all.
    pub keep_when_full: usize,
    /// `t`: the age in seconds at which `current` is rotated if it is not
    /// empty; 0 for none.
    pub age: u64,
    /// `!`: the processor's command; empty for none.
    pub processor: Vec<u8>,
    /// `u`, `U`: where lines are sent.
    pub remote: Option<SocketAddr>,
    /// `d` (ours): how many seconds the directory may be unwritable before
    /// lines are dropped instead of waiting; `None` for ever.
    pub drop_after: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rules: Rules { size: 1_000_000, ..Rules::default() },
            keep: 10,
            keep_when_full: 0,
            age: 0,
            processor: Vec::new(),
            remote: None,
            drop_after: None,
        }
    }
}

/// Why a line of the file cannot be followed. It is left out; the rest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault<'a> {
    /// The first character is none of those that stand for a setting.
    Unknown,
    /// What should be a number is none, or is too large.
    Number(&'a [u8]),
    /// What should be an address is none.
    Address(&'a [u8]),
    /// What should be a port is none.
    Port(&'a [u8]),
    /// The prefix has more than [`LONGEST_PREFIX`] bytes.
    Prefix,
}

impl<'a> Fault<'a> {
    /// What is wrong, and with what.
    pub fn text(self) -> (&'static str, &'a [u8]) {
        match self {
            Self::Unknown => ("unknown setting", b""),
            Self::Prefix => ("prefix too long", b""),
            Self::Number(text) => ("unable to scan number: ", text),
            Self::Address(text) => ("unable to scan ip address: ", text),
            Self::Port(text) => ("unable to scan port number: ", text),
        }
    }
}

impl Config {
    /// Reads the file's text. `complain` hears of each line, by its number,
    /// that cannot be followed.
    pub fn parse(text: &[u8], complain: &mut dyn FnMut(usize, Fault<'_>)) -> Self {
        let mut config = Self::default();
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            if let Err(fault) = config.follow(line) {
                complain(index + 1, fault);
            }
        }
        config
    }

    fn follow<'a>(&mut self, line: &'a [u8]) -> Result<(), Fault<'a>> {
        let Some((&setting, value)) = line.split_first() else { return Ok(()) };
        match setting {
            b'#' => {}
            b's' => self.rules.size = scaled(value, &[(b'k', 1024), (b'm', 1024 * 1024)])?,
            b'n' => self.keep = count(value)?,
            b'N' => self.keep_when_full = count(value)?,
            b't' => self.age = duration(value)?,
            b'd' => self.drop_after = Some(duration(value)?),
            b'!' => self.processor = value.to_vec(),
            b'u' | b'U' => {
                self.remote = Some(address::parse(trimmed(value))?);
                self.rules.remote = true;
                self.rules.remote_only = setting == b'U';
            }
            b'p' if value.len() > LONGEST_PREFIX => return Err(Fault::Prefix),
            b'p' => self.rules.prefix = value.to_vec(),
            b'+' | b'-' => self.rules.select.push(setting == b'+', value),
            b'e' | b'E' => self.rules.alert.push(setting == b'e', value),
            b' ' | b'\t' | b'\r' if trimmed(line).is_empty() => {}
            _ => return Err(Fault::Unknown),
        }
        Ok(())
    }
}

/// Without the blanks at the end, which one cannot see in an editor.
fn trimmed(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !b" \t\r".contains(byte)).map_or(0, |last| last + 1);
    &text[..end]
}

/// A number, multiplied by what the letter behind it stands for.
fn scaled<'a>(text: &'a [u8], units: &[(u8, u64)]) -> Result<u64, Fault<'a>> {
    let text = trimmed(text);
    let unit = units.iter().find(|unit| text.last() == Some(&unit.0));
    let (digits, factor) = unit.map_or((text, 1), |&(_, factor)| (&text[..text.len() - 1], factor));
    number(digits).and_then(|n| n.checked_mul(factor)).ok_or(Fault::Number(text))
}

fn count(text: &[u8]) -> Result<usize, Fault<'_>> {
    scaled(text, &[]).and_then(|n| usize::try_from(n).map_err(|_| Fault::Number(text)))
}

fn duration(text: &[u8]) -> Result<u64, Fault<'_>> {
    scaled(text, &[(b'm', 60), (b'h', 3600)])
}

/// Decimal digits, at least one and nothing else.
pub fn number(digits: &[u8]) -> Option<u64> {
    let add = |sum: u64, byte: &u8| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then_some(())?;
        sum.checked_mul(10)?.checked_add(digit.into())
    };
    if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;

    fn parse(text: &str) -> (Config, Vec<String>) {
        let mut faults = Vec::new();
        let config = Config::parse(text.as_bytes(), &mut |line, fault| {
            let (what, text) = fault.text();
            faults.push(format!("{line}: {what}{}", String::from_utf8_lossy(text)));
        });
        (config, faults)
    }

    #[track_caller]
    fn good(text: &str) -> Config {
        let (config, faults) = parse(text);
        assert!(faults.is_empty(), "{faults:?}");
        config
    }

    #[test]
    fn nothing_said_means_the_defaults() {
        let config = good("\n# s5\n#\n   \t\r\n\n");
        assert_eq!(config, Config::default());
        assert_eq!((config.rules.size, config.keep, config.keep_when_full), (1_000_000, 10, 0));
    }

    #[test]
    fn every_setting_is_understood() {
        let config = good("s4096\nn3\nN2\nt90\n!gzip -c\npa b: \nd30");
        assert_eq!((config.rules.size, config.keep, config.keep_when_full), (4096, 3, 2));
        assert_eq!(config.age, 90);
        assert_eq!(config.drop_after, Some(30));
        assert_eq!(
            (&config.processor[..], &config.rules.prefix[..]),
            (&b"gzip -c"[..], &b"a b: "[..])
        );
        assert_eq!(good("s2k").rules.size, 2048);
        assert_eq!(good("s3m \r").rules.size, 3 << 20);
        assert_eq!(good("t2m").age, 120);
        assert_eq!(good("t1h").age, 3600);
        assert_eq!(good("t0").age, 0);
        assert_eq!(good("d0").drop_after, Some(0));
        assert_eq!(good("s0\nn0\nN0").rules.size, 0);
        let long = "x".repeat(LONGEST_PREFIX);
        assert_eq!(good(&format!("p{long}")).rules.prefix.len(), LONGEST_PREFIX);
        assert_eq!(parse(&format!("px{long}")).1, ["1: prefix too long"]);
    }

    #[test]
    fn patterns_keep_their_order_and_every_byte() {
        let config = good("-*\n+ x \n+\ne*\nEno");
        let mut select = crate::pattern::Selection::default();
        for (selects, pattern) in [(false, &b"*"[..]), (true, b" x "), (true, b"")] {
            select.push(selects, pattern);
        }
        assert_eq!(config.rules.select, select);
        assert!(
            config.rules.alert.selects(b"yes", false) && !config.rules.alert.selects(b"no", false)
        );
    }

    #[test]
    fn lines_are_also_or_only_sent() {
        assert!(
            good("U1.2.3.4").rules.remote_only && !good("U1.2.3.4\nu1.2.3.4").rules.remote_only
        );
        assert_eq!(good("u[::1]:99 ").remote, Some("[::1]:99".parse().unwrap()));
    }

    #[test]
    fn each_bad_line_is_named_and_the_rest_counts() {
        let (config, faults) = parse("n7\nzap\ns\ns1x\nu1.2.3\nN4\n s3");
        assert_eq!((config.keep, config.keep_when_full, config.rules.size), (7, 4, 1_000_000));
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
            let (config, faults) = parse(bad);
            assert_eq!((config, faults.len()), (Config::default(), 1), "{bad}");
        }
    }
}
