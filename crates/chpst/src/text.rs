//! Small things about bytes.

use core::ffi::CStr;

use runit_rt::Errno;
use runit_rt::pile::Pile;
use runit_rt::strings::c_str_in;

/// The pieces of `text` between bytes `separator`, the empty ones too. (One
/// function, so that there is one copy of its code.)
pub fn pieces(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    text.split(move |&byte| byte == separator)
}

/// The bytes of `parts` as a C string, which lives as long as the process. A
/// NUL among them ends it.
pub fn c_string(parts: &[&[u8]]) -> Result<&'static CStr, Errno> {
    let mut text = Pile::new();
    for part in parts {
        text.extend(part)?;
    }
    text.push(0)?;
    c_str_in(text.into_slice()).ok_or(Errno::NOMEM)
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
    fn a_c_string_is_made_of_parts() {
        assert_eq!(c_string(&[b"a", b"", b"bc"]), Ok(c"abc"));
        assert_eq!(c_string(&[]), Ok(c""));
        assert_eq!(c_string(&[b"a\0b"]), Ok(c"a"));
    }

    #[test]
    fn letters_are_the_same_in_either_case() {
        assert!(same_letters(b"Web-1", b"wEB-1") && same_letters(b"", b""));
        assert!(!same_letters(b"web", b"web1") && !same_letters(b"@", b"`"));
    }
}
