//! From options to steps, in the order in which they are done: a decision that
//! is seen without doing any of them.

use core::ffi::CStr;

use runit_rt::strings::CStrList;

use crate::account::Account;
use crate::capability::Capabilities;
use crate::limits::{Limit, Resource};

/// A directory of variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvDir<'a> {
    /// Its path.
    pub path: &'a CStr,
    /// Whether a subdirectory is an error, as to daemontools, or skipped.
    pub strict: bool,
}

/// A file to be locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock<'a> {
    /// Its path.
    pub path: &'a CStr,
    /// Whether to wait while another process has the lock.
    pub wait: bool,
    /// Whether a failure is no failure, and nothing is said about it.
    pub quiet: bool,
}

/// One change to the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Lead a session.
    Session,
    /// Set variables from a directory.
    EnvDir(EnvDir<'a>),
    /// Join a control group.
    Cgroup(&'a CStr),
    /// Change to this directory and make it the root.
    Root(&'a CStr),
    /// Change to this directory.
    Dir(&'a CStr),
    /// Add to the nice value.
    Nice(i32),
    /// Set `UID` and `GID` in the environment.
    EnvAccount(Account<'a>),
    /// Keep no other capabilities than these in the bounding set.
    Bounding(Capabilities),
    /// Let capabilities outlast the change of user, until the program runs.
    KeepCapabilities,
    /// Become this user.
    User(Account<'a>),
    /// Hand these capabilities on to a program that is not root's.
    Ambient(Capabilities),
    /// Lock a file; the program has the lock then.
    Lock(Lock<'a>),
    /// Close this descriptor.
    Close(u8),
    /// Set a soft limit.
    Limit(Resource, Limit),
    /// Set the file mode mask.
    Umask(u32),
    /// Give up gaining privileges by executing programs.
    NoNewPrivileges,
}

impl<'a> Step<'a> {
    /// The name that an error of it is about.
    pub fn name(&self) -> Option<&'a CStr> {
        match *self {
            Self::Cgroup(path) | Self::Root(path) | Self::Dir(path) => Some(path),
            Self::Lock(lock) => Some(lock.path),
            Self::User(account) | Self::EnvAccount(account) => Some(account.spec),
            _ => None,
        }
    }

    /// Its place in the order. The order is CONTRACT section 5's; what is new
    /// stands where it has what it needs: the control group while the file
    /// system is the outer one, the bounding set while this is root, the mask
    /// where it cannot touch the lock file.
    fn place(&self) -> usize {
        match self {
            Self::Session => 0,
            Self::EnvDir(_) => 1,
            Self::Cgroup(_) => 2,
            Self::Root(_) => 3,
            Self::Dir(_) => 4,
            Self::Nice(_) => 5,
            Self::EnvAccount(_) => 6,
            Self::Bounding(_) => 7,
            Self::KeepCapabilities => 8,
            Self::User(_) => 9,
            Self::Ambient(_) => 10,
            Self::Lock(_) => 11,
            Self::Close(fd) => 12 + usize::from(*fd),
            Self::Limit(resource, _) => 15 + *resource as usize,
            Self::Umask(_) => 25,
            Self::NoNewPrivileges => 26,
        }
    }
}

/// The number of places.
const PLACES: usize = 27;

/// What there is to do.
pub struct Plan<'a> {
    steps: [Option<Step<'a>>; PLACES],
    /// Whether to warn of what is skipped.
    pub verbose: bool,
    /// The name that the program is to see.
    pub argv0: Option<&'a CStr>,
    /// The program.
    pub program: &'a CStr,
    /// The program and its arguments.
    pub command: CStrList<'a>,
}

impl<'a> Plan<'a> {
    /// No steps, for the program that `args` name.
    pub fn new(args: CStrList<'a>) -> Self {
        Self { steps: [None; PLACES], verbose: false, argv0: None, program: c"", command: args }
    }

    /// Adds a step, in place of an earlier one of the same kind.
    pub fn add(&mut self, step: Step<'a>) {
        if let Some(place) = self.steps.get_mut(step.place()) {
            *place = Some(step);
        }
    }

    /// The steps in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step<'a>> {
        self.steps.iter().flatten()
    }

    /// Whether a file is to be locked.
    pub fn locks(&self) -> bool {
        self.steps().any(|step| matches!(step, Step::Lock(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::applet::Applet;
    use crate::options::parse;
    use core::fmt::Write;
    use runit_rt::strings::{Slot, list_in};
    use std::format;
    use std::string::String;

    /// The steps for a command line, one a line.
    fn steps(words: &[&CStr]) -> String {
        let mut slots = [Slot::default(); 64];
        let mut args = list_in(&mut slots, words.iter().copied()).unwrap();
        let name = args.next().unwrap();
        let mut plan = Plan::new(args);
        assert!(parse(Applet::of(name.to_bytes()), &mut plan).is_ok(), "{words:?}");
        let mut text = String::new();
        for step in plan.steps() {
            writeln!(text, "{step:?}").unwrap();
        }
        let command: std::vec::Vec<_> = plan.command.collect();
        text + &format!("{:?} as {:?}", command, plan.argv0.unwrap_or(command[0]))
    }

    #[test]
    fn the_order_is_fixed_whatever_that_of_the_options() {
        insta::assert_snapshot!(steps(&[
            c"chpst",
            c"--no-new-privileges",
            c"--umask",
            c"027",
            c"-t",
            c"60",
            c"-r",
            c"1g",
            c"-c",
            c"0",
            c"-f",
            c"=",
            c"-p",
            c"64",
            c"-o",
            c"1k",
            c"-m",
            c"64m",
            c"-d",
            c"=",
            c"-210",
            c"-l",
            c"lock",
            c"--ambient",
            c"net_bind_service,kill",
            c"-u",
            c"web:www",
            c"--bounding",
            c"net_bind_service,kill",
            c"-U",
            c":1:2",
            c"-n",
            c"-5",
            c"-C",
            c"/run",
            c"-/",
            c"/jail",
            c"--cgroup",
            c"services/web",
            c"-e",
            c"env",
            c"-P",
            c"-b",
            c"name",
            c"-v",
            c"prog",
            c"-x",
            c"arg",
        ]));
    }

    #[test]
    fn every_kind_of_step_has_a_place_of_its_own() {
        let last = Step::NoNewPrivileges.place();
        assert_eq!(last + 1, PLACES);
        assert_eq!(Step::Close(2).place() + 1, Step::Limit(Resource::ALL[0], Limit::Hard).place());
        let [.., cpu] = Resource::ALL;
        assert_eq!(Step::Limit(cpu, Limit::Hard).place() + 1, Step::Umask(0).place());
    }

    #[test]
    fn nothing_asked_for_is_nothing_done() {
        assert_eq!(steps(&[c"chpst", c"-v", c"true"]), "[\"true\"] as \"true\"");
        assert_eq!(steps(&[c"chpst", c"--", c"-x"]), "[\"-x\"] as \"-x\"");
    }

    #[test]
    fn the_last_of_equal_options_counts() {
        insta::assert_snapshot!(steps(&[
            c"/usr/bin/chpst",
            c"-e",
            c"a",
            c"-e",
            c"b",
            c"-d5",
            c"-m6",
            c"-u",
            c"+web",
            c"-u",
            c":1:2",
            c"p",
        ]));
    }

    #[test]
    fn other_names_have_plans_of_their_own() {
        let commands: [&[&CStr]; 10] = [
            &[c"setuidgid", c"web", c"p", c"-u"],
            &[c"/command/dsetuidgid", c":1:2", c"p"],
            &[c"envuidgid", c"web", c"p"],
            &[c"envdir", c"-e", c"p", c"q"],
            &[c"pgrphack", c"--", c"-u"],
            &[c"setlock", c"file", c"p"],
            &[c"setlock", c"-nx", c"file", c"p", c"-N"],
            &[c"dsetlock", c"-nNxX", c"--", c"file", c"p"],
            &[c"softlimit", c"-s1", c"-m2", c"-l3", c"p"],
            &[
                c"softlimit",
                c"-a1",
                c"-c2",
                c"-d=",
                c"-f4",
                c"-l5",
                c"-o6",
                c"-p7",
                c"-r8",
                c"-s9",
                c"-t=",
                c"p",
            ],
        ];
        let mut text = String::new();
        for command in commands {
            writeln!(text, "# {command:?}\n{}", steps(command)).unwrap();
        }
        insta::assert_snapshot!(text);
    }

    #[test]
    fn an_error_is_about_the_name_in_its_step() {
        let account = Account { spec: c"web", form: crate::account::Form::Named };
        for (step, name) in [
            (Step::Cgroup(c"/a"), Some(c"/a")),
            (Step::Root(c"/b"), Some(c"/b")),
            (Step::Dir(c"/c"), Some(c"/c")),
            (Step::Lock(Lock { path: c"/d", wait: true, quiet: false }), Some(c"/d")),
            (Step::User(account), Some(c"web")),
            (Step::EnvAccount(account), Some(c"web")),
            (Step::Session, None),
        ] {
            assert_eq!(step.name(), name);
        }
    }
}
