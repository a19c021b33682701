//! What can go wrong. The wording is the reference's where it has one:
//! `MESSAGE: NAME: ERR` (CONTRACT section 5).

use core::ffi::CStr;

use runit_core::diag::{Bytes, ErrText, Say, Sink};
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

impl Say for Error<'_> {
    fn say(&self, out: &mut dyn Sink) {
        let mut text = |text: &str| out.push(text.as_bytes());
        match *self {
            Self::Invalid(what, value) => {
                text("invalid ");
                text(what);
                name(out, value.to_bytes());
            }
            Self::Refused(what, refused) => {
                text(what);
                name(out, refused);
            }
            Self::Unable(what, about, error) => {
                text("unable to ");
                text(what);
                if let Some(about) = about {
                    name(out, about.to_bytes());
                }
                cause(out, error);
            }
            Self::Variable(dir, file, error) => {
                text("unable to read ");
                path(out, dir, file);
                cause(out, error);
            }
            Self::VariableName(dir, file) => {
                text("no name for a variable: ");
                path(out, dir, file);
            }
            Self::OtherIds => text("unable to setuid: the ids are others now"),
            Self::NotLocked => text("not locked"),
        }
    }
}

fn name(out: &mut dyn Sink, name: &[u8]) {
    out.push(b": ");
    Bytes(name).say(out);
}

fn path(out: &mut dyn Sink, dir: &CStr, file: &[u8]) {
    Bytes(dir.to_bytes()).say(out);
    out.push(b"/");
    Bytes(file).say(out);
}

fn cause(out: &mut dyn Sink, error: Errno) {
    out.push(b": ");
    ErrText(error).say(out);
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
    pub fn about(self, name: Option<&CStr>) -> Error<'_> {
        Error::Unable(self.0, name, self.1)
    }
}

impl From<Failed> for Error<'_> {
    fn from(failed: Failed) -> Self {
        failed.about(None)
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
        for (error, expected) in [
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
            assert_eq!(sentence(error), expected);
            let code = if matches!(error, Error::Invalid(..)) { 100 } else { 111 };
            assert_eq!(error.exit_code(), code);
        }
        assert_eq!(Error::NotLocked.exit_code(), 0);
    }
}
