//! The account of lines: what one `svlogd` has read, and what it has made of
//! that. Judges every byte that it writes, as it writes it.

use runit_core::tai::Tai64n;
use svlogd::rules::Rules;
use svlogd::stamp::{SIZE, Stamp};

/// See the module.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is of an event of its own")]
pub struct Ledger {
    form: Stamp,
    /// Where in the pipe's stream the next line to be written begins.
    at: usize,
    /// What was written of a line.
    line: Vec<u8>,
    /// A part of a line, after which must come a report of its loss.
    fragment: bool,
    /// A write has ended within a report, which comes once more, whole.
    cut: bool,
    /// The line before was all there but for its newline when a write ended: a report that
    /// follows may count it.
    late: bool,
    /// One more line may be lost than was found to be.
    spare: bool,
    /// The line that is being read was reported lost by what was read of it.
    owed: bool,
    /// Where in `line` a file of its own begins.
    split: Option<usize>,
    /// Lines that were reported lost.
    pub lost: u64,
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
        let line = Vec::new();
        let (fragment, cut, late, spare, owed) = (false, false, false, false, false);
        Self { form, at: start, line, fragment, cut, late, spare, owed, split: None, lost: 0 }
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

    /// What is written from now on is in another file.
    pub fn begin_file(&mut self) {
        self.split = Some(self.line.len()).filter(|&length| length > 0);
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
        while let Some(end) = written.iter().position(|&byte| byte == b'\n') {
            self.line.extend_from_slice(written.get(..end).unwrap_or_default());
            written = written.get(end + 1..).unwrap_or_default();
            let before = self.at;
            let line = core::mem::take(&mut self.line);
            let late = end == 0 && !line.is_empty();
            self.judge(&line, late, input, rules, ended)?;
            input = input.get(self.at - before..).unwrap_or_default();
        }
        self.line.extend_from_slice(written);
        let text = self.line.get(self.head()..).unwrap_or_default();
        self.cut = text.starts_with(REPORT.0);
        Ok(())
    }

    fn judge(
        &mut self,
        line: &[u8],
        late: bool,
        input: &[u8],
        rules: &Rules<'_>,
        ended: bool,
    ) -> Result<(), String> {
        let input = self.settle(input, rules, ended);
        // What was written of a line stays where it is when its file is put away, and the rest
        // may be lost.
        if let Some((_, rest)) = self.split.take().and_then(|at| line.split_at_checked(at)) {
            let text = rest.get(self.head()..);
            let whole = self.due(input, rules, ended).is_some_and(|due| line.ends_with(due.text));
            if !whole && text.is_none_or(|text| reported(text).is_some() || is_begun(text)) {
                self.fragment = true;
                return self.judge(rest, false, input, rules, ended);
            }
        }
        let shown = || String::from_utf8_lossy(line.get(..60).unwrap_or(line)).into_owned();
        let head = self.head();
        let (stamp, text) = line.split_at_checked(head).unwrap_or((line, b""));
        if core::mem::take(&mut self.cut) {
            self.fragment = true;
            return Ok(());
        }
        if let Some(count) = reported(text) {
            self.fragment = false;
            // It counts the line before or not.
            let counted = u64::from(core::mem::take(&mut self.late));
            self.lost += counted;
            self.spare = counted > 0;
            return self.skip(count.saturating_sub(counted), input, rules, ended);
        }
        if self.fragment && (stamp.len() < head || is_begun(text)) {
            // The report was cut off too, and comes once more.
            return Ok(());
        }
        if self.fragment {
            return Err(format!("{} after a part of a line", shown()));
        }
        let Some(due) = self.due(input, rules, ended) else {
            // The beginning of a line whose end is not read yet.
            let begun = [rules.prefix, input].concat();
            if !input.is_empty() && (begun.starts_with(text) || stamp.len() < head) {
                self.fragment = true;
                return Ok(());
            }
            return Err(format!("{} was written and not read", shown()));
        };
        let whole = [rules.prefix, due.text].concat();
        if text == whole {
            self.at = due.next;
            self.late = late;
            self.spare = false;
            return self.judge_stamp(stamp);
        }
        if core::mem::take(&mut self.spare) {
            let before = self.at;
            self.skip(1, input, rules, ended)?;
            let input = input.get(self.at - before..).unwrap_or_default();
            return self.judge(line, late, input, rules, ended);
        }
        if whole.starts_with(text) || stamp.len() < head || is_begun(text) {
            self.fragment = true;
            return Ok(());
        }
        let due = String::from_utf8_lossy(due.text.get(..40).unwrap_or(due.text)).into_owned();
        Err(format!("{} was written where {due} was due", shown()))
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

    /// Leaves out the line that was lost before its end was read; what of the input follows.
    fn settle<'a>(&mut self, input: &'a [u8], rules: &Rules<'_>, ended: bool) -> &'a [u8] {
        match self.due(input, rules, ended) {
            Some(due) if self.owed => {
                let rest = input.get(due.next - self.at..).unwrap_or_default();
                self.at = due.next;
                self.owed = false;
                rest
            }
            _ => input,
        }
    }

    /// Counts `count` lines as lost.
    fn skip(
        &mut self,
        count: u64,
        mut input: &[u8],
        rules: &Rules<'_>,
        ended: bool,
    ) -> Result<(), String> {
        self.lost += count;
        for left in (0..count).rev() {
            let Some(due) = self.due(input, rules, ended) else {
                // Of a long line what is here may be lost before its end is.
                if left == 0 && !self.owed && !input.is_empty() {
                    self.owed = true;
                    return Ok(());
                }
                return Err(format!("{count} lines reported lost, which were not read"));
            };
            input = input.get(due.next - self.at..).unwrap_or_default();
            self.at = due.next;
        }
        Ok(())
    }

    /// At the end, of `lost` lines that were given up: nothing else is left.
    pub fn close(&mut self, lost: u64, input: &[u8], rules: &Rules<'_>) -> Result<(), String> {
        let input = self.settle(input, rules, true);
        let before = self.at;
        self.skip(lost, input, rules, true)?;
        let mut rest = input.get(self.at - before..).unwrap_or_default();
        if self.spare && self.due(rest, rules, true).is_some() {
            self.skip(1, rest, rules, true)?;
            rest = input.get(self.at - before..).unwrap_or_default();
        }
        match self.due(rest, rules, true) {
            Some(due) => {
                let text = due.text.get(..40).unwrap_or(due.text);
                Err(format!(
                    "{} was read, not written, and not reported lost",
                    String::from_utf8_lossy(text)
                ))
            }
            None => Ok(()),
        }
    }
}

/// What a report of lost lines begins and ends with.
const REPORT: (&[u8], &[u8]) = (b"svlogd: lost ", b" lines");

/// Whether the text is the beginning of a report.
fn is_begun(text: &[u8]) -> bool {
    match text.strip_prefix(REPORT.0) {
        Some(rest) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            REPORT.1.starts_with(rest.get(digits..).unwrap_or_default())
        }
        None => REPORT.0.starts_with(text),
    }
}

/// How many lines a report says are lost.
fn reported(text: &[u8]) -> Option<u64> {
    let rest = text.strip_prefix(REPORT.0)?.strip_suffix(REPORT.1)?;
    core::str::from_utf8(rest).ok()?.parse().ok()
}
