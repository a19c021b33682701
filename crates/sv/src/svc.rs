//! `svc` and `svok`: daemontools' ways to the same supervisors. Their DIR is
//! always a path.

use alloc::vec::Vec;
use core::ffi::CStr;

use runit_core::control::ControlByte;
use runit_rt::start::Start;

use crate::client::{self, Trouble};
use crate::console::{say, show};
use crate::options::{SVC_HELP, SVC_LETTERS, SVOK_HELP, VERSION, answer};
use crate::place::Place;
use crate::render::Text;

/// Wrong usage, and `svok`'s answer no.
const NO: u8 = 100;

/// `svok` could not tell.
const FATAL: u8 = 111;

/// `svc`: sends each command to every DIR, in the order given.
#[inline(never)]
pub fn control(start: &Start) -> u8 {
    let mut dirs = start.args().rest();
    let mut commands = Vec::new();
    let mut here = dirs;
    while let Some(word) = dirs.next() {
        let Some(letters) = word.to_bytes().strip_prefix(b"-").filter(|l| !l.is_empty()) else {
            dirs = here;
            break;
        };
        if let Some(code) = tell_of("svc", [SVC_HELP, SVC_LETTERS], letters) {
            return code;
        }
        here = dirs;
        if letters == b"-" {
            break;
        }
        for &letter in letters {
            if ControlByte::from_byte(letter).is_none() {
                let mut text = Text::new();
                text.add("svc: illegal option -- ");
                text.name(&[letter]);
                text.add("\n");
                text.add(SVC_LETTERS);
                show(&text);
                return NO;
            }
        }
        commands.extend_from_slice(letters);
    }
    let mut place = Place::new(b"");
    for dir in dirs {
        place.enter_at(dir.to_bytes(), b"");
        if let Err(trouble) = client::send(&mut place, &commands) {
            complain("svc: warning: ", "unable to control ", dir, trouble);
        }
    }
    0
}

/// `svok`: whether a supervisor runs in DIR.
#[inline(never)]
pub fn is_supervised(start: &Start) -> u8 {
    let Some(dir) = start.args().rest().next() else {
        let mut text = Text::new();
        text.add("svok: usage: svok dir");
        say(&mut text);
        return NO;
    };
    if let Some(code) =
        tell_of("svok", [SVOK_HELP, ""], dir.to_bytes().get(1..).unwrap_or_default())
    {
        return code;
    }
    let mut place = Place::new(b"");
    place.enter_at(dir.to_bytes(), b"");
    match client::supervised(&mut place) {
        Ok(()) => 0,
        Err(trouble) if trouble.is_absence() => NO,
        Err(trouble) => {
            complain("svok: fatal: ", "unable to look into ", dir, trouble);
            FATAL
        }
    }
}

/// Answers `--help` and `--version`, without their first dash.
#[inline(never)]
fn tell_of(name: &str, help: [&str; 2], option: &[u8]) -> Option<u8> {
    if option == b"-help".as_slice() {
        Some(answer(help[0], help[1]))
    } else if option == b"-version".as_slice() {
        Some(answer(name, VERSION))
    } else {
        None
    }
}

/// Says what is wrong in daemontools' words.
#[inline(never)]
fn complain(who: &str, what: &str, dir: &CStr, trouble: Trouble) {
    let mut text = Text::new();
    text.add(who);
    let in_directory = !matches!(trouble, Trouble::Directory(_));
    text.add(if in_directory { what } else { "unable to chdir to " });
    text.name(dir.to_bytes());
    text.add(": ");
    let why = trouble.why();
    text.add(if why.is_empty() { "supervise not running" } else { why });
    say(&mut text);
}
