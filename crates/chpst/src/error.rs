//! What can go wrong. The wording is the reference's where it has one:
//! `MESSAGE: NAME: ERR` (CONTRACT section 5).

use core::ffi::CStr;

use runit_core::diag::{Bytes, ErrText, Say, Sink};
use runit_rt::Errno;

use crate::text::pieces;

/// Makes the enum and the texts: line N is for the variant with the number N,
/// and begins with the number of its group.
macro_rules! sentences {
    ($($group:literal { $($name:ident = $text:literal,)* })*) => {
        /// What went wrong, without name and cause.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum What {
            $($(#[doc = concat!("`", $text, "`")] $name,)*)*
        }

        const SENTENCES: &str = concat!($($($group, $text, "\n",)*)*);
    };
}

/// How the sentences of each group begin.
const GROUPS: [&str; 4] = ["invalid limit on ", "invalid ", "", "unable to "];

/// The first group that is not about the command line; the one after it has
/// causes.
const SYSTEM: u8 = b'2';

// A name follows where there is a colon and a blank.
sentences! {
    0 {
        InvalidData = "data size: ",
        InvalidStack = "stack size: ",
        InvalidLocked = "locked memory: ",
        InvalidAddressSpace = "address space: ",
        InvalidOpenFiles = "open files: ",
        InvalidProcesses = "processes: ",
        InvalidFileSize = "file size: ",
        InvalidCore = "core size: ",
        InvalidResident = "resident set: ",
        InvalidCpu = "CPU seconds: ",
        InvalidMemory = "memory: ",
    }
    1 {
        InvalidNice = "nice value: ",
        InvalidUmask = "umask: ",
        InvalidCapabilities = "list of capabilities: ",
    }
    2 {
        NotLocked = "not locked",
        InvalidIds = "invalid uid/gids: ",
        UnknownUserOrGroup = "unknown user/group: ",
        UnknownAccount = "unknown account: ",
        VariableName = "no name for a variable: ",
        NoCgroup = "not in a cgroup v2 file system: ",
        OtherIds = "the ids are not those asked for",
    }
    3 {
        Lookup = "get password/group file entry",
        SetGroups = "setgroups",
        SetGid = "setgid",
        SetUid = "setuid",
        SwitchDirectory = "switch to directory: ",
        ReadDirectory = "read directory: ",
        ReadFile = "read ",
        Environment = "set the environment",
        ChangeDirectory = "change directory: ",
        ChangeRoot = "change root directory",
        SetNice = "set nice level",
        OpenLock = "open lock: ",
        Lock = "lock: ",
        CloseStdin = "close stdin",
        CloseStdout = "close stdout",
        CloseStderr = "close stderr",
        SetLimit = "setrlimit()",
        Bounding = "reduce the bounding set",
        KeepCapabilities = "keep capabilities",
        Ambient = "set ambient capabilities",
        NoNewPrivileges = "give up new privileges",
        JoinCgroup = "join cgroup: ",
        CreateCgroup = "create cgroup: ",
        Run = "run: ",
    }
}

impl What {
    /// Its group, as a digit, and the sentence without its beginning.
    fn line(self) -> (u8, &'static [u8]) {
        match pieces(SENTENCES.as_bytes(), b'\n').nth(self as usize) {
            Some([group, text @ ..]) => (*group, text),
            _ => (SYSTEM, b""),
        }
    }
}

/// What went wrong, and why: the cause counts where the system is to blame,
/// for sentences of the last group. (It fits a register.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed(pub What, pub Errno);

impl Failed {
    /// What went wrong without the system's having said no.
    pub fn refused(what: What) -> Self {
        Self(what, Errno::INVAL)
    }

    /// For `map_err`.
    pub fn to(what: What) -> impl Fn(Errno) -> Self {
        move |error| Self(what, error)
    }

    /// The error, with the name that it is about if there is one.
    pub fn about(self, name: Option<&CStr>) -> Error<'_> {
        Error { failed: self, name: name.unwrap_or_default() }
    }
}

/// Why the program was not started, or what is warned of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error<'a> {
    failed: Failed,
    name: &'a CStr,
}

impl Error<'_> {
    /// 100 where the command line is wrong, 111 where the system says no, and
    /// 0 where that is not to count as failure: nothing is said then.
    pub fn exit_code(&self) -> u8 {
        match self.failed.0 {
            // A lock that was not taken is no failure, and nothing is said.
            What::NotLocked => 0,
            what if what.line().0 < SYSTEM => crate::USAGE,
            _ => 111,
        }
    }
}

impl Say for Error<'_> {
    fn say(&self, out: &mut dyn Sink) {
        let Failed(what, cause) = self.failed;
        let (group, text) = what.line();
        let begin = GROUPS.get(usize::from(group.wrapping_sub(b'0'))).copied().unwrap_or_default();
        out.push(begin.as_bytes());
        out.push(text);
        if text.ends_with(b" ") {
            Bytes(self.name.to_bytes()).say(out);
        }
        if group > SYSTEM {
            out.push(b": ");
            ErrText(cause).say(out);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    struct Text(Vec<u8>);

    impl Sink for Text {
        fn push(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }
    }

    /// What is said.
    pub fn said(text: &dyn Say) -> String {
        let mut out = Text(Vec::new());
        text.say(&mut out);
        String::from_utf8(out.0).unwrap()
    }

    /// An error's sentence.
    pub fn sentence(error: Error<'_>) -> String {
        said(&error)
    }

    #[test]
    fn sentences_name_the_thing_and_the_cause() {
        let no_file = Failed(What::OpenLock, Errno::NOENT);
        let error = no_file.about(Some(c"/run/a\nb"));
        assert_eq!(sentence(error), "unable to open lock: /run/a\\nb: file does not exist");
        let error = Failed(What::SetGid, Errno::PERM).about(Some(c"not said"));
        assert_eq!(sentence(error), "unable to setgid: permission denied");
        let error = Failed(What::Run, Errno::ACCESS).about(Some(c"x"));
        assert_eq!(sentence(error), "unable to run: x: access denied");
        let error = Failed::refused(What::InvalidData).about(Some(c""));
        assert_eq!(sentence(error), "invalid limit on data size: ");
        let error = Failed::refused(What::InvalidUmask).about(Some(c"9"));
        assert_eq!(sentence(error), "invalid umask: 9");
        let error = Failed::refused(What::UnknownAccount).about(Some(c"x"));
        assert_eq!(sentence(error), "unknown account: x");
    }

    #[test]
    fn exit_codes_tell_the_command_line_from_the_system() {
        let code = |what| Failed::refused(what).about(None).exit_code();
        assert_eq!(code(What::InvalidData), 100);
        assert_eq!(code(What::InvalidCapabilities), 100);
        assert_eq!(code(What::NotLocked), 0);
        assert_eq!(code(What::InvalidIds), 111);
        assert_eq!(code(What::Run), 111);
    }
}
