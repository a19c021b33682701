//! `--json`: an array, one object for each service (docs/sv-json.md).

use core::ffi::CStr;

use runit_core::diag::Sink;
use runit_core::status::Want;
use runit_core::tai::Tai64n;
use rustix::io::Errno;

use crate::client::{File, Normally, Trouble, View};
use crate::render::{PartOf, Text, process_id, state_word};

/// What a member without a value has.
const NULL: &str = "null";

/// Appends the beginning of the object of a service, or of its log service:
/// names.
#[inline(never)]
pub fn start(text: &mut Text, name: &[u8], path: &CStr, part: PartOf) {
    for (label, name) in [("{\"name\":\"", name), ("\",\"path\":\"", path.to_bytes())] {
        text.add(label);
        escaped(text, name);
        text.add(part.suffix());
    }
    text.add("\"");
}

/// Appends a member that is true or false.
#[inline(never)]
pub fn boolean(text: &mut Text, label: &str, value: bool) {
    text.add(label);
    text.add(if value { "true" } else { "false" });
}

/// Appends the members that service and log service have in common.
#[inline(never)]
pub fn view(text: &mut Text, view: &View, now: Tai64n) {
    if let Some(trouble) = view.trouble {
        text.add(",\"supervised\":");
        text.add(supervised(trouble));
        text.add(UNKNOWN);
        // Its sentences have nothing in them that must be escaped.
        text.sentence(trouble);
        return text.add("\"");
    }
    let record = &view.record;
    text.add(",\"supervised\":true,\"state\":\"");
    text.add(state_word(record.state));
    text.add("\",\"pid\":");
    match process_id(record) {
        0 => text.add(NULL),
        process => text.number(process),
    }
    text.add(",\"since_tai\":\"");
    text.push(&record.since.label());
    text.add("\",\"since_unix\":");
    text.number(record.since.to_unix().unwrap_or_default().as_secs());
    text.add(",\"seconds\":");
    text.number(now.seconds_since(record.since));
    text.add(if record.want == Want::Up { ",\"want\":\"up\"" } else { ",\"want\":\"down\"" });
    boolean(text, ",\"paused\":", record.paused);
    boolean(text, ",\"got_term\":", record.got_term);
    text.add(match view.normally {
        Some(Normally::Up) => ",\"normally\":\"up\",\"error\":null",
        Some(Normally::Down) => ",\"normally\":\"down\",\"error\":null",
        // The one thing that can be unknown of a service that can be seen.
        None => ",\"normally\":null,\"error\":\"unable to stat down\"",
    });
}

/// What is left of a service that cannot be looked at.
const UNKNOWN: &str = ",\"state\":null,\"pid\":null,\"since_tai\":null,\"since_unix\":null,\
     \"seconds\":null,\"want\":null,\"paused\":null,\"got_term\":null,\"normally\":null,\
     \"error\":\"";

/// Whether a supervisor lives, where that can be told in spite of trouble.
fn supervised(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Open(File::Status, _) | Trouble::Read(_) | Trouble::Format => "true",
        Trouble::Directory(Errno::NOENT) => "false",
        other if other.is_absence() => "false",
        _ => NULL,
    }
}

/// Appends a file name as the inside of a JSON string. A backslash in that
/// string begins an escape of ours: `\\` is a backslash, `\x` and two digits a
/// byte that is no UTF-8; in JSON each such backslash is written twice.
#[inline(never)]
fn escaped(text: &mut Text, name: &[u8]) {
    for chunk in name.utf8_chunks() {
        for &byte in chunk.valid().as_bytes() {
            match byte {
                b'\\' => text.add("\\\\\\\\"),
                b'"' => text.add("\\\""),
                0..0x20 | 0x7f => text.escape("\\u00", byte),
                _ => text.push(&[byte]),
            }
        }
        for &byte in chunk.invalid() {
            text.escape("\\\\x", byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::tests::{NOW, views};
    use std::string::String;

    #[test]
    fn objects() {
        let mut text = Text::new();
        for (index, seen) in views().iter().enumerate() {
            let part = if index % 2 == 0 { PartOf::Service } else { PartOf::Log };
            start(&mut text, b"a", c"/svc/a", part);
            view(&mut text, seen, NOW);
            text.add("\n");
        }
        insta::assert_snapshot!(String::from_utf8(text.bytes.to_vec()).unwrap());
    }

    #[test]
    fn names_are_escaped_unambiguously() {
        let json = |name: &[u8]| {
            let mut text = Text::new();
            escaped(&mut text, name);
            String::from_utf8(text.bytes.to_vec()).unwrap()
        };
        assert_eq!(json("gr\u{fc}n \u{1f600}".as_bytes()), "gr\u{fc}n \u{1f600}");
        assert_eq!(json(b"a\"b\n\t\x7f"), r#"a\"b\u000a\u0009\u007f"#);
        assert_eq!(json(b"\xff\xc3"), r"\\xff\\xc3");
        // A name that looks like such an escape does not come out as one.
        assert_eq!(json(br"\xff"), r"\\\\xff");
    }
}
