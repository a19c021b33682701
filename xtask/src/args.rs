//! Command lines, read by each verb's own table of options.

use std::ffi::{OsStr, OsString};

use lexopt::Arg;

use crate::error::{Error, Result};
use crate::verbs::{Flag, Verb};

/// What a command line asks for.
pub enum Parsed {
    /// The verb's help.
    Help,
    /// The verb's work.
    Run(Args),
}

/// The options given, and the arguments to hand on.
#[derive(Debug, Default)]
pub struct Args {
    given: Vec<(&'static str, OsString)>,
    /// What followed the verb's own options.
    pub rest: Vec<OsString>,
}

impl Args {
    /// Whether the option was given.
    pub fn has(&self, name: &'static str) -> bool {
        self.given.iter().any(|(given, _)| *given == name)
    }

    /// The option's last value.
    pub fn value(&self, name: &'static str) -> Option<&OsStr> {
        self.values(name).last()
    }

    /// All values of an option that may be repeated.
    pub fn values(&self, name: &'static str) -> impl Iterator<Item = &OsStr> {
        let given = self.given.iter();
        given.filter(move |(given, _)| *given == name).map(|(_, value)| value.as_os_str())
    }
}

/// Reads `words`, all that followed the verb's name.
///
/// Where the verb hands arguments on, these begin at the first word that is no
/// option of its own (a `--` before them is dropped).
pub fn parse(verb: &Verb, words: impl Iterator<Item = OsString>) -> Result<Parsed> {
    let mut parser = lexopt::Parser::from_args(words);
    let mut args = Args::default();
    loop {
        if !verb.rest.is_empty() {
            if let Some(rest) = rest(verb, &mut parser) {
                args.rest = rest;
                return Ok(Parsed::Run(args));
            }
        }
        match parser.next().map_err(|error| usage(verb, &error))? {
            None => return Ok(Parsed::Run(args)),
            Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Parsed::Help),
            Some(Arg::Long(name)) => {
                let Some(flag) = flag(verb, name) else {
                    return Err(usage(verb, &Arg::Long(name).unexpected()));
                };
                let value = match flag.value {
                    Some(_) => parser.value().map_err(|error| usage(verb, &error))?,
                    None => OsString::new(),
                };
                args.given.push((flag.name, value));
            }
            Some(other) => return Err(usage(verb, &other.unexpected())),
        }
    }
}

/// All that is left, if it begins with a word that is not the verb's own.
fn rest(verb: &Verb, parser: &mut lexopt::Parser) -> Option<Vec<OsString>> {
    let mut raw = parser.try_raw_args()?;
    let first = raw.peek()?;
    if is_own(verb, first) {
        return None;
    }
    if first == "--" {
        raw.next();
    }
    Some(raw.collect())
}

/// The verb's option of that name.
fn flag(verb: &Verb, name: &str) -> Option<&'static Flag> {
    verb.options.iter().find(|flag| flag.name == name)
}

/// Whether the verb itself understands the word.
fn is_own(verb: &Verb, word: &OsStr) -> bool {
    let word = word.to_string_lossy();
    if matches!(&*word, "-h" | "--help") {
        return true;
    }
    word.strip_prefix("--")
        .is_some_and(|long| flag(verb, long.split('=').next().unwrap_or(long)).is_some())
}

/// A wrong command line, with where to read on.
fn usage(verb: &Verb, error: &lexopt::Error) -> Error {
    Error::Usage(format!("{}: {error}: see cargo xtask {0} --help", verb.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    static PLAIN: Verb = Verb {
        name: "plain",
        summary: "",
        about: "",
        options: &[
            Flag { name: "quick", value: None, help: "" },
            Flag { name: "against", value: Some("DIR"), help: "" },
        ],
        rest: "",
        run: |_, _| Ok(()),
    };
    static PASSING: Verb = Verb { name: "passing", rest: "ARG", ..PLAIN };

    fn run(verb: &Verb, line: &str) -> Result<Args> {
        match parse(verb, line.split_whitespace().map(OsString::from))? {
            Parsed::Run(args) => Ok(args),
            Parsed::Help => Err(Error::Failed("help".into())),
        }
    }

    #[test]
    fn options_may_be_repeated_and_joined() {
        let args = run(&PLAIN, "--against a --quick --against=b").unwrap();
        assert!(args.has("quick") && args.has("against") && !args.has("write"));
        assert_eq!(args.values("against").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(args.value("against"), Some(OsStr::new("b")));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, part) in [
            ("--fast", "--fast"),
            ("--quick=1", "--quick"),
            ("--against", "--against"),
            ("word", "word"),
            ("-q", "-q"),
        ] {
            let error = run(&PLAIN, line).unwrap_err();
            assert!(matches!(error, Error::Usage(_)), "{line}: {error:?}");
            assert!(error.to_string().contains(part), "{line}: {error}");
            assert!(error.to_string().contains("plain --help"), "{line}: {error}");
        }
    }

    #[test]
    fn the_rest_is_handed_on_untouched() {
        let args = run(&PASSING, "--quick -p sv --quick -- --nocapture").unwrap();
        assert!(args.has("quick"));
        assert_eq!(args.rest, ["-p", "sv", "--quick", "--", "--nocapture"]);
        assert_eq!(run(&PASSING, "-- --quick").unwrap().rest, ["--quick"]);
    }

    #[test]
    fn help_is_seen_among_options_only() {
        assert!(run(&PLAIN, "--quick --help").is_err_and(|error| error.to_string() == "help"));
        assert!(run(&PASSING, "-h").is_err_and(|error| error.to_string() == "help"));
        assert_eq!(run(&PASSING, "x --help").unwrap().rest, ["x", "--help"]);
    }
}
