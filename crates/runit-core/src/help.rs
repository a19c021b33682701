//! What a tool says of itself, put together when it is compiled: its file has the
//! text, and neither the table it comes from nor code that lays it out.

use crate::options::Opt;
use crate::tool::{Tool, VERSION};

/// The column in which the text of an option begins.
const COLUMN: usize = 22;

/// The options that every tool has, in the same columns.
const COMMON: &str = "  --help              show this help\n  \
                      --version           show name and version\n";

/// All texts of a tool, one behind the other, in as many bytes as [`size`] says.
#[derive(Clone, Copy, Debug)]
pub struct Text<const SIZE: usize> {
    /// The bytes.
    pub bytes: [u8; SIZE],
    /// Where in them each text is.
    pub places: Places,
}

/// Where each text of a tool is. Usage ends with its first line: the empty one that
/// follows is not in it, so that help may begin with the same bytes.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// Where the version ends, with which all begins, and the line of `-V` begins, which
    /// is not there without that option.
    pub id: u16,
    /// Where usage begins,
    pub usage: u16,
    /// and where it ends.
    pub usage_end: u16,
    /// Where help begins, which goes on to the end.
    pub help: u16,
}

/// How many bytes the texts of a tool have.
pub const fn size<K>(tool: &Tool<K>) -> usize {
    let mut writer = Writer::<0>::new();
    writer.all(tool);
    writer.used
}

/// The texts of a tool, where `SIZE` is their [`size`].
pub const fn text<K, const SIZE: usize>(tool: &Tool<K>) -> Text<SIZE> {
    let mut writer = Writer::<SIZE>::new();
    let places = writer.all(tool);
    Text { bytes: writer.bytes, places }
}

/// Takes text, and keeps of it what there is room for; counts all.
struct Writer<const ROOM: usize> {
    bytes: [u8; ROOM],
    used: usize,
}

impl<const ROOM: usize> Writer<ROOM> {
    const fn new() -> Self {
        Self { bytes: [0; ROOM], used: 0 }
    }

    const fn byte(&mut self, byte: u8) {
        if self.used < ROOM {
            self.bytes[self.used] = byte;
        }
        self.used += 1;
    }

    const fn add(&mut self, text: &str) {
        let mut index = 0;
        while index < text.len() {
            self.byte(text.as_bytes()[index]);
            index += 1;
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "seen by `assert` when compiling")]
    const fn place(&self) -> u16 {
        assert!(self.used <= u16::MAX as usize);
        self.used as u16
    }

    const fn all<K>(&mut self, tool: &Tool<K>) -> Places {
        self.add(tool.name);
        self.add(" (runit-rs) ");
        self.add(VERSION);
        self.add("\n");
        let id = self.place();
        if has_letter(tool.options, b'V') {
            self.add("$Id: ");
            self.add(tool.name);
            self.add(" ");
            self.add(VERSION);
            self.add(" $\n");
        }
        let usage = self.place();
        self.add("usage: ");
        self.add(tool.usage);
        self.add("\n");
        let usage_end = self.place();
        let help = if is_same(tool.usage, tool.synopsis[0]) { usage } else { usage_end };
        self.help(tool, help == usage);
        Places { id, usage, usage_end, help }
    }

    /// Adds help, of which the first line may be there.
    const fn help<K>(&mut self, tool: &Tool<K>, begun: bool) {
        let mut index = begun as usize;
        while index < tool.synopsis.len() {
            self.add(if index == 0 { "usage: " } else { "       " });
            self.add(tool.synopsis[index]);
            self.add("\n");
            index += 1;
        }
        self.add(tool.about);
        self.add("\n\n");
        let mut index = 0;
        while index < tool.options.len() {
            self.option(&tool.options[index]);
            index += 1;
        }
        self.add(COMMON);
        if !tool.notes.is_empty() {
            self.add("\n");
            let mut index = 0;
            while index < tool.notes.len() {
                self.add(tool.notes[index]);
                index += 1;
            }
            self.add("\n");
        }
    }

    /// Adds a line of help: `-w, --wait SEC`, and the text in the second column, on a
    /// line of its own where there is no room left.
    const fn option<K>(&mut self, option: &Opt<K>) {
        let mut start = self.used;
        self.add("  ");
        if let Some(letter) = option.short {
            self.byte(b'-');
            self.byte(letter);
        }
        if let Some(long) = option.long {
            self.add(if option.short.is_some() { ", --" } else { "--" });
            self.add(long);
        }
        if let Some(value) = option.value {
            self.add(" ");
            self.add(value);
        }
        if self.used - start + 2 > COLUMN {
            self.add("\n");
            start = self.used;
        }
        while self.used - start < COLUMN {
            self.add(" ");
        }
        self.add(option.help);
        self.add("\n");
    }
}

const fn has_letter<K>(options: &[Opt<K>], letter: u8) -> bool {
    let mut index = 0;
    while index < options.len() {
        if matches!(options[index].short, Some(short) if short == letter) {
            return true;
        }
        index += 1;
    }
    false
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    index == one.len() && index == other.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::face;

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
            notes: &["See also: ", "nothing."],
        };
        // Made now, and then when this is compiled.
        let made = text::<_, 1000>(&TOOL);
        let help = &made.bytes[made.places.help.into()..size(&TOOL)];
        let help = core::str::from_utf8(help).unwrap();
        insta::assert_snapshot!(help);
        assert_eq!(face!(TOOL).help(), help);
    }

    #[test]
    fn what_is_not_needed_is_not_there() {
        const PLAIN: Tool<()> = Tool {
            name: "plain",
            usage: "plain dir",
            synopsis: &["plain dir"],
            about: "Is plain.",
            options: &[],
            notes: &[],
        };
        let face = face!(PLAIN);
        assert_eq!(face.version(), std::format!("plain (runit-rs) {VERSION}\n"));
        assert_eq!((face.id(), face.usage()), ("", "usage: plain dir\n"));
        assert_eq!(face.help(), std::format!("usage: plain dir\nIs plain.\n\n{COMMON}"));
        // Usage is the first line of help.
        assert_eq!(size(&PLAIN), face.version().len() + face.help().len());
        assert_eq!(text::<_, 5>(&PLAIN).bytes, *b"plain");
    }

    #[test]
    fn the_id_is_there_for_who_has_the_option() {
        const TOOL: Tool<()> = Tool {
            name: "old",
            usage: "old",
            synopsis: &["old [-V]", "old dir"],
            about: "Has an id.",
            options: &[Opt { key: (), short: Some(b'V'), long: None, value: None, help: "id" }],
            notes: &[],
        };
        let face = face!(TOOL);
        assert!(text::<_, 1000>(&TOOL).bytes.starts_with(face.version().as_bytes()));
        assert_eq!(face.id(), std::format!("$Id: old {VERSION} $\n"));
        assert_eq!(face.usage(), "usage: old\n");
        assert!(face.help().starts_with("usage: old [-V]\n       old dir\nHas an id.\n\n  -V  "));
    }
}
