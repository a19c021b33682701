//! What can go wrong. The wording is the reference's where it has one:
//! `MESSAGE: NAME: ERR` (CONTRACT section 5).

use core::ffi::CStr;

use runit_core::diag::{Bytes, ErrText, Say, Sink};
use runit_rt::Errno;

use crate::text::pieces;

/// Makes the enum and the texts, of which the one with the number N is line N.
macro_rules! sentences {
    ($($name:ident = $text:literal,)*) => {
        /// What went wrong, without name and cause.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum What {
            $(#[doc = concat!("`", $text, "`")] $name,)*
        }

        /// The sentences. A name follows where there is a colon and a blank.
        const SENTENCES: &str = concat!($($text, "\n",)*);
    };
}

sentences! {
    // The command line is wrong.
    InvalidData = "invalid limit on data size: ",
    InvalidStack = "invalid limit on stack size: ",
    InvalidLocked = "invalid limit on locked memory: ",
    InvalidAddressSpace = "invalid limit on address space: ",
    InvalidOpenFiles = "invalid limit on open files: ",
    InvalidProcesses = "invalid limit on processes: ",
    InvalidFileSize = "invalid limit on file size: ",
    InvalidCore = "invalid limit on core size: ",
    InvalidResident = "invalid limit on resident set: ",
    InvalidCpu = "invalid limit on CPU seconds: ",
    InvalidMemory = "invalid limit on memory: ",
    InvalidNice = "invalid nice value: ",
    InvalidUmask = "invalid umask: ",
    InvalidCapabilities = "invalid list of capabilities: ",
    // A lock that was not taken is no failure, and nothing is said.
    NotLocked = "not locked",
    // The rest.
    InvalidIds = "invalid uid/gids: ",
    UnknownUserOrGroup = "unknown user/group: ",
    UnknownAccount = "unknown account: ",
    Lookup = "unable to get password/group file entry",
    SetGroups = "unable to setgroups",
    SetGid = "unable to setgid",
    SetUid = "unable to setuid",
    OtherIds = "unable to setuid: the ids are not those that were set",
    SwitchDirectory = "unable to switch to directory: ",
    ReadDirectory = "unable to read directory: ",
    ReadFile = "unable to read ",
    VariableName = "no name for a variable: ",
    Environment = "unable to set the environment",
    Session = "unable to lead a session",
    ChangeDirectory = "unable to change directory: ",
    ChangeRoot = "unable to change root directory",
    SetNice = "unable to set nice level",
    OpenLock = "unable to open lock: ",
    Lock = "unable to lock: ",
    CloseStdin = "unable to close stdin",
    CloseStdout = "unable to close stdout",
    CloseStderr = "unable to close stderr",
    SetLimit = "unable to setrlimit()",
    Bounding = "unable to reduce the capability bounding set",
    KeepCapabilities = "unable to keep capabilities",
    Ambient = "unable to set ambient capabilities",
    NoNewPrivileges = "unable to give up new privileges",
    NoCgroup = "not in a cgroup v2 file system: ",
    JoinCgroup = "unable to join cgroup: ",
    CreateCgroup = "unable to create cgroup: ",
    Run = "unable to run: ",
}

impl What {
    fn text(self) -> &'static [u8] {
        pieces(SENTENCES.as_bytes(), b'\n').nth(self as usize).unwrap_or_default()
    }
}

/// What went wrong and why, if the system said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed(pub What, pub Option<Errno>);

impl Failed {
    /// For `map_err`.
    pub fn to(what: What) -> impl Fn(Errno) -> Self {
        move |error| Self(what, Some(error))
    }

    /// The error, with the name that it is about if there is one.
    pub fn about(self, name: Option<&CStr>) -> Error<'_> {
        Error { failed: self, name }
    }
}

/// Why the program was not started, or what is warned of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error<'a> {
    failed: Failed,
    name: Option<&'a CStr>,
}

impl Error<'_> {
    /// 100 where the command line is wrong, 111 where the system says no, and
    /// 0 where that is not to count as failure: nothing is said then.
    pub fn exit_code(&self) -> u8 {
        match self.failed.0 {
            What::NotLocked => 0,
            what if (what as u8) < What::NotLocked as u8 => crate::USAGE,
            _ => 111,
        }
    }
}

impl Say for Error<'_> {
    fn say(&self, out: &mut dyn Sink) {
        let Failed(what, cause) = self.failed;
        let text = what.text();
        out.push(text);
        if text.ends_with(b" ") {
            Bytes(self.name.unwrap_or_default().to_bytes()).say(out);
        }
        if let Some(cause) = cause {
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
        let no_file = Failed(What::OpenLock, Some(Errno::NOENT));
        let error = no_file.about(Some(c"/run/a\nb"));
        assert_eq!(sentence(error), "unable to open lock: /run/a\\nb: file does not exist");
        let error = Failed(What::SetGid, Some(Errno::PERM)).about(Some(c"not said"));
        assert_eq!(sentence(error), "unable to setgid: permission denied");
        let error = Failed(What::Run, Some(Errno::ACCESS)).about(Some(c"x"));
        assert_eq!(sentence(error), "unable to run: x: access denied");
        let error = Failed(What::InvalidData, None).about(Some(c""));
        assert_eq!(sentence(error), "invalid limit on data size: ");
    }

    #[test]
    fn exit_codes_tell_the_command_line_from_the_system() {
        let code = |what| Failed(what, None).about(None).exit_code();
        assert_eq!(code(What::InvalidData), 100);
        assert_eq!(code(What::InvalidCapabilities), 100);
        assert_eq!(code(What::NotLocked), 0);
        assert_eq!(code(What::InvalidIds), 111);
        assert_eq!(code(What::Run), 111);
    }
}
