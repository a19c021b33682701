//! The options of `sv`, and how it, `svc` and `svok` present themselves.

use runit_core::face::Face;
use runit_core::layout::{SVDIR, SVSRC};
use runit_core::options::Opt;
use runit_core::tool::Tool;

use crate::console::Console;
use crate::render::Text;

/// What an option means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Wait, and report, after commands of one letter too.
    Verbose,
    /// For how long to wait, in seconds.
    Wait,
    /// Version and usage, as the reference has it.
    Id,
    /// Output as JSON.
    Json,
}

/// `sv`.
pub const SV: Tool<Key> = Tool {
    name: "sv",
    usage: "sv [-v] [-w sec] command service ...",
    synopsis: &[
        "sv [-v] [-w SEC] COMMAND SERVICE ...",
        "sv [--json] status [SERVICE ...]",
        "sv [--json] list",
        "sv enable|disable SERVICE ...",
        "sv log [-f] [-n N] SERVICE ...",
    ],
    about: "Controls services and tells their state.",
    options: &[
        Opt {
            key: Key::Verbose,
            short: Some(b'v'),
            long: None,
            value: None,
            help: "wait for every command",
        },
        Opt {
            key: Key::Wait,
            short: Some(b'w'),
            long: None,
            value: Some("SEC"),
            help: "for SEC seconds (else SVWAIT); implies -v",
        },
        Opt {
            key: Key::Json,
            short: None,
            long: Some("json"),
            value: None,
            help: "status and list as JSON",
        },
        Opt { key: Key::Id, short: Some(b'V'), long: None, value: None, help: "version and usage" },
    ],
    notes: NOTES,
};

const NOTES: &[&str] = &[
    "\
A SERVICE with / or . in front or / behind is a directory, any other is in
SVDIR. NAME/log is the log service.

Commands, by their first letter; with -v they wait:
  status                the state of each SERVICE, or of all in SVDIR
  up down once exit     want it up, down, run once, down for good
  pause cont hup alarm interrupt quit 1 2 term kill
                        send STOP CONT HUP ALRM INT QUIT USR1 USR2 TERM KILL
Words that always wait:
  start stop restart    until it is up and ./check exits 0, down, up again
  try-restart           as restart, if it is wanted up
  reload                send HUP
  shutdown              exit, until the supervisor is gone
  check                 until it is as it is wanted
  force-stop force-reload force-restart force-shutdown
                        as stop, try-restart, restart, shutdown, then KILL
New words:
  list                  the services in SVSRC and SVDIR
  enable disable        link from SVSRC into SVDIR, or remove the link
  log                   what they logged: svlog --help

A ./check that fails is run again after 10, 20, 40 and so on up to 420 ms.
Environment: SVDIR (",
    SVDIR,
    "), SVSRC (",
    SVSRC,
    "), SVWAIT (7).
Exit code: how many failed, at most 99; 100 wrong usage.",
];

/// What of it is in the file.
pub const FACE: Face<Key> = runit_core::face!(SV);

/// What daemontools lists where an option is none, and ours behind it.
pub const SVC_LETTERS: &str = "svc options: u up, d down, o once, x exit, p pause, c continue, \
     h hup, a alarm, i interrupt, t term, k kill, q quit, 1 usr1, 2 usr2\n";

/// What `--help` of `svc` prints before [`SVC_LETTERS`].
pub const SVC_HELP: &str = "usage: svc [-udopchaitkxq12] DIR ...\n";

/// What `--help` of `svok` prints.
pub const SVOK_HELP: &str = "usage: svok DIR\n";

/// Prints two pieces of text on standard output; gives the exit code.
#[inline(never)]
pub fn answer(text: &str, rest: &str) -> u8 {
    let mut line = Text::new();
    line.add(text);
    line.add(rest);
    let mut console = Console::default();
    console.print(&line);
    if console.failures == 0 { 0 } else { 111 }
}

/// What follows the name in an answer to `--version`.
pub const VERSION: &str = concat!(" (runit-rs) ", env!("CARGO_PKG_VERSION"), "\n");

#[cfg(test)]
mod tests {
    use super::*;
    use runit_core::control::ControlByte;

    #[test]
    fn help() {
        insta::assert_snapshot!(FACE.help());
    }

    #[test]
    fn help_names_every_word() {
        let help = FACE.help();
        for word in crate::command::words() {
            assert!(help.split_whitespace().any(|other| other == word), "{word}");
        }
    }

    #[test]
    fn svc_names_every_control_byte() {
        for command in ControlByte::ALL {
            let letter = char::from(command.byte());
            assert!(SVC_HELP.split(']').next().unwrap().contains(letter), "{letter}");
            assert!(SVC_LETTERS.contains(&std::format!(" {letter} ")), "{letter}");
        }
    }
}
