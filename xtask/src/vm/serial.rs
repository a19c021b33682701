//! What a guest has said on its serial line, and waiting for it to say something.

use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// All that was read so far, shared with the thread that reads.
#[derive(Clone, Default)]
pub struct Serial(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    text: String,
    ended: bool,
}

/// Why nothing that was waited for has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Its time is over.
    TimedOut,
    /// The line was closed.
    Ended,
}

impl Serial {
    /// Reads `from` in a thread of its own, copying all to `copy`.
    pub fn read(from: impl Read + Send + 'static, copy: impl Write + Send + 'static) -> Self {
        let serial = Self::default();
        let shared = serial.clone();
        std::thread::spawn(move || shared.pump(from, copy));
        serial
    }

    fn pump(&self, mut from: impl Read, mut copy: impl Write) {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let bytes = buffer.get(..length).unwrap_or_default();
            // A transcript that cannot be kept is no reason to stop the check.
            let _ = copy.write_all(bytes);
            // Consoles speak ASCII; whatever else comes is no pattern of ours.
            self.state().text.push_str(&String::from_utf8_lossy(bytes));
            self.0.changed.notify_all();
        }
        self.state().ended = true;
        self.0.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `found` finds something in the text from `from` on; gives that.
    pub fn wait<T>(
        &self,
        from: usize,
        limit: Duration,
        found: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Missing> {
        let end = Instant::now() + limit;
        let mut state = self.state();
        loop {
            if let Some(result) = state.text.get(from..).and_then(&found) {
                return Ok(result);
            }
            if state.ended {
                return Err(Missing::Ended);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Missing::TimedOut);
            }
            let waited = self.0.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How much has been read.
    pub fn length(&self) -> usize {
        self.state().text.len()
    }

    /// The last `lines` lines of what was said, for a person to see.
    pub fn tail(&self, lines: usize) -> String {
        let state = self.state();
        let all: Vec<_> = state.text.lines().collect();
        all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_parts_is_found() {
        let (reader, mut writer) = std::os::unix::net::UnixStream::pair().unwrap();
        let serial = Serial::read(reader, std::io::sink());
        writer.write_all(b"box lo").unwrap();
        let soon = Duration::from_millis(1);
        let limit = Duration::from_secs(20);
        assert_eq!(serial.wait(0, soon, |text| text.find("login: ")), Err(Missing::TimedOut));
        writer.write_all(b"gin: ").unwrap();
        assert_eq!(serial.wait(0, limit, |text| text.find("login: ")), Ok(4));
        drop(writer);
        assert_eq!(serial.wait(5, limit, |text| text.find("login: ")), Err(Missing::Ended));
        assert_eq!((serial.length(), serial.tail(1)), (11, "box login: ".to_owned()));
    }
}
