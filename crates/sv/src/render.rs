//! The lines that people and programs read, byte for byte those of the
//! reference (CONTRACT section 4).

use alloc::vec::Vec;
use core::mem::ManuallyDrop;

use runit_core::diag::Sink;
use runit_core::status::{State, StatusRecord, Want};
use runit_core::tai::Tai64n;
use runit_rt::strings::decimal;
use rustix::process::Pid;

use crate::client::{Normally, Trouble, View};

/// Text to be written at once.
#[derive(Debug)]
pub struct Text {
    /// The bytes so far. Not given back: our allocator takes nothing back, and
    /// the code that would is longer than what it gives.
    pub bytes: ManuallyDrop<Vec<u8>>,
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
        Self { bytes: ManuallyDrop::new(Vec::new()) }
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

    /// `run: NAME: (pid 42) 7s, want down`, or `fail: NAME: runsv not running`,
    /// without a newline.
    #[inline(never)]
    pub fn view(&mut self, name: &[u8], part: PartOf, view: &View, now: Tai64n) {
        let Some(trouble) = view.trouble else {
            return self.state(if part == PartOf::Log { b"log" } else { name }, view, now);
        };
        self.add(if trouble.is_fail() { "fail: " } else { "warning: " });
        self.name(name);
        self.add(part.suffix());
        self.add(": ");
        self.sentence(trouble);
    }

    #[inline(never)]
    fn state(&mut self, name: &[u8], view: &View, now: Tai64n) {
        let record = &view.record;
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
        let has_process = record.pid.is_some();
        self.add_if(has_process, view.normally == Some(Normally::Down), ", normally down");
        self.add_if(!has_process, view.normally == Some(Normally::Up), ", normally up");
        self.add_if(has_process, record.paused, ", paused");
        self.add_if(!has_process, record.want == Want::Up, ", want up");
        self.add_if(has_process, record.want != Want::Up, ", want down");
        self.add_if(has_process, record.got_term, ", got TERM");
    }

    fn add_if(&mut self, applies: bool, condition: bool, text: &str) {
        if applies && condition {
            self.add(text);
        }
    }
}

/// Which of the two services of a service directory is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartOf {
    /// The service itself.
    Service,
    /// Its log service.
    Log,
}

impl PartOf {
    /// What stands behind the service's name in its own.
    pub fn suffix(self) -> &'static str {
        if self == Self::Log { "/log" } else { "" }
    }
}

/// The number of the process, 0 for none.
pub fn process_id(record: &StatusRecord) -> u64 {
    // Not map_or: LLVM 19 takes the result of unsigned_abs for other than 0 then
    // (seen on aarch64 with rustc 1.85).
    Pid::as_raw(record.pid).unsigned_abs().into()
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

    #[test]
    fn there_is_no_text_at_first() {
        assert!(Text::default().bytes.is_empty());
    }

    /// Seven seconds after the parts below entered their states.
    pub const NOW: Tai64n = Tai64n::from_unix(Duration::new(1_000_000_007, 0));
    const SINCE: Tai64n = Tai64n::from_unix(Duration::new(1_000_000_000, 999_999_999));

    fn seen(state: State, pid: i32, want: Want, normally: Normally) -> View {
        let pid = Pid::from_raw(pid);
        let record = StatusRecord { since: SINCE, pid, want, state, ..StatusRecord::default() };
        View { record, normally: Some(normally), ..View::default() }
    }

    /// One of each kind.
    pub fn views() -> Vec<View> {
        let up = seen(State::Run, 42, Want::Up, Normally::Up);
        let mut all = std::vec![
            up,
            seen(State::Run, 42, Want::Up, Normally::Down),
            seen(State::Down, 0, Want::Down, Normally::Up),
            seen(State::Down, 0, Want::Down, Normally::Down),
            seen(State::Down, 0, Want::Up, Normally::Up),
            seen(State::Finish, 43, Want::Down, Normally::Up),
        ];
        let mut flags = seen(State::Run, 42, Want::Down, Normally::Down);
        flags.record.paused = true;
        flags.record.got_term = true;
        all.push(flags);
        flags.record.pid = None;
        flags.record.state = State::Down;
        all.push(flags);
        all.push(View { normally: None, down_error: Some(Errno::LOOP), ..up });
        for trouble in [
            Trouble::Directory(Errno::NOENT),
            Trouble::LogDirectory(Errno::NOTDIR),
            Trouble::NotRunning,
            Trouble::Open(File::Ok, Errno::NOENT),
            Trouble::Open(File::Ok, Errno::ACCESS),
            Trouble::Open(File::Status, Errno::NOENT),
            Trouble::Open(File::Control, Errno::ACCESS),
            Trouble::NotFifo(File::Ok),
            Trouble::NotFifo(File::Control),
            Trouble::Read(Errno::IO),
            Trouble::Format,
            Trouble::Write(Errno::AGAIN),
        ] {
            all.push(View { trouble: Some(trouble), ..View::default() });
        }
        all
    }

    #[test]
    fn lines() {
        let mut text = Text::new();
        for view in views() {
            text.view(b"name", PartOf::Service, &view, NOW);
            text.add("; ");
            text.view(b"name", PartOf::Log, &view, NOW);
            text.add("\n");
        }
        insta::assert_snapshot!(String::from_utf8(text.bytes.to_vec()).unwrap());
    }

    #[test]
    fn a_name_is_shown_as_given_and_never_ends_its_line() {
        let mut text = Text::new();
        text.name(b"a b\xe9\xc3\xa9\n\x1b[1m\x7f\\");
        assert_eq!(*text.bytes, b"a b\xe9\xc3\xa9\\n\\x1b[1m\\x7f\\");
    }
}
