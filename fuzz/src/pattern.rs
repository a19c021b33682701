//! `svlogd`'s patterns against their definition. The input is the pattern, a
//! newline, and the line.

use svlogd_select::pattern::{Pattern, decide};

use crate::split_at_byte;

/// Tries an input.
pub fn run(data: &[u8]) {
    let (pattern, line) = split_at_byte(data, b'\n');
    let matched = matches(pattern, line);
    assert_eq!(
        matched,
        by_definition(pattern, line),
        "{} on {}",
        pattern.escape_ascii(),
        line.escape_ascii()
    );
    // What has no special byte in it matches itself alone.
    if !pattern.contains(&b'*') && !pattern.contains(&b'+') {
        assert_eq!(matched, pattern == line);
    }
    // A star takes what is left.
    assert!(matches(b"*", line));
}

/// Whether a line matches, whatever is behind it.
pub(crate) fn matches(pattern: &[u8], line: &[u8]) -> bool {
    let patterns = [Pattern::new(&[], b'-', pattern, 0)];
    let decide = |text: &[u8]| !decide(&patterns, pattern, false, text, line.len());
    let matched = decide(line);
    for behind in [[b"\n", line, &[b'\n'; 200]].concat(), [line, pattern, &[b'a'; 200]].concat()] {
        let seen = decide(&[line, &behind].concat());
        assert_eq!(seen, matched, "{} on {}", pattern.escape_ascii(), line.escape_ascii());
    }
    matched
}

/// The definition, each sentence of it: `*` is what is before the first
/// occurrence of the byte after it, at the end it is anything; `+` is all there
/// is of the byte after it, at least one.
fn by_definition(pattern: &[u8], line: &[u8]) -> bool {
    let mut at = 0;
    let mut place = 0;
    while let Some(byte) = pattern.get(place) {
        let next = pattern.get(place + 1);
        if *byte == b'*' {
            let Some(next) = next else { return true };
            loop {
                match line.get(at) {
                    None => return false,
                    Some(byte) if byte == next => break,
                    Some(_) => at += 1,
                }
            }
            place += 1;
        } else if *byte == b'+' {
            let Some(next) = next else { return false };
            if line.get(at) != Some(next) {
                return false;
            }
            while line.get(at) == Some(next) {
                at += 1;
            }
            place += 2;
        } else {
            if line.get(at) != Some(byte) {
                return false;
            }
            (at, place) = (at + 1, place + 1);
        }
    }
    at == line.len()
}
