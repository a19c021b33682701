//! The table of verbs, and the help that is made from it.

use std::fmt::Write as _;

use crate::args::Args;
use crate::error::Result;
use crate::workspace::Workspace;
use crate::{
    bench, check, coverage, cross, demo, deny, dist, faults, fuzz, install, man, memcheck, msrv,
    package, simulate, size, test, tidy, torture, vm,
};

/// One chore.
pub struct Verb {
    /// The word on the command line.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// The rest of what a person should know; lines of at most 78 columns.
    pub about: &'static str,
    /// Its options.
    pub options: &'static [Flag],
    /// Name of the arguments that are handed on as they are; empty: none are taken.
    pub rest: &'static str,
    /// Does it.
    pub run: fn(&Workspace, &Args) -> Result<()>,
}

/// One long option of a verb.
pub struct Flag {
    /// Its name without the dashes.
    pub name: &'static str,
    /// What its value is called; `None`: it takes none.
    pub value: Option<&'static str>,
    /// What it does, in one line.
    pub help: &'static str,
}

/// All verbs, in the order in which help shows them.
pub static VERBS: &[&Verb] = &[
    &demo::VERB,
    &test::VERB,
    &simulate::VERB,
    &check::VERB,
    &tidy::VERB,
    &size::VERB,
    &bench::VERB,
    &deny::VERB,
    &fuzz::VERB,
    &coverage::VERB,
    &memcheck::VERB,
    &torture::VERB,
    &faults::VERB,
    &msrv::VERB,
    &cross::VERB,
    &vm::VERB,
    &man::VERB,
    &install::VERB,
    &dist::VERB,
    &package::VERB,
];

/// The verb of that name.
pub fn find(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.name == name).copied()
}

/// What `cargo xtask --help` prints.
pub fn overview() -> String {
    let mut text = String::from("usage: cargo xtask VERB [OPTION]...\n\n");
    let width = VERBS.iter().map(|verb| verb.name.len()).max().unwrap_or(0);
    for verb in VERBS {
        let _ = writeln!(text, "  {:width$}  {}", verb.name, verb.summary);
    }
    text.push_str("\ncargo xtask VERB --help tells more.\n");
    text
}

/// What `cargo xtask VERB --help` prints.
pub fn help(verb: &Verb) -> String {
    let mut text = format!("usage: cargo xtask {}", verb.name);
    for flag in verb.options {
        let _ = write!(text, " [{}]", spelled(flag));
    }
    if !verb.rest.is_empty() {
        let _ = write!(text, " [{}]...", verb.rest);
    }
    let _ = write!(text, "\n\n{}.\n", verb.summary);
    if !verb.about.is_empty() {
        let _ = write!(text, "\n{}\n", verb.about.trim());
    }
    let width = verb.options.iter().map(|flag| spelled(flag).len()).max().unwrap_or(0);
    for (index, flag) in verb.options.iter().enumerate() {
        let gap = if index == 0 { "\n" } else { "" };
        let _ = writeln!(text, "{gap}  {:width$}  {}", spelled(flag), flag.help);
    }
    text
}

/// `--name` or `--name VALUE`.
fn spelled(flag: &Flag) -> String {
    match flag.value {
        Some(value) => format!("--{} {value}", flag.name),
        None => format!("--{}", flag.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_is_found_by_its_name_and_only_once() {
        for verb in VERBS {
            assert!(std::ptr::eq(find(verb.name).expect(verb.name), *verb));
            assert_eq!(VERBS.iter().filter(|other| other.name == verb.name).count(), 1);
        }
        assert!(find("no-such-verb").is_none());
    }

    #[test]
    fn help_names_every_verb_and_option_and_fits_a_terminal() {
        let overview = overview();
        for verb in VERBS {
            assert!(overview.contains(verb.summary), "{}", verb.name);
            let help = help(verb);
            for flag in verb.options {
                assert!(help.contains(&spelled(flag)) && help.contains(flag.help), "{help}");
            }
            for line in help.lines().skip(1).chain(overview.lines()) {
                assert!(line.len() <= 80, "{line}");
            }
        }
    }
}
