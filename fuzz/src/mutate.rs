//! Changed copies of an input, the same ones each time: what libFuzzer does
//! without its eyes, for a plain test.

/// Bytes that mean something to some target.
const TELLING: &[u8] = b"\0\n\r\t :;,.=+-*#!@/\\'\"$`{}[]()<>09afxksnpeEuUtN\x7f\x80\xff";

/// Numbers that look random.
pub struct Random(u64);

impl Random {
    /// The sequence that begins with `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next one, less than `limit`; 0 where that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0).checked_rem(limit).unwrap_or(0)
    }

    /// A byte, more often than not one of [`TELLING`].
    fn byte(&mut self) -> u8 {
        if self.below(3) == 0 {
            u8::try_from(self.below(256)).unwrap_or(0)
        } else {
            TELLING[self.below(TELLING.len())]
        }
    }

    /// A place in `data` and one not before it.
    fn range(&mut self, data: &[u8]) -> (usize, usize) {
        let start = self.below(data.len() + 1);
        (start, start + self.below(data.len() - start + 1))
    }
}

/// A copy of `data` with a few changes, some of them pieces of `other`.
pub fn mutated(data: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut copy = data.to_vec();
    for _ in 0..=random.below(4) {
        let (start, end) = random.range(&copy);
        match random.below(7) {
            0 => copy.insert(start, random.byte()),
            1 if start < copy.len() => copy[start] = random.byte(),
            2 if start < copy.len() => copy[start] ^= 1 << random.below(8),
            3 => drop(copy.drain(start..end.min(start + 16))),
            4 => {
                let piece = copy[start..end.min(start + 64)].to_vec();
                copy.splice(start..start, piece);
            }
            5 => {
                let (from, to) = random.range(other);
                copy.splice(start..start, other[from..to.min(from + 64)].iter().copied());
            }
            _ => copy.truncate(start),
        }
    }
    copy
}
