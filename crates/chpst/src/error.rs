//! What can go wrong. The wording is the reference's where it has one:
//! `MESSAGE: NAME: ERR` (CONTRACT section 5).

use alloc::vec::Vec;
use core::ffi::CStr;

use runit_core::diag::{Bytes, ErrText};
use runit_rt::Errno;
use thiserror::Error;

/// Why the program was not started.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error<'a> {
    /// An option's value has no meaning.
    #[error("invalid {what}: {}", Bytes(value.to_bytes()))]
    Invalid {
        /// What it should have been.
        what: &'static str,
        /// What was given.
        value: &'a CStr,
    },
    /// A step that is about nothing with a name failed.
    #[error("unable to {what}: {}", ErrText(*error))]
    Unable {
        /// The step.
        what: &'static str,
        /// The cause.
        error: Errno,
    },
    /// A step that is about a file, directory, program or account failed.
    #[error("unable to {what}: {}: {}", Bytes(name.to_bytes()), ErrText(*error))]
    UnableWith {
        /// The step.
        what: &'static str,
        /// The name as the user gave it.
        name: &'a CStr,
        /// The cause.
        error: Errno,
    },
    /// A file of the environment directory cannot be read.
    #[error("unable to read {}/{}: {}", Bytes(dir.to_bytes()), Bytes(file), ErrText(*error))]
    Variable {
        /// The directory as the user gave it.
        dir: &'a CStr,
        /// The file's name.
        file: Vec<u8>,
        /// The cause.
        error: Errno,
    },
    /// A file was to be locked, and the user wants silence and success if it
    /// cannot be (`setlock -x`).
    #[error("not locked")]
    NotLocked,
    /// Numbers after a leading colon that are none, or too few.
    #[error("invalid uid/gids: {}", Bytes(.0))]
    Ids(&'a [u8]),
    /// No such user, or one of the groups does not exist.
    #[error("unknown user/group: {}", Bytes(.0))]
    UserOrGroup(&'a [u8]),
    /// No such user.
    #[error("unknown account: {}", Bytes(.0))]
    Account(&'a [u8]),
    /// The kernel said yes, and the ids are others nevertheless.
    #[error("unable to setuid: the ids are not those that were set")]
    OtherIds,
    /// The directory is no control group of version 2.
    #[error("unable to join cgroup: {}: not in a cgroup v2 file system", Bytes(.0.to_bytes()))]
    NoCgroup(&'a CStr),
}

impl Error<'_> {
    /// 100 where the command line is wrong, 111 where the system says no, and
    /// 0 where that is not to count as failure: nothing is said then.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Invalid { .. } => crate::USAGE,
            Self::NotLocked => 0,
            _ => 111,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn sentences_name_the_thing_and_the_cause() {
        let error =
            Error::UnableWith { what: "open lock", name: c"/run/a\nb", error: Errno::NOENT };
        assert_eq!(error.to_string(), "unable to open lock: /run/a\\nb: file does not exist");
        let error = Error::Variable { dir: c"env", file: b"A".to_vec(), error: Errno::ISDIR };
        assert_eq!(error.to_string(), "unable to read env/A: is a directory");
        assert_eq!(error.exit_code(), 111);
        let error = Error::Invalid { what: "limit on open files", value: c"x" };
        assert_eq!(error.to_string(), "invalid limit on open files: x");
        assert_eq!(error.exit_code(), 100);
    }
}
