//! `status`, `stat` and `pid`: brought up to date when something changed, and
//! only then (CONTRACT section 1).

use runit_core::diag::{Decimal, Say as _, Voice};
use runit_core::layout::{Names, PUBLIC_MODE};
use runit_core::status::StatusRecord;
use runit_rt::strings::ShortCString;
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
            voice.say("warning: ", error);
        }
        self.failing = result.is_err();
    }

    fn write(&mut self, record: StatusRecord) -> Result<(), SetupError> {
        let pid = Pid::as_raw(record.pid);
        if self.pid_written != Some(pid) {
            let mut text = ShortCString::new();
            if record.pid.is_some() {
                Decimal(pid.into()).say(&mut text);
                text.push(b"\n");
            }
            replace_file(self.names.pid, text.as_bytes(), PUBLIC_MODE)?;
            self.pid_written = Some(pid);
        }
        let mut text = ShortCString::new();
        record.stat_text().say(&mut text);
        text.push(b"\n");
        replace_file(self.names.stat, text.as_bytes(), PUBLIC_MODE)?;
        replace_file(self.names.status, &record.to_bytes(), PUBLIC_MODE)?;
        self.written = Some(record);
        Ok(())
    }
}
