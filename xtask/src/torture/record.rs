//! What a service writes into its ledger: one line, by one write at the file's end.

use std::fmt;

/// An entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// A life begins.
    Start {
        /// Counts them, from 1.
        life: u64,
        /// The process.
        pid: u32,
        /// Its parent, a `runsv`.
        supervisor: u32,
        /// When, in nanoseconds of the system's clock.
        at: u64,
    },
    /// It found another one alive, and ended.
    Taken {
        /// The process.
        pid: u32,
        /// The one that lives.
        holder: u32,
        /// When.
        at: u64,
    },
    /// It exits on its own account.
    Exit {
        /// Which life.
        life: u64,
        /// With this code.
        code: i32,
        /// When.
        at: u64,
    },
    /// Nobody can ever read what it writes; it exits.
    Broken {
        /// Which life.
        life: u64,
        /// When.
        at: u64,
    },
    /// `finish` ran.
    Finish {
        /// Its first argument.
        code: i32,
        /// Its second.
        status: i32,
        /// When.
        at: u64,
    },
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { life, pid, supervisor, at } => {
                writeln!(f, "start {life} {pid} {supervisor} {at}")
            }
            Self::Taken { pid, holder, at } => writeln!(f, "taken {pid} {holder} {at}"),
            Self::Exit { life, code, at } => writeln!(f, "exit {life} {code} {at}"),
            Self::Broken { life, at } => writeln!(f, "broken {life} {at}"),
            Self::Finish { code, status, at } => writeln!(f, "finish {code} {status} {at}"),
        }
    }
}

impl Record {
    /// When it was written.
    pub fn at(self) -> u64 {
        match self {
            Self::Start { at, .. }
            | Self::Taken { at, .. }
            | Self::Exit { at, .. }
            | Self::Broken { at, .. }
            | Self::Finish { at, .. } => at,
        }
    }

    /// Reads a line.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let kind = words.next()?;
        let mut number = || words.next()?.parse::<i64>().ok();
        let wide = |number: i64| u64::try_from(number).ok();
        let pid = |number: i64| u32::try_from(number).ok();
        let code = |number: i64| i32::try_from(number).ok();
        Some(match kind {
            "start" => Self::Start {
                life: wide(number()?)?,
                pid: pid(number()?)?,
                supervisor: pid(number()?)?,
                at: wide(number()?)?,
            },
            "taken" => {
                Self::Taken { pid: pid(number()?)?, holder: pid(number()?)?, at: wide(number()?)? }
            }
            "exit" => {
                Self::Exit { life: wide(number()?)?, code: code(number()?)?, at: wide(number()?)? }
            }
            "broken" => Self::Broken { life: wide(number()?)?, at: wide(number()?)? },
            "finish" => Self::Finish {
                code: code(number()?)?,
                status: code(number()?)?,
                at: wide(number()?)?,
            },
            _ => return None,
        })
    }
}

/// The numbered line of that life, which anyone can make again to compare.
///
/// Most are short, some longer than `svlogd` looks at; all fit into one write that a
/// pipe takes whole or not at all.
pub fn line(id: u32, life: u64, number: u64) -> Vec<u8> {
    let mixed = (u64::from(id) * 31 + life * 17 + number).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let length = match mixed % 50 {
        0 => 1000 + mixed % 2900,
        _ => mixed % 60,
    };
    let mut line = format!("{id} {life} {number} ").into_bytes();
    let filler = b'a' + u8::try_from(number % 26).unwrap_or(0);
    line.resize(line.len() + usize::try_from(length).unwrap_or(0), filler);
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_back() {
        for record in [
            Record::Start { life: 1, pid: 2, supervisor: 3, at: 1 << 60 },
            Record::Taken { pid: 2, holder: 3, at: 4 },
            Record::Exit { life: 5, code: 3, at: 4 },
            Record::Broken { life: 5, at: 4 },
            Record::Finish { code: -1, status: 9, at: 4 },
        ] {
            assert_eq!(Record::parse(record.to_string().trim_end()), Some(record));
        }
        assert_eq!(Record::parse("start 1 2"), None);
        assert_eq!(Record::parse("rubbish"), None);
    }

    #[test]
    fn a_pipe_takes_every_line_whole() {
        let lengths: Vec<_> = (0..2000).map(|number| line(9999, 12_345, number).len()).collect();
        assert!(lengths.iter().all(|&length| length <= 4096));
        assert!(lengths.iter().any(|&length| length > 2000));
    }
}
