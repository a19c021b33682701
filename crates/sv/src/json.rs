//! `--json`: an array, one object for each service (docs/sv-json.md).

use core::ffi::CStr;

use runit_core::diag::Sink;
use runit_core::status::{State, Want};
use runit_core::tai::Tai64n;
use runit_rt::errtext;
use rustix::io::Errno;

use crate::client::{File, Normally, Part, Report, Trouble};
use crate::render::{Text, process_id, state_word};

/// A value in an object; nothing is `null`.
#[derive(Clone, Copy)]
enum Value<'a> {
    Null,
    Boolean(bool),
    Number(u64),
    /// A text with nothing in it that must be escaped.
    Plain(&'a [u8]),
    /// A file name, and what follows it.
    Name(&'a [u8], &'a str),
    Trouble(Trouble),
}

/// Appends the object of a service, on one line, without a newline; `enabled`
/// where that was asked.
pub fn entry(
    text: &mut Text,
    name: &[u8],
    path: &CStr,
    enabled: Option<bool>,
    report: &Report,
    now: Tai64n,
) {
    let path = path.to_bytes();
    text.add("{");
    member(text, "name", Value::Name(name, ""));
    member(text, "path", Value::Name(path, ""));
    if let Some(enabled) = enabled {
        member(text, "enabled", Value::Boolean(enabled));
    }
    part(text, report.service, now);
    match report.log {
        None => member(text, "log", Value::Null),
        Some(log) => {
            text.add(",\"log\":{");
            member(text, "name", Value::Name(name, "/log"));
            member(text, "path", Value::Name(path, "/log"));
            part(text, log, now);
            text.add("}");
        }
    }
    text.add("}");
}

/// The members that service and log service have in common.
fn part(text: &mut Text, part: Result<Part, Trouble>, now: Tai64n) {
    let mut values = [Value::Null; 10];
    let label;
    match part {
        Ok(Part { record, normally }) => {
            label = record.since.label();
            let want = if record.want == Want::Up { "up" } else { "down" };
            let unix = record.since.to_unix();
            values = [
                Value::Boolean(true),
                word(state_word(record.state)),
                if record.pid.is_none() || record.state == State::Down {
                    Value::Null
                } else {
                    Value::Number(process_id(&record))
                },
                Value::Plain(&label),
                unix.map_or(Value::Null, |time| Value::Number(time.as_secs())),
                Value::Number(now.seconds_since(record.since)),
                word(want),
                Value::Boolean(record.paused),
                Value::Boolean(record.got_term),
                match normally {
                    Ok(Normally::Up) => word("up"),
                    Ok(Normally::Down) => word("down"),
                    Err(_) => Value::Null,
                },
            ];
        }
        Err(trouble) => values[0] = supervised(trouble).map_or(Value::Null, Value::Boolean),
    }
    let names = [
        "supervised",
        "state",
        "pid",
        "since_tai",
        "since_unix",
        "seconds",
        "want",
        "paused",
        "got_term",
        "normally",
    ];
    for (name, value) in names.into_iter().zip(values) {
        member(text, name, value);
    }
    let error = match part {
        Ok(Part { normally: Ok(_), .. }) => Value::Null,
        // The one thing that can be unknown of a service that can be seen.
        Ok(Part { normally: Err(error), .. }) => word(errtext::text(error)),
        Err(trouble) => Value::Trouble(trouble),
    };
    member(text, "error", error);
}

/// Whether a supervisor lives, where that can be told in spite of trouble.
fn supervised(trouble: Trouble) -> Option<bool> {
    match trouble {
        Trouble::Open(File::Status, _) | Trouble::Read(_) | Trouble::Format => Some(true),
        Trouble::Directory(Errno::NOENT) => Some(false),
        other => other.is_absence().then_some(false),
    }
}

fn word(word: &str) -> Value<'_> {
    Value::Plain(word.as_bytes())
}

/// Appends a member, behind a comma unless it is the object's first.
fn member(text: &mut Text, name: &str, value: Value<'_>) {
    text.add(if text.bytes.last() == Some(&b'{') { "\"" } else { ",\"" });
    text.add(name);
    text.add("\":");
    match value {
        Value::Null => text.add("null"),
        Value::Boolean(value) => text.add(if value { "true" } else { "false" }),
        Value::Number(number) => text.number(number),
        _ => {
            text.add("\"");
            match value {
                Value::Plain(plain) => text.push(plain),
                Value::Trouble(trouble) => text.sentence(trouble),
                Value::Name(name, rest) => {
                    escaped(text, name);
                    text.add(rest);
                }
                _ => {}
            }
            text.add("\"");
        }
    }
}

/// Appends a file name as the inside of a JSON string. A backslash in that
/// string begins an escape of ours: `\\` is a backslash, `\x` and two digits a
/// byte that is no UTF-8; in JSON each such backslash is written twice.
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
    use crate::render::tests::{NOW, reports};
    use std::string::String;

    #[test]
    fn objects() {
        let mut text = Text::default();
        for (index, report) in reports().iter().enumerate() {
            let enabled = [None, Some(true), Some(false)][index % 3];
            entry(&mut text, b"a", c"/svc/a", enabled, report, NOW);
            text.add("\n");
        }
        insta::assert_snapshot!(String::from_utf8(text.bytes).unwrap());
    }

    #[test]
    fn names_are_escaped_unambiguously() {
        let json = |name: &[u8]| {
            let mut text = Text::default();
            member(&mut text, "n", Value::Name(name, "/log"));
            String::from_utf8(text.bytes).unwrap()
        };
        assert_eq!(json("gr\u{fc}n \u{1f600}".as_bytes()), ",\"n\":\"gr\u{fc}n \u{1f600}/log\"");
        assert_eq!(json(b"a\"b\n\t\x7f"), r#","n":"a\"b\u000a\u0009\u007f/log""#);
        assert_eq!(json(b"\xff\xc3"), r#","n":"\\xff\\xc3/log""#);
        // A name that looks like such an escape does not come out as one.
        assert_eq!(json(br"\xff"), r#","n":"\\\\xff/log""#);
    }
}
