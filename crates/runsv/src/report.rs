//! `status`, `stat` and `pid`: brought up to date when something changed, and
//! only then (CONTRACT section 1).

use core::fmt::Write as _;

use runit_core::diag::{Decimal, Voice};
use runit_core::layout::{Names, PUBLIC_MODE};
use runit_core::status::StatusRecord;
use rustix::process::Pid;

use crate::setup::{SetupError, replace_file};

/// What the files of one service say.
pub struct Report {
    names: &'static Names,
    written: Option<StatusRecord>,
    /// The process id that `pid` holds, 0 for none.
    pid_written: Option<i32>,
    /// Whether the last attempt failed: said once, not at each attempt.
    failing: bool,
}

impl Report {
    /// Of nothing yet: the next update writes all three.
    pub fn new(names: &'static Names) -> Self {
        Self { names, written: None, pid_written: None, failing: false }
    }

    /// Whether the files are behind and another attempt is due later.
    pub fn is_failing(&self) -> bool {
        self.failing
    }

    /// Writes what is not yet as `record` says. `status` comes last: who
    /// waits for it finds the others written.
    pub fn update(&mut self, record: StatusRecord, voice: &Voice<'_>) {
        if self.written == Some(record) {
            return;
        }
        let result = self.write(record);
        if let (Err(error), false) = (&result, self.failing) {
            voice.warning(error);
        }
        self.failing = result.is_err();
    }

    fn write(&mut self, record: StatusRecord) -> Result<(), SetupError> {
        let pid = Pid::as_raw(record.pid);
        if self.pid_written != Some(pid) {
            let mut text = Short::default();
            if record.pid.is_some() {
                // It has room for any number, so this cannot fail.
                let _ = writeln!(text, "{}", Decimal(pid.into()));
            }
            replace_file(self.names.pid, text.as_bytes(), PUBLIC_MODE)?;
            self.pid_written = Some(pid);
        }
        let mut text = Short::default();
        // It has room for the longest text there is.
        let _ = writeln!(text, "{}", record.stat_text());
        replace_file(self.names.stat, text.as_bytes(), PUBLIC_MODE)?;
        replace_file(self.names.status, &record.to_bytes(), PUBLIC_MODE)?;
        self.written = Some(record);
        Ok(())
    }
}

/// A text of at most 47 bytes, with a NUL behind it.
pub struct Short {
    buffer: [u8; 48],
    length: usize,
}

impl Default for Short {
    fn default() -> Self {
        Self { buffer: [0; 48], length: 0 }
    }
}

impl Short {
    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// The text as a C string.
    pub fn as_c_str(&self) -> &core::ffi::CStr {
        core::ffi::CStr::from_bytes_until_nul(&self.buffer).unwrap_or(c"")
    }
}

impl core::fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        // The last byte stays the NUL.
        let last = self.buffer.len() - 1;
        for &byte in text.as_bytes() {
            let room = self.buffer.get_mut(..last).and_then(|room| room.get_mut(self.length));
            *room.ok_or(core::fmt::Error)? = byte;
            self.length += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runit_core::status::{State, Want};

    #[test]
    fn a_short_text_keeps_what_fits() {
        let mut text = Short::default();
        let longest = StatusRecord {
            paused: true,
            got_term: true,
            want: Want::Exit,
            state: State::Finish,
            ..StatusRecord::default()
        };
        writeln!(text, "{}", longest.stat_text()).unwrap();
        assert_eq!(text.as_bytes(), b"finish, paused, got TERM, want exit\n");
        assert_eq!(text.as_c_str(), c"finish, paused, got TERM, want exit\n");
        assert!(text.write_str("more than there is room for").is_err());
    }
}
