//! The read buffer, the pipe before it, and where lines end in it.

use runit_rt::bytes;
use runit_rt::pages::Pages;
use rustix::fd::AsFd;
use rustix::io::Errno;
use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};

use crate::clean::Cleaner;

/// What a pipe holds that nobody has made larger.
const PIPE: usize = 64 * 1024;

/// What a pipe is made to hold that was found full, and how much is read at once:
/// its writer waits less, and each wakes up the other less often.
const SIZE: usize = 4 * PIPE;

/// Who reads more than this has found the pipe full, or nearly: a page of it may be
/// little more than half full, where the next write did not fit in whole.
const FULL: usize = PIPE / 2;

/// Room to finish a line in, when there is no room for more lines.
const SPARE: usize = 4096;

/// More than this is given back to the kernel when there is nothing to do.
const HELD_IDLE: usize = 4096;

/// What was read and not yet done with: a batch for the directories, and
/// behind it the beginning of a line.
pub struct Input {
    buffer: Pages,
    have: usize,
    batch: usize,
    /// The batches so far ended within a line.
    inside: bool,
    /// The most that was held since memory was given back.
    peak: usize,
    /// How much was read last.
    last: usize,
    /// What the pipe is to hold again when there is nothing to do; 0 while that is
    /// what it holds.
    narrow: usize,
}

impl Input {
    /// A buffer for `wanted` bytes at least.
    pub fn new(wanted: usize) -> Result<Self, Errno> {
        // A byte of it is for the newline of a last line that has none.
        let size = wanted.max(SIZE).checked_add(SPARE).ok_or(Errno::NOMEM)?;
        Ok(Self {
            buffer: Pages::new(size)?,
            have: 0,
            batch: 0,
            inside: false,
            peak: 0,
            last: 0,
            narrow: 0,
        })
    }

    /// The bytes that are to be written before more is read.
    pub fn batch(&self) -> &[u8] {
        self.buffer.get(..self.batch).unwrap_or_default()
    }

    /// Whether the batch ends within a line.
    pub fn is_inside(&self) -> bool {
        self.inside
    }

    /// The bytes of a line whose end has not been read.
    fn rest(&self) -> usize {
        self.have - self.batch
    }

    /// Drops the batch, which is written.
    pub fn consume(&mut self) {
        if self.batch > 0 {
            bytes::move_down(&mut self.buffer, self.batch, self.have - self.batch, 0);
            self.have -= self.batch;
            self.batch = 0;
        }
    }

    /// Reads once. `Some` is how much, 0 at the end of the input; `None` when
    /// nothing is there now. The batch must have been consumed. All that can
    /// be in a batch is.
    pub fn read(
        &mut self,
        from: impl AsFd,
        cleaner: Option<&Cleaner>,
    ) -> Result<Option<usize>, Errno> {
        let end = self.buffer.len() - SPARE;
        self.take(from, end, cleaner)
    }

    #[inline(never)]
    fn take(
        &mut self,
        from: impl AsFd,
        end: usize,
        cleaner: Option<&Cleaner>,
    ) -> Result<Option<usize>, Errno> {
        let room = self.buffer.get_mut(self.have..end).unwrap_or_default();
        let count = match rustix::io::read(&from, &mut *room) {
            Ok(count) => count,
            Err(Errno::INTR | Errno::AGAIN) => return Ok(None),
            Err(error) => return Err(error),
        };
        let new = room.get_mut(..count).unwrap_or_default();
        if let Some(cleaner) = cleaner {
            cleaner.clean(new);
        }
        if let Some(at) = bytes::find_last(new, b'\n') {
            self.batch = self.have + at + 1;
            self.inside = false;
        }
        self.have += count;
        self.last = count;
        self.peak = self.peak.max(self.have);
        if count > FULL {
            self.widen(from);
        }
        if self.have >= self.buffer.len() - SPARE && self.batch == 0 {
            self.release();
        }
        Ok(Some(count))
    }

    /// Makes the pipe larger that was found full. What cannot be, stays as it is:
    /// what is no pipe, or whose owner has too much in pipes (pipe(7)).
    fn widen(&mut self, pipe: impl AsFd) {
        if self.narrow == 0 {
            let size = fcntl_getpipe_size(&pipe).unwrap_or(SIZE);
            if size < SIZE {
                let _ = fcntl_setpipe_size(pipe, SIZE);
            }
            self.narrow = size;
        }
    }

    /// Whether enough of an unfinished line is here, `length` bytes or its
    /// beginning already gone, to write it before waiting for the rest.
    pub fn could_release(&self, length: usize) -> bool {
        self.rest() > 0 && (self.inside || self.rest() >= length)
    }

    /// Takes the unfinished line into the batch.
    pub fn release(&mut self) {
        self.batch = self.have;
        self.inside = self.have > 0;
    }

    /// Reads on to the end of the line that has begun, as far as it is there
    /// to be read at once (`ready` tells) and finds room, but not beyond.
    pub fn finish_line(
        &mut self,
        from: impl AsFd,
        cleaner: Option<&Cleaner>,
        ready: &mut dyn FnMut() -> bool,
    ) {
        while (self.rest() > 0 || self.inside) && self.have < self.buffer.len() - 1 && ready() {
            let before = self.have;
            if !matches!(self.take(&from, before + 1, cleaner), Ok(Some(1))) {
                break;
            }
        }
    }

    /// No more is to come: an unfinished line gets its newline and is part of
    /// the batch.
    pub fn finish(&mut self) {
        if self.rest() > 0 || self.inside {
            if let Some(end) = self.buffer.get_mut(self.have) {
                *end = b'\n';
                self.have += 1;
            }
            self.batch = self.have;
            self.inside = false;
        }
    }

    /// Whether the last read left most of a pipe free, so that its writer can
    /// go on for a while.
    pub fn left_room(&self) -> bool {
        self.last < PIPE / 8
    }

    /// Whether memory is held that would be better given back when idle.
    pub fn is_swollen(&self) -> bool {
        self.have <= HELD_IDLE && self.peak > HELD_IDLE
    }

    /// Gives the memory back, and makes the pipe as it was.
    pub fn shrink(&mut self, pipe: impl AsFd) {
        // The beginning of a line stays.
        self.buffer.forget_from(if self.have > 0 { HELD_IDLE } else { 0 });
        self.peak = self.have;
        // One that has been filled again meanwhile is made so the next time.
        if self.narrow > 0 && fcntl_setpipe_size(pipe, self.narrow) != Err(Errno::BUSY) {
            self.narrow = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::write;
    use rustix::pipe::pipe;

    #[test]
    fn whole_lines_are_the_batch() {
        let (read, writer) = pipe().unwrap();
        let mut input = Input::new(0).unwrap();
        write(&writer, b"one\ntwo\nthr").unwrap();
        assert_eq!(input.read(&read, None), Ok(Some(11)));
        assert_eq!(input.batch(), b"one\ntwo\n");
        input.consume();
        write(&writer, b"ee\n\nf\x01ur").unwrap();
        input.read(&read, Some(&Cleaner::new(b'_', b""))).unwrap();
        assert_eq!(input.batch(), b"three\n\n");
        input.consume();
        drop(writer);
        assert_eq!(input.read(&read, None), Ok(Some(0)));
        assert_eq!(input.batch(), b"");
        input.finish();
        assert_eq!(input.batch(), b"f_ur\n");
        input.consume();
        assert!(input.is_swollen() == (input.peak > HELD_IDLE));
        input.finish();
        assert_eq!(input.batch(), b"", "no line without a byte");
    }

    #[test]
    fn a_line_longer_than_the_buffer_comes_in_parts() {
        let (read, writer) = pipe().unwrap();
        let mut input = Input::new(0).unwrap();
        assert!(!input.could_release(3));
        for _ in 0..SIZE / 4096 {
            assert!(input.batch().is_empty());
            write(&writer, &[b'x'; 4096]).unwrap();
            input.read(&read, None).unwrap();
            assert!(input.left_room());
        }
        assert!(input.batch().len() == SIZE && input.is_inside());
        input.consume();
        write(&writer, b"yy\nz").unwrap();
        input.read(&read, None).unwrap();
        assert_eq!(input.batch(), b"yy\n");
        assert!(!input.is_inside());
        input.consume();
        assert!(!input.could_release(2) && input.could_release(1));
        input.release();
        assert_eq!(input.batch(), b"z");
        input.consume();
        input.finish();
        assert_eq!(input.batch(), b"\n");
        input.consume();
        assert!(input.is_swollen());
        input.shrink(&read);
        assert!(!input.is_swollen());
    }

    #[test]
    fn a_line_is_finished_but_the_next_one_stays_where_it_is() {
        let (read, writer) = pipe().unwrap();
        let mut input = Input::new(0).unwrap();
        write(&writer, b"begun").unwrap();
        input.read(&read, None).unwrap();
        write(&writer, b", ended\nnext\n").unwrap();
        input.finish_line(&read, None, &mut || true);
        assert_eq!(input.batch(), b"begun, ended\n");
        input.consume();
        input.finish_line(&read, None, &mut || true);
        input.read(&read, None).unwrap();
        assert_eq!(input.batch(), b"next\n");
    }

    /// Reads what fills a pipe as it is.
    fn read_full(input: &mut Input, read: impl AsFd, writer: impl AsFd) {
        write(writer, &std::vec![b'\n'; PIPE]).unwrap();
        assert_eq!(input.read(read, None), Ok(Some(PIPE)));
        input.consume();
    }

    #[test]
    fn a_pipe_found_full_is_larger_until_there_is_nothing_to_do() {
        let (read, writer) = pipe().unwrap();
        let mut input = Input::new(0).unwrap();
        write(&writer, b"a line\n").unwrap();
        input.read(&read, None).unwrap();
        input.consume();
        assert_eq!(fcntl_getpipe_size(&writer), Ok(PIPE));
        for _ in 0..2 {
            read_full(&mut input, &read, &writer);
            assert_eq!(fcntl_getpipe_size(&writer), Ok(SIZE));
            input.shrink(&read);
            assert_eq!(fcntl_getpipe_size(&writer), Ok(PIPE));
        }
    }

    #[test]
    fn a_pipe_is_full_though_writes_leave_room_in_its_pages() {
        let (read, writer) = pipe().unwrap();
        let mut input = Input::new(0).unwrap();
        let line = [&[b'x'; 2048][..], b"\n"].concat();
        for _ in 0..PIPE / 4096 {
            write(&writer, &line).unwrap();
        }
        assert_eq!(input.read(&read, None), Ok(Some(line.len() * PIPE / 4096)));
        assert_eq!(fcntl_getpipe_size(&writer), Ok(SIZE));
    }

    #[test]
    fn a_pipe_filled_again_is_as_it_was_the_next_time() {
        let (read, writer) = pipe().unwrap();
        let mut input = Input::new(0).unwrap();
        read_full(&mut input, &read, &writer);
        write(&writer, &std::vec![b'\n'; PIPE + 1]).unwrap();
        input.shrink(&read);
        assert_eq!(fcntl_getpipe_size(&writer), Ok(SIZE));
        input.read(&read, None).unwrap();
        input.consume();
        input.shrink(&read);
        assert_eq!(fcntl_getpipe_size(&writer), Ok(PIPE));
    }

    #[test]
    fn the_beginning_of_a_line_stays_when_memory_is_given_back() {
        let (read, writer) = pipe().unwrap();
        let mut input = Input::new(0).unwrap();
        read_full(&mut input, &read, &writer);
        write(&writer, b"begun").unwrap();
        input.read(&read, None).unwrap();
        assert!(input.is_swollen());
        input.shrink(&read);
        assert!(!input.is_swollen());
        assert_eq!(fcntl_getpipe_size(&writer), Ok(PIPE));
        input.finish();
        assert_eq!(input.batch(), b"begun\n");
    }

    #[test]
    fn a_pipe_that_was_larger_stays_so() {
        let (read, writer) = pipe().unwrap();
        let mut input = Input::new(0).unwrap();
        let size = fcntl_setpipe_size(&writer, 2 * SIZE).unwrap();
        read_full(&mut input, &read, &writer);
        input.shrink(&read);
        assert_eq!(fcntl_getpipe_size(&writer), Ok(size));
    }
}
