//! A tool as it presents itself, in one table.

use crate::options::Opt;

/// The version of the whole suite.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a tool's [`Face`](crate::face::Face), its manual page and its completions
/// are made of. To be a `const`: what nobody reads at run time is in no file then.
#[derive(Clone, Copy, Debug)]
pub struct Tool<K: 'static> {
    /// Its name.
    pub name: &'static str,
    /// What follows `usage: `, word for word the reference's.
    pub usage: &'static str,
    /// The same with our own options, for `--help` and the manual page.
    pub synopsis: &'static [&'static str],
    /// What it does, in a line.
    pub about: &'static str,
    /// Its options.
    pub options: &'static [Opt<K>],
    /// More to know, in parts, after the options.
    pub notes: &'static [&'static str],
}
