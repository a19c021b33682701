//! Looking for a byte at memory speed, for svlogd: sixteen bytes at a time
//! where the processor's baseline has an instruction for it, else eight.

/// How many bytes [`matches`] looks at.
const BLOCK: usize = 16;

/// Bit N of the result: whether byte N of the block is `byte`.
#[cfg(target_arch = "x86_64")]
#[inline]
fn matches(block: &[u8; BLOCK], byte: u8) -> u32 {
    use core::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};
    // SAFETY: SSE2 is part of every x86_64; the load reads the block's 16
    // bytes and asks for no alignment.
    let mask = unsafe {
        let block = _mm_loadu_si128(block.as_ptr().cast());
        _mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8(i8::from_ne_bytes([byte]))))
    };
    u32::from_ne_bytes(mask.to_ne_bytes())
}

/// As above, eight bytes in a word at a time.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn matches(block: &[u8; BLOCK], byte: u8) -> u32 {
    let [a, b, c, d, e, f, g, h, rest @ ..] = *block;
    word_matches([a, b, c, d, e, f, g, h], byte) | word_matches(rest, byte) << 8
}

/// Bit N of the result: whether byte N of the word is `byte`.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[inline]
fn word_matches(word: [u8; 8], byte: u8) -> u32 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    // A byte of `difference` is zero where the word has `byte`; the sum sets
    // the high bit of all others, without a carry into the next one.
    let difference = u64::from_le_bytes(word) ^ u64::from_le_bytes([byte; 8]);
    let equal = !(((difference & LOW) + LOW) | difference | LOW);
    // The high bits of the eight bytes gather in the top byte.
    let gathered = (equal >> 7).wrapping_mul(0x0102_0408_1020_4080);
    u32::from(gathered.to_be_bytes()[0])
}

/// Where `byte` stands first in `bytes`.
#[inline]
pub fn find(bytes: &[u8], byte: u8) -> Option<usize> {
    let mut at = 0;
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        let mask = matches(block, byte);
        if mask != 0 {
            return Some(at + mask.trailing_zeros() as usize);
        }
        at += BLOCK;
    }
    if let Some(block) = bytes.last_chunk::<BLOCK>() {
        // The last block once more in part: what was seen has no match.
        let mask = matches(block, byte);
        return (mask != 0).then(|| bytes.len() - BLOCK + mask.trailing_zeros() as usize);
    }
    bytes.iter().position(|&other| other == byte)
}

/// Where `byte` stands last in `bytes`.
#[inline]
pub fn find_last(bytes: &[u8], byte: u8) -> Option<usize> {
    let mut end = bytes.len();
    while let Some(block) = bytes.get(..end).and_then(<[u8]>::last_chunk::<BLOCK>) {
        let mask = matches(block, byte);
        end -= BLOCK;
        if mask != 0 {
            return Some(end + mask.ilog2() as usize);
        }
    }
    bytes.get(..end)?.iter().rposition(|&other| other == byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn finds_what_a_plain_search_finds() {
        // Neighbours of the byte sought are where tricks with words go wrong.
        let mut seed = 1_u32;
        for length in 0..80 {
            for _ in 0..60 {
                let bytes: Vec<u8> = (0..length)
                    .map(|_| {
                        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        [9, 10, 11, 138, 0, 255, 128, 127][(seed >> 29) as usize]
                    })
                    .collect();
                for byte in [10, 0, 255, 128, 7] {
                    let first = bytes.iter().position(|&other| other == byte);
                    let last = bytes.iter().rposition(|&other| other == byte);
                    assert_eq!(find(&bytes, byte), first, "{byte} in {bytes:?}");
                    assert_eq!(find_last(&bytes, byte), last, "{byte} in {bytes:?}");
                }
            }
        }
    }

    #[test]
    fn words_and_blocks_agree() {
        for byte in 0..=255 {
            for other in 0..=255_u8 {
                let mut block = [other; BLOCK];
                block[3] = byte;
                block[12] = byte ^ 0x80;
                let [a, b, c, d, e, f, g, h, rest @ ..] = block;
                let words =
                    word_matches([a, b, c, d, e, f, g, h], byte) | word_matches(rest, byte) << 8;
                assert_eq!(matches(&block, byte), words, "{byte} {other}");
            }
        }
    }
}
