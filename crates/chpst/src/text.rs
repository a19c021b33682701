//! Bytes between separators.

/// The pieces of `text` between bytes `separator`, the empty ones too. (One
/// function, so that there is one copy of its code.)
pub fn pieces(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    text.split(move |&byte| byte == separator)
}
