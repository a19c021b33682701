//! `cargo xtask tidy`: the house rules that no lint can see.

mod docs;
mod rust_code;
mod sources;
mod tree;

use std::path::PathBuf;

use crate::args::Args;
use crate::error::{Error, Result};
use crate::verbs::Verb;
use crate::workspace::Workspace;
use tree::Tree;

/// The verb.
pub static VERB: Verb = Verb {
    name: "tidy",
    summary: "House rules that no lint can see",
    about: "
Each violation is a line `FILE:LINE: what is wrong`. CONTRIBUTING.md lists the
rules and why they are there.
",
    options: &[],
    rest: "",
    run: |workspace, _: &Args| check(workspace),
};

/// A rule: what it finds goes to the list.
type Rule = fn(&Tree, &mut Vec<Finding>);

/// All rules.
const RULES: &[Rule] = &[
    sources::begins_with_docs,
    sources::is_short,
    sources::keeps_unsafe_in_the_runtime,
    sources::forbids_unsafe,
    sources::waits_without_sleeping,
    sources::is_rust,
    sources::leaves_nothing_to_do,
    sources::names_no_machine,
    docs::changelog_has_the_version,
    docs::dependencies_are_explained,
    docs::tools_are_in_the_architecture,
    docs::links_lead_somewhere,
];

/// One violation.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: PathBuf,
    /// Counted from 1; 0 where it is about the whole file.
    line: usize,
    what: String,
}

impl Finding {
    fn new(path: impl Into<PathBuf>, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.into(), line, what: what.into() }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if self.line > 0 {
            write!(f, "{}:", self.line)?;
        }
        write!(f, " {}", self.what)
    }
}

/// Applies every rule to the checkout.
pub fn check(workspace: &Workspace) -> Result<()> {
    let tree = Tree::read(workspace)?;
    let mut found = Vec::new();
    for rule in RULES {
        rule(&tree, &mut found);
    }
    found.sort();
    for finding in &found {
        println!("{finding}");
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::Failed(format!("tidy: {} violations of the house rules", found.len())))
}
