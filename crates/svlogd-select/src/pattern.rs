//! What is known of a pattern beforehand; which of many decides.

use runit_rt::bytes::{self, NEAR};

use crate::line::matches;
use crate::piece::{Piece, WINDOW};

/// So many patterns are tried at once: as many as a word has bits, but for one.
const AT_ONCE: usize = 63;

/// The bit for what holds where no pattern matches.
const NONE: u64 = 1 << AT_ONCE;

/// Sought by what seeks nothing: no byte eight times.
const NOTHING: u64 = 1;

/// A pattern, and what it begins with: most lines are told from most patterns by
/// that, without a look at its text.
#[derive(Clone, Copy, Debug)]
pub struct Pattern {
    /// Where it stands among the texts.
    start: usize,
    end: usize,
    first: Piece,
    /// What follows, if it seeks the same byte and is not the end, as in
    /// `*: *: pid *`.
    second: Option<Piece>,
    /// The byte that they seek, as by [`bytes::each`]; [`NOTHING`] if there is no
    /// `*` before the first piece.
    sought: u64,
    /// The line ends with the first piece.
    is_whole: bool,
    /// Its last byte: each line that matches ends with it, if it is no `*`.
    last: u8,
    /// What is known of it and those before it.
    known: Known,
}

/// What is known of a pattern, and of those before it: a bit for each, the last
/// one lowest.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// Nothing is behind the pieces, or a `*` that stands for anything.
    complete: u64,
    /// Lines that match are wanted: `+` or `e`.
    wants: u64,
    /// It is for copies: `e` or `E`.
    copies: u64,
}

impl Pattern {
    /// The pattern behind `letter`, after the `others`; its `text` is to stand at
    /// `start` among the texts.
    pub fn new(others: &[Self], letter: u8, text: &[u8], start: usize) -> Self {
        let behind = text.strip_prefix(b"*");
        let (first, mut rest) = Piece::first_of(behind.unwrap_or(text));
        let (mut sought, mut second) = (NOTHING, None);
        match (behind, first.start()) {
            (Some(_), Some(byte)) => {
                sought = bytes::each(byte);
                if let [b'*', behind @ ..] = rest {
                    let (piece, more) = Piece::first_of(behind);
                    if piece.start() == Some(byte) && more.first() == Some(&b'*') {
                        (second, rest) = (Some(piece), more);
                    }
                }
            }
            // It seeks what else is special, or stands for anything.
            (Some(_), None) => rest = text,
            (None, _) => {}
        }
        let mut known = others.last().map(|other| other.known).unwrap_or_default();
        known.complete = known.complete << 1 | u64::from(matches!(rest, b"" | b"*"));
        known.wants = known.wants << 1 | u64::from(matches!(letter, b'+' | b'e'));
        known.copies = known.copies << 1 | u64::from(letter.is_ascii_alphabetic());
        let (end, is_whole) = (start + text.len(), rest.is_empty());
        let last = text.last().copied().unwrap_or(b'*');
        Self { start, end, first, second, sought, is_whole, last, known }
    }

    /// Whether a line, the first `length` bytes of `text`, matches it.
    #[inline(never)]
    fn matches(&self, texts: &[u8], text: &[u8], length: usize) -> bool {
        // Nothing has to be sought for far behind the line.
        let text = text.get(..length + WINDOW).unwrap_or(text);
        matches(texts.get(self.start..self.end).unwrap_or_default(), text, length)
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
    let seen = if is_ended { text.len() } else { length };
    let text = text.get(..seen).unwrap_or(text);
    let mut more = patterns;
    while let [.., last] = more {
        let (before, patterns) = more.split_at(more.len().saturating_sub(AT_ONCE));
        more = before;
        let (mut left, unsure) = candidates(patterns, text, length);
        let Known { complete, mut wants, copies: others } = last.known;
        left &= if copies { others } else { !others };
        let mut sure = complete & !unsure;
        if more.is_empty() {
            left |= NONE;
            sure |= NONE;
            wants |= u64::from(!copies) << AT_ONCE;
        }
        while left != 0 {
            // The last pattern is the lowest bit.
            let lowest = left & left.wrapping_neg();
            let index = (patterns.len() - 1).wrapping_sub(left.trailing_zeros() as usize);
            let matches = |pattern: &Pattern| pattern.matches(texts, text, length);
            if lowest & sure != 0 || patterns.get(index).is_some_and(matches) {
                return wants & lowest != 0;
            }
            left ^= lowest;
        }
    }
    !copies
}

/// Which of up to [`AT_ONCE`] patterns may match, and of which of them this is
/// not known because their pieces are not all near: a bit for each, the last one
/// lowest.
///
/// Whether one does is no branch, for which a processor had to guess what
/// stands in the line: wrong guesses would take most of the time.
#[inline(never)]
fn candidates(mut patterns: &[Pattern], text: &[u8], length: usize) -> (u64, u64) {
    let Some(window) = text.first_chunk::<WINDOW>() else { return (u64::MAX, u64::MAX) };
    let Some(near) = text.first_chunk() else { return (u64::MAX, u64::MAX) };
    // Nothing is sought beyond the line's end.
    let stop = if length > NEAR { 0 } else { 1_u128 << length };
    let last = text.get(length.wrapping_sub(1)).copied().unwrap_or(0);
    let (mut bits, mut unsure) = (0, 0);
    let (mut sought, mut places, mut found) = (NOTHING, 0, 0);
    while let [pattern, behind @ ..] = patterns {
        patterns = behind;
        bits <<= 1;
        if pattern.last != b'*' && pattern.last != last {
            continue;
        }
        let mut at = 0;
        if pattern.sought != NOTHING {
            if sought != pattern.sought {
                sought = pattern.sought;
                places = bytes::places(near, sought) | stop;
                found = lowest(places);
            }
            at = found;
        }
        let Some(mut differs) = pattern.first.differs(window, at) else {
            bits |= 1;
            unsure |= 1 << patterns.len();
            continue;
        };
        at += pattern.first.length;
        if let Some(second) = &pattern.second {
            let Some(more) = second.differs(window, at + lowest(places >> at)) else {
                let may_match = u64::from(differs == 0);
                bits |= may_match;
                unsure |= may_match << patterns.len();
                continue;
            };
            differs |= more;
        }
        if pattern.is_whole {
            differs |= (at ^ length) as u64;
        }
        bits |= u64::from(differs == 0);
    }
    (bits, unsure)
}

/// Where the lowest bit is that is set, or 128; without the branch that the
/// compiler makes of `trailing_zeros` for numbers this wide.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "each half by itself")]
fn lowest(bits: u128) -> usize {
    let (low, high) = (bits as u64, (bits >> 64) as u64);
    let in_low = low.trailing_zeros();
    // All of what was found in the upper half counts, or nothing.
    let in_high = high.trailing_zeros() & (in_low / 64).wrapping_neg();
    (in_low + in_high) as usize
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
    fn a_second_piece_seeks_behind_the_first() {
        for pattern in [
            "*: *: pid *",
            "*: *: pid",
            "*: *: *",
            "*: *: +p*",
            "*: *: pid *: *",
            "*: *i*",
            "*:12345678*:1*",
            "*:*:*",
            "*::*:*",
        ] {
            let pieces = [":", ": ", "x: ", ": pid ", "::", ":12345678", "9:1", "pid"];
            let fillers = ["", "-", &"-".repeat(60), &"-".repeat(88), &"-".repeat(97)];
            for first in pieces {
                for second in pieces {
                    for filler in fillers {
                        for before in fillers {
                            let line = [before, first, filler, second, filler].concat();
                            let (pattern, line) = (pattern.as_bytes(), line.as_bytes());
                            assert_eq!(is_matched(pattern, line), by_the_book(pattern, line));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_found_for_one_pattern_is_not_taken_for_anothers() {
        let patterns = strings(b"ab*+", 4);
        let lines = strings(b"ab*", 3);
        let mut seed = 1_usize;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for _ in 0..3000 {
            let chosen: Vec<_> = (0..=random(12))
                .map(|_| [&b"+-"[random(2)..][..1], &patterns[random(patterns.len())]].concat())
                .collect();
            let (compiled, texts) = compiled(&chosen);
            for _ in 0..20 {
                let mut line = lines[random(lines.len())].clone();
                line.extend(std::iter::repeat_n(b'.', random(2) * random(100)));
                line.extend(&lines[random(lines.len())]);
                let last = chosen.iter().rfind(|pattern| by_the_book(&pattern[1..], &line));
                let expected = last.is_none_or(|pattern| pattern[0] == b'+');
                let length = line.len();
                line.extend([b'\n'; WINDOW]);
                let wanted = decide(&compiled, &texts, false, &line, length);
                assert_eq!(wanted, expected, "{chosen:?} {line:?}");
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
