//! What all tools answer alike: usage, `--help`, `--version` and `-V`.

use crate::diag::{Line, Pieces, Say, Sink, write};
use crate::options::{Complaint, Opt};
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
        let _ = write(stdio::stderr(), &Pieces(&["usage: ", self.usage, "\n\n"]));
    }

    /// Prints what is wrong with an option, if anything is, and usage, on
    /// standard error.
    pub fn print_misuse(&self, complaint: Option<Complaint<'_>>) {
        match complaint {
            Some(complaint) => self.refuse(Refusal::Misuse(complaint)),
            None => self.print_usage(),
        }
    }

    /// Prints what `-V` prints: `$Id: NAME VERSION $`, then usage.
    pub fn print_id(&self) {
        self.refuse(Refusal::Id);
    }

    fn refuse(&self, refusal: Refusal<'_>) {
        // There is no one to tell if this fails; the exit code says the rest.
        let _ = write(stdio::stderr(), &Refused(self.name, self.usage, refusal));
    }

    /// Prints name and version on standard output; gives the exit code, which
    /// is 111 where it could not be written.
    pub fn print_version(&self) -> u8 {
        let text = [self.name, " (runit-rs) ", VERSION, "\n"];
        code(write(stdio::stdout(), &Pieces(&text)))
    }

    /// Prints help on standard output; gives the exit code as above.
    // Not inlined, for the sake of the caller's stack frame, and not through
    // `write`, so that a tool without options needs no code for showing them.
    #[inline(never)]
    pub fn print_help(&self) -> u8 {
        let mut line = Line::new(stdio::stdout());
        Help(self).say(&mut line);
        code(line.send())
    }
}

/// What is said before usage.
enum Refusal<'a> {
    Id,
    Misuse(Complaint<'a>),
}

/// Name and usage of a tool, and what is said between them.
struct Refused<'a>(&'static str, &'static str, Refusal<'a>);

impl Say for Refused<'_> {
    fn say(&self, out: &mut dyn Sink) {
        let Self(name, usage, refusal) = self;
        match refusal {
            Refusal::Id => Pieces(&["$Id: ", name, " ", VERSION, " $\n"]).say(out),
            Refusal::Misuse(complaint) => {
                Pieces(&[name, ": "]).say(out);
                complaint.say(out);
                out.push(b"\n");
            }
        }
        Pieces(&["usage: ", usage, "\n\n"]).say(out);
    }
}

fn code(written: Result<(), Errno>) -> u8 {
    written.map_or(111, |()| 0)
}

/// The options that every tool has, as [`line_up`] would show them.
const COMMON: &[u8] = b"  --help              show this help\n  \
                          --version           show name and version\n";

/// Says a tool's help.
pub struct Help<'a, K: 'static>(pub &'a Tool<K>);

impl<K> Say for Help<'_, K> {
    fn say(&self, out: &mut dyn Sink) {
        let mut before: &[u8] = b"usage: ";
        for line in self.0.synopsis {
            out.push(before);
            out.push(line.as_bytes());
            before = b"\n       ";
        }
        out.push(b"\n");
        out.push(self.0.about.as_bytes());
        out.push(b"\n\n");
        for option in self.0.options {
            line_up(out, option.short, [option.long, option.value], option.help);
        }
        out.push(COMMON);
        if !self.0.notes.is_empty() {
            out.push(b"\n");
            out.push(self.0.notes.as_bytes());
            out.push(b"\n");
        }
    }
}

/// Says a line of help: `-w, --wait SEC`, and the text in the second column,
/// on a line of its own where there is no room left.
fn line_up(out: &mut dyn Sink, short: Option<u8>, words: [Option<&str>; 2], help: &str) {
    const COLUMN: usize = 22;
    const BLANKS: [u8; COLUMN] = [b' '; COLUMN];
    let mut used = 0;
    let mut put = |piece: &[u8]| {
        out.push(piece);
        used += piece.len();
    };
    put(b"  ");
    if let Some(letter) = short {
        put(&[b'-', letter]);
    }
    let [long, value] = words;
    if let Some(long) = long {
        put(if short.is_some() { b", --" } else { b"--" });
        put(long.as_bytes());
    }
    if let Some(value) = value {
        put(b" ");
        put(value.as_bytes());
    }
    if used + 2 > COLUMN {
        out.push(b"\n");
        used = 0;
    }
    out.push(BLANKS.get(used..).unwrap_or_default());
    out.push(help.as_bytes());
    out.push(b"\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    #[derive(Default)]
    struct Text(String);

    impl Sink for Text {
        fn push(&mut self, bytes: &[u8]) {
            self.0.push_str(core::str::from_utf8(bytes).unwrap());
        }
    }

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
        let mut help = Text::default();
        Help(&TOOL).say(&mut help);
        insta::assert_snapshot!(help.0);
    }
}
