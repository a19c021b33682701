//! What a [`Feed`](crate::feed::Feed) acts on, and what passes between them.

use rustix::io::Errno;

use crate::out::Out;

/// A line, or its first LEN bytes, for standard error or the network.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Stamp and blank, or nothing.
    pub stamp: &'a [u8],
    /// The directory's prefix.
    pub prefix: &'a [u8],
    /// The text without its newline.
    pub text: &'a [u8],
    /// What follows instead of the rest: `...` or nothing.
    pub dots: &'static [u8],
}

impl Record<'_> {
    /// How many bytes it has as a line.
    pub fn size(&self) -> usize {
        self.stamp.len() + self.prefix.len() + self.text.len() + self.dots.len() + 1
    }

    /// Appends it as a line.
    pub fn put_into(&self, out: &mut Out) {
        for part in [self.stamp, self.prefix, self.text, self.dots, b"\n"] {
            out.put(part);
        }
    }
}

/// What a feed acts on.
pub trait Target {
    /// Appends to `current`, first `head`, then `tail`; gives how many bytes of
    /// both together were taken, at least one of what is not empty.
    fn write(&mut self, head: &[u8], tail: &[u8]) -> Result<usize, Errno>;
    /// Makes `current` an old file and opens a new one. `false`: not possible
    /// now, `current` stays and can be written.
    fn rotate(&mut self) -> bool;
    /// Copies a line to standard error.
    fn alert(&mut self, record: &Record<'_>);
    /// Sends a line; whether it could.
    fn send(&mut self, record: &Record<'_>) -> bool;
}

/// How much was given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Lines; one that was written in part counts.
    pub lines: u64,
    /// Bytes, with stamps and prefixes.
    pub bytes: u64,
}

/// A target that counts what it does not write.
pub(crate) struct Counter<'a> {
    /// How much it was.
    pub lost: Lost,
    /// `current` ends within a line: one that lacks but its newline is all there.
    pub inside: bool,
    /// For what is no writing.
    pub target: &'a mut dyn Target,
}

impl Target for Counter<'_> {
    fn write(&mut self, head: &[u8], tail: &[u8]) -> Result<usize, Errno> {
        for &byte in head.iter().chain(tail) {
            let ended = u64::from(byte == b'\n');
            let whole = u64::from(core::mem::take(&mut self.inside)) & ended;
            self.lost.bytes += 1 - whole;
            self.lost.lines += ended - whole;
        }
        Ok(head.len() + tail.len())
    }

    fn rotate(&mut self) -> bool {
        false
    }

    fn alert(&mut self, record: &Record<'_>) {
        self.target.alert(record);
    }

    fn send(&mut self, record: &Record<'_>) -> bool {
        self.target.send(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hears what is no writing.
    #[derive(Default)]
    struct Heard {
        alerts: usize,
        sent: usize,
    }

    impl Target for Heard {
        fn write(&mut self, _: &[u8], _: &[u8]) -> Result<usize, Errno> {
            panic!("what is counted is not written")
        }

        fn rotate(&mut self) -> bool {
            panic!("nor does it fill a file")
        }

        fn alert(&mut self, _: &Record<'_>) {
            self.alerts += 1;
        }

        fn send(&mut self, _: &Record<'_>) -> bool {
            self.sent += 1;
            true
        }
    }

    const RECORD: Record<'static> =
        Record { stamp: b"@1 ", prefix: b"p: ", text: b"text", dots: b"..." };

    #[test]
    fn a_record_is_as_long_as_its_line() {
        let mut out = Out::new(100).unwrap();
        RECORD.put_into(&mut out);
        assert_eq!(out.waiting(), b"@1 p: text...\n");
        assert_eq!(out.waiting().len(), RECORD.size());
    }

    #[test]
    fn a_counter_counts_and_hands_the_rest_on() {
        let mut heard = Heard::default();
        let mut counter = Counter { lost: Lost::default(), inside: false, target: &mut heard };
        assert_eq!(counter.write(b"one\ntw", b"o\nth"), Ok(10));
        assert!(!counter.rotate());
        counter.alert(&RECORD);
        assert!(counter.send(&RECORD));
        assert_eq!(counter.lost, Lost { lines: 2, bytes: 10 });
        counter.inside = true;
        assert_eq!(counter.write(b"", b"\n\nx"), Ok(3));
        assert_eq!(counter.lost, Lost { lines: 3, bytes: 12 }, "the first ends what is there");
        assert_eq!((heard.alerts, heard.sent), (1, 1));
    }
}
