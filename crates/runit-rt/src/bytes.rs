//! What svlogd does to every byte, at memory speed: sixteen bytes at a time
//! where the processor's baseline has an instruction for it. (The compiler
//! would do it by itself, but not in programs that it optimises for size.)

/// How many bytes [`matches()`] looks at.
const BLOCK: usize = 16;

/// How many bytes [`find`] looks at in one go: as many as a mask has bits.
pub const WIDE: usize = 64;

/// A byte, eight times: what is sought is kept like this.
#[inline]
pub const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Bit N of the result: whether byte N of the block is the one sought.
#[cfg(target_arch = "x86_64")]
#[inline]
fn matches(block: &[u8; BLOCK], sought: u64) -> u32 {
    use core::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi64x};
    // SAFETY: SSE2 is part of every x86_64; the load reads the block's 16
    // bytes and asks for no alignment.
    let mask = unsafe {
        let block = _mm_loadu_si128(block.as_ptr().cast());
        let sought = _mm_set1_epi64x(i64::from_ne_bytes(sought.to_ne_bytes()));
        _mm_movemask_epi8(_mm_cmpeq_epi8(block, sought))
    };
    u32::from_ne_bytes(mask.to_ne_bytes())
}

/// As above, eight bytes in a word at a time.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn matches(block: &[u8; BLOCK], sought: u64) -> u32 {
    let [a, b, c, d, e, f, g, h, rest @ ..] = *block;
    word_matches([a, b, c, d, e, f, g, h], sought) | word_matches(rest, sought) << 8
}

/// Bit N of the result: whether byte N of the word is the one sought.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[inline]
fn word_matches(word: [u8; 8], sought: u64) -> u32 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    // A byte of `difference` is zero where the word has what is sought; the sum sets
    // the high bit of all others, without a carry into the next one.
    let difference = u64::from_le_bytes(word) ^ sought;
    let equal = !(((difference & LOW) + LOW) | difference | LOW);
    // The high bits of the eight bytes gather in the top byte.
    let gathered = (equal >> 7).wrapping_mul(0x0102_0408_1020_4080);
    u32::from(gathered.to_be_bytes()[0])
}

/// As [`matches()`] for four blocks: where in them the byte stands is no branch
/// that the processor could mistake, and lines of services mostly are that long.
#[inline]
fn wide_matches(wide: &[u8; WIDE], sought: u64) -> u64 {
    // SAFETY: the same bytes, as blocks.
    let [a, b, c, d] = unsafe { &*wide.as_ptr().cast::<[[u8; BLOCK]; 4]>() };
    let two = |low, high| u64::from(matches(low, sought) | matches(high, sought) << BLOCK);
    two(a, b) | two(c, d) << (2 * BLOCK)
}

/// Where `byte` stands first in `bytes`.
#[inline(never)]
pub fn find(bytes: &[u8], byte: u8) -> Option<usize> {
    let sought = each(byte);
    if bytes.len() >= WIDE {
        find_by(bytes, |wide| wide_matches(wide, sought))
    } else if bytes.len() >= BLOCK {
        find_by(bytes, |block| matches(block, sought).into())
    } else {
        bytes.iter().position(|&other| other == byte)
    }
}

/// As [`find`], `N` bytes at a time, of which there must be as many; bit M of
/// `mask` tells of the byte M of them. The last ones are the last `N`: of
/// those that were seen before, none matched.
#[inline]
fn find_by<const N: usize>(bytes: &[u8], mask: impl Fn(&[u8; N]) -> u64) -> Option<usize> {
    let last = bytes.len().checked_sub(N)?;
    let mut at = 0;
    loop {
        // SAFETY: `at` is at most `last`, and from there on there are `N` bytes.
        let mask = mask(unsafe { &*bytes.as_ptr().add(at).cast() });
        if mask != 0 {
            return Some(at + mask.trailing_zeros() as usize);
        }
        if at == last {
            return None;
        }
        at = (at + N).min(last);
    }
}

/// How many bytes [`places`] looks at: what lines of services mostly have.
pub const NEAR: usize = WIDE + 2 * BLOCK;

/// Where in `bytes` a byte stands, which is given as by [`each`]: bit N tells of
/// byte N.
#[inline]
pub fn places(bytes: &[u8; NEAR], sought: u64) -> u128 {
    // SAFETY: the same bytes, in parts.
    let (wide, [a, b]) = unsafe { &*bytes.as_ptr().cast::<([u8; WIDE], [[u8; BLOCK]; 2])>() };
    let behind = matches(a, sought) | matches(b, sought) << BLOCK;
    u128::from(wide_matches(wide, sought)) | u128::from(behind) << WIDE
}

/// Where `byte` stands last in `bytes`.
#[inline]
pub fn find_last(bytes: &[u8], byte: u8) -> Option<usize> {
    let mut end = bytes.len();
    while let Some(block) = bytes.get(..end).and_then(<[u8]>::last_chunk::<BLOCK>) {
        let mask = matches(block, each(byte));
        end -= BLOCK;
        if mask != 0 {
            return Some(end + mask.ilog2() as usize);
        }
    }
    bytes.get(..end)?.iter().rposition(|&other| other == byte)
}

/// Replaces what is outside 32..=126 and no newline.
pub fn replace_unprintable(bytes: &mut [u8], replacement: u8) {
    let mut blocks = bytes.chunks_exact_mut(BLOCK);
    for block in &mut blocks {
        if let Some(block) = block.first_chunk_mut() {
            replace_in_block(block, replacement);
        }
    }
    for byte in blocks.into_remainder() {
        replace_one(byte, replacement);
    }
}

#[inline]
fn replace_one(byte: &mut u8, replacement: u8) {
    if !(32..=126).contains(byte) && *byte != b'\n' {
        *byte = replacement;
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn replace_in_block(block: &mut [u8; BLOCK], replacement: u8) {
    use core::arch::x86_64::{
        _mm_and_si128, _mm_andnot_si128, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8,
        _mm_or_si128, _mm_set1_epi8, _mm_storeu_si128, _mm_sub_epi8,
    };
    // SAFETY: SSE2 is part of every x86_64; load and store touch the block's
    // 16 bytes and ask for no alignment.
    unsafe {
        let bytes = _mm_loadu_si128(block.as_ptr().cast());
        // As a distance from 32, what is printable is at most 126 - 32.
        let distance = _mm_sub_epi8(bytes, _mm_set1_epi8(32));
        let printable = _mm_cmpeq_epi8(_mm_min_epu8(distance, _mm_set1_epi8(126 - 32)), distance);
        let newline = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(10));
        let keep = _mm_or_si128(printable, newline);
        let other = _mm_set1_epi8(i8::from_ne_bytes([replacement]));
        let result = _mm_or_si128(_mm_and_si128(keep, bytes), _mm_andnot_si128(keep, other));
        _mm_storeu_si128(block.as_mut_ptr().cast(), result);
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn replace_in_block(block: &mut [u8; BLOCK], replacement: u8) {
    for byte in block {
        replace_one(byte, replacement);
    }
}

/// Copies as many bytes as both have. For pieces of lines: without a call, and
/// without the start-up time that a string instruction has.
#[inline]
pub fn copy_short(to: &mut [u8], from: &[u8]) {
    const LONG: usize = 512;
    let length = to.len().min(from.len());
    if length > LONG {
        // SAFETY: both have so many bytes, and one is borrowed for writing.
        unsafe { crate::memory::copy(to.as_mut_ptr(), from.as_ptr(), length) };
        return;
    }
    let (to, from) = (to.as_mut_ptr(), from.as_ptr());
    if length >= BLOCK {
        let mut at = 0;
        while at + BLOCK < length {
            // SAFETY: the block at `at` ends before `length`.
            unsafe { copy_block::<BLOCK>(to.add(at), from.add(at)) };
            at += BLOCK;
        }
        // SAFETY: the last block of `length` bytes, which has one at least.
        unsafe { copy_block::<BLOCK>(to.add(length - BLOCK), from.add(length - BLOCK)) };
    } else if length >= 8 {
        // SAFETY: the first and the last 8 of at least 8 bytes.
        unsafe {
            copy_block::<8>(to, from);
            copy_block::<8>(to.add(length - 8), from.add(length - 8));
        }
    } else {
        for at in 0..length {
            // SAFETY: `at` is below `length`.
            unsafe { copy_block::<1>(to.add(at), from.add(at)) };
        }
    }
}

/// Moves `count` bytes from `from` on to where they start at `to`, which must
/// not be behind it. What is not within the bytes does nothing.
pub fn move_down(bytes: &mut [u8], from: usize, count: usize, to: usize) {
    let end = from.checked_add(count);
    if to <= from && end.is_some_and(|end| end <= bytes.len()) {
        let first = bytes.as_mut_ptr();
        // SAFETY: both ranges lie within the bytes, by what was just asked.
        unsafe { crate::memory::copy_overlapping(first.add(to), first.add(from), count) };
    }
}

/// Copies `N` bytes, in as few instructions as there are for that.
///
/// # Safety
/// Both are valid for `N` bytes and do not overlap.
#[inline]
unsafe fn copy_block<const N: usize>(to: *mut u8, from: *const u8) {
    // SAFETY: by this function's contract; arrays of bytes have no alignment.
    unsafe { to.cast::<[u8; N]>().write(from.cast::<[u8; N]>().read()) };
    crate::memory::keep_loop();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn finds_what_a_plain_search_finds() {
        // Neighbours of the byte sought are where tricks with words go wrong.
        let mut seed = 1_u32;
        for length in 0..160 {
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
                let first = word_matches([a, b, c, d, e, f, g, h], each(byte));
                let words = first | word_matches(rest, each(byte)) << 8;
                assert_eq!(matches(&block, each(byte)), words, "{byte} {other}");
            }
        }
    }

    #[test]
    fn bytes_are_kept_or_replaced_wherever_they_stand() {
        for length in 0..70 {
            for shift in [0, 5, 100, 180] {
                let before: Vec<u8> = (0..length).map(|n: u8| n.wrapping_add(shift)).collect();
                let mut after = before.clone();
                replace_unprintable(&mut after, b'?');
                for (old, new) in before.iter().zip(&after) {
                    let keep = (32..=126).contains(old) || *old == b'\n';
                    assert_eq!(*new, if keep { *old } else { b'?' });
                }
            }
        }
    }

    #[test]
    fn bytes_move_down_over_themselves() {
        let mut bytes = *b"0123456789";
        move_down(&mut bytes, 3, 5, 1);
        assert_eq!(bytes, *b"0345676789");
        for (from, count, to) in [(3, 8, 0), (2, 1, 3), (usize::MAX, 2, 0), (10, 0, 0)] {
            move_down(&mut bytes, from, count, to);
            assert_eq!(bytes, *b"0345676789");
        }
    }

    #[test]
    fn short_copies_are_whole_and_no_longer() {
        for length in 0..600 {
            let from: Vec<u8> = (0..length).map(|n: usize| n.to_le_bytes()[0]).collect();
            let mut to = std::vec![7; length + 3];
            copy_short(&mut to[..length], &from);
            assert_eq!(to[..length], from);
            assert_eq!(to[length..], [7; 3]);
        }
        let mut to = [0; 3];
        copy_short(&mut to, b"12345");
        assert_eq!(to, *b"123");
    }
}
