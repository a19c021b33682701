//! What is said where: lines on standard output, which are whole however long
//! they are; trouble that is not a service's on standard error; and the count
//! of failures, which becomes the exit code.

use runit_core::diag::Sink;
use runit_rt::{errtext, stdio};
use rustix::fd::BorrowedFd;
use rustix::fs::stat;
use rustix::io::{Errno, write};

use crate::client::{Trouble, retry};
use crate::place::{Place, SUPERVISE};
use crate::render::Text;

/// The most failures that the exit code counts.
const MOST_FAILURES: u8 = 99;

/// Says on standard error that something about `name`, as it was given, does
/// not work: `WHAT NAME: WHY`, where `what` begins with `warning: ` or
/// `fatal: ` and `name` may be followed by the `file` of that name in it.
#[inline(never)]
pub fn complain(what: &str, name: &[u8], file: &str, why: &str) {
    let mut line = Text::new();
    line.add(what);
    line.name(name);
    line.add(file);
    line.add(": ");
    line.add(why);
    say(&mut line);
}

/// Writes a line to standard error, of which only its end is missing.
pub fn say(line: &mut Text) {
    line.push(b"\n");
    show(line);
}

/// Writes to standard error.
pub fn show(text: &Text) {
    // There is no one to tell if this fails.
    let _ = write_to(stdio::stderr(), &text.bytes);
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
    #[inline(never)]
    pub fn print(&mut self, text: &Text) {
        if self.output_failed {
            return;
        }
        if let Err(error) = write_to(stdio::stdout(), &text.bytes) {
            self.output_failed = true;
            self.failures += 1;
            // Whoever closed a pipe knows.
            if error != Errno::PIPE {
                complain(
                    "warning: unable to write to ",
                    b"standard output",
                    "",
                    errtext::local(error),
                );
            }
        }
    }

    /// Counts a service's trouble as a failure, and remembers it where it is
    /// one of permissions.
    #[inline(never)]
    pub fn count(&mut self, name: &'a [u8], trouble: Trouble) {
        self.failures += 1;
        if let (Trouble::Open(_, Errno::ACCESS), None) = (trouble, self.denied) {
            self.denied = Some(name);
        }
    }

    /// What remains to be said at the end; gives the exit code.
    #[inline(never)]
    pub fn finish(self, place: &mut Place<'_>) -> u8 {
        if let Some(name) = self.denied {
            place.enter(name);
            explain(name, place);
        }
        u8::try_from(self.failures).unwrap_or(MOST_FAILURES).min(MOST_FAILURES)
    }
}

/// Says whose the state is that may not be read.
#[inline(never)]
fn explain(name: &[u8], place: &mut Place<'_>) {
    if let Ok(stat) = stat(place.at(SUPERVISE)) {
        let mut line = Text::new();
        line.add("warning: no permission: ");
        line.name(name);
        line.add("/supervise is for user ");
        line.number(stat.st_uid.into());
        line.add(" and root only");
        say(&mut line);
    }
}
