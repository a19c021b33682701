//! Rust text with its comments and literals blanked out.

/// The same text, line for line and column for column, with a blank for each
/// byte of a comment or of a string or character literal.
pub fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(bytes, at);
        if end == at {
            code.push(bytes[at]);
            at += 1;
        } else {
            code.extend(bytes[at..end].iter().map(|&b| if b == b'\n' { b'\n' } else { b' ' }));
            at = end;
        }
    }
    // Only whole characters were blanked, or none of their bytes.
    String::from_utf8_lossy(&code).into_owned()
}

/// Where the comment or literal that begins at `at` ends; `at` if none begins there.
fn literal_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return at + rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return at + block_comment(rest);
    }
    match rest[0] {
        b'"' => at + quoted(rest, b'"'),
        b'\'' => at + character(rest),
        b'r' if !continues_word(bytes, at) => at + raw_string(rest).unwrap_or(0),
        b'b' | b'c' if !continues_word(bytes, at) && rest.get(1) == Some(&b'r') => {
            raw_string(&rest[1..]).map_or(at, |length| at + 1 + length)
        }
        _ => at,
    }
}

/// Whether the byte before belongs to the same word.
fn continues_word(bytes: &[u8], at: usize) -> bool {
    at > 0 && is_word_byte(bytes[at - 1])
}

/// Whether the byte may be part of a word.
pub fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The length of the comment, with those nested in it.
fn block_comment(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if bytes[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// The length of a literal that ends at the first `quote` without a backslash.
fn quoted(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The length of a character literal; 0 for a lifetime.
fn character(bytes: &[u8]) -> usize {
    if bytes.get(1) == Some(&b'\\') {
        return quoted(bytes, b'\'');
    }
    // One character, of up to four bytes, and the closing quote.
    let close = bytes.iter().skip(2).take(4).position(|&b| b == b'\'');
    match (bytes.get(1), close) {
        (Some(first), Some(0)) if first.is_ascii() => 3,
        (Some(first), Some(more)) if !first.is_ascii() => 3 + more,
        _ => 0,
    }
}

/// The length of `r"..."` or `r#"..."#`; `None` for anything else beginning with `r`.
fn raw_string(bytes: &[u8]) -> Option<usize> {
    let hashes = bytes[1..].iter().take_while(|&&b| b == b'#').count();
    let open = 1 + hashes;
    if bytes.get(open) != Some(&b'"') {
        return None;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = &bytes[open + 1..];
    let at = body.windows(close.len()).position(|window| window == close);
    Some(at.map_or(bytes.len(), |at| open + 1 + at + close.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_code_is_kept() {
        for (text, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("x // \" y") // z"#, r"f(           )     "),
            ("r\"\\\" + x", "     + x"),
            ("br#\"a\"b\"# + x", "          + x"),
            ("for\"x\" r#type", "for    r#type"),
            ("&'a str, 'b', '\\'', 'é', b'\"' x", "&'a str,    ,     ,     , b    x"),
            ("\"two\nlines\"", "    \n      "),
            ("\"open", "     "),
        ] {
            assert_eq!(code_only(text), code, "{text}");
        }
    }
}
