//! The lines that people and programs read, byte for byte those of the
//! reference (CONTRACT section 4).

use alloc::vec::Vec;

use runit_core::diag::Sink;
use runit_core::status::{State, StatusRecord, Want};
use runit_core::tai::Tai64n;
use runit_rt::strings::decimal;

use crate::client::{Normally, Part, Report, Trouble};

/// Text to be written at once.
#[derive(Debug)]
pub struct Text {
    /// The bytes so far.
    pub bytes: Vec<u8>,
}

impl Sink for Text {
    #[inline(never)]
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
}

impl Text {
    /// No text yet.
    // A call is shorter than what it does.
    #[inline(never)]
    pub fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Appends `text`.
    pub fn add(&mut self, text: &str) {
        self.push(text.as_bytes());
    }

    /// Appends a name as it was given; only control characters, with which a
    /// name could end its line or steer a terminal, become `\n` or `\x` and
    /// two digits.
    pub fn name(&mut self, name: &[u8]) {
        for &byte in name {
            match byte {
                b'\n' => self.add("\\n"),
                0..0x20 | 0x7f => self.escape("\\x", byte),
                _ => self.push(&[byte]),
            }
        }
    }

    /// Appends `before` and the two hexadecimal digits of a byte.
    pub fn escape(&mut self, before: &str, byte: u8) {
        self.add(before);
        for digit in [byte >> 4, byte & 15] {
            self.push(&[if digit < 10 { b'0' + digit } else { b'a' - 10 + digit }]);
        }
    }

    /// Appends `number` in decimal digits.
    pub fn number(&mut self, number: u64) {
        self.push(decimal(number, &mut [0; 20]));
    }

    /// Appends what is wrong with a service.
    #[inline(never)]
    pub fn sentence(&mut self, trouble: Trouble) {
        self.add(trouble.what());
        let why = trouble.why();
        if !why.is_empty() {
            self.add(": ");
            self.add(why);
        }
    }

    /// `run: NAME: (pid 42) 7s, want down`: a state, without a newline.
    pub fn state(&mut self, name: &[u8], part: &Part, now: Tai64n) {
        let record = &part.record;
        self.add(state_word(record.state));
        self.add(": ");
        self.name(name);
        self.add(": ");
        if record.state != State::Down {
            self.add("(pid ");
            self.number(process_id(record));
            self.add(") ");
        }
        self.number(now.seconds_since(record.since));
        self.add("s");
        let normally = part.normally.ok();
        if record.pid.is_some() {
            self.add_if(normally == Some(Normally::Down), ", normally down");
            self.add_if(record.paused, ", paused");
            self.add_if(record.want != Want::Up, ", want down");
            self.add_if(record.got_term, ", got TERM");
        } else {
            self.add_if(normally == Some(Normally::Up), ", normally up");
            self.add_if(record.want == Want::Up, ", want up");
        }
    }

    fn add_if(&mut self, condition: bool, text: &str) {
        if condition {
            self.add(text);
        }
    }

    /// `fail: NAME: runsv not running`, without a newline.
    pub fn trouble(&mut self, name: &[u8], trouble: Trouble) {
        self.label(name, trouble);
        self.add(": ");
        self.sentence(trouble);
    }

    #[inline(never)]
    fn label(&mut self, name: &[u8], trouble: Trouble) {
        self.add(if trouble.is_fail() { "fail: " } else { "warning: " });
        self.name(name);
    }

    /// A line of `status`.
    pub fn status(&mut self, name: &[u8], report: &Report, now: Tai64n) {
        match &report.service {
            Ok(part) => self.state(name, part, now),
            Err(trouble) => self.trouble(name, *trouble),
        }
        if let Some(log) = &report.log {
            self.add("; ");
            match log {
                Ok(part) => self.state(b"log", part, now),
                Err(trouble) => {
                    self.label(name, *trouble);
                    self.add("/log: ");
                    self.sentence(*trouble);
                }
            }
        }
        self.add("\n");
    }
}

/// The number of the process, 0 for none.
pub fn process_id(record: &StatusRecord) -> u64 {
    record.pid.map_or(0, |pid| pid.as_raw_nonzero().get().unsigned_abs().into())
}

/// The word for a state.
pub fn state_word(state: State) -> &'static str {
    match state {
        State::Down => "down",
        State::Run => "run",
        State::Finish => "finish",
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::client::File;
    use core::time::Duration;
    use rustix::io::Errno;
    use rustix::process::Pid;
    use std::string::String;

    /// Seven seconds after the parts below entered their states.
    pub const NOW: Tai64n = Tai64n::from_unix(Duration::new(1_000_000_007, 0));
    const SINCE: Tai64n = Tai64n::from_unix(Duration::new(1_000_000_000, 999_999_999));

    pub fn part(state: State, pid: i32, want: Want, normally: Normally) -> Part {
        let pid = Pid::from_raw(pid);
        let record = StatusRecord { since: SINCE, pid, want, state, ..StatusRecord::default() };
        Part { record, normally: Ok(normally) }
    }

    /// One of each kind.
    pub fn reports() -> Vec<Report> {
        let alone = |part| Report { service: Ok(part), log: None };
        let up = part(State::Run, 42, Want::Up, Normally::Up);
        let mut all = std::vec![
            alone(up),
            alone(part(State::Run, 42, Want::Up, Normally::Down)),
            alone(part(State::Down, 0, Want::Down, Normally::Up)),
            alone(part(State::Down, 0, Want::Down, Normally::Down)),
            alone(part(State::Down, 0, Want::Up, Normally::Up)),
            alone(part(State::Finish, 43, Want::Down, Normally::Up)),
        ];
        let mut flags = part(State::Run, 42, Want::Down, Normally::Down);
        flags.record.paused = true;
        flags.record.got_term = true;
        all.push(alone(flags));
        flags.record.pid = None;
        flags.record.state = State::Down;
        all.push(alone(flags));
        all.push(alone(Part { normally: Err(Errno::LOOP), ..up }));
        let log = Part { record: StatusRecord { pid: Pid::from_raw(41), ..up.record }, ..up };
        let denied = Trouble::Open(File::Ok, Errno::ACCESS);
        for log in [
            Ok(log),
            Err(Trouble::NotRunning),
            Err(denied),
            Err(Trouble::LogDirectory(Errno::NOTDIR)),
        ] {
            all.push(Report { service: Ok(up), log: Some(log) });
        }
        let none = Errno::NOENT;
        for trouble in [
            Trouble::Directory(none),
            Trouble::NotRunning,
            Trouble::Open(File::Ok, none),
            Trouble::Open(File::Status, none),
            Trouble::NotFifo(File::Control),
            Trouble::Read(Errno::IO),
            Trouble::Format,
            Trouble::Write(Errno::AGAIN),
        ] {
            all.push(Report { service: Err(trouble), log: None });
        }
        all
    }

    #[test]
    fn lines() {
        let mut text = Text::new();
        for report in reports() {
            text.status(b"name", &report, NOW);
        }
        insta::assert_snapshot!(String::from_utf8(text.bytes).unwrap());
    }

    #[test]
    fn a_name_is_shown_as_given_and_never_ends_its_line() {
        let mut text = Text::new();
        text.name(b"a b\xe9\xc3\xa9\n\x1b[1m\x7f\\");
        assert_eq!(text.bytes, b"a b\xe9\xc3\xa9\\n\\x1b[1m\\x7f\\");
    }
}
