//! What is known of a pattern beforehand; which of many decides.

use runit_rt::bytes::{self, NEAR, WIDE};

use crate::line::matches;

/// How many literal bytes are compared at once.
const WORD: usize = 8;

/// The near part of a line, in which bytes are sought at once, and as many
/// bytes as are compared from its end on.
const WINDOW: usize = NEAR + WORD;

/// What is no place in the near part.
const FAR: u8 = u8::MAX;

/// So many patterns are tried at once: as many as a word has bits, but for one.
const AT_ONCE: usize = 63;

/// The bit for what holds where no pattern matches.
const NONE: u64 = 1 << AT_ONCE;

/// A pattern, and how a line begins or goes on that matches it: most lines are
/// told from most patterns by that.
#[derive(Clone, Copy, Debug)]
pub struct Pattern {
    /// Where it stands among the texts.
    start: usize,
    end: usize,
    /// Where what is behind its first literal bytes does.
    rest: usize,
    /// How many literal bytes it begins with, up to [`WORD`].
    length: usize,
    /// These bytes, the first one lowest, and which bits count.
    word: u64,
    mask: u64,
    /// Its last byte: each line that matches ends with it, if it is no `*`.
    last: u8,
    /// Whether there is a `*` before the literal bytes.
    seeks: bool,
    /// What is known of it and those before it.
    known: Known,
}

/// What is known of a pattern, and of those before it: a bit for each, the last
/// one lowest.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// Nothing but a `*` is behind the literal bytes.
    complete: u64,
    /// Lines that match are wanted: `+` or `e`.
    wants: u64,
    /// It is for copies: `e` or `E`.
    copies: u64,
}

impl Pattern {
    /// The pattern behind `letter`, after the `others`; its `text` is to stand at
    /// `start` among the texts.
    #[inline]
    pub fn new(others: &[Self], letter: u8, text: &[u8], start: usize) -> Self {
        let end = start + text.len();
        let last = text.last().copied().unwrap_or(b'*');
        let (mut length, mut word, mut mask) = (0, 0, 0);
        let (mut rest, mut behind) = (start, text.strip_prefix(b"*").unwrap_or(text));
        while let [byte, more @ ..] = behind {
            if length == WORD || matches!(*byte, b'*' | b'+') {
                break;
            }
            word |= u64::from(*byte) << (8 * length);
            mask = mask << 8 | 0xff;
            length += 1;
            behind = more;
            rest = end - behind.len();
        }
        let seeks = rest - start > length;
        let mut known = others.last().map(|other| other.known).unwrap_or_default();
        let complete = end - rest == 1 && last == b'*';
        known.complete = known.complete << 1 | u64::from(complete);
        known.wants = known.wants << 1 | u64::from(matches!(letter, b'+' | b'e'));
        known.copies = known.copies << 1 | u64::from(letter.is_ascii_alphabetic());
        Self { start, end, rest, length, word, mask, last, seeks, known }
    }

    /// Whether it is `e` or `E`, for copies of lines.
    #[inline]
    pub fn is_of_copies(&self) -> bool {
        self.known.copies & 1 != 0
    }
}

/// Whether a line is wanted: the last of `patterns` that matches decides.
/// `copies` asks for `e` and `E`, else it is `+` and `-`. The line is the first
/// `length` bytes of `text`; what is behind it counts for nothing, but to have
/// it there is quicker.
#[inline]
pub fn decide(
    patterns: &[Pattern],
    texts: &[u8],
    copies: bool,
    text: &[u8],
    length: usize,
) -> bool {
    // What is seen at once ends with a newline, which is no literal byte, or within the line.
    let is_ended = text.get(length) == Some(&b'\n');
    let seen = if is_ended { length.saturating_add(WINDOW) } else { length };
    let text = text.get(..seen).unwrap_or(text);
    let mut chunks = patterns.rchunks(AT_ONCE);
    while let Some(patterns @ [.., last]) = chunks.next() {
        let mut places = [FAR; AT_ONCE];
        let (mut left, unsure) = candidates(patterns, text, length, &mut places);
        let Known { complete, mut wants, copies: others } = last.known;
        left &= if copies { others } else { !others };
        let mut sure = complete & !unsure;
        if chunks.len() == 0 {
            left |= NONE;
            sure |= NONE;
            wants |= u64::from(!copies) << AT_ONCE;
        }
        while left != 0 {
            // The last pattern is the lowest bit.
            let bit = left.trailing_zeros() as usize;
            let wanted = wants >> bit & 1 != 0;
            if sure >> bit & 1 != 0 {
                return wanted;
            }
            left &= left - 1;
            let index = (patterns.len() - 1).wrapping_sub(bit);
            let (Some(pattern), Some(&at)) = (patterns.get(index), places.get(index)) else {
                break;
            };
            let (start, at) = match at {
                FAR => (pattern.start, 0),
                at => (pattern.rest, usize::from(at) + pattern.length),
            };
            if matches(texts.get(start..pattern.end).unwrap_or_default(), text, length, at) {
                return wanted;
            }
        }
    }
    !copies
}

/// Which of up to [`AT_ONCE`] patterns may match, and of which of them this is
/// not known because there is more to be looked at: a bit for each, the last one
/// lowest; and where the literal bytes are that each begins with.
///
/// Whether one does is no branch, for which a processor had to guess what
/// stands in the line: wrong guesses would take most of the time.
#[inline(never)]
fn candidates(
    patterns: &[Pattern],
    text: &[u8],
    length: usize,
    places: &mut [u8; AT_ONCE],
) -> (u64, u64) {
    let Some(window) = text.first_chunk::<WINDOW>() else { return (u64::MAX, u64::MAX) };
    let Some(near) = text.first_chunk() else { return (u64::MAX, u64::MAX) };
    // Nothing is sought beyond the line's end.
    let stop = match length {
        length if length < WIDE => (1 << length, 0),
        length if length < NEAR => (0, 1 << (length - WIDE)),
        _ => (0, 1 << (NEAR - 1 - WIDE)),
    };
    let last = text.get(length.wrapping_sub(1)).copied().unwrap_or(0);
    let (mut bits, mut unsure, mut sought, mut found) = (0, 0, None, 0);
    for (pattern, place) in patterns.iter().zip(places) {
        bits <<= 1;
        unsure <<= 1;
        if pattern.last != b'*' && pattern.last != last {
            continue;
        }
        let mut at = 0;
        if pattern.seeks {
            let [first, ..] = pattern.word.to_le_bytes();
            if sought != Some(first) {
                sought = Some(first);
                let [low, high] = bytes::places(near, first);
                // As `if low != 0`, in numbers: the compiler makes no branch of that.
                let in_low = (low | stop.0).trailing_zeros() as usize;
                let in_high = (high | stop.1).trailing_zeros() as usize;
                found = in_low + (in_high & (in_low / WIDE).wrapping_neg());
                if length > NEAR && low | high == 0 {
                    found = usize::from(FAR);
                }
            }
            at = found;
        }
        let Some(there) = window.get(at..).and_then(|rest| rest.first_chunk()) else {
            bits |= 1;
            unsure |= 1;
            continue;
        };
        *place = at.to_le_bytes()[0];
        bits |= u64::from((u64::from_le_bytes(*there) ^ pattern.word) & pattern.mask == 0);
    }
    (bits, unsure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::tests::{by_the_book, strings};
    use std::vec::Vec;

    /// Patterns, and the text that they refer to.
    fn compiled<T: AsRef<[u8]>>(lines: &[T]) -> (Vec<Pattern>, Vec<u8>) {
        let mut texts = Vec::new();
        let mut patterns = Vec::new();
        for line in lines {
            let (letter, text) = line.as_ref().split_first().unwrap();
            texts.push(*letter);
            texts.extend(text);
            let start = texts.len() - text.len();
            patterns.push(Pattern::new(&patterns, *letter, text, start));
        }
        (patterns, texts)
    }

    /// Whether the pattern matches, which what is behind the line has no part in.
    fn is_matched(pattern: &[u8], line: &[u8]) -> bool {
        let (patterns, texts) = compiled(&[[b"-", pattern].concat()]);
        let decide = |behind: &[u8]| {
            let text = [line, behind].concat();
            !decide(&patterns, &texts, false, &text, line.len())
        };
        let matched = decide(b"");
        for behind in [&[b'\n'; WINDOW][..], b"\nabab", &b"\nabb*+a".repeat(WINDOW), &[b'b'; 200]] {
            assert_eq!(decide(behind), matched, "{pattern:?} {line:?} {behind:?}");
        }
        matched
    }

    #[test]
    fn a_pattern_matches_what_it_matches_by_the_book() {
        let lines = strings(b"ab*+", 3);
        for pattern in strings(b"ab*+", 4) {
            for more in ["", "abababab", "*", "b*"] {
                let pattern = [&pattern[..], more.as_bytes()].concat();
                for line in &lines {
                    for filler in ["", "abababab", "b"] {
                        let line = [&line[..], filler.as_bytes()].concat();
                        assert_eq!(is_matched(&pattern, &line), by_the_book(&pattern, &line));
                    }
                }
            }
        }
    }

    #[test]
    fn wherever_in_the_line_that_is() {
        for length in 80..130 {
            let mut line = std::vec![b'.'; length];
            for at in 60..length {
                line[at] = b'a';
                for pattern in
                    ["*a", "*a*", "*a.*", "*a.......*", "*a.........*", "*a.*b*", "a*", "+.a*"]
                {
                    let pattern = pattern.as_bytes();
                    assert_eq!(is_matched(pattern, &line), by_the_book(pattern, &line));
                }
                line[at] = b'.';
            }
        }
    }

    #[test]
    fn the_literal_bytes_are_eight_at_most() {
        for pattern in ["abcdefghij", "*abcdefghij", "abcdefgh", "abcdefg*", "*abcdefgh+i"] {
            for line in ["abcdefghij", "abcdefghijk", "xabcdefghij", "abcdefgh", "abcdefgx", "abc"]
            {
                let (pattern, line) = (pattern.as_bytes(), line.as_bytes());
                assert_eq!(is_matched(pattern, line), by_the_book(pattern, line));
            }
        }
    }

    #[test]
    fn bytes_of_zeros_are_bytes_like_others() {
        for pattern in [&b"*\0"[..], b"*\0*", b"\0", b"*a\0\0*", b"\0*"] {
            for line in [&b""[..], b"\0", b"a\0", b"a\0\0", b"a"] {
                assert_eq!(is_matched(pattern, line), by_the_book(pattern, line));
            }
        }
    }

    #[test]
    fn the_last_of_many_that_matches_decides() {
        let lines: Vec<_> = (0..100).map(|n| std::format!("-no {n}*")).collect();
        let others = (0..100).map(|n| std::format!("+no {n}1*"));
        let lines: Vec<_> = lines.into_iter().chain(others).collect();
        let (patterns, texts) = compiled(&lines);
        for n in 0..1000 {
            let line = std::format!("no {n}");
            let last = lines
                .iter()
                .rfind(|pattern| by_the_book(&pattern.as_bytes()[1..], line.as_bytes()));
            let expected = last.is_none_or(|pattern| pattern.starts_with('+'));
            for behind in ["", &"\n".repeat(200)] {
                let text = std::format!("{line}{behind}");
                let wanted = decide(&patterns, &texts, false, text.as_bytes(), line.len());
                assert_eq!(wanted, expected, "{line}");
            }
        }
    }

    #[test]
    fn copies_are_decided_apart() {
        let (patterns, texts) = compiled(&["-*a*", "e*", "E*b*", "+*ab*"]);
        let decide = |line: &str| {
            [false, true]
                .map(|copies| decide(&patterns, &texts, copies, line.as_bytes(), line.len()))
        };
        assert_eq!(decide("a"), [false, true]);
        assert_eq!(decide("ab"), [true, false]);
        assert_eq!(decide("c"), [true, true]);
        let (patterns, texts) = compiled(&["-x"]);
        assert!(!super::decide(&patterns, &texts, true, b"x", 1), "no copies unless asked for");
    }
}
