//! From options to steps, in the order in which they are done: a decision that
//! is seen without doing any of them.

use core::ffi::CStr;

use runit_rt::strings::CStrList;

use crate::account::Account;
use crate::capability::Capabilities;
use crate::limits::{Limit, Resource};
use crate::options::Options;

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
    /// Become this user, keeping capabilities until `Ambient` or not.
    User {
        /// Who.
        account: Account<'a>,
        /// Whether capabilities are needed afterwards.
        keep: bool,
    },
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

/// What there is to do.
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    /// What was asked for.
    pub options: Options<'a>,
    /// The program.
    pub program: &'a CStr,
    /// The program and its arguments.
    pub command: CStrList<'a>,
}

impl<'a> Options<'a> {
    /// The steps. The order is CONTRACT section 5's; what is new stands where
    /// it has what it needs: the control group while the file system is the
    /// outer one, the bounding set while this is root, the mask where it
    /// cannot touch the lock file.
    pub fn steps(self) -> impl Iterator<Item = Step<'a>> {
        let keep = self.ambient.is_some();
        let first = [
            self.session.then_some(Step::Session),
            self.env_dir.map(Step::EnvDir),
            self.cgroup.map(Step::Cgroup),
            self.root.map(Step::Root),
            self.dir.map(Step::Dir),
            self.nice.map(Step::Nice),
            self.env_account.map(Step::EnvAccount),
            self.bounding.map(Step::Bounding),
            self.account.map(|account| Step::User { account, keep }),
            self.ambient.map(Step::Ambient),
            self.lock.map(Step::Lock),
        ];
        let closed = (0..).zip(self.close).filter_map(|(fd, close)| close.then_some(fd));
        let last =
            [self.umask.map(Step::Umask), self.no_new_privileges.then_some(Step::NoNewPrivileges)];
        first
            .into_iter()
            .flatten()
            .chain(closed.map(Step::Close))
            .chain(self.limits.iter().map(|(resource, limit)| Step::Limit(resource, limit)))
            .chain(last.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use crate::applet::Applet;
    use crate::options::parse;
    use core::ffi::CStr;
    use core::fmt::Write;
    use runit_rt::strings::{Slot, list_in};
    use std::format;
    use std::string::String;

    /// The steps for a command line, one a line.
    fn steps(words: &[&CStr]) -> String {
        let mut slots = [Slot::default(); 64];
        let mut args = list_in(&mut slots, words.iter().copied()).unwrap();
        let name = args.next().unwrap();
        let Ok(plan) = parse(Applet::of(name.to_bytes()), args) else {
            panic!("not understood: {words:?}");
        };
        let mut text = String::new();
        for step in plan.options.steps() {
            writeln!(text, "{step:?}").unwrap();
        }
        let command: std::vec::Vec<_> = plan.command.collect();
        text + &format!("{:?} as {:?}", command, plan.options.argv0.unwrap_or(command[0]))
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
}
