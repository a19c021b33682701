//! What is said on standard error.

use core::ffi::CStr;

use runit_core::diag::{ErrText, Name, Say, Sink, Voice};
use rustix::io::Errno;

const VOICE: Voice<'static> = Voice { program: "svlogd", subject: None };

/// What could not be done; the reference's words where it has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    fn text(self) -> &'static str {
        match self {
            Self::Start => "unable to start",
            Self::ReadInput => "unable to read standard input",
            Self::OpenDirectory => "unable to open log directory",
            Self::LockDirectory => "unable to lock directory",
            Self::ReadDirectory => "unable to read directory",
            Self::ReadConfig => "unable to read config",
            Self::OpenCurrent => "unable to open current",
            Self::WriteCurrent => "unable to write to current",
            Self::SyncCurrent => "unable to fsync current logfile",
            Self::RenameCurrent => "unable to rename current",
            Self::DeleteOldest => "unable to unlink oldest logfile",
            Self::DeleteLeftover => "unable to unlink processor leftover",
            Self::OpenInput => "unable to open input for processor",
            Self::OpenOutput => "unable to open output for processor",
            Self::OpenState => "unable to open state for processor",
            Self::OpenNewState => "unable to open newstate for processor",
            Self::MoveDescriptor => "unable to move filedescriptor for processor",
            Self::EnterDirectory => "unable to change directory, want processor",
            Self::RunProcessor => "unable to run processor",
            Self::ForkProcessor => "unable to fork for processor",
            Self::SyncProcessed => "unable to fsync processed",
            Self::RenameProcessed => "unable to rename processed",
            Self::RenameState => "unable to rename state",
            Self::DeleteProcessed => "unable to unlink processed",
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

/// Says a sentence made of pieces.
#[cold]
#[inline(never)]
pub fn say(level: Level, pieces: &[&[u8]]) {
    VOICE.say(level.text(), &Pieces(pieces));
}

/// Says what is wrong with a directory, as it was given, or with `file` in it:
/// `WHAT: DIR[/FILE]: ERR`, the reference's order.
#[cold]
#[inline(never)]
pub fn fault(level: Level, fault: Fault, dir: &CStr, file: &[u8]) {
    let slash: &[u8] = if file.is_empty() { b"" } else { b"/" };
    let what = fault.what.text().as_bytes();
    let error = runit_rt::errtext::text(fault.error).as_bytes();
    say(level, &[what, b": ", dir.to_bytes(), slash, file, b": ", error]);
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
        out.push(self.0.what.text().as_bytes());
        out.push(b": ");
        ErrText(self.0.error).say(out);
    }
}

struct Pieces<'a>(&'a [&'a [u8]]);

impl Say for Pieces<'_> {
    fn say(&self, out: &mut dyn Sink) {
        for piece in self.0 {
            Name(piece).say(out);
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
        Pieces(&[b"close: ", b"/var/log/a\nb"]).say(&mut text);
        assert_eq!(text.0, b"close: /var/log/a\\nb");
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
