//! What can go wrong. The wording is the reference's where it has one:
//! `MESSAGE: NAME: ERR` (CONTRACT section 5).
//!
//! `Display` is written out by hand: it is a third of the code that format
//! strings would bring into a program that is to stay small.

use core::ffi::CStr;
use core::fmt;

use runit_core::diag::{Bytes, ErrText};
use runit_rt::Errno;

/// Why the program was not started, or what `-v` warns of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<'a> {
    /// An option's value has no meaning: what it should have been, and what
    /// it is.
    Invalid(&'static str, &'a CStr),
    /// An account or control group is not what it must be: what is the matter,
    /// and its name.
    Refused(&'static str, &'a [u8]),
    /// The system said no: to what, about which file or program, and why.
    Unable(&'static str, Option<&'a CStr>, Errno),
    /// The same about a file in a directory of variables.
    Variable(&'a CStr, &'a [u8], Errno),
    /// A file in such a directory is called as no variable can be.
    VariableName(&'a CStr, &'a [u8]),
    /// The kernel said yes, and the ids are others nevertheless.
    OtherIds,
    /// A file is not locked, and the user wants silence and success then
    /// (`setlock -x`).
    NotLocked,
}

impl Error<'_> {
    /// 100 where the command line is wrong, 111 where the system says no, and
    /// 0 where that is not to count as failure: nothing is said then.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Invalid(..) => crate::USAGE,
            Self::NotLocked => 0,
            _ => 111,
        }
    }
}

impl fmt::Display for Error<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Each sentence has up to four parts: what begins it, what it is
        // about, a file in there, and the cause.
        let (begin, what, name, file, cause) = match *self {
            Self::Invalid(what, value) => ("invalid ", what, Some(value.to_bytes()), None, None),
            Self::Refused(what, name) => ("", what, Some(name), None, None),
            Self::Unable(what, name, error) => {
                ("unable to ", what, name.map(CStr::to_bytes), None, Some(error))
            }
            Self::Variable(dir, file, error) => {
                ("unable to ", "read", Some(dir.to_bytes()), Some(file), Some(error))
            }
            Self::VariableName(dir, file) => {
                ("", "no name for a variable:", Some(dir.to_bytes()), Some(file), None)
            }
            Self::OtherIds => ("", "unable to setuid: the ids are others now", None, None, None),
            Self::NotLocked => ("", "not locked", None, None, None),
        };
        f.write_str(begin)?;
        f.write_str(what)?;
        if let Some(name) = name {
            f.write_str(if file.is_some() { " " } else { ": " })?;
            Bytes(name).fmt(f)?;
        }
        if let Some(file) = file {
            f.write_str("/")?;
            Bytes(file).fmt(f)?;
        }
        if let Some(cause) = cause {
            f.write_str(": ")?;
            ErrText(cause).fmt(f)?;
        }
        Ok(())
    }
}

/// A step that failed: to do what, and why. The one who knows the name that
/// the step is about adds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed(pub &'static str, pub Errno);

impl Failed {
    /// For `map_err`.
    pub fn to(what: &'static str) -> impl Fn(Errno) -> Self {
        move |error| Self(what, error)
    }

    /// The error, with the name that it is about if there is one.
    pub fn about<'a>(self, name: Option<&'a CStr>) -> Error<'a> {
        Error::Unable(self.0, name, self.1)
    }
}

impl From<Failed> for Error<'_> {
    fn from(failed: Failed) -> Self {
        failed.about(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn sentences_name_the_thing_and_the_cause() {
        for (error, sentence) in [
            (Error::Invalid("umask", c"x"), "invalid umask: x"),
            (Error::Refused("unknown account", b"a b"), "unknown account: a b"),
            (
                Error::Unable("open lock", Some(c"/run/a\nb"), Errno::NOENT),
                "unable to open lock: /run/a\\nb: file does not exist",
            ),
            (Error::Unable("setgid", None, Errno::PERM), "unable to setgid: permission denied"),
            (Error::Variable(c"env", b"A", Errno::ISDIR), "unable to read env/A: is a directory"),
            (Error::VariableName(c"env", b"="), "no name for a variable: env/="),
            (Error::OtherIds, "unable to setuid: the ids are others now"),
        ] {
            assert_eq!(error.to_string(), sentence);
            let code = if matches!(error, Error::Invalid(..)) { 100 } else { 111 };
            assert_eq!(error.exit_code(), code);
        }
        assert_eq!(Error::NotLocked.exit_code(), 0);
    }
}
