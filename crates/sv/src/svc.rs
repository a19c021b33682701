//! `svc` and `svok`: daemontools' ways to the same supervisors. Their DIR is
//! always a path.

use alloc::vec::Vec;
use core::ffi::CStr;

use runit_core::control::ControlByte;
use runit_core::diag::Say;
use runit_core::options::{Found, Scanner};
use runit_rt::errtext;
use runit_rt::start::Start;

use crate::client::{self, Trouble};
use crate::console::say;
use crate::options::{Key, SVC, SVOK};
use crate::place::Place;
use crate::render::Text;

/// Wrong usage, and `svok`'s answer no.
const NO: u8 = 100;

/// `svok` could not tell.
const FATAL: u8 = 111;

/// What daemontools lists where an option is none.
const LETTERS: &str = "svc options: u up, d down, o once, x exit, p pause, c continue, h hup, \
     a alarm, i interrupt, t term, k kill, q quit, 1 usr1, 2 usr2";

/// `svc`: sends each command to every DIR, in the order given.
pub fn control(start: &Start) -> u8 {
    let mut scanner = Scanner::new(SVC.options, start.args().rest());
    let mut commands: Vec<ControlByte> = Vec::new();
    while let Some(found) = scanner.next() {
        match found {
            Ok(Found::Option(Key::Send(command), _)) => commands.push(command),
            Ok(Found::Help) => return SVC.print_help(),
            Ok(Found::Version) => return SVC.print_version(),
            _ => {
                let mut text = Text::default();
                text.add("svc: ");
                if let Some(complaint) = scanner.complaint() {
                    complaint.say(&mut text);
                }
                text.add("\n");
                text.add(LETTERS);
                say(&mut text);
                return NO;
            }
        }
    }
    let mut place = Place::new(b"");
    for dir in scanner.operands().map(CStr::to_bytes) {
        place.enter_at(dir, b"");
        if let Err(trouble) = client::send(&mut place, &commands) {
            complain("svc: warning: ", "unable to control ", dir, "", trouble);
        }
    }
    0
}

/// `svok`: whether a supervisor runs in DIR.
pub fn is_supervised(start: &Start) -> u8 {
    let mut scanner = Scanner::new(SVOK.options, start.args().rest());
    let found = scanner.next();
    match (found, scanner.operands().next()) {
        (Some(Ok(Found::Help)), _) => SVOK.print_help(),
        (Some(Ok(Found::Version)), _) => SVOK.print_version(),
        (None, Some(dir)) => {
            let dir = dir.to_bytes();
            let mut place = Place::new(b"");
            place.enter_at(dir, b"");
            match client::supervised(&mut place) {
                Ok(()) => 0,
                Err(trouble) if trouble.is_absence() => NO,
                Err(trouble) => {
                    complain("svok: fatal: ", "unable to open ", dir, "/supervise/ok", trouble);
                    FATAL
                }
            }
        }
        _ => {
            let mut text = Text::default();
            text.add("svok: usage: svok dir");
            say(&mut text);
            NO
        }
    }
}

/// Says what is wrong in daemontools' words.
fn complain(who: &str, what: &str, dir: &[u8], file: &str, trouble: Trouble) {
    let in_directory = !matches!(trouble, Trouble::Directory(_));
    let mut text = Text::default();
    text.add(who);
    text.add(if in_directory { what } else { "unable to chdir to " });
    text.name(dir);
    text.add(if in_directory { file } else { "" });
    text.add(": ");
    match trouble {
        Trouble::NotRunning => text.add("supervise not running"),
        Trouble::Directory(error) | Trouble::Open(_, error) | Trouble::Write(error) => {
            text.add(errtext::text(error));
        }
        other => text.sentence(other),
    }
    say(&mut text);
}
