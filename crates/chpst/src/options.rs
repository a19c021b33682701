//! The tables of options, and what a command line asks for.

use core::ffi::CStr;

use runit_core::options::{Complaint, Found, Misuse, Opt, Scanner};

use crate::account::{Account, Form};
use crate::applet::Applet;
use crate::capability::Capabilities;
use crate::error::{Error, Failed, What};
use crate::limits::Resource;
use crate::number;
use crate::plan::{EnvDir, Lock, Plan, Step};

/// What an option means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Say more.
    Verbose,
    /// Show name and version.
    Id,
    /// A session of its own.
    Session,
    /// Close this descriptor.
    Close(u8),
    /// Become a user.
    Account,
    /// Set `UID` and `GID`.
    EnvAccount,
    /// Set `argv[0]`.
    Argv0,
    /// Set variables from a directory.
    EnvDir,
    /// Change the root directory.
    Root,
    /// Change the directory.
    Dir,
    /// Add to the nice value.
    Nice,
    /// Lock a file, waiting for it or not.
    Lock(bool),
    /// Limit all of [`Resource::MEMORY`].
    Memory,
    /// Limit one resource.
    Limit(Resource),
    /// Join a control group.
    Cgroup,
    /// Reduce the bounding set.
    Bounding,
    /// Set ambient capabilities.
    Ambient,
    /// Give up new privileges.
    NoNewPrivileges,
    /// Set the file mode mask.
    Umask,
    /// `setlock`: whether to wait.
    Wait(bool),
    /// `setlock`: whether failure is failure.
    Quiet(bool),
}

/// What to do about a command line that runs no program.
pub enum Answer<'a> {
    /// Refuse it: a value is wrong.
    Invalid(Error<'a>),
    /// Show usage, and what is wrong with an option if anything is.
    Misuse(Option<Complaint<'a>>),
    /// Show what `-V` shows.
    Id,
    /// Show help.
    Help,
    /// Show the version.
    Version,
}

/// Reads the arguments that follow the name, which `plan` has as its command,
/// into `plan`.
#[inline(never)]
pub fn parse<'a>(applet: Applet, plan: &mut Plan<'a>) -> Result<(), Answer<'a>> {
    let mut lock = Lock { path: c"", wait: true, quiet: false };
    if applet.takes_options() {
        let mut scanner = Scanner::new(applet.face().options, plan.command);
        while let Some(found) = scanner.next() {
            match found {
                Ok(Found::Option(Key::Id)) => return Err(Answer::Id),
                Ok(Found::Option(Key::Wait(wait))) => lock.wait = wait,
                Ok(Found::Option(Key::Quiet(quiet))) => lock.quiet = quiet,
                // As the reference, which takes one lock only.
                Ok(Found::Option(Key::Lock(_))) if plan.locks() => {
                    return Err(Answer::Misuse(None));
                }
                Ok(Found::Option(key)) => {
                    take(plan, key, scanner.value().unwrap_or_default())
                        .map_err(Answer::Invalid)?;
                }
                Ok(Found::Help) => return Err(Answer::Help),
                Ok(Found::Version) => return Err(Answer::Version),
                Err(Misuse) => return Err(Answer::Misuse(scanner.complaint())),
            }
        }
        plan.command = scanner.operands();
    } else {
        // A name that never took options still is asked for help.
        let mut words = plan.command;
        if let (Some(word), None) = (words.next(), words.next()) {
            let word = word.to_bytes();
            if word == b"--help" {
                return Err(Answer::Help);
            }
            if word == b"--version" {
                return Err(Answer::Version);
            }
        }
    }
    if applet.takes_operand() {
        let operand = plan.command.next().ok_or(Answer::Misuse(None))?;
        lock.path = operand;
        plan.add(match applet {
            Applet::Setuidgid => Step::User(Account { spec: operand, form: Form::Alone }),
            Applet::Envuidgid => Step::EnvAccount(Account { spec: operand, form: Form::Alone }),
            Applet::Envdir => Step::EnvDir(EnvDir { path: operand, strict: true }),
            _ => Step::Lock(lock),
        });
    }
    if applet == Applet::Pgrphack {
        plan.add(Step::Session);
    }
    let mut command = plan.command;
    plan.program = command.next().ok_or(Answer::Misuse(None))?;
    Ok(())
}

/// Takes an option with its value, which is empty if it has none.
#[inline(never)]
fn take<'a>(plan: &mut Plan<'a>, key: Key, value: &'a CStr) -> Result<(), Error<'a>> {
    let text = value.to_bytes();
    let invalid = |what| Failed::refused(what).about(Some(value));
    let step = match key {
        Key::Verbose => {
            plan.verbose = true;
            return Ok(());
        }
        Key::Argv0 => {
            plan.argv0 = Some(value);
            return Ok(());
        }
        // Taken by `parse`.
        Key::Id | Key::Wait(_) | Key::Quiet(_) => return Ok(()),
        Key::Memory => {
            let limit = number::limit(text, true).ok_or(invalid(What::InvalidMemory))?;
            for resource in Resource::MEMORY {
                plan.add(Step::Limit(resource, limit));
            }
            return Ok(());
        }
        Key::Limit(resource) => {
            let limit = number::limit(text, resource.scaled());
            Step::Limit(resource, limit.ok_or(invalid(resource.invalid()))?)
        }
        Key::Session => Step::Session,
        Key::Close(fd) => Step::Close(fd),
        Key::Account => Step::User(Account::parse(value)?),
        Key::EnvAccount => Step::EnvAccount(Account::parse(value)?),
        Key::EnvDir => Step::EnvDir(EnvDir { path: value, strict: false }),
        Key::Root => Step::Root(value),
        Key::Dir => Step::Dir(value),
        Key::Nice => Step::Nice(number::increment(text).ok_or(invalid(What::InvalidNice))?),
        Key::Lock(wait) => Step::Lock(Lock { path: value, wait, quiet: false }),
        Key::Cgroup => Step::Cgroup(value),
        Key::NoNewPrivileges => Step::NoNewPrivileges,
        Key::Umask => Step::Umask(number::mask(text).ok_or(invalid(What::InvalidUmask))?),
        Key::Bounding | Key::Ambient => {
            let set = Capabilities::parse(text).ok_or(invalid(What::InvalidCapabilities))?;
            if key == Key::Bounding {
                Step::Bounding(set)
            } else {
                plan.add(Step::KeepCapabilities);
                Step::Ambient(set)
            }
        }
    };
    plan.add(step);
    Ok(())
}

const fn letter(key: Key, short: u8, value: Option<&'static str>, help: &'static str) -> Opt<Key> {
    Opt { key, short: Some(short), long: None, value, help }
}

const fn long(
    key: Key,
    long: &'static str,
    value: Option<&'static str>,
    help: &'static str,
) -> Opt<Key> {
    Opt { key, short: None, long: Some(long), value, help }
}

/// `chpst`'s options: letters are those of the reference and of its successors,
/// words are ours.
pub const CHPST: &[Opt<Key>] = &[
    letter(Key::Account, b'u', Some("USER[:GROUP...]"), "run as this user, in these groups"),
    letter(Key::EnvAccount, b'U', Some("USER[:GROUP]"), "set UID and GID to this user's"),
    letter(Key::Argv0, b'b', Some("NAME"), "call the program by this name"),
    letter(Key::EnvDir, b'e', Some("DIR"), "set variables from the files in DIR"),
    letter(Key::Root, b'/', Some("DIR"), "change the root directory"),
    letter(Key::Dir, b'C', Some("DIR"), "then change the current directory"),
    letter(Key::Nice, b'n', Some("N"), "add N to the nice value"),
    letter(Key::Lock(true), b'l', Some("FILE"), "lock FILE, waiting for it"),
    letter(Key::Lock(false), b'L', Some("FILE"), "lock FILE, or fail at once"),
    letter(Key::Memory, b'm', Some("N"), "limit data, stack, locked memory, address space"),
    letter(Key::Limit(Resource::Data), b'd', Some("N"), "limit the data segment"),
    letter(Key::Limit(Resource::OpenFiles), b'o', Some("N"), "limit open files"),
    letter(Key::Limit(Resource::Processes), b'p', Some("N"), "limit the user's processes"),
    letter(Key::Limit(Resource::FileSize), b'f', Some("N"), "limit the size of files"),
    letter(Key::Limit(Resource::Core), b'c', Some("N"), "limit the size of core files"),
    letter(Key::Limit(Resource::Resident), b'r', Some("N"), "limit the resident set"),
    letter(Key::Limit(Resource::Cpu), b't', Some("SECONDS"), "limit processor time"),
    long(Key::Limit(Resource::Stack), "stack", Some("N"), "limit the stack"),
    long(Key::Limit(Resource::Locked), "locked", Some("N"), "limit locked memory"),
    long(Key::Limit(Resource::AddressSpace), "address-space", Some("N"), "limit the address space"),
    long(Key::Cgroup, "cgroup", Some("PATH"), "join this control group, made if missing"),
    long(Key::Bounding, "bounding", Some("CAPS"), "keep only these in the bounding set"),
    long(Key::Ambient, "ambient", Some("CAPS"), "let the program have these capabilities"),
    long(Key::NoNewPrivileges, "no-new-privileges", None, "never gain privileges by exec"),
    long(Key::Umask, "umask", Some("MODE"), "set the file mode mask, in octal"),
    letter(Key::Session, b'P', None, "lead a session of its own"),
    letter(Key::Close(0), b'0', None, "close standard input"),
    letter(Key::Close(1), b'1', None, "close standard output"),
    letter(Key::Close(2), b'2', None, "close standard error"),
    letter(Key::Verbose, b'v', None, "warn of what is skipped"),
    letter(Key::Id, b'V', None, "show version and usage"),
];

/// `setlock`'s options.
pub const SETLOCK: &[Opt<Key>] = &[
    letter(Key::Wait(false), b'n', None, "fail if the file is locked"),
    letter(Key::Wait(true), b'N', None, "wait for the lock (default)"),
    letter(Key::Quiet(true), b'x', None, "exit 0 without the lock"),
    letter(Key::Quiet(false), b'X', None, "exit 111 without it (default)"),
];

/// `softlimit`'s options.
pub const SOFTLIMIT: &[Opt<Key>] = &[
    letter(Key::Limit(Resource::AddressSpace), b'a', Some("N"), "limit the address space"),
    letter(Key::Limit(Resource::Core), b'c', Some("N"), "limit the size of core files"),
    letter(Key::Limit(Resource::Data), b'd', Some("N"), "limit the data segment"),
    letter(Key::Limit(Resource::FileSize), b'f', Some("N"), "limit the size of files"),
    letter(Key::Limit(Resource::Locked), b'l', Some("N"), "limit locked memory"),
    letter(Key::Memory, b'm', Some("N"), "limit -a, -d, -l and -s"),
    letter(Key::Limit(Resource::OpenFiles), b'o', Some("N"), "limit open files"),
    letter(Key::Limit(Resource::Processes), b'p', Some("N"), "limit the user's processes"),
    letter(Key::Limit(Resource::Resident), b'r', Some("N"), "limit the resident set"),
    letter(Key::Limit(Resource::Stack), b's', Some("N"), "limit the stack"),
    letter(Key::Limit(Resource::Cpu), b't', Some("N"), "limit processor time, in seconds"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::tests::sentence;
    use runit_rt::strings::{Slot, list_in};
    use std::format;
    use std::string::String;

    fn answer(words: &[&CStr]) -> String {
        let mut slots = [Slot::default(); 16];
        let mut args = list_in(&mut slots, words.iter().copied()).unwrap();
        let name = args.next().unwrap();
        match parse(Applet::of(name.to_bytes()), &mut Plan::new(args)) {
            Ok(()) => "run".into(),
            Err(Answer::Invalid(error)) => format!("{} {}", error.exit_code(), sentence(error)),
            Err(Answer::Misuse(it)) => it.map_or("usage".into(), |it| format!("{it:?}")),
            Err(Answer::Id) => "id".into(),
            Err(Answer::Help) => "help".into(),
            Err(Answer::Version) => "version".into(),
        }
    }

    #[test]
    fn letters_and_words_are_unique() {
        for table in [CHPST, SETLOCK, SOFTLIMIT] {
            for (place, option) in table.iter().enumerate() {
                for other in &table[place + 1..] {
                    assert!(option.short.is_none() || option.short != other.short, "{option:?}");
                    assert!(option.long.is_none() || option.long != other.long, "{option:?}");
                }
            }
        }
    }

    #[test]
    fn a_program_is_wanted() {
        for words in [
            &[c"chpst"] as &[&CStr],
            &[c"chpst", c"-v"],
            &[c"chpst", c"-l", c"a", c"-L", c"b", c"p"],
            &[c"setuidgid", c"web"],
            &[c"setuidgid"],
            &[c"envdir", c"dir"],
            &[c"pgrphack"],
            &[c"setlock", c"-n", c"file"],
            &[c"softlimit", c"-m", c"5"],
        ] {
            assert_eq!(answer(words), "usage", "{words:?}");
        }
    }

    #[test]
    fn values_are_checked_before_anything_is_done() {
        for (words, expected) in [
            ([c"-o", c"x"], "100 invalid limit on open files: x"),
            ([c"-m", c"-1"], "100 invalid limit on memory: -1"),
            (
                [c"-d", c"18446744073709551616"],
                "100 invalid limit on data size: 18446744073709551616",
            ),
            ([c"-t", c"5m"], "100 invalid limit on CPU seconds: 5m"),
            ([c"-n", c"5x"], "100 invalid nice value: 5x"),
            ([c"--umask", c"9"], "100 invalid umask: 9"),
            ([c"--bounding", c"all"], "100 invalid list of capabilities: all"),
            ([c"--ambient", c""], "100 invalid list of capabilities: "),
            ([c"-u", c":1"], "111 invalid uid/gids: 1"),
            ([c"-U", c":x:1"], "111 invalid uid/gids: x:1"),
            ([c"-x", c"p"], "Unknown([120])"),
            ([c"--umas", c"0"], "Unknown([117, 109, 97, 115])"),
        ] {
            assert_eq!(answer(&[c"chpst", words[0], words[1], c"p"]), expected);
        }
        assert_eq!(answer(&[c"chpst", c"-o"]), "NoValue([111])");
        assert_eq!(
            answer(&[c"softlimit", c"-o", c"5x", c"p"]),
            "100 invalid limit on open files: 5x"
        );
    }

    #[test]
    fn help_is_there_under_every_name() {
        for name in [
            c"chpst",
            c"setuidgid",
            c"envuidgid",
            c"envdir",
            c"pgrphack",
            c"setlock",
            c"dsoftlimit",
        ] {
            assert_eq!(answer(&[name, c"--help"]), "help");
            assert_eq!(answer(&[name, c"--version"]), "version");
        }
        assert_eq!(answer(&[c"envdir", c"--help", c"p"]), "run");
        assert_eq!(answer(&[c"chpst", c"-vV", c"p"]), "id");
        assert_eq!(answer(&[c"setlock", c"-V", c"f", c"p"]), "Unknown([86])");
    }
}
