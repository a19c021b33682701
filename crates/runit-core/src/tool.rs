//! What all tools answer alike: usage, `--help`, `--version` and `-V`.

use core::fmt::{self, Write as _};

use crate::diag::write_all;
use crate::options::Opt;
use runit_rt::{Errno, stdio};

/// The version of the whole suite.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A tool as it presents itself.
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
    /// More to know, line by line, after the options.
    pub notes: &'static str,
}

impl<K: Copy> Tool<K> {
    /// Prints usage on standard error: the line and an empty one.
    pub fn print_usage(&self) {
        // There is no one to tell if this fails; the exit code says the rest.
        let _ = write_all(stdio::stderr(), &format_args!("usage: {}\n\n", self.usage));
    }

    /// Prints what `-V` prints: `$Id: NAME VERSION $`, then usage.
    pub fn print_id(&self) {
        // As above.
        let _ = write_all(
            stdio::stderr(),
            &format_args!("$Id: {} {VERSION} $\nusage: {}\n\n", self.name, self.usage),
        );
    }

    /// Prints name and version on standard output; gives the exit code, which
    /// is 111 where it could not be written.
    pub fn print_version(&self) -> u8 {
        code(write_all(stdio::stdout(), &format_args!("{} (runit-rs) {VERSION}\n", self.name)))
    }

    /// Prints help on standard output; gives the exit code as above.
    pub fn print_help(&self) -> u8 {
        code(write_all(stdio::stdout(), &Help(self)))
    }
}

fn code(written: Result<(), Errno>) -> u8 {
    written.map_or(111, |()| 0)
}

/// Shows a tool's help.
pub struct Help<'a, K: 'static>(pub &'a Tool<K>);

impl<K> fmt::Display for Help<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const COMMON: [(&str, &str); 2] =
            [("help", "show this help"), ("version", "show name and version")];
        for (number, line) in self.0.synopsis.iter().enumerate() {
            f.write_str(if number == 0 { "usage: " } else { "       " })?;
            f.write_str(line)?;
            f.write_char('\n')?;
        }
        f.write_str(self.0.about)?;
        f.write_str("\n\n")?;
        for option in self.0.options {
            let label = Label(option.short, option.long, option.value);
            line_up(f, &label, label.width(), option.help)?;
        }
        for (name, help) in COMMON {
            let label = Label(None, Some(name), None);
            line_up(f, &label, label.width(), help)?;
        }
        if !self.0.notes.is_empty() {
            f.write_char('\n')?;
            f.write_str(self.0.notes)?;
            f.write_char('\n')?;
        }
        Ok(())
    }
}

/// Shows an option as `-w, --wait SEC`.
struct Label(Option<u8>, Option<&'static str>, Option<&'static str>);

impl Label {
    fn width(&self) -> usize {
        let short = if self.0.is_some() { 2 } else { 0 };
        let long = self.1.map_or(0, |long| 2 + long.len());
        let between = if short > 0 && long > 0 { 2 } else { 0 };
        short + between + long + self.2.map_or(0, |value| 1 + value.len())
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(short) = self.0 {
            f.write_char('-')?;
            f.write_char(short.into())?;
        }
        if let Some(long) = self.1 {
            f.write_str(if self.0.is_some() { ", --" } else { "--" })?;
            f.write_str(long)?;
        }
        if let Some(value) = self.2 {
            f.write_char(' ')?;
            f.write_str(value)?;
        }
        Ok(())
    }
}

/// Writes a line of help: the label, and the text in the second column, on a
/// line of its own where the label is too wide.
fn line_up(f: &mut fmt::Formatter<'_>, label: &Label, width: usize, help: &str) -> fmt::Result {
    const COLUMN: usize = 22;
    write!(f, "  {label}")?;
    let used = 2 + width;
    let gap = if used + 2 > COLUMN {
        f.write_char('\n')?;
        COLUMN
    } else {
        COLUMN - used
    };
    for _ in 0..gap {
        f.write_char(' ')?;
    }
    f.write_str(help)?;
    f.write_char('\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn help_shows_every_option_in_columns() {
        const TOOL: Tool<()> = Tool {
            name: "demo",
            usage: "demo [-v] dir",
            synopsis: &["demo [-v] [-w SEC] dir", "demo list"],
            about: "Shows how help looks.",
            options: &[
                Opt { key: (), short: Some(b'v'), long: None, value: None, help: "say more" },
                Opt {
                    key: (),
                    short: Some(b'w'),
                    long: Some("wait-for-it"),
                    value: Some("SEC"),
                    help: "wait",
                },
                Opt { key: (), short: None, long: Some("json"), value: None, help: "as JSON" },
            ],
            notes: "See also: nothing.",
        };
        insta::assert_snapshot!(Help(&TOOL).to_string());
    }
}
