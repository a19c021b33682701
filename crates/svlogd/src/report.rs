//! What is said on standard error.

use core::ffi::CStr;

use runit_core::diag::{Name, Say, Sink, Voice};
use rustix::io::Errno;

const VOICE: Voice<'static> = Voice { program: "svlogd", subject: None };

/// What could not be done; the reference's words where it has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the sentences stand in `text`, below")]
pub enum What {
    Start,
    ReadInput,
    OpenDirectory,
    LockDirectory,
    ReadDirectory,
    ReadConfig,
    OpenCurrent,
    WriteCurrent,
    SyncCurrent,
    RenameCurrent,
    DeleteOldest,
    DeleteLeftover,
    OpenInput,
    OpenOutput,
    OpenState,
    OpenNewState,
    MoveDescriptor,
    EnterDirectory,
    RunProcessor,
    ForkProcessor,
    SyncProcessed,
    RenameProcessed,
    RenameState,
    DeleteProcessed,
}

impl What {
    /// What stands behind `unable to`.
    fn text(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::ReadInput => "read standard input",
            Self::OpenDirectory => "open log directory",
            Self::LockDirectory => "lock directory",
            Self::ReadDirectory => "read directory",
            Self::ReadConfig => "read config",
            Self::OpenCurrent => "open current",
            Self::WriteCurrent => "write to current",
            Self::SyncCurrent => "fsync current logfile",
            Self::RenameCurrent => "rename current",
            Self::DeleteOldest => "unlink oldest logfile",
            Self::DeleteLeftover => "unlink processor leftover",
            Self::OpenInput => "open input for processor",
            Self::OpenOutput => "open output for processor",
            Self::OpenState => "open state for processor",
            Self::OpenNewState => "open newstate for processor",
            Self::MoveDescriptor => "move filedescriptor for processor",
            Self::EnterDirectory => "change directory, want processor",
            Self::RunProcessor => "run processor",
            Self::ForkProcessor => "fork for processor",
            Self::SyncProcessed => "fsync processed",
            Self::RenameProcessed => "rename processed",
            Self::RenameState => "rename state",
            Self::DeleteProcessed => "unlink processed",
        }
    }

    /// With the reason.
    pub fn because(self, error: Errno) -> Fault {
        Fault { what: self, error }
    }
}

/// What could not be done, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub what: What,
    /// Why.
    pub error: Errno,
}

/// How serious it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What is done.
    Info,
    /// Something does not work, but the rest does.
    Warning,
    /// Lines wait until it works.
    Pausing,
    /// The end.
    Fatal,
}

impl Level {
    fn text(self) -> &'static str {
        match self {
            Self::Info => "info: ",
            Self::Warning => "warning: ",
            Self::Pausing => "pausing: ",
            Self::Fatal => "fatal: ",
        }
    }
}

/// Says a sentence, in which a piece takes the place of each `%`.
#[cold]
#[inline(never)]
pub fn say(level: Level, sentence: &'static str, pieces: &[&[u8]]) {
    VOICE.say(level.text(), &Sentence(sentence, pieces));
}

/// Says what is wrong with a directory, as it was given, or with `file` in it:
/// `WHAT: DIR[/FILE]: ERR`, the reference's order.
#[cold]
#[inline(never)]
pub fn fault(level: Level, fault: Fault, dir: &CStr, file: &[u8]) {
    let said = if file.is_empty() { "unable to %: %%: %" } else { "unable to %: %/%: %" };
    let what = fault.what.text().as_bytes();
    let error = runit_rt::errtext::local(fault.error).as_bytes();
    say(level, said, &[what, dir.to_bytes(), file, error]);
}

/// Warns of something about a directory, as it was given, which takes the place
/// of the `%`.
#[cold]
#[inline(never)]
pub fn about(sentence: &'static str, dir: &CStr) {
    say(Level::Warning, sentence, &[dir.to_bytes()]);
}

/// Says what is wrong with no directory: `WHAT: ERR`.
#[cold]
#[inline(never)]
pub fn general(level: Level, fault: Fault) {
    VOICE.say(level.text(), &General(fault));
}

struct General(Fault);

impl Say for General {
    fn say(&self, out: &mut dyn Sink) {
        out.push(b"unable to ");
        out.push(self.0.what.text().as_bytes());
        out.push(b": ");
        out.push(runit_rt::errtext::local(self.0.error).as_bytes());
    }
}

struct Sentence<'a>(&'static str, &'a [&'a [u8]]);

impl Say for Sentence<'_> {
    fn say(&self, out: &mut dyn Sink) {
        let mut pieces = self.1.iter();
        for byte in self.0.as_bytes() {
            match byte {
                b'%' => pieces.next().map_or((), |piece| Name(piece).say(out)),
                byte => out.push(core::slice::from_ref(byte)),
            }
        }
    }
}

/// Says each fault once, until there is another or it has passed.
#[derive(Default)]
pub struct Once(Option<Fault>);

impl Once {
    /// Whether this fault is news.
    pub fn is_news(&mut self, fault: Fault) -> bool {
        self.0.replace(fault) != Some(fault)
    }

    /// All is well again.
    pub fn clear(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    struct Text(Vec<u8>);

    impl Sink for Text {
        fn push(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }
    }

    #[test]
    fn a_name_never_breaks_a_line() {
        let mut text = Text(Vec::new());
        Sentence("close: %", &[b"/var/log/a\nb"]).say(&mut text);
        assert_eq!(text.0, b"close: /var/log/a\\nb");
        text.0.clear();
        Sentence("%%: of % two", &[b"", b"%", b"all"]).say(&mut text);
        assert_eq!(text.0, b"%: of all two");
        text.0.clear();
        General(What::ReadInput.because(Errno::IO)).say(&mut text);
        assert_eq!(text.0, b"unable to read standard input: input/output error");
    }

    #[test]
    fn a_fault_is_news_when_it_changes() {
        let mut once = Once::default();
        assert!(once.is_news(What::SyncCurrent.because(Errno::IO)));
        assert!(!once.is_news(What::SyncCurrent.because(Errno::IO)));
        assert!(once.is_news(What::SyncCurrent.because(Errno::NOSPC)));
        once.clear();
        assert!(once.is_news(What::SyncCurrent.because(Errno::NOSPC)));
    }
}
