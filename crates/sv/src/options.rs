//! The options of `sv`, `svc` and `svok`, and how the three present themselves.

use runit_core::options::Opt;
use runit_core::tool::Tool;

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
        "sv enable|disable NAME ...",
    ],
    about: "Controls services that runsv supervises, and tells their state.",
    options: &[
        Opt {
            key: Key::Verbose,
            short: Some(b'v'),
            long: None,
            value: None,
            help: "wait for up, down, term, once, cont, exit, ... too",
        },
        Opt {
            key: Key::Wait,
            short: Some(b'w'),
            long: None,
            value: Some("SEC"),
            help: "wait for at most SEC seconds (SVWAIT, else 7); implies -v",
        },
        Opt {
            key: Key::Json,
            short: None,
            long: Some("json"),
            value: None,
            help: "status and list: one JSON object for each service",
        },
        Opt { key: Key::Id, short: Some(b'V'), long: None, value: None, help: "version and usage" },
    ],
    notes: NOTES,
};

const NOTES: &str = "\
A SERVICE that starts with / or . or ends in / is a directory; any other is
looked up in SVDIR. NAME/log is the log service of NAME.

Commands:
  status                the state of each SERVICE, or of all in SVDIR
  up down once          want it up, want it down, run it once
  exit                  want it down, and the end of its supervisor
  pause cont hup alarm interrupt quit 1 2 term kill
                        send STOP CONT HUP ALRM INT QUIT USR1 USR2 TERM KILL
Any word with the same first letter does the same. With -v they wait, as these
always do:
  start stop restart    until it is up, down, up again; up means that ./check,
                        if there is one, exits 0
  try-restart           the same as restart if it is wanted up
  reload                send HUP
  shutdown              as exit, until the supervisor is gone
  check                 until it is in the state that is wanted
  force-stop force-reload force-restart force-shutdown
                        as stop, try-restart, restart, shutdown, and KILL when
                        the time is over
For the administrator:
  list                  the services in SVSRC and SVDIR, enabled or disabled
  enable NAME ...       link SVSRC/NAME into SVDIR: runsvdir starts it
  disable NAME ...      remove that link: runsvdir takes it down, and its
                        supervisor ends

./check is run when the state changes, and while it fails again after 10 ms, 20
ms and so on up to 0.42 s. It is given a second even where the time is over.

Environment: SVDIR (/var/service), SVSRC (/etc/sv), SVWAIT.
Exit code: for how many services it failed, at most 99; 100 for wrong usage.
Under another name, as a link in /etc/init.d, it is the LSB init script of the
service of that name; svc and svok are those of daemontools.";

/// `svc`, whose options are the control bytes themselves.
pub const SVC: Tool<Key> = Tool {
    name: "svc",
    usage: "svc [-udopchaitkxq12] dir ...",
    synopsis: &["svc [-udopchaitkxq12] DIR ..."],
    about: "Sends commands to the supervisors of the services in DIR, in the order given.",
    options: &[],
    notes: SVC_LETTERS,
};

/// What daemontools lists where an option is none, and ours behind it.
pub const SVC_LETTERS: &str = "svc options: u up, d down, o once, x exit, p pause, c continue, \
     h hup, a alarm, i interrupt, t term, k kill, q quit, 1 usr1, 2 usr2";

/// `svok`.
pub const SVOK: Tool<Key> = Tool {
    name: "svok",
    usage: "svok dir",
    synopsis: &["svok DIR"],
    about: "Tells whether a supervisor runs for the service in DIR.",
    options: &[],
    notes: "Exit code: 0 yes, 100 no, 111 trouble, as a missing DIR.",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Text;
    use runit_core::control::ControlByte;
    use runit_core::diag::Say;
    use runit_core::tool::Help;
    use std::string::String;

    fn help_of(tool: &Tool<Key>) -> String {
        let mut text = Text::new();
        Help(tool).say(&mut text);
        String::from_utf8(text.bytes).unwrap()
    }

    #[test]
    fn help() {
        insta::assert_snapshot!("help-sv", help_of(&SV));
        insta::assert_snapshot!("help-svc", help_of(&SVC));
        insta::assert_snapshot!("help-svok", help_of(&SVOK));
    }

    #[test]
    fn help_names_every_word() {
        let help = help_of(&SV);
        for word in crate::command::words() {
            assert!(help.split_whitespace().any(|other| other == word), "{word}");
        }
    }

    #[test]
    fn svc_names_every_control_byte() {
        for command in ControlByte::ALL {
            let letter = char::from(command.byte());
            assert!(SVC.usage.split(']').next().unwrap().contains(letter), "{letter}");
            assert!(SVC_LETTERS.contains(&std::format!(" {letter} ")), "{letter}");
        }
    }
}
