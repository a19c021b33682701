//! `runsvdir DIR`: starts and watches a supervisor for each service in DIR
//! (CONTRACT section 3).
//!
//! | module | holds |
//! |---|---|
//! | [`plan`] | which supervisors to start and stop, without system calls |
//! | [`watch`] | what to watch on the way to the directory, without system calls |
//! | [`title_log`] | the rolling log in the command line, without system calls |
//! | [`index`] | finding things among thousands |
//! | [`message`] | what is said |
//! | [`directory`] | the directory as the file system shows it |
//! | [`watcher`] | inotify |
//! | [`launch`] | children, and where messages go |
//! | [`tree`] | the directory at work: looking and starting |
//! | [`shell`] | the loop |
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod directory;
pub mod index;
pub mod launch;
pub mod message;
pub mod plan;
pub mod shell;
pub mod title_log;
pub mod tree;
pub mod watch;
pub mod watcher;

use alloc::vec::Vec;
use core::cell::RefCell;

use runit_core::diag::Voice;
use runit_core::face::Face;
use runit_core::options::{Found, Misuse, Opt, Scanner};
use runit_core::tool::Tool;
use runit_rt::spawn::{DEFAULT_PATH, Session};
use runit_rt::start::Start;
use runit_rt::{Errno, clock};
use rustix::process::{WaitOptions, getpid, wait};

use launch::{Launcher, Speaker, Title};
use message::Message;
use shell::{Orders, Shell};

/// What an option means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Each supervisor in a session of its own.
    Session,
    /// Run a script after a signal.
    Script,
    /// On TERM and HUP, take everything down first.
    StopOnExit,
}

/// Where the kernel has no memory. A supervisor waits for it.
#[derive(Debug)]
pub struct OutOfMemory;

impl runit_rt::heap::Shortage for OutOfMemory {
    const LINE: &'static str = "runsvdir: warning: out of memory, trying again\n";
    const WAITS: bool = true;
}

/// How the tool presents itself.
pub const TOOL: Tool<Key> = Tool {
    name: "runsvdir",
    usage: "runsvdir [-P] dir",
    synopsis: &["runsvdir [-Px] [-s SCRIPT] dir [log]"],
    about: "Starts and watches a supervisor, runsv, for each service in dir.",
    options: &[
        Opt {
            key: Key::Session,
            short: Some(b'P'),
            long: None,
            value: None,
            help: "run each runsv in a session of its own",
        },
        Opt {
            key: Key::Script,
            short: Some(b's'),
            long: None,
            value: Some("SCRIPT"),
            help: "run SCRIPT SIGNO after a signal was handled",
        },
        Opt {
            key: Key::StopOnExit,
            short: Some(b'x'),
            long: Some("stop-on-exit"),
            value: None,
            help: "on TERM and HUP stop all services first, as process 1 does",
        },
    ],
    notes: &["log: at least seven characters, which then show the last messages in ps(1).\n\
            TERM: exit with 0. HUP: stop all services, exit with 111. ALRM: look at dir now."],
};

/// What of it is in the file.
pub const FACE: Face<Key> = runit_core::face!(TOOL);

/// The exit code of wrong usage.
const USAGE: u8 = 1;

/// The exit code of a failed start, and of an end after HUP or a panic.
const FATAL: u8 = 100;
const HUNG_UP: u8 = 111;

/// The arguments, understood.
struct Arguments<'a> {
    orders: Orders<'a>,
    session: Session,
    /// Where in the list of arguments the log is, and its text.
    log: Option<(usize, Vec<u8>)>,
}

/// Runs the program; gives its exit code.
pub fn main(start: &mut Start) -> u8 {
    // The log must be taken out of the list before anything borrows from it.
    let log = match read_arguments(start) {
        Ok(Request::Run(arguments)) => arguments.log,
        Ok(Request::Help) => return FACE.print_help(),
        Ok(Request::Version) => return FACE.print_version(),
        Err(Misuse) => {
            FACE.print_usage();
            return USAGE;
        }
    };
    let log = log.and_then(|(index, text)| Some((start.take(index)?, text)));
    let Ok(Request::Run(arguments)) = read_arguments(start) else { return USAGE };
    let voice = Voice { program: FACE.name, subject: Some(arguments.orders.dir.to_bytes()) };
    let mut speaker = Speaker { voice, title: None };
    let inherited = arguments.orders.block_signals();
    let signals = match arguments.orders.read_signals() {
        Ok(signals) => signals,
        Err(message) => {
            speaker.fatal(&message);
            return FATAL;
        }
    };
    if let Some((argument, text)) = log {
        match Title::new(argument, &text, clock::monotonic()) {
            Ok(title) => speaker.title = Some(RefCell::new(title)),
            Err(message) => {
                speaker.warning(&message);
                speaker.warning(&Message::LogDisabled);
            }
        }
    }
    let env = start.env();
    let path = env.value_of(b"PATH").unwrap_or(DEFAULT_PATH);
    let session = arguments.session;
    let launcher = Launcher { speaker: &speaker, env, path, session, signals: inherited };
    Shell::new(arguments.orders, signals, launcher).run()
}

/// What the arguments ask for.
enum Request<'a> {
    Run(Arguments<'a>),
    Help,
    Version,
}

fn read_arguments(start: &Start) -> Result<Request<'_>, Misuse> {
    let mut scanner = Scanner::new(FACE.options, start.args().rest());
    let mut session = Session::Inherit;
    let mut script = None;
    let init = getpid().is_init();
    let mut stop_on_exit = init;
    while let Some(found) = scanner.next() {
        match found? {
            Found::Option(Key::Session) => session = Session::New,
            Found::Option(Key::Script) => script = scanner.value(),
            Found::Option(Key::StopOnExit) => stop_on_exit = true,
            Found::Help => return Ok(Request::Help),
            Found::Version => return Ok(Request::Version),
        }
    }
    let mut operands = scanner.operands();
    let dir = operands.next().ok_or(Misuse)?;
    // What follows the log is ignored, as by the reference.
    let index = start.args().count() - operands.count();
    let log = operands.next().map(|log| (index, log.to_bytes().to_vec()));
    Ok(Request::Run(Arguments { orders: Orders { dir, script, stop_on_exit, init }, session, log }))
}

/// What follows the message of a panic. The supervisors go on: they need us
/// only to be started again. As process 1, whose end would take everything
/// with it, we stay and reap until nothing is left.
pub fn on_panic() -> ! {
    if getpid().is_init() {
        while !matches!(wait(WaitOptions::empty()), Err(error) if error != Errno::INTR) {}
    }
    runit_rt::exit(HUNG_UP)
}
