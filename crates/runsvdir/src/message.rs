//! What `runsvdir` says on standard error, in the reference's words.

use core::ffi::CStr;

use runit_core::diag::{ErrText, Name, Say, Sink};
use runit_rt::Errno;

/// Why the directory cannot be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is missing, or the way to it is closed.
    Stat(Errno),
    /// It is no directory.
    Enter(Errno),
    /// It cannot be opened.
    Open(Errno),
    /// It cannot be read.
    Read(Errno),
}

impl Trouble {
    /// Whether it is just missing, so that its coming will be an event.
    pub fn is_missing(self) -> bool {
        self == Self::Stat(Errno::NOENT)
    }

    /// The error.
    pub fn error(self) -> Errno {
        let (Self::Stat(error) | Self::Enter(error) | Self::Open(error) | Self::Read(error)) = self;
        error
    }
}

/// A sentence. Those that end the program are said as fatal, all others as
/// warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// The log argument is too short.
    LogTooShort,
    /// There is no pipe for the log.
    LogPipe,
    /// The pipe cannot be made standard error.
    LogDescriptor,
    /// Follows each of these three.
    LogDisabled,
    /// Fatal: there is no descriptor for signals.
    Signals(Errno),
    /// The directory cannot be looked at.
    Directory(Trouble, &'a CStr),
    /// A name in it cannot be followed.
    StatName(&'a CStr, Errno),
    /// No process could be made; it will be tried again.
    Fork(&'a CStr, Errno),
    /// Said by the child, as fatal: `runsv` cannot be executed.
    StartRunsv(&'a CStr, Errno),
    /// Said by the child, as fatal: the script cannot be executed.
    StartScript(&'a CStr, Errno),
    /// Changes cannot be watched for; the directory is looked at from time to
    /// time instead.
    Watch(&'a CStr, Errno),
    /// The label cannot be written.
    Rescanned(&'static str, Errno),
}

impl Say for Message<'_> {
    fn say(&self, out: &mut dyn Sink) {
        let (before, name, after, error): (&str, &CStr, &str, _) = match *self {
            Self::LogTooShort => ("log must have at least seven characters.", c"", "", None),
            Self::LogPipe => ("unable to create pipe for log.", c"", "", None),
            Self::LogDescriptor => ("unable to set filedescriptor for log.", c"", "", None),
            Self::LogDisabled => ("log service disabled.", c"", "", None),
            Self::Signals(error) => ("unable to create signal descriptor", c"", "", Some(error)),
            Self::Directory(Trouble::Stat(error), dir) => ("unable to stat ", dir, "", Some(error)),
            Self::Directory(Trouble::Enter(error), dir) => {
                ("unable to change directory to ", dir, "", Some(error))
            }
            Self::Directory(Trouble::Open(error), dir) => {
                ("unable to open directory ", dir, "", Some(error))
            }
            Self::Directory(Trouble::Read(error), dir) => {
                ("unable to read directory ", dir, "", Some(error))
            }
            Self::StatName(name, error) => ("unable to stat ", name, "", Some(error)),
            Self::Fork(name, error) => ("unable to fork for ", name, "", Some(error)),
            Self::StartRunsv(name, error) => ("unable to start runsv ", name, "", Some(error)),
            Self::StartScript(name, error) => ("unable to start ", name, "", Some(error)),
            Self::Watch(dir, error) => {
                ("unable to watch ", dir, ", looking every 5 seconds", Some(error))
            }
            Self::Rescanned(verb, error) => (verb, c"./.forced-rescan", "", Some(error)),
        };
        out.push(before.as_bytes());
        Name(name.to_bytes()).say(out);
        out.push(after.as_bytes());
        if let Some(error) = error {
            out.push(b": ");
            ErrText(error).say(out);
        }
    }
}
