//! `svlog SERVICE...`: shows what services have logged, archives and `current`
//! in order, several merged by time, stamps in local time; `sv log` is this
//! (docs/reading-logs.md).
//!
//! | module | holds |
//! |---|---|
//! | [`options`] | the table of options, and what a command line asks for |
//! | [`place`], [`script`] | where a service may log, and what its `log/run` says, without system calls |
//! | [`find`] | where it does; the time zone |
//! | [`archive`] | the files of a log by their names |
//! | [`calendar`], [`rule`], [`zone`] | dates; time zones |
//! | [`stamp`] | the stamps of lines |
//! | [`lines`], [`tail`] | lines in what is read; where the last ones begin |
//! | [`merge`] | the order of lines of several services |
//! | [`source`] | one log, across its files |
//! | [`follow`] | waiting for more |
//! | [`output`], [`message`] | what is shown, and what is said |
//! | [`file`](mod@file) | files and directories |
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod archive;
pub mod calendar;
pub mod file;
pub mod find;
pub mod follow;
pub mod lines;
pub mod merge;
pub mod message;
pub mod options;
pub mod output;
pub mod place;
pub mod rule;
pub mod script;
pub mod source;
pub mod stamp;
pub mod tail;
pub mod zone;

use alloc::vec::Vec;
use core::ffi::CStr;

use runit_core::diag::Sink as _;
use runit_core::layout::SVDIR;
use runit_rt::signal::{SignalSet, block};
use runit_rt::start::Start;
use runit_rt::{Errno, stdio};
use rustix::termios::isatty;

use follow::Watches;
use message::Message;
use options::{FACE, Other, Request};
use output::Output;
use rule::Rule;
use source::Source;
use stamp::Clock;

/// A write that nobody reads is an error like others.
const SIGNALS: SignalSet = SignalSet::of(&[13]);

/// The exit code of wrong usage.
const USAGE: u8 = 100;

/// The most failures that the exit code counts.
const MOST_FAILURES: usize = 99;

/// Names are shown in a column at most this wide.
const WIDEST: usize = 24;

/// Where the kernel has no memory. It has not done what it was to do.
#[derive(Debug)]
pub struct OutOfMemory;

impl runit_rt::heap::Shortage for OutOfMemory {
    const LINE: &'static str = "svlog: fatal: out of memory\n";
    const WAITS: bool = false;
}

/// Runs the program; gives its exit code.
pub fn main(start: &mut Start) -> u8 {
    block(SIGNALS);
    match options::read(start.args().rest()) {
        Ok((request, services)) => {
            let services: Vec<_> = services.map(CStr::to_bytes).collect();
            run(start, request, &services)
        }
        Err(Other::Help) => FACE.print_help(),
        Err(Other::Version) => FACE.print_version(),
        Err(Other::Misuse(complaint)) => {
            FACE.print_misuse(complaint);
            USAGE
        }
        Err(Other::NoNumber(value)) => {
            Message::NoNumber(value).tell();
            USAGE
        }
    }
}

#[inline(never)]
fn run(start: &Start, request: Request, services: &[&[u8]]) -> u8 {
    let svdir = start.env().value_of(b"SVDIR").map_or(SVDIR.as_bytes(), CStr::to_bytes);
    let mut failures = 0;
    let mut sources = Vec::new();
    for name in services {
        match find::log_of(name, svdir) {
            Ok(place) => sources.push(Source::new(name, place, request.follow)),
            Err(message) => {
                failures += 1;
                message.tell();
            }
        }
    }
    let zone = if request.utc { Rule::UTC.into() } else { find::zone(start.env()) };
    let several = request.names && services.len() > 1;
    let mut view = View {
        output: Output::new(isatty(stdio::stdout())),
        clock: (!request.raw).then(|| Clock::new(zone)),
        width: several.then(|| services.iter().map(|name| name.len()).max().unwrap_or(0)),
        last: None,
    };
    let mut watches = Watches::none();
    let mut count = 0_u64;
    for source in &mut sources {
        if request.follow {
            watches.add(&source.path);
        }
        count = count.saturating_add(source.start(request.lines.unwrap_or(u64::MAX)));
    }
    // Each log has the last lines of its own, of which some are older than the
    // last ones of all.
    let skip = request.lines.map_or(0, |lines| count.saturating_sub(lines));
    view.show(&mut sources, skip);
    while request.follow && !sources.is_empty() && view.output.failure.is_none() {
        if !watches.wait() {
            break;
        }
        view.show(&mut sources, 0);
    }
    failures += sources.iter().filter(|source| source.failed).count();
    match view.output.failure {
        // Whoever closed a pipe knows.
        None | Some(Errno::PIPE) => {}
        Some(error) => {
            failures += 1;
            Message::Output(error).tell();
        }
    }
    u8::try_from(failures.min(MOST_FAILURES)).unwrap_or(USAGE)
}

/// How lines are shown.
struct View {
    output: Output,
    /// Stamps are shown so, or as they are.
    clock: Option<Clock>,
    /// Names are shown, in a column as wide as this.
    width: Option<usize>,
    /// The service of the last line.
    last: Option<usize>,
}

impl View {
    /// Shows what there is to be shown now, but for the first `skip` lines.
    fn show(&mut self, sources: &mut [Source<'_>], mut skip: u64) {
        while self.output.failure.is_none() {
            let Some(next) = merge::next(sources.iter_mut().map(Source::head), self.last) else {
                break;
            };
            self.last = Some(next);
            if let Some(source) = sources.get_mut(next) {
                let name = source.name;
                source.take(|stamp, line| match skip.checked_sub(1) {
                    Some(less) => skip = less,
                    None => self.line(name, stamp, line),
                });
            }
        }
        self.output.flush();
    }

    #[inline(never)]
    fn line(&mut self, name: &[u8], stamp: Option<(stamp::Stamp, usize)>, line: &[u8]) {
        if let Some(width) = self.width {
            self.output.foreign(name);
            self.output.push(b": ");
            for _ in name.len()..width.min(WIDEST) {
                self.output.push(b" ");
            }
        }
        let mut text = line;
        if let (Some((stamp, length)), Some(clock)) = (stamp, &mut self.clock) {
            self.output.push(clock.show(stamp));
            text = line.get(length..).unwrap_or_default();
            if !text.is_empty() {
                self.output.push(b" ");
            }
        }
        self.output.foreign(text);
        self.output.end_line();
    }
}
