//! Status records, and what `sv` shows of them under any name. The input is a
//! record of 20 bytes, and the service's name.

use core::ffi::CStr;

use runit_core::status::{SIZE, State, StatusRecord};
use runit_core::tai::Tai64n;
use sv::client::View;
use sv::json;
use sv::render::{PartOf, Text};

/// Tries an input.
pub fn run(data: &[u8]) {
    let (bytes, name) = data.split_at(SIZE.min(data.len()));
    let record = StatusRecord::from_bytes(bytes);
    assert_eq!(record.is_some(), is_possible(bytes), "{bytes:?}");
    if data.len() != SIZE {
        assert_eq!(StatusRecord::from_bytes(data), None, "20 bytes and no more");
    }
    let Some(record) = record else { return };
    let written = record.to_bytes();
    assert_eq!(StatusRecord::from_bytes(&written), Some(record));
    // Time, pid and state to the byte.
    assert_eq!((&written[..16], written[19]), (&bytes[..16], bytes[19]));
    show(record, name);
}

/// Whether the contract knows such a record.
fn is_possible(bytes: &[u8]) -> bool {
    bytes.len() == SIZE && bytes[15] < 0x80 && bytes[19] <= 2
}

fn show(record: StatusRecord, name: &[u8]) {
    let view = View { record, ..View::default() };
    let mut text = Text::new();
    let now = Tai64n::from_unix(core::time::Duration::from_secs(1_800_000_000));
    text.view(name, PartOf::Service, &view, now);
    let line = text.bytes.to_vec();
    assert!(line.iter().all(|&byte| byte >= 0x20 && byte != 0x7f), "one line, no orders");
    let word: &[u8] = match record.state {
        State::Down => b"down: ",
        State::Run => b"run: ",
        State::Finish => b"finish: ",
    };
    assert!(line.starts_with(word));

    let mut text = Text::new();
    json::start(&mut text, name, path(), PartOf::Service);
    json::view(&mut text, &view, now);
    text.add("}");
    let json = std::str::from_utf8(&text.bytes).expect("JSON is UTF-8");
    assert_eq!(object_end(json.as_bytes()), Some(json.len()), "{json}");
}

fn path() -> &'static CStr {
    c"/var/service/x"
}

/// Where an object of strings, numbers and literals ends.
fn object_end(json: &[u8]) -> Option<usize> {
    let mut at = expect(json, 0, b'{')?;
    loop {
        at = string_end(json, at)?;
        at = expect(json, at, b':')?;
        at = if json.get(at) == Some(&b'"') {
            string_end(json, at)?
        } else {
            let plain = |byte: &&u8| byte.is_ascii_alphanumeric();
            let length = json[at..].iter().take_while(plain).count();
            let value = &json[at..at + length];
            let is_word = [&b"true"[..], b"false", b"null"].contains(&value);
            let is_number = value.iter().all(u8::is_ascii_digit)
                && (value == b"0" || value.first().is_some_and(|digit| *digit != b'0'));
            if !is_word && !is_number {
                return None;
            }
            at + length
        };
        match json.get(at)? {
            b',' => at += 1,
            _ => return expect(json, at, b'}'),
        }
    }
}

/// Where a string that begins at `at` ends (RFC 8259, section 7).
fn string_end(json: &[u8], at: usize) -> Option<usize> {
    let mut at = expect(json, at, b'"')?;
    loop {
        match json.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => match json.get(at + 1)? {
                b'u' => {
                    json.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                    at += 6;
                }
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                _ => return None,
            },
            0..0x20 => return None,
            _ => at += 1,
        }
    }
}

fn expect(json: &[u8], at: usize, byte: u8) -> Option<usize> {
    (json.get(at) == Some(&byte)).then_some(at + 1)
}
