//! What is said on standard error.

use core::fmt::{self, Display};

use runit_core::diag::{Bytes, ErrText, Voice};
use rustix::io::Errno;

const VOICE: Voice<'static> = Voice { program: "svlogd", subject: None };

/// `WHAT: DIR[/NAME]: ERR`, the reference's order.
pub struct Trouble<'a> {
    /// What could not be done.
    pub what: &'a str,
    /// The log directory as it was given.
    pub dir: &'a [u8],
    /// The file in it, if it is not plain which.
    pub name: Option<&'a dyn Display>,
    /// Why.
    pub error: Errno,
}

impl Display for Trouble<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, Bytes(self.dir))?;
        if let Some(name) = self.name {
            write!(f, "/{name}")?;
        }
        write!(f, ": {}", ErrText(self.error))
    }
}

/// `svlogd: warning: SENTENCE`
#[cold]
#[inline(never)]
pub fn warning(sentence: &dyn Display) {
    VOICE.warning(sentence);
}

/// `svlogd: fatal: SENTENCE`
#[cold]
#[inline(never)]
pub fn fatal(sentence: &dyn Display) {
    VOICE.fatal(sentence);
}

/// `svlogd: pausing: SENTENCE`
#[cold]
#[inline(never)]
pub fn pausing(sentence: &dyn Display) {
    VOICE.info(&format_args!("pausing: {sentence}"));
}

/// `svlogd: info: SENTENCE`, if `verbose`.
#[cold]
#[inline(never)]
pub fn info(verbose: bool, sentence: &dyn Display) {
    if verbose {
        VOICE.info(&format_args!("info: {sentence}"));
    }
}

/// Says each trouble once, until there is another or it has passed.
#[derive(Default)]
pub struct Once(Option<(&'static str, Errno)>);

impl Once {
    /// Whether this trouble is news.
    pub fn is_news(&mut self, what: &'static str, error: Errno) -> bool {
        self.0.replace((what, error)) != Some((what, error))
    }

    /// All is well again.
    pub fn clear(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn trouble_names_the_thing_and_the_cause() {
        let dir = b"/var/log/a\n";
        let what = "unable to read config";
        let trouble = Trouble { what, dir, name: None, error: Errno::IO };
        assert_eq!(trouble.to_string(), "unable to read config: /var/log/a\\n: input/output error");
        let trouble = Trouble { name: Some(&"x"), ..trouble };
        assert_eq!(
            trouble.to_string(),
            "unable to read config: /var/log/a\\n/x: input/output error"
        );
    }

    #[test]
    fn trouble_is_news_when_it_changes() {
        let mut once = Once::default();
        assert!(once.is_news("a", Errno::IO));
        assert!(!once.is_news("a", Errno::IO));
        assert!(once.is_news("a", Errno::NOSPC));
        once.clear();
        assert!(once.is_news("a", Errno::NOSPC));
    }
}
