//! What is shipped: the one table that installing, manual pages and completions
//! are made from. A new tool is one entry in [`SUITE`].

use runit_core::tool::Tool;

/// One program file.
pub struct Program {
    /// The file's name.
    pub name: &'static str,
    /// For administrators: it goes to `sbin`.
    pub admin: bool,
    /// How it presents itself, under each of its names; its own first.
    pub facets: &'static [Facet],
    /// Manual pages, `man/PAGE.in` each; the first is its own.
    pub pages: &'static [&'static str],
}

/// A program under one of its names.
pub struct Facet {
    /// From the table of options that the program itself reads.
    pub doc: fn() -> Doc,
    /// Other names for the same.
    pub also: &'static [&'static str],
    /// What follows the options.
    pub operands: Operands,
}

/// What is completed behind the options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operands {
    /// Directories.
    Directories,
    /// A program and its arguments.
    Program,
    /// This one thing, then a program and its arguments.
    ThenProgram(Value),
    /// A command of `sv`, then names of services.
    Services,
    /// Names of services alone.
    ServiceNames,
    /// A run level.
    RunLevel,
    /// Nothing that could be listed.
    Free,
}

/// What is completed for the value of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A directory.
    Directory,
    /// A file.
    File,
    /// An account.
    User,
    /// Nothing that could be listed.
    Free,
}

impl Value {
    /// By the name that the table of options gives it.
    pub fn named(name: &str) -> Self {
        match name.split(['[', ':']).next().unwrap_or(name) {
            "DIR" | "PATH" => Self::Directory,
            "FILE" | "SCRIPT" => Self::File,
            "USER" => Self::User,
            _ => Self::Free,
        }
    }
}

/// A tool as its table has it, without the tool's own type of keys.
#[derive(Debug)]
pub struct Doc {
    /// The name.
    pub name: &'static str,
    /// Lines of synopsis.
    pub synopsis: Vec<&'static str>,
    /// The options.
    pub options: Vec<OptionDoc>,
}

/// One option.
#[derive(Debug)]
pub struct OptionDoc {
    /// Its letter.
    pub short: Option<char>,
    /// Its long name without dashes.
    pub long: Option<&'static str>,
    /// The name of its value.
    pub value: Option<&'static str>,
    /// What it does.
    pub help: &'static str,
}

impl OptionDoc {
    /// As on a command line: `-w`, or `--json` where there is no letter.
    pub fn spelled(&self) -> String {
        match (self.short, self.long) {
            (Some(letter), _) => format!("-{letter}"),
            (None, long) => format!("--{}", long.unwrap_or_default()),
        }
    }
}

impl Doc {
    /// From a tool's own table.
    pub fn of<K>(tool: &'static Tool<K>) -> Self {
        let options = tool.options.iter().map(|option| OptionDoc {
            short: option.short.map(char::from),
            long: option.long,
            value: option.value,
            help: option.help,
        });
        Self { name: tool.name, synopsis: tool.synopsis.to_vec(), options: options.collect() }
    }

    /// The same with `--help` and `--version`, which every tool has.
    pub fn with_common(mut self) -> Self {
        for (long, help) in [("help", "show this help"), ("version", "show name and version")] {
            self.options.push(OptionDoc { short: None, long: Some(long), value: None, help });
        }
        self
    }
}

/// `svc`, whose letters are in the text that it shows.
fn svc() -> Doc {
    let letters = sv::options::SVC_LETTERS.trim_end();
    let letters = letters.split_once(": ").map_or(letters, |(_, letters)| letters);
    let option = |text: &'static str| {
        let (letter, help) = text.split_once(' ')?;
        Some(OptionDoc { short: letter.chars().next(), long: None, value: None, help })
    };
    Doc {
        name: "svc",
        synopsis: usage(sv::options::SVC_HELP),
        options: letters.split(", ").filter_map(option).collect(),
    }
}

/// `svok`, which has no options.
fn svok() -> Doc {
    Doc { name: "svok", synopsis: usage(sv::options::SVOK_HELP), options: Vec::new() }
}

fn usage(help: &'static str) -> Vec<&'static str> {
    help.lines().filter_map(|line| line.strip_prefix("usage: ")).collect()
}

/// `chpst` under one of its names, by its place in its own table.
macro_rules! chpst {
    ($index:literal, $also:expr, $operands:expr) => {
        Facet { doc: || Doc::of(&chpst::applet::TOOLS[$index]), also: $also, operands: $operands }
    };
}

/// All programs.
pub static SUITE: &[Program] = &[
    Program {
        name: "runsvdir",
        admin: false,
        facets: &[Facet {
            doc: || Doc::of(&runsvdir::TOOL),
            also: &[],
            operands: Operands::Directories,
        }],
        pages: &["runsvdir.8"],
    },
    Program {
        name: "runsv",
        admin: false,
        facets: &[Facet {
            doc: || Doc::of(&runsv::TOOL),
            also: &[],
            operands: Operands::Directories,
        }],
        pages: &["runsv.8", "runit-service.5"],
    },
    Program {
        name: "sv",
        admin: false,
        facets: &[
            Facet { doc: || Doc::of(&sv::options::SV), also: &[], operands: Operands::Services },
            Facet { doc: svc, also: &[], operands: Operands::Directories },
            Facet { doc: svok, also: &[], operands: Operands::Directories },
        ],
        pages: &["sv.8", "svc.8"],
    },
    Program {
        name: "chpst",
        admin: false,
        facets: &[
            chpst!(0, &[], Operands::Program),
            chpst!(1, &["dsetuidgid"], Operands::ThenProgram(Value::User)),
            chpst!(2, &["denvuidgid"], Operands::ThenProgram(Value::User)),
            chpst!(3, &["denvdir"], Operands::ThenProgram(Value::Directory)),
            chpst!(4, &["dpgrphack"], Operands::Program),
            chpst!(5, &["dsetlock"], Operands::ThenProgram(Value::File)),
            chpst!(6, &["dsoftlimit"], Operands::Program),
        ],
        pages: &["chpst.8", "envdir.8"],
    },
    Program {
        name: "svlog",
        admin: false,
        facets: &[Facet {
            doc: || Doc::of(&svlog::options::TOOL),
            also: &[],
            operands: Operands::ServiceNames,
        }],
        pages: &["svlog.8"],
    },
    Program {
        name: "runit",
        admin: true,
        facets: &[Facet {
            doc: || Doc::of(&runit_init::shell::TOOL),
            also: &[],
            operands: Operands::Free,
        }],
        pages: &["runit.8"],
    },
    Program {
        name: "runit-init",
        admin: true,
        facets: &[Facet {
            doc: || Doc::of(&runit_init::request::TOOL),
            also: &[],
            operands: Operands::Free,
        }],
        pages: &["runit-init.8"],
    },
    Program {
        name: "runsvchdir",
        admin: true,
        facets: &[Facet {
            doc: || Doc::of(&runsvchdir::TOOL),
            also: &[],
            operands: Operands::RunLevel,
        }],
        pages: &["runsvchdir.8"],
    },
    Program {
        name: "utmpset",
        admin: true,
        facets: &[Facet { doc: || Doc::of(&utmpset::TOOL), also: &[], operands: Operands::Free }],
        pages: &["utmpset.8"],
    },
    Program {
        name: "svlogd",
        admin: false,
        facets: &[Facet {
            doc: || Doc::of(&svlogd::options::TOOL),
            also: &[],
            operands: Operands::Directories,
        }],
        pages: &["svlogd.8", "runit-log.5"],
    },
];

/// The program of that name.
pub fn find(name: &str) -> Option<&'static Program> {
    SUITE.iter().find(|program| program.name == name)
}

impl Program {
    /// The names beside its own, in the table's order.
    pub fn other_names(&self) -> Vec<&'static str> {
        let own = self.facets.iter().flat_map(Facet::names);
        own.filter(|name| *name != self.name).collect()
    }
}

impl Facet {
    /// All names of this facet.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once((self.doc)().name).chain(self.also.iter().copied())
    }
}

/// Commands of `sv`, each with what it does, in the order of its help.
pub static SV_COMMANDS: &[(&str, &str)] = &[
    ("status", "tell the state"),
    ("start", "want it up, and wait until it is"),
    ("stop", "want it down, and wait until it is"),
    ("restart", "TERM, and wait until it is up again"),
    ("try-restart", "restart if it is wanted up"),
    ("reload", "send HUP"),
    ("check", "wait until it is as it is wanted"),
    ("shutdown", "take it down for good, and wait for the supervisor's end"),
    ("force-stop", "stop, then KILL"),
    ("force-reload", "try-restart, then KILL"),
    ("force-restart", "restart, then KILL"),
    ("force-shutdown", "shutdown, then KILL"),
    ("list", "tell which services there are"),
    ("log", "show what it has logged"),
    ("enable", "link into SVDIR"),
    ("disable", "remove the link from SVDIR"),
    ("up", "want it up"),
    ("down", "want it down"),
    ("once", "run it once"),
    ("exit", "take it down for good"),
    ("pause", "send STOP"),
    ("cont", "send CONT"),
    ("hup", "send HUP"),
    ("alarm", "send ALRM"),
    ("interrupt", "send INT"),
    ("quit", "send QUIT"),
    ("1", "send USR1"),
    ("2", "send USR2"),
    ("term", "send TERM"),
    ("kill", "send KILL"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn every_program_of_the_workspace_is_in_the_table() {
        let mut listed: Vec<_> = SUITE.iter().map(|program| program.name.to_owned()).collect();
        listed.sort();
        assert_eq!(listed, Workspace::locate().tools().unwrap());
    }

    #[test]
    fn facets_have_the_names_that_their_tools_show() {
        let names: Vec<_> = SUITE.iter().flat_map(Program::other_names).collect();
        let expected = [
            "svc",
            "svok",
            "setuidgid",
            "dsetuidgid",
            "envuidgid",
            "denvuidgid",
            "envdir",
            "denvdir",
            "pgrphack",
            "dpgrphack",
            "setlock",
            "dsetlock",
            "softlimit",
            "dsoftlimit",
        ];
        assert_eq!(&names[..expected.len()], expected);
        for program in SUITE {
            let own = (program.facets[0].doc)();
            assert_eq!(own.name, program.name);
            assert_eq!(program.pages[0], format!("{}.8", program.name));
        }
    }

    #[test]
    fn letters_of_svc_are_all_control_bytes() {
        let letters = svc().options.into_iter().filter_map(|option| option.short);
        let mut letters: Vec<char> = letters.collect();
        let mut bytes: Vec<char> = runit_core::control::ControlByte::ALL
            .into_iter()
            .map(|command| char::from(command.byte()))
            .collect();
        letters.sort_unstable();
        bytes.sort_unstable();
        assert_eq!(letters, bytes);
        assert_eq!(svc().synopsis, ["svc [-udopchaitkxq12] DIR ..."]);
    }

    #[test]
    fn commands_of_sv_are_those_that_it_understands() {
        use sv::command::{Caller, parse, words};
        for word in words() {
            assert!(SV_COMMANDS.iter().any(|(listed, _)| *listed == word), "{word}");
        }
        for (word, _) in SV_COMMANDS {
            assert!(parse(word.as_bytes(), Caller::Sv).is_some(), "{word}");
            let help = sv::options::FACE.help();
            assert!(help.split_whitespace().any(|other| other == *word), "{word}");
        }
    }

    #[test]
    fn values_are_known_by_their_names() {
        for (name, value) in [
            ("USER[:GROUP...]", Value::User),
            ("DIR", Value::Directory),
            ("FILE", Value::File),
            ("N", Value::Free),
        ] {
            assert_eq!(Value::named(name), value);
        }
    }
}
