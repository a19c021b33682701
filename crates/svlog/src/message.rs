//! What is said on standard error.

use alloc::vec::Vec;

use runit_core::diag::{Bytes, Decimal, Say, Sink, Voice};
use runit_rt::{Errno, errtext};

/// A sentence about a service, which is named as it was given, or about the
/// program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Its directory cannot be entered.
    NoService(&'a [u8], Vec<u8>, Errno),
    /// There is no log at any of the places where it could be.
    NoLog(&'a [u8]),
    /// A file or directory of its log cannot be read.
    Unreadable(&'a [u8], Vec<u8>, Errno),
    /// So many of its archives are compressed, in this way, as this one is.
    Compressed(&'a [u8], i64, &'static str, Vec<u8>),
    /// An archive was deleted by the logger before it could be read.
    Gone(&'a [u8], Vec<u8>),
    /// A value of `-n`.
    NoNumber(&'a [u8]),
    /// Standard output does not take more.
    Output(Errno),
}

impl Say for Message<'_> {
    fn say(&self, out: &mut dyn Sink) {
        match self {
            Self::NoService(name, path, error) => {
                Bytes(name).say(out);
                out.push(b": no such service: ");
                Bytes(path).say(out);
                out.push(b": ");
                out.push(errtext::local(*error).as_bytes());
            }
            Self::NoLog(name) => {
                Bytes(name).say(out);
                out.push(b": no log directory found");
            }
            Self::Unreadable(name, path, error) => {
                Bytes(name).say(out);
                out.push(b": unable to read ");
                Bytes(path).say(out);
                out.push(b": ");
                out.push(errtext::local(*error).as_bytes());
            }
            Self::Compressed(name, count, how, path) => {
                Bytes(name).say(out);
                out.push(b": archives that are compressed and not shown: ");
                Decimal(*count).say(out);
                out.push(b", such as ");
                Bytes(path).say(out);
                out.push(b" (");
                out.push(how.as_bytes());
                out.push(b")");
            }
            Self::Gone(name, path) => {
                Bytes(name).say(out);
                out.push(b": deleted before it could be read: ");
                Bytes(path).say(out);
            }
            Self::NoNumber(value) => {
                out.push(b"-n ");
                Bytes(value).say(out);
                out.push(b": not a number of lines");
            }
            Self::Output(error) => {
                out.push(b"unable to write to standard output: ");
                out.push(errtext::local(*error).as_bytes());
            }
        }
    }
}

impl Message<'_> {
    /// Says it.
    #[inline(never)]
    pub fn tell(&self) {
        let voice = Voice { program: "svlog", subject: None };
        voice.say(
            match self {
                Self::NoNumber(_) | Self::Output(_) => "fatal: ",
                Self::Compressed(..) | Self::Gone(..) => "warning: ",
                _ => "fail: ",
            },
            self,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    struct Text(Vec<u8>);

    impl Sink for Text {
        fn push(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }
    }

    #[test]
    fn sentences() {
        let path = b"/var/log/web".to_vec();
        let name = &b"a\nb"[..];
        let mut text = Text(Vec::new());
        for message in [
            Message::NoService(name, path.clone(), Errno::NOENT),
            Message::NoLog(name),
            Message::Unreadable(name, path.clone(), Errno::ACCESS),
            Message::Compressed(name, 3, "gzip", path.clone()),
            Message::Gone(name, path),
            Message::NoNumber(b"-1"),
            Message::Output(Errno::NOSPC),
        ] {
            message.say(&mut text);
            text.push(b"\n");
        }
        insta::assert_snapshot!(String::from_utf8(text.0).unwrap());
    }
}
