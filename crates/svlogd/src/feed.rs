//! One log directory's way through the lines that were read: select, stamp,
//! prefix, write, rotate. Knows no files: a [`Target`] does what is decided.
//!
//! A batch is a run of bytes that is handed in again and again until all of it
//! is written; a write that fails or is short is taken up where it stopped, so
//! that nothing is lost and nothing is written twice.

use runit_rt::bytes;
use runit_rt::strings::decimal;
use rustix::io::Errno;

use crate::out::Out;
use crate::rotate::{Cut, Fill, Limits};
use crate::rules::Rules;
use crate::stamp::{Stamp, Stamper};
use crate::target::{Counter, Lost, Record, Target};

/// Room for lines that are put together before they are written.
const OUT_SIZE: usize = 32 * 1024;

/// From this length on a line is written from where it was read.
const DIRECT: usize = 2048;

/// How much of a line is quoted where sending it failed.
const QUOTE: usize = 1000;

/// What a line is quoted behind where sending it failed; the reference's words.
const SEND_FAILURE: &[u8] = b"warning: failure sending through udp: ";

/// See the module.
pub struct Feed {
    /// How much of the batch has been taken.
    at: usize,
    /// Put together and not yet written.
    out: Out,
    /// How `current` is filled, counting what waits in `out`.
    fill: Fill,
    /// The same without: what is in the file.
    on_disk: Fill,
    /// Within a line of the input that goes on behind `at`: whether it is
    /// wanted.
    inside: Option<bool>,
    stamper: Stamper,
    /// Rotation was asked for.
    due: bool,
    /// Rotation failed; not again within this batch.
    held: bool,
    lost: Lost,
}

impl Feed {
    /// A feed for an empty `current`, with stamps of this form.
    pub fn new(form: Stamp) -> Result<Self, Errno> {
        Ok(Self {
            at: 0,
            out: Out::new(OUT_SIZE)?,
            fill: Fill::default(),
            on_disk: Fill::default(),
            inside: None,
            stamper: Stamper::new(form),
            due: false,
            held: false,
            lost: Lost::default(),
        })
    }

    /// `current` was opened anew, or is another one, and has `size` bytes.
    pub fn opened(&mut self, size: u64) {
        // A line that has begun in it still counts; what was taken away does not.
        self.on_disk = Fill { size, line: self.on_disk.line.min(size), ..self.on_disk };
        self.fill = self.on_disk;
        self.fill.add(self.out.waiting());
    }

    /// A batch begins, whose stamps start with those of `stamper`.
    pub fn begin(&mut self, stamper: &Stamper) {
        self.at = 0;
        self.held = false;
        self.stamper = stamper.clone();
    }

    /// The batch, all of it written, is no more. Gives the stamper of lines to
    /// come.
    pub fn end(&mut self) -> &Stamper {
        self.at = 0;
        &self.stamper
    }

    /// Leaves out all of the batch, of `length` bytes, which ends within a
    /// line or not: for a directory that was not there when it was read.
    pub fn skip(&mut self, length: usize, inside: bool) {
        self.at = length;
        self.inside = inside.then_some(false);
    }

    /// Gives memory back to the kernel, if nothing waits in it.
    pub fn shrink(&mut self) {
        self.out.shrink();
    }

    /// Asks for rotation, at the next line end, if there is anything to rotate.
    pub fn rotate_soon(&mut self) {
        self.due = true;
        self.held = false;
    }

    /// Whether all of a batch of `length` bytes is written.
    pub fn is_done(&self, length: usize) -> bool {
        self.at == length && self.out.is_empty()
    }

    /// Takes the batch as far as it goes. An error means that the target cannot
    /// be written now: call again, with the same batch.
    pub fn advance(
        &mut self,
        batch: &[u8],
        length: usize,
        rules: &Rules<'_>,
        target: &mut dyn Target,
    ) -> Result<(), Errno> {
        self.own_up(target)?;
        let limits = Limits::new(rules.size, length as u64);
        let head = self.stamper.text().len() + rules.prefix.len();
        let plain = head == 0 && rules.are_none();
        loop {
            self.rotate_if_full(limits, target)?;
            let Some(rest) = batch.get(self.at..).filter(|rest| !rest.is_empty()) else { break };
            match self.inside {
                Some(wanted) => self.go_on(rest, wanted, limits, target)?,
                None if plain => {
                    self.flush(target)?;
                    self.copy(rest, limits, target)?;
                }
                None => self.line(rest, length, head, rules, limits, target)?,
            }
        }
        self.flush(target)?;
        self.rotate_if_full(limits, target)
    }

    /// Gives up what waits of `batch`, counting it.
    pub fn discard(
        &mut self,
        batch: &[u8],
        length: usize,
        rules: &Rules<'_>,
        target: &mut dyn Target,
    ) {
        let on_disk = self.on_disk;
        let lost = core::mem::take(&mut self.lost);
        let mut counter = Counter { lost, inside: on_disk.inside, target };
        // Counting cannot fail.
        let _ = self.advance(batch, length, rules, &mut counter);
        self.lost = counter.lost;
        if self.inside == Some(true) {
            self.lost.lines += 1;
            self.inside = Some(false);
        }
        self.on_disk = on_disk;
        self.fill = on_disk;
    }

    /// What has been given up and not yet been owned up to in the log.
    pub fn lost(&self) -> Lost {
        self.lost
    }

    /// Ends the line in the log whose rest was given up, and says there what was lost.
    fn own_up(&mut self, target: &mut dyn Target) -> Result<(), Errno> {
        // Else what waits ends it, or what is still to come.
        if self.on_disk.inside && self.inside != Some(true) && self.out.is_empty() {
            self.out.put(b"\n");
            self.opened(self.on_disk.size);
        }
        if self.lost.lines == 0 {
            return Ok(());
        }
        // Nothing else waits: what did was given up.
        self.out.put(self.stamper.text());
        self.out.put(b"svlogd: lost ");
        self.out.put(decimal(self.lost.lines, &mut [0; 20]));
        self.out.put(b" lines\n");
        let length = self.out.end();
        let written = target.write(self.out.waiting(), &[]);
        let count = written.unwrap_or(0);
        self.take(count);
        if count + 1 < length {
            // Once more, whole, when there is room. But a newline can wait.
            self.out.take(length);
            return Err(written.err().unwrap_or(Errno::NOSPC));
        }
        self.lost = Lost::default();
        self.opened(self.on_disk.size);
        Ok(())
    }

    #[inline]
    fn rotate_if_full(&mut self, limits: Limits, target: &mut dyn Target) -> Result<(), Errno> {
        if self.fill.size == 0 && !self.fill.inside {
            self.due = false;
        }
        let full = self.due || limits.is_full(self.fill.size);
        if full && !self.fill.inside && !self.held { self.rotate(target) } else { Ok(()) }
    }

    fn rotate(&mut self, target: &mut dyn Target) -> Result<(), Errno> {
        self.flush(target)?;
        if target.rotate() {
            self.due = false;
            self.fill = Fill { inside: self.fill.inside, ..Fill::default() };
            self.on_disk = self.fill;
        } else {
            self.held = true;
        }
        Ok(())
    }

    /// Lines that are written as they came.
    fn copy(&mut self, rest: &[u8], limits: Limits, target: &mut dyn Target) -> Result<(), Errno> {
        let count = match limits.cut(self.fill, rest) {
            _ if self.held => rest.len(),
            Cut::Write(count) => count,
            Cut::Rotate => return self.rotate(target),
        };
        let written = target.write(rest.get(..count).unwrap_or(rest), &[])?;
        let written = rest.get(..written).unwrap_or(rest);
        self.at += written.len();
        self.fill.add(written);
        self.on_disk.add(written);
        self.inside = self.fill.inside.then_some(true);
        Ok(())
    }

    /// The next line, from its start. Nothing is done twice: what can fail
    /// comes first.
    fn line(
        &mut self,
        rest: &[u8],
        length: usize,
        head: usize,
        rules: &Rules<'_>,
        limits: Limits,
        target: &mut dyn Target,
    ) -> Result<(), Errno> {
        let (text, end) = match bytes::find(rest, b'\n') {
            Some(at) => (rest.get(..at).unwrap_or(rest), at + 1),
            None => (rest, rest.len()),
        };
        let first = text.get(..length).unwrap_or(text);
        let wanted = rules.select(rest, first.len());
        let logged = wanted && !rules.remote_only;
        if logged && !self.held && limits.leaves_no_room(self.fill.size, (head + end) as u64) {
            self.rotate(target)?;
        }
        let quote = if rules.remote { SEND_FAILURE.len() + head + QUOTE + 1 } else { 0 };
        if self.out.room() < head + end.min(DIRECT) + quote {
            self.flush(target)?;
        }

        if rules.alerts || rules.remote {
            self.copy_out(first, first.len() < text.len(), wanted, rules, target);
        }
        let ended = end > text.len();
        let whole = end < DIRECT && limits.rest_of_line(0) >= head + end;
        if logged {
            self.out.put(self.stamper.text());
            if !rules.prefix.is_empty() {
                self.out.put(rules.prefix);
            }
            let mut count = head;
            if whole {
                self.out.put(rest.get(..end).unwrap_or(rest));
                self.at += end;
                count += end;
            }
            let inside = !(whole && ended);
            let line = if inside { count as u64 } else { 0 };
            // Without a head the line's first byte is yet to come.
            self.fill =
                Fill { size: self.fill.size + count as u64, line, inside: inside && count > 0 };
            self.inside = inside.then_some(true);
        } else {
            self.at += end;
            self.inside = (!ended).then_some(false);
        }
        self.stamper.advance();
        Ok(())
    }

    /// Copies a line, or its first LEN bytes, to where else it is wanted.
    #[cold]
    fn copy_out(
        &mut self,
        text: &[u8],
        is_cut: bool,
        wanted: bool,
        rules: &Rules<'_>,
        target: &mut dyn Target,
    ) {
        let dots = if is_cut { b"...".as_slice() } else { b"" };
        let record = Record { stamp: self.stamper.text(), prefix: rules.prefix, text, dots };
        if rules.alert(text) {
            target.alert(&record);
        }
        if wanted && rules.remote && !target.send(&record) {
            self.quote(text, rules.prefix);
        }
    }

    /// A line whose beginning has been dealt with.
    fn go_on(
        &mut self,
        rest: &[u8],
        wanted: bool,
        limits: Limits,
        target: &mut dyn Target,
    ) -> Result<(), Errno> {
        let newline = bytes::find(rest, b'\n');
        let end = newline.map_or(rest.len(), |at| at + 1);
        if !wanted {
            self.at += end;
            self.inside = newline.is_none().then_some(false);
            return Ok(());
        }
        let allowed = if self.held { usize::MAX } else { limits.rest_of_line(self.fill.line) };
        if allowed == 0 {
            return self.rotate(target);
        }
        let part = rest.get(..end.min(allowed)).unwrap_or(rest);
        let waiting = self.out.waiting().len();
        let written = target.write(self.out.waiting(), part)?;
        self.take(written.min(waiting));
        let of_part = part.get(..written.saturating_sub(waiting)).unwrap_or(part);
        self.at += of_part.len();
        self.fill.add(of_part);
        self.on_disk.add(of_part);
        if newline.is_some() && of_part.len() == end {
            self.inside = None;
        }
        Ok(())
    }

    /// Writes what waits.
    fn flush(&mut self, target: &mut dyn Target) -> Result<(), Errno> {
        while !self.out.is_empty() {
            let written = target.write(self.out.waiting(), &[])?;
            self.take(written);
        }
        Ok(())
    }

    /// The first `count` bytes that waited have been written.
    fn take(&mut self, count: usize) {
        self.on_disk.add(self.out.waiting().get(..count).unwrap_or_default());
        self.out.take(count);
    }

    /// Logs that a line could not be sent.
    fn quote(&mut self, text: &[u8], prefix: &[u8]) {
        let start = self.out.end();
        self.out.put(SEND_FAILURE);
        self.out.put(self.stamper.text());
        self.out.put(prefix);
        self.out.put(text.get(..QUOTE).unwrap_or(text));
        self.out.put(b"\n");
        self.fill.size += (self.out.end() - start) as u64;
    }
}

#[cfg(test)]
mod tests;
