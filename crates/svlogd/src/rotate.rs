//! When `current` is rotated, and which old files are deleted (CONTRACT
//! section 6): decisions without a system call.

use runit_rt::bytes;

/// What limits the size of `current`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes it is to have.
    most: u64,
    /// With so many, at least one, it is full at a line's end.
    full: u64,
}

/// How far `current` is filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fill {
    /// Bytes in it.
    pub size: u64,
    /// Those of them that belong to a line not yet ended.
    pub line: u64,
    /// Whether the last byte that came was not a line's end. With `line` 0:
    /// the line has been split, and goes on in a new file.
    pub inside: bool,
}

/// What to do next with lines that come as they are to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Write this many bytes, at least one.
    Write(usize),
    /// Rotate first.
    Rotate,
}

impl Fill {
    /// After `written` has gone into `current`.
    pub fn add(&mut self, written: &[u8]) {
        let Some(&last) = written.last() else { return };
        self.size += written.len() as u64;
        self.inside = last != b'\n';
        self.line = match bytes::find_last(written, b'\n') {
            Some(end) => (written.len() - end - 1) as u64,
            None => self.line + written.len() as u64,
        };
    }
}

impl Limits {
    /// `current` is to have no more than `size` bytes, 0 for no limit; it is full at the first
    /// line's end within `length` bytes of that. Where the size is not above the length, it is
    /// full when it is as large as it may be. (In the reference at every line's end, where the
    /// two are equal.)
    pub fn new(size: u64, length: u64) -> Self {
        let most = if size == 0 { u64::MAX } else { size };
        Self { most, full: if most > length { most - length } else { most } }
    }

    /// Whether `current`, `size` bytes large and at a line's end, is full.
    pub fn is_full(self, size: u64) -> bool {
        size >= self.full
    }

    /// Whether a line of `length` bytes in all must not begin where `current`
    /// has `size` bytes, since it would pass the limit.
    pub fn leaves_no_room(self, size: u64, length: u64) -> bool {
        size > 0 && size.saturating_add(length) > self.most
    }

    /// How many more bytes of a line may go into the file that has `line`
    /// bytes of it: a line is split only when it alone is longer than the
    /// limit. One that was begun before its length was known may thus take
    /// the file beyond the limit, to less than twice of it.
    pub fn rest_of_line(self, line: u64) -> usize {
        usize::try_from(self.most.saturating_sub(line)).unwrap_or(usize::MAX)
    }

    /// How to go on with `lines`, which are not empty, where `current` is
    /// filled thus and not full. Looks at no more bytes than it must.
    pub fn cut(self, fill: Fill, lines: &[u8]) -> Cut {
        if fill.inside {
            let end = bytes::find(lines, b'\n').map_or(lines.len(), |at| at + 1);
            return match self.rest_of_line(fill.line).min(end) {
                0 => Cut::Rotate,
                room => Cut::Write(room),
            };
        }
        let room = self.rest_of_line(fill.size);
        let wanted = self.full.saturating_sub(fill.size).max(1);
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let end = lines.get(wanted - 1..).and_then(|tail| bytes::find(tail, b'\n'));
        match end {
            Some(at) if wanted + at <= room => return Cut::Write(wanted + at),
            None if lines.len() <= room => return Cut::Write(lines.len()),
            // A line passes the limit: the ones before it go in.
            _ => {}
        }
        let fitting = lines.get(..room).unwrap_or(lines);
        match bytes::find_last(fitting, b'\n') {
            Some(at) => Cut::Write(at + 1),
            None if fill.size > 0 => Cut::Rotate,
            None => Cut::Write(fitting.len()),
        }
    }
}

/// Whether of `count` old files one goes so that `keep` remain; 0 keeps all.
pub fn is_excess(count: u64, keep: u64) -> bool {
    keep > 0 && count > keep
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    /// The files that `input` makes when it comes in pieces of these sizes.
    fn files(limits: Limits, input: &[u8], pieces: &[usize]) -> Vec<Vec<u8>> {
        let mut files = vec![Vec::new()];
        let mut fill = Fill::default();
        let mut rest = input;
        let mut sizes = pieces.iter().cycle();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            rest = behind;
            let mut piece = piece;
            while !piece.is_empty() {
                let full = !fill.inside && limits.is_full(fill.size);
                let cut = if full { Cut::Rotate } else { limits.cut(fill, piece) };
                match cut {
                    Cut::Write(count) => {
                        let (now, later) = piece.split_at(count);
                        assert!(!now.is_empty());
                        files.last_mut().unwrap().extend_from_slice(now);
                        fill.add(now);
                        piece = later;
                    }
                    Cut::Rotate => {
                        assert!(fill.size > 0, "an empty file is never rotated");
                        files.push(Vec::new());
                        fill = Fill { inside: fill.inside, ..Fill::default() };
                    }
                }
            }
        }
        files
    }

    /// Lines of these lengths, with their newlines.
    fn lines(lengths: &[usize]) -> Vec<u8> {
        lengths.iter().flat_map(|&n| [vec![b'x'; n - 1], vec![b'\n']].concat()).collect()
    }

    fn sizes(limits: Limits, lengths: &[usize]) -> Vec<usize> {
        files(limits, &lines(lengths), &[usize::MAX]).iter().map(Vec::len).collect()
    }

    #[test]
    fn rotation_is_at_the_first_line_end_within_length_of_the_limit() {
        let limits = Limits::new(100, 20);
        assert_eq!(sizes(limits, &[16; 6]), [80, 16]);
        assert_eq!(sizes(limits, &[12; 9]), [84, 24]);
        // Not above its length: only the limit itself counts.
        assert_eq!(sizes(Limits::new(100, 1000), &[16; 7]), [96, 16]);
        assert_eq!(sizes(Limits::new(0, 20), &[16; 60]), [960]);
    }

    #[test]
    fn a_line_is_split_only_when_it_alone_passes_the_limit() {
        let limits = Limits::new(100, 20);
        assert_eq!(sizes(limits, &[30, 90, 5]), [30, 90, 5]);
        assert_eq!(sizes(limits, &[100, 101]), [100, 100, 1]);
        assert_eq!(sizes(limits, &[30, 250, 10]), [30, 100, 100, 60]);
    }

    #[test]
    fn whatever_the_lines_and_pieces_the_rules_hold() {
        let mut seed = 7_u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(seed >> 33).unwrap() % below
        };
        for round in 0..3000 {
            let limits = Limits::new(40 + random(60) as u64, 1 + random(60) as u64);
            let size = usize::try_from(limits.most).unwrap();
            let longest = 1 + random(130);
            let lengths: Vec<usize> = (0..40).map(|_| 1 + random(longest)).collect();
            let input = lines(&lengths);
            let whole = round % 2 == 0;
            let pieces: Vec<usize> =
                if whole { vec![usize::MAX] } else { (0..9).map(|_| 1 + random(90)).collect() };
            let files = files(limits, &input, &pieces);
            assert_eq!(files.concat(), input);
            for (index, file) in files.iter().enumerate() {
                let limit = if whole { size } else { 2 * size };
                assert!(file.len() <= limit, "{limits:?} {lengths:?} {pieces:?}");
                let before: Vec<u8> = files[..index].concat();
                let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
                if start != before.len() {
                    // Split here: the line alone passes the limit.
                    let end = input[start..].iter().position(|&b| b == b'\n').unwrap();
                    assert!(end + 1 > size, "{limits:?} {lengths:?} {pieces:?}");
                }
                // No line end within a file at which it was already full.
                let ends = file.iter().enumerate().filter(|&(_, &b)| b == b'\n');
                for (at, _) in ends.filter(|&(at, _)| at + 1 < file.len()) {
                    assert!(!limits.is_full(at as u64 + 1), "{limits:?} {lengths:?}");
                }
            }
        }
    }

    #[test]
    fn old_files_beyond_the_number_go() {
        assert!(is_excess(12, 10) && !is_excess(10, 10) && !is_excess(3, 10));
        assert!(!is_excess(1000, 0));
    }
}
