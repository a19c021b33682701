//! What can go wrong, in the words of CONTRACT section 8.

use runit_core::diag::{Name, Say, Sink};
use runit_rt::Errno;
use runit_rt::errtext::local;

/// Why the level was not switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<'a> {
    /// The name starts with a dot.
    Dot(&'a [u8]),
    /// There is nothing of this name.
    Missing(&'a [u8]),
    /// It is not a directory.
    NoDirectory(&'a [u8]),
    /// `unable to WHAT NAME: ERR`.
    Unable(&'static str, &'a [u8], Errno),
}

impl Say for Error<'_> {
    fn say(&self, out: &mut dyn Sink) {
        match *self {
            Self::Dot(name) => {
                Name(name).say(out);
                out.push(b": must not start with a dot.");
            }
            Self::Missing(name) => {
                Name(name).say(out);
                out.push(b": ");
                out.push(local(Errno::NOENT).as_bytes());
            }
            Self::NoDirectory(name) => {
                Name(name).say(out);
                out.push(b": not a directory.");
            }
            Self::Unable(what, name, error) => {
                out.push(b"unable to ");
                out.push(what.as_bytes());
                Name(name).say(out);
                out.push(b": ");
                out.push(local(error).as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runit_rt::strings::ShortCString;

    #[test]
    fn the_sentences_are_those_of_the_contract() {
        for (error, expected) in [
            (Error::Dot(b".x"), ".x: must not start with a dot."),
            (Error::Missing(b"x"), "x: file does not exist"),
            (Error::NoDirectory(b"x\n"), "x\\n: not a directory."),
            (Error::Unable("chdir: ", b"/x", Errno::ACCESS), "unable to chdir: /x: access denied"),
        ] {
            let mut said = ShortCString::new();
            error.say(&mut said);
            assert_eq!(said.as_c_str().to_str(), Ok(expected));
        }
    }
}
