//! The names that the program answers to.

use runit_core::face::Face;
use runit_core::tool::Tool;

use crate::options::{CHPST, Key, SETLOCK, SOFTLIMIT};

/// A name, and with it a way to read the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applet {
    /// `chpst`, and whatever is not one of the others.
    Chpst,
    /// `setuidgid`
    Setuidgid,
    /// `envuidgid`
    Envuidgid,
    /// `envdir`
    Envdir,
    /// `pgrphack`
    Pgrphack,
    /// `setlock`
    Setlock,
    /// `softlimit`
    Softlimit,
}

impl Applet {
    /// The one that `argv0` names: the part behind the last slash, with or
    /// without a `d` before it.
    pub fn of(argv0: &[u8]) -> Self {
        let name = argv0.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        let name = name.strip_prefix(b"d").unwrap_or(name);
        let is_it = |applet: &Self| applet.face().name.as_bytes() == name;
        Self::ALL.into_iter().find(is_it).unwrap_or(Self::Chpst)
    }

    /// All of them but `chpst`, which `dchpst` is not.
    const ALL: [Self; 6] = [
        Self::Setuidgid,
        Self::Envuidgid,
        Self::Envdir,
        Self::Pgrphack,
        Self::Setlock,
        Self::Softlimit,
    ];

    /// Whether an argument stands before the program.
    pub fn takes_operand(self) -> bool {
        matches!(self, Self::Setuidgid | Self::Envuidgid | Self::Envdir | Self::Setlock)
    }

    /// Whether it has options of its own.
    pub fn takes_options(self) -> bool {
        matches!(self, Self::Chpst | Self::Setlock | Self::Softlimit)
    }

    /// How it presents itself.
    pub fn face(self) -> &'static Face<Key> {
        &FACES[self as usize]
    }
}

/// All names. Each usage is word for word the reference's.
pub const TOOLS: [Tool<Key>; 7] = [
    Tool {
        name: "chpst",
        usage: "chpst [-vVP012] [-u user[:group]] [-U user[:group]] [-b argv0] [-e dir] \
                [-/ root] [-C pwd] [-n nice] [-l|-L lock] [-m n] [-d n] [-o n] [-p n] [-f n] \
                [-c n] [-t n] prog",
        synopsis: &["chpst [OPTION...] PROG [ARG...]"],
        about: "Changes the state of its process as the options say, and becomes PROG.",
        options: CHPST,
        notes: &["USER: a name, :UID:GID[:GID...], or +NAME with all groups of the account\n\
            CAPS: names with commas, none, or ~NAMES for all others\n\
            PATH: a directory, or without leading slash one below the cgroup v2 root\n\
            N: a number, also with k, m, g (2^10, 2^20, 2^30), or = for the hard limit\n\
            Exit code: 100 wrong usage, 111 a step or PROG failed, else PROG's"],
    },
    Tool {
        name: "setuidgid",
        usage: "setuidgid account child",
        synopsis: &["setuidgid account child"],
        about: "Runs child as this account, in its group alone.",
        options: &[],
        notes: &[],
    },
    Tool {
        name: "envuidgid",
        usage: "envuidgid account child",
        synopsis: &["envuidgid account child"],
        about: "Runs child with the account's ids in UID and GID.",
        options: &[],
        notes: &[],
    },
    Tool {
        name: "envdir",
        usage: "envdir dir child",
        synopsis: &["envdir dir child"],
        about: "Runs child with variables set from the files in dir.",
        options: &[],
        notes: &[],
    },
    Tool {
        name: "pgrphack",
        usage: "pgrphack child",
        synopsis: &["pgrphack child"],
        about: "Runs child in a session of its own.",
        options: &[],
        notes: &[],
    },
    Tool {
        name: "setlock",
        usage: "setlock [ -nNxX ] file program [ arg ... ]",
        synopsis: &["setlock [ -nNxX ] file program [ arg ... ]"],
        about: "Runs program, which holds a lock on file.",
        options: SETLOCK,
        notes: &[],
    },
    Tool {
        name: "softlimit",
        usage: "softlimit [-a allbytes] [-c corebytes] [-d databytes] [-f filebytes] \
                [-l lockbytes] [-m membytes] [-o openfiles] [-p processes] [-r residentbytes] \
                [-s stackbytes] [-t cpusecs] child",
        synopsis: &["softlimit [option...] child"],
        about: "Runs child with other soft limits.",
        options: SOFTLIMIT,
        notes: &["N is as for chpst: see `chpst --help`."],
    },
];

/// What of them is in the file.
static FACES: [Face<Key>; 7] = [
    runit_core::face!(TOOLS[0]),
    runit_core::face!(TOOLS[1]),
    runit_core::face!(TOOLS[2]),
    runit_core::face!(TOOLS[3]),
    runit_core::face!(TOOLS[4]),
    runit_core::face!(TOOLS[5]),
    runit_core::face!(TOOLS[6]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use core::fmt::Write;

    use std::format;
    use std::string::String;

    #[test]
    fn names_are_those_of_the_file_that_was_executed() {
        assert_eq!(Applet::of(b"/command/setlock"), Applet::Setlock);
        for tool in TOOLS.iter().skip(1) {
            for name in [String::from(tool.name), format!("/usr/bin/d{}", tool.name)] {
                assert_eq!(Applet::of(name.as_bytes()).face().name, tool.name);
            }
        }
        for name in ["chpst", "dchpst", "", "setlock/", "ddsetlock", "setlock2", "-envdir"] {
            assert_eq!(Applet::of(name.as_bytes()), Applet::Chpst, "{name}");
        }
    }

    #[test]
    fn options_are_looked_for_where_there_are_some() {
        for applet in Applet::ALL.into_iter().chain([Applet::Chpst]) {
            assert_eq!(applet.takes_options(), !TOOLS[applet as usize].options.is_empty());
        }
    }

    #[test]
    fn what_is_new_is_documented_with_an_example() {
        let text = include_str!("../../../docs/chpst.md");
        let examples = || text.lines().filter(|line| line.starts_with("    exec chpst "));
        for option in CHPST.iter().filter(|option| option.short.is_none()) {
            let name = format!(" --{} ", option.long.unwrap());
            assert!(examples().any(|line| line.contains(&name)), "{name}");
        }
    }

    #[test]
    fn help_of_all_names() {
        let mut text = String::new();
        for face in &FACES {
            writeln!(text, "{}", face.help()).unwrap();
        }
        insta::assert_snapshot!(text);
    }
}
