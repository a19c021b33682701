//! The account of lines: what one `svlogd` has read, and what it has made of
//! that. Judges every byte that it writes, as it writes it.

use runit_core::tai::Tai64n;
use svlogd::rules::Rules;
use svlogd::stamp::{SIZE, Stamp};

/// See the module.
#[derive(Debug)]
pub struct Ledger {
    form: Stamp,
    /// Where in the pipe's stream the next line to be written begins; or goes on, see `rest`.
    at: usize,
    /// What was written of a line.
    line: Vec<u8>,
    /// What ends the log is given up: only its newline may follow.
    torn: bool,
    /// The line at `at` has begun before, and is given up to its end.
    rest: bool,
    /// Lines that were given up, and are to be reported lost before anything else is written.
    owed: u64,
}

/// A line of the input that is to be logged.
struct Due<'a> {
    text: &'a [u8],
    /// Where the one after it begins.
    next: usize,
}

impl Ledger {
    /// Of who reads the pipe's stream from `start` on.
    pub fn new(form: Stamp, start: usize) -> Self {
        Self { form, at: start, line: Vec::new(), torn: false, rest: false, owed: 0 }
    }

    /// Where the next line to be written begins.
    pub fn position(&self) -> usize {
        self.at
    }

    /// How much stands before a line.
    fn head(&self) -> usize {
        if matches!(self.form, Stamp::None) { 0 } else { SIZE }
    }

    /// The next line that is to be logged. `input` begins where `at` is.
    fn due<'a>(&self, input: &'a [u8], rules: &Rules<'_>, ended: bool) -> Option<Due<'a>> {
        let mut next = self.at;
        let mut rest = input;
        loop {
            let end = rest.iter().position(|&byte| byte == b'\n');
            let (text, length) = match end {
                Some(end) => (rest.get(..end)?, end + 1),
                None if ended && !rest.is_empty() => (rest, rest.len()),
                None => return None,
            };
            next += length;
            let first = text.get(..crate::logger::LENGTH).unwrap_or(text);
            if rules.select(first, first.len()) {
                return Some(Due { text, next });
            }
            rest = rest.get(length..)?;
        }
    }

    /// Takes note of what was written, `input` being what was read from
    /// [`position`](Self::position) on, the last of it `ended` or not.
    pub fn write(
        &mut self,
        mut written: &[u8],
        mut input: &[u8],
        rules: &Rules<'_>,
        ended: bool,
    ) -> Result<(), String> {
        if self.torn && written.first().is_some_and(|&first| first != b'\n') {
            return Err(format!("{} goes on with what was given up", shown(written)));
        }
        while let Some(end) = written.iter().position(|&byte| byte == b'\n') {
            self.line.extend_from_slice(written.get(..end).unwrap_or_default());
            written = written.get(end + 1..).unwrap_or_default();
            let before = self.at;
            let line = core::mem::take(&mut self.line);
            self.judge(&line, input, rules, ended)?;
            input = input.get(self.at - before..).unwrap_or_default();
        }
        self.line.extend_from_slice(written);
        if self.owed > 0 && !self.line.is_empty() {
            // A report that is cut comes once more, unless it lacks but its newline.
            let line = core::mem::take(&mut self.line);
            if self.begins(&line, &report(self.owed))? {
                self.owed = 0;
            }
            self.torn = true;
        }
        Ok(())
    }

    /// A line that has ended.
    fn judge(
        &mut self,
        line: &[u8],
        input: &[u8],
        rules: &Rules<'_>,
        ended: bool,
    ) -> Result<(), String> {
        if core::mem::take(&mut self.torn) {
            return Ok(());
        }
        let (whole, next) = if self.owed > 0 {
            (report(self.owed), self.at)
        } else {
            let input = self.leave_rest(input, ended);
            let due = self.due(input, rules, ended);
            let due = due.ok_or_else(|| format!("{} was written and not read", shown(line)))?;
            ([rules.prefix, due.text].concat(), due.next)
        };
        if !self.begins(line, &whole)? {
            return Err(format!("{} ends before {}", shown(line), shown(&whole)));
        }
        self.owed = 0;
        self.at = next;
        Ok(())
    }

    /// Whether the line is all of `whole` behind its stamp. It must begin like that.
    fn begins(&self, line: &[u8], whole: &[u8]) -> Result<bool, String> {
        let Some((stamp, text)) = line.split_at_checked(self.head()) else { return Ok(false) };
        self.judge_stamp(stamp)?;
        if !whole.starts_with(text) {
            return Err(format!("{} was written where {} was due", shown(line), shown(whole)));
        }
        Ok(text.len() == whole.len())
    }

    fn judge_stamp(&self, stamp: &[u8]) -> Result<(), String> {
        if !matches!(self.form, Stamp::Tai) {
            return Ok(());
        }
        if Tai64n::from_label(stamp).is_none() {
            return Err(format!("{} is no label", String::from_utf8_lossy(stamp)));
        }
        Ok(())
    }

    /// Leaves out the rest of a line that was given up before its end was read; what of the
    /// input follows.
    fn leave_rest<'a>(&mut self, input: &'a [u8], ended: bool) -> &'a [u8] {
        if !self.rest {
            return input;
        }
        let end = input.iter().position(|&byte| byte == b'\n');
        let length = end.map_or(input.len(), |end| end + 1);
        self.at += length;
        self.rest = end.is_none() && !ended;
        input.get(length..).unwrap_or_default()
    }

    /// Everything up to the end of `batch`, which was read from [`position`](Self::position)
    /// on, is given up, but for what is written.
    pub fn give_up(&mut self, batch: &[u8], rules: &Rules<'_>, ended: bool) -> Result<(), String> {
        let mut rest = self.leave_rest(batch, ended);
        let line = core::mem::take(&mut self.line);
        let mut begun = !line.is_empty();
        self.torn |= begun;
        // What there is of the last line is given up, and what will be with it.
        while let Some(due) = self.due(rest, rules, true) {
            let taken = rest.get(..due.next - self.at).unwrap_or(rest);
            rest = rest.get(taken.len()..).unwrap_or_default();
            self.rest = !ended && !taken.ends_with(b"\n");
            self.at = due.next;
            // Of a line that lacks but its newline nothing is lost.
            let whole = core::mem::take(&mut begun)
                && self.begins(&line, &[rules.prefix, due.text].concat())?;
            self.owed += u64::from(self.rest || !whole);
        }
        if begun { Err(format!("{} was written and not read", shown(&line))) } else { Ok(()) }
    }

    /// At the end, where `lost` lines were given up and not reported: nothing else is left.
    pub fn close(&mut self, lost: u64, input: &[u8], rules: &Rules<'_>) -> Result<(), String> {
        if lost != self.owed {
            return Err(format!("{lost} lines are said to be lost, and {} are", self.owed));
        }
        if !self.line.is_empty() {
            return Err(format!("{} was written and not read", shown(&self.line)));
        }
        let input = self.leave_rest(input, true);
        self.due(input, rules, true).map_or(Ok(()), |due| {
            Err(format!("{} was read, not written, and not reported lost", shown(due.text)))
        })
    }
}

/// What `svlogd` writes of lost lines.
fn report(lost: u64) -> Vec<u8> {
    format!("svlogd: lost {lost} lines").into_bytes()
}

/// The beginning of a line, for messages.
fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line.get(..60).unwrap_or(line)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use svlogd::config::Config;

    const INPUT: &[u8] = b"one\ntwo\nthree\nfour\n";

    /// What the account says of `first`, and of what was written after all but `four` had
    /// been given up.
    fn judged(first: &[u8], then: &[&[u8]]) -> Result<(), String> {
        let config = Config::default();
        let rules = config.rules();
        let mut ledger = Ledger::new(Stamp::None, 0);
        ledger.write(first, INPUT, &rules, false)?;
        let end = INPUT.len() - b"four\n".len();
        ledger.give_up(&INPUT[ledger.position()..end], &rules, false)?;
        for part in then {
            ledger.write(part, &INPUT[ledger.position()..], &rules, false)?;
        }
        ledger.close(0, &INPUT[ledger.position()..], &rules)
    }

    #[test]
    fn each_line_is_written_or_reported_lost() {
        let ok: [(&[u8], &[&[u8]]); 6] = [
            (b"", &[b"svlogd: lost 3 lines\n", b"four\n"]),
            (b"one\n", &[b"svlogd: lost 2 lines\n", b"four\n"]),
            (b"one\ntw", &[b"\nsvlogd: lost 2 lines\n", b"four\n"]),
            (b"one\ntwo", &[b"\nsvlogd: lost 1 lines\n", b"four\n"]),
            (b"one\ntwo\nthree", &[b"\n", b"four\n"]),
            (b"o", &[b"\n", b"svlogd:", b"\nsvlogd: lost 3 lines", b"\nfour\n"]),
        ];
        for (first, then) in ok {
            assert_eq!(judged(first, then), Ok(()), "{}", shown(first));
        }
        let wrong: [(&[u8], &[&[u8]]); 9] = [
            (b"", &[b"four\n"]),
            (b"", &[b"svlogd: lost 2 lines\n", b"four\n"]),
            (b"", &[b"svlogd: lost 3 lines\n"]),
            (b"", &[b"svlogd: lost 3 lines\n", b"svlogd: lost 3 lines\n", b"four\n"]),
            (b"one\ntw", &[b"svlogd: lost 2 lines\n", b"four\n"]),
            (b"one\ntwo", &[b"\nsvlogd: lost 2 lines\n", b"four\n"]),
            (b"one\ntwo\nthree", &[b"four\n"]),
            (b"", &[b"svlogd: lost 3 lines", b"\nsvlogd: lost 3 lines\n", b"four\n"]),
            (b"oe", &[b"\nsvlogd: lost 3 lines\n", b"four\n"]),
        ];
        for (first, then) in wrong {
            let parts = [&[first], then].concat();
            assert!(judged(first, then).is_err(), "{}", shown(&parts.concat()));
        }
    }

    #[test]
    fn the_rest_of_a_line_that_was_given_up_is_not_to_come() {
        let config = Config::default();
        let rules = config.rules();
        let mut ledger = Ledger::new(Stamp::None, 0);
        ledger.give_up(b"be", &rules, false).unwrap();
        ledger.give_up(b"gun, e", &rules, false).unwrap();
        ledger.write(b"svlogd: lost 1 lines\n", b"nded\nnext\n", &rules, false).unwrap();
        ledger.write(b"next\n", b"nded\nnext\n", &rules, false).unwrap();
        assert_eq!(ledger.close(0, b"", &rules), Ok(()));
    }
}
