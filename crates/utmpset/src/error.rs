//! What can go wrong, in the reference's words.

use runit_core::diag::{Name, Pieces, Say, Sink};
use runit_rt::Errno;
use runit_rt::errtext::local;

/// Why the line was not marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<'a> {
    /// The name of the line is longer than utmp takes.
    TooLong(&'a [u8]),
    /// `unable to WHAT FILE: ERR`
    Unable(&'static str, &'static str, Errno),
    /// Nobody is logged in there.
    NoEntry(&'a [u8]),
    /// utmp could not be read or written.
    Utmp(&'a [u8], Errno),
    /// wtmp could not be written.
    Wtmp(&'a [u8], Errno),
}

impl Error<'_> {
    /// What comes before the sentence.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TooLong(_) | Self::Unable(..) => "fatal: ",
            Self::NoEntry(_) | Self::Utmp(..) | Self::Wtmp(..) => "warning: ",
        }
    }
}

impl Say for Error<'_> {
    fn say(&self, out: &mut dyn Sink) {
        let (line, file, why) = match *self {
            Self::Unable(what, path, error) => {
                return Pieces(&["unable to ", what, path, ": ", local(error)]).say(out);
            }
            Self::TooLong(line) => (line, "utmp", "name too long"),
            Self::NoEntry(line) => (line, "utmp", "no such entry"),
            Self::Utmp(line, error) => (line, "utmp", local(error)),
            Self::Wtmp(line, error) => (line, "wtmp", local(error)),
        };
        out.push(b"unable to logout line ");
        Name(line).say(out);
        Pieces(&[" in ", file, ": ", why]).say(out);
    }
}
