//! `svc` and `svok`: daemontools' ways to the same supervisors. Their DIR is
//! always a path.

use alloc::vec::Vec;
use core::ffi::CStr;

use runit_core::control::ControlByte;
use runit_rt::errtext;
use runit_rt::start::Start;

use crate::client::{self, Trouble};
use crate::console::say;
use crate::options::{SVC, SVC_LETTERS, SVOK};
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
    loop {
        let here = dirs;
        match dirs.next().map_or(&b""[..], CStr::to_bytes) {
            b"--help" => return SVC.print_help(),
            b"--version" => return SVC.print_version(),
            b"--" => break,
            [b'-', letters @ ..] if !letters.is_empty() => {
                for &letter in letters {
                    let command = ControlByte::from_byte(letter);
                    if command.is_none() {
                        return refuse(letter);
                    }
                    commands.push(command);
                }
            }
            _ => {
                dirs = here;
                break;
            }
        }
    }
    let mut place = Place::new(b"");
    for dir in dirs.map(CStr::to_bytes) {
        place.enter_at(dir, b"");
        if let Err(trouble) = client::send(&mut place, &commands) {
            complain("svc: warning: ", "unable to control ", dir, "", trouble);
        }
    }
    0
}

/// Says that an option is none.
fn refuse(letter: u8) -> u8 {
    let mut text = Text::default();
    text.add("svc: illegal option -- ");
    text.name(&[letter]);
    text.add("\n");
    text.add(SVC_LETTERS);
    say(&mut text);
    NO
}

/// `svok`: whether a supervisor runs in DIR.
#[inline(never)]
pub fn is_supervised(start: &Start) -> u8 {
    let dir = start.args().rest().next().map_or(&b""[..], CStr::to_bytes);
    match dir {
        b"--help" => return SVOK.print_help(),
        b"--version" => return SVOK.print_version(),
        b"" => {
            let mut text = Text::default();
            text.add("svok: usage: svok dir");
            say(&mut text);
            return NO;
        }
        _ => {}
    }
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
