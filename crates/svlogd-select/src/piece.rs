//! Literal bytes of a pattern, compared as one number.

use runit_rt::bytes::NEAR;

/// How many literal bytes are compared at once.
const WORD: usize = 8;

/// The near part of a line, in which bytes are sought at once, and as many
/// bytes as are compared from its end on.
pub const WINDOW: usize = NEAR + WORD;

/// Literal bytes, up to [`WORD`].
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    pub length: usize,
    /// These bytes, the first one lowest, and which bits count.
    word: u64,
    mask: u64,
}

impl Piece {
    /// The literal bytes that a text begins with, and what is behind them.
    pub fn first_of(text: &[u8]) -> (Self, &[u8]) {
        let mut piece = Self { length: 0, word: 0, mask: 0 };
        let mut behind = text;
        while let [byte, more @ ..] = behind {
            if piece.length == WORD || matches!(*byte, b'*' | b'+') {
                break;
            }
            piece.word |= u64::from(*byte) << (8 * piece.length);
            piece.mask = piece.mask << 8 | 0xff;
            piece.length += 1;
            behind = more;
        }
        (piece, behind)
    }

    /// Its first byte, if it has one.
    pub fn start(&self) -> Option<u8> {
        let [first, ..] = self.word.to_le_bytes();
        (self.length > 0).then_some(first)
    }

    /// In which bits it differs from what stands at `at`; `None` where there is no
    /// [`WORD`] in the window.
    #[inline]
    pub fn differs(&self, window: &[u8; WINDOW], at: usize) -> Option<u64> {
        let there = window.get(at..)?.first_chunk()?;
        Some((u64::from_le_bytes(*there) ^ self.word) & self.mask)
    }
}
