//! One fault: which tool, which call, what it gives, and at which of the calls.

use std::fmt;

use crate::error::{Error, Result};

/// At which calls a fault happens, counted in each process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// The first.
    First,
    /// The tenth.
    Tenth,
    /// Every one.
    Always,
}

impl When {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::First, Self::Tenth, Self::Always];

    /// As strace has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "1",
            Self::Tenth => "10",
            Self::Always => "1+",
        }
    }

    /// The same when so many calls come first.
    pub fn word_after(self, before: usize) -> String {
        match self {
            Self::First => (before + 1).to_string(),
            Self::Tenth => (before + 10).to_string(),
            Self::Always => format!("{}+", before + 1),
        }
    }
}

/// What is tried.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// The scenario's name, which is the tool's or begins with it.
    pub scenario: String,
    /// The system call.
    pub call: String,
    /// With what it fails.
    pub errno: String,
    /// And when.
    pub when: When,
    /// So many such calls come first that are not the program's own.
    pub before: usize,
}

impl Case {
    /// Whether no system does this: a call that is always interrupted is one that is never made.
    pub fn is_absurd(&self) -> bool {
        self.when == When::Always && self.errno == "EINTR"
    }

    /// The cases that `word` names: `TOOL[:CALL[:ERRNO[:WHEN]]]`.
    pub fn is_meant_by(&self, word: &str) -> bool {
        let mine = [&*self.scenario, &*self.call, &*self.errno, self.when.word()];
        word.split(':').zip(mine).all(|(wanted, mine)| wanted.is_empty() || wanted == mine)
    }

    /// A number that depends on the fault alone, for a choice that is the same every time.
    pub fn number(&self) -> u64 {
        // FNV-1a, over what names it.
        self.to_string().bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}", self.scenario, self.call, self.errno, self.when.word())
    }
}

/// Checks the words of `--only`.
pub fn check_filter(word: &str) -> Result<()> {
    let parts = word.split(':').count();
    if word.is_empty() || parts > 4 {
        return Err(Error::Usage(format!("--only {word}: not TOOL[:CALL[:ERRNO[:WHEN]]]")));
    }
    Ok(())
}

/// The part that `--quick` runs: of each call of each scenario one fault, or two where one of them
/// is a fault that stays.
pub fn representatives(cases: Vec<Case>) -> Vec<Case> {
    let mut chosen: Vec<Case> = Vec::new();
    for case in cases {
        let same = |other: &Case| other.scenario == case.scenario && other.call == case.call;
        match chosen.iter_mut().find(|other| same(other)) {
            None => chosen.push(case),
            Some(other) if case.number() < other.number() => *other = case,
            Some(_) => {}
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(errno: &str, when: When) -> Case {
        let (scenario, call) = ("runsv".to_owned(), "openat".to_owned());
        Case { scenario, call, errno: errno.to_owned(), when, before: 0 }
    }

    #[test]
    fn cases_are_found_by_their_names() {
        let case = case("ENOSPC", When::Always);
        assert_eq!(case.to_string(), "runsv:openat:ENOSPC:1+");
        for word in ["runsv", "runsv:openat", ":openat", "runsv:openat:ENOSPC:1+", "::ENOSPC"] {
            assert!(case.is_meant_by(word), "{word}");
        }
        for word in ["runsvdir", "runsv:read", "runsv:openat:ENOSPC:1"] {
            assert!(!case.is_meant_by(word), "{word}");
        }
        assert!(check_filter("a:b:c:d:e").is_err() && check_filter("").is_err());
        assert!(check_filter("runsv:openat").is_ok());
    }

    #[test]
    fn calls_of_a_loader_are_not_counted() {
        assert_eq!(When::ALL.map(|when| when.word_after(0)), When::ALL.map(When::word));
        assert_eq!(When::ALL.map(|when| when.word_after(4)), ["5", "14", "5+"]);
    }

    #[test]
    fn one_of_each_call_represents_it_always_the_same() {
        let all = |errnos: [&str; 3]| errnos.map(|errno| case(errno, When::First)).to_vec();
        let chosen = representatives(all(["EIO", "ENOSPC", "EROFS"]));
        assert_eq!(chosen.len(), 1);
        assert_eq!(chosen, representatives(all(["EROFS", "EIO", "ENOSPC"])));
    }

    #[test]
    fn interrupted_for_ever_is_absurd() {
        assert!(case("EINTR", When::Always).is_absurd() && !case("EINTR", When::Tenth).is_absurd());
    }
}
