//! `supervise/status` and `supervise/stat`: what a supervisor tells the world
//! (CONTRACT section 1).

use rustix::process::Pid;

use crate::diag::{Say, Sink};
use crate::tai::{self, Tai64n};

/// The size of a status record in bytes.
pub const SIZE: usize = 20;

/// What a service is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// No process.
    #[default]
    Down,
    /// `run` is running.
    Run,
    /// `run` has ended, `finish` is running.
    Finish,
}

/// What a service is wanted to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Want {
    /// To run, and to run again when it ends.
    #[default]
    Up,
    /// Not to run (again).
    Down,
    /// Not to run again, and then its supervisor is to end. The binary record
    /// does not tell it from `Down`.
    Exit,
}

/// All that is known of a service at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusRecord {
    /// When the state was entered: the start of `run`, or the moment at which
    /// the service came down. `finish` does not change it.
    pub since: Tai64n,
    /// The process, of `run` or of `finish`.
    pub pid: Option<Pid>,
    /// Whether it was told to pause.
    pub paused: bool,
    /// What is wanted.
    pub want: Want,
    /// Whether TERM was sent and the process has not gone yet.
    pub got_term: bool,
    /// What it is doing.
    pub state: State,
}

impl StatusRecord {
    /// The record as `status` holds it.
    pub fn to_bytes(self) -> [u8; SIZE] {
        let state = match self.state {
            State::Down => 0,
            State::Run => 1,
            State::Finish => 2,
        };
        let want = if self.want == Want::Up { b'u' } else { b'd' };
        let [p0, p1, p2, p3] = Pid::as_raw(self.pid).to_le_bytes();
        let rest = [p0, p1, p2, p3, self.paused.into(), want, self.got_term.into(), state];
        let mut bytes = [0; SIZE];
        if let Some(time) = bytes.first_chunk_mut() {
            *time = self.since.to_bytes();
        }
        if let Some(end) = bytes.last_chunk_mut() {
            *end = rest;
        }
        bytes
    }

    /// The record in the bytes of `status`; `None` where there are not 20 of
    /// them, or a pid or state that cannot be.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; SIZE] = bytes.try_into().ok()?;
        let mut since = [0; tai::SIZE];
        since.copy_from_slice(&bytes[..tai::SIZE]);
        let pid = i32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
        if pid < 0 {
            return None;
        }
        Some(Self {
            since: Tai64n::from_bytes(since),
            pid: Pid::from_raw(pid),
            paused: bytes[16] != 0,
            want: if bytes[17] == b'u' { Want::Up } else { Want::Down },
            got_term: bytes[18] != 0,
            state: match bytes[19] {
                0 => State::Down,
                1 => State::Run,
                2 => State::Finish,
                _ => return None,
            },
        })
    }

    /// The record as `stat` words it, without the newline.
    pub fn stat_text(self) -> StatText {
        StatText(self)
    }
}

/// Says a record as the line of `supervise/stat`.
#[derive(Clone, Copy, Debug)]
pub struct StatText(StatusRecord);

impl Say for StatText {
    fn say(&self, out: &mut dyn Sink) {
        let record = self.0;
        out.push(match record.state {
            State::Down => b"down",
            State::Run => b"run",
            State::Finish => b"finish",
        });
        if record.paused {
            out.push(b", paused");
        }
        if record.got_term {
            out.push(b", got TERM");
        }
        match record.want {
            _ if record.state == State::Down => {}
            Want::Up => {}
            Want::Down => out.push(b", want down"),
            Want::Exit => out.push(b", want exit"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use runit_rt::strings::ShortCString;
    use std::string::String;

    const RECORD: StatusRecord = StatusRecord {
        since: Tai64n::from_unix(Duration::new(1, 2)),
        pid: Pid::from_raw(0x0102_0304),
        paused: true,
        want: Want::Up,
        got_term: true,
        state: State::Finish,
    };

    #[test]
    fn the_record_is_laid_out_as_the_contract_says() {
        let expected = [
            0x40, 0, 0, 0, 0, 0, 0, 11, 0, 0, 0, 2, // TAI64N, big-endian
            4, 3, 2, 1, // pid, little-endian
            1, b'u', 1, 2,
        ];
        assert_eq!(RECORD.to_bytes(), expected);
        assert_eq!(StatusRecord::from_bytes(&expected), Some(RECORD));
        let exit = StatusRecord { want: Want::Exit, pid: None, ..RECORD };
        assert_eq!(exit.to_bytes()[12..18], [0, 0, 0, 0, 1, b'd']);
    }

    #[test]
    fn what_is_no_record_is_none() {
        let bytes = RECORD.to_bytes();
        assert_eq!(StatusRecord::from_bytes(&bytes[..19]), None);
        assert_eq!(StatusRecord::from_bytes(&[]), None);
        assert_eq!(StatusRecord::from_bytes(&[0; 21]), None);
        let mut odd = bytes;
        odd[19] = 3;
        assert_eq!(StatusRecord::from_bytes(&odd), None);
        odd = bytes;
        odd[15] = 0x80;
        assert_eq!(StatusRecord::from_bytes(&odd), None);
    }

    fn text(record: StatusRecord) -> String {
        let mut text = ShortCString::new();
        record.stat_text().say(&mut text);
        text.as_c_str().to_string_lossy().into_owned()
    }

    #[test]
    fn the_text_names_what_applies_in_order() {
        let mut record = RECORD;
        assert_eq!(text(record), "finish, paused, got TERM");
        record.want = Want::Exit;
        assert_eq!(text(record), "finish, paused, got TERM, want exit");
        record = StatusRecord { want: Want::Down, state: State::Run, ..StatusRecord::default() };
        assert_eq!(text(record), "run, want down");
        record.state = State::Down;
        assert_eq!(text(record), "down");
    }

    #[test]
    fn every_state_leads_back() {
        for state in [State::Down, State::Run, State::Finish] {
            for want in [Want::Up, Want::Down] {
                let record = StatusRecord { want, state, ..RECORD };
                assert_eq!(StatusRecord::from_bytes(&record.to_bytes()), Some(record));
            }
        }
    }
}
