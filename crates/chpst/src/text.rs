//! Bytes between separators.

/// The pieces of `text` between bytes `separator`, the empty ones too. (One
/// function, so that there is one copy of its code.)
pub fn pieces(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    text.split(move |&byte| byte == separator)
}

/// Whether two names differ in nothing but upper and lower case. (That of `core`
/// for whole slices is made for speed, and five times as large.)
pub fn same_letters(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.eq_ignore_ascii_case(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_the_same_in_either_case() {
        assert!(same_letters(b"Web-1", b"wEB-1") && same_letters(b"", b""));
        assert!(!same_letters(b"web", b"web1") && !same_letters(b"@", b"`"));
    }
}
