//! What is said where: lines on standard output, which are whole however long
//! they are; trouble that is not a service's on standard error; and the count
//! of failures, which becomes the exit code.

use runit_core::diag::Sink;
use runit_core::layout::SERVICE;
use runit_rt::errtext::text;
use runit_rt::stdio;
use rustix::fd::BorrowedFd;
use rustix::fs::stat;
use rustix::io::{Errno, write};

use crate::client::{Trouble, retry};
use crate::place::Place;
use crate::render::Text;

/// The most failures that the exit code counts.
const MOST_FAILURES: u8 = 99;

/// Trouble which does not keep the command from its work, or leaves nothing to
/// try. Names are those of services as they were given.
#[derive(Clone, Copy, Debug)]
pub enum Complaint<'a> {
    /// It cannot be told whether there is such a file.
    Stat(&'a [u8], &'static str, Errno),
    /// There is no process for a check.
    Fork(&'a [u8], Errno),
    /// A check cannot be executed.
    Run(&'a [u8], Errno),
    /// The environment's time to wait is none.
    SvWait(&'a [u8]),
    /// Standard output is closed or full.
    Output(Errno),
    /// The state is not for everybody to see; the number is the owner's.
    Permission(&'a [u8], &'static str, u32),
    /// `-w` has no number.
    Wait(&'a [u8]),
    /// `--json` with a command that does not tell the state.
    Json,
    /// A directory of services cannot be read.
    Directory(&'a [u8], Errno),
}

impl Complaint<'_> {
    /// Says so on standard error.
    pub fn say(self) {
        let (what, name, file, why) = match self {
            Self::Stat(name, file, error) => ("warning: unable to stat ", name, file, text(error)),
            Self::Fork(name, error) => ("warning: unable to fork for ", name, "check", text(error)),
            Self::Run(name, error) => ("warning: unable to run ", name, "check", text(error)),
            Self::SvWait(value) => ("warning: SVWAIT is no number of seconds: ", value, "", ""),
            Self::Output(error) => {
                ("warning: unable to write: ", &b"standard output"[..], "", text(error))
            }
            Self::Permission(name, file, _) => {
                ("warning: you have no permission for ", name, file, "it belongs to user ")
            }
            Self::Wait(value) => ("fatal: -w is no number of seconds: ", value, "", ""),
            Self::Json => ("fatal: --json goes with status and list only", &b""[..], "", ""),
            Self::Directory(path, error) => {
                ("fatal: unable to read directory ", path, "", text(error))
            }
        };
        let mut line = Text::default();
        line.add(what);
        line.name(name);
        for (before, piece) in [("/", file), (": ", why)] {
            if !piece.is_empty() {
                line.add(before);
                line.add(piece);
            }
        }
        if let Self::Permission(_, _, owner) = self {
            line.number(owner.into());
            line.add(", use sv as that user or as root");
        }
        say(&mut line);
    }
}

/// Writes a line to standard error, of which only its end is missing.
pub fn say(line: &mut Text) {
    line.push(b"\n");
    // There is no one to tell if this fails.
    let _ = write_to(stdio::stderr(), &line.bytes);
}

fn write_to(fd: BorrowedFd<'_>, mut rest: &[u8]) -> Result<(), Errno> {
    while !rest.is_empty() {
        let length = retry(|| write(fd, rest))?;
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(())
}

/// Standard output, and the count of failures.
#[derive(Default)]
pub struct Console<'a> {
    /// How many failures there were.
    pub failures: usize,
    output_failed: bool,
    /// The first service whose state may not be read.
    denied: Option<&'a [u8]>,
}

impl<'a> Console<'a> {
    /// Writes `text` at once.
    pub fn print(&mut self, text: &Text) {
        if self.output_failed {
            return;
        }
        if let Err(error) = write_to(stdio::stdout(), &text.bytes) {
            self.output_failed = true;
            self.failures += 1;
            // Whoever closed a pipe knows.
            if error != Errno::PIPE {
                Complaint::Output(error).say();
            }
        }
    }

    /// Counts a service's trouble as a failure, and remembers it where it is
    /// one of permissions.
    pub fn count(&mut self, name: &'a [u8], trouble: Trouble) {
        self.failures += 1;
        if let (Trouble::Open(_, Errno::ACCESS), None) = (trouble, self.denied) {
            self.denied = Some(name);
        }
    }

    /// What remains to be said at the end; gives the exit code.
    pub fn finish(self, place: &mut Place<'_>) -> u8 {
        if let Some(name) = self.denied {
            place.enter(name);
            explain(name, place);
        }
        u8::try_from(self.failures).unwrap_or(MOST_FAILURES).min(MOST_FAILURES)
    }
}

/// Says whose the state is that may not be read.
fn explain(name: &[u8], place: &mut Place<'_>) {
    let inside = stat(place.at(c"supervise/.")).is_ok();
    let (path, file) =
        if inside { (SERVICE.ok, "supervise/ok") } else { (SERVICE.supervise, "supervise") };
    if let Ok(stat) = stat(place.at(path)) {
        Complaint::Permission(name, file, stat.st_uid).say();
    }
}
