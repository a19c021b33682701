//! What all tools answer alike: usage, `--help`, `--version` and `-V`.

use crate::diag::{Voice, write_all};
use crate::help::Places;
use crate::lookup::Lookup;
use crate::options::Complaint;
use runit_rt::stdio;

/// What of a tool is in its file. Made by [`face!`](crate::face!) from its
/// [`Tool`](crate::tool::Tool).
#[derive(Clone, Copy, Debug)]
pub struct Face<K: 'static> {
    /// Its name.
    pub name: &'static str,
    text: &'static [u8],
    places: Places,
    /// What its options are called.
    pub options: Lookup<K>,
}

impl<K: Copy> Face<K> {
    /// From its parts.
    #[doc(hidden)]
    pub const fn new(
        name: &'static str,
        text: &'static [u8],
        places: Places,
        options: Lookup<K>,
    ) -> Self {
        Self { name, text, places, options }
    }

    /// What `--version` prints.
    pub const fn version(&self) -> &'static str {
        self.between(0, self.places.id)
    }

    /// The line of `-V` before usage.
    pub const fn id(&self) -> &'static str {
        self.between(self.places.id, self.places.usage)
    }

    /// The line of usage, without the empty one.
    pub const fn usage(&self) -> &'static str {
        self.between(self.places.usage, self.places.usage_end)
    }

    /// What `--help` prints.
    pub const fn help(&self) -> &'static str {
        string(self.text.split_at(self.places.help as usize).1)
    }

    /// A text as a string, which is to be asked for when compiling.
    const fn between(&self, start: u16, end: u16) -> &'static str {
        string(self.text.split_at(end as usize).0.split_at(start as usize).1)
    }

    /// Prints usage on standard error: the line and an empty one.
    #[inline]
    pub fn print_usage(&self) {
        refuse(self.part(self.places.usage, self.places.usage_end));
    }

    /// Prints what is wrong with an option, if anything is, and usage, on
    /// standard error.
    pub fn print_misuse(&self, complaint: Option<Complaint<'_>>) {
        if let Some(complaint) = complaint {
            Voice { program: self.name, subject: None }.say("", &complaint);
        }
        self.print_usage();
    }

    /// Prints what `-V` prints: `$Id: NAME VERSION $`, then usage.
    #[inline]
    pub fn print_id(&self) {
        refuse(self.part(self.places.id, self.places.usage_end));
    }

    /// Prints name and version on standard output; gives the exit code, which
    /// is 111 where it could not be written.
    #[inline]
    pub fn print_version(&self) -> u8 {
        answer(self.part(0, self.places.id))
    }

    /// Prints help on standard output; gives the exit code as above.
    #[inline]
    pub fn print_help(&self) -> u8 {
        answer(self.text.get(self.places.help.into()..).unwrap_or_default())
    }

    /// A text as it is printed.
    #[inline]
    fn part(&self, start: u16, end: u16) -> &'static [u8] {
        self.text.get(start.into()..end.into()).unwrap_or_default()
    }
}

const fn string(text: &[u8]) -> &str {
    match core::str::from_utf8(text) {
        Ok(text) => text,
        Err(_) => "",
    }
}

#[inline(never)]
fn refuse(text: &[u8]) {
    // There is no one to tell if this fails; the exit code says the rest.
    let _ = write_all(stdio::stderr(), text);
    let _ = write_all(stdio::stderr(), b"\n");
}

#[inline(never)]
fn answer(text: &[u8]) -> u8 {
    write_all(stdio::stdout(), text).map_or(111, |()| 0)
}

/// Makes the [`Face`] of a `const` [`Tool`](crate::tool::Tool).
#[macro_export]
macro_rules! face {
    ($tool:expr) => {{
        const SIZE: usize = $crate::help::size(&$tool);
        const TEXT: $crate::help::Text<SIZE> = $crate::help::text(&$tool);
        const NAMES: $crate::lookup::Size = $crate::lookup::size($tool.options);
        $crate::face::Face::new(
            $tool.name,
            &TEXT.bytes,
            TEXT.places,
            const { &$crate::lookup::Room::<_, { NAMES.rows }, { NAMES.names }>::of($tool.options) }
                .lookup(),
        )
    }};
}
