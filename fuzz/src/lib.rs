//! Everything in the suite that reads what others wrote, as functions of bytes
//! that panic when an answer is wrong: by a slow, obvious second way to the
//! same answer, by a way back, or by what must hold whatever the bytes.
//!
//! `cargo xtask fuzz` lets libFuzzer look for such bytes; `tests/corpus.rs`
//! tries the corpus and changed copies of it (docs/fuzzing.md).
//!
//! | module | what is read |
//! |---|---|
//! | [`accounts`] | `passwd(5)` and `group(5)`, and users as `chpst -u` names them |
//! | [`address`] | receivers in `svlogd`'s `config` |
//! | [`argv`] | the command line of every tool |
//! | [`config`] | `svlogd`'s `config` |
//! | [`environment`] | environment directories |
//! | [`lines`] | the lines that `svlogd` logs |
//! | [`log_script`] | `log/run`, where `sv log` looks for the log |
//! | [`pattern`] | `svlogd`'s patterns |
//! | [`status`] | status records, and names as `sv` shows them |
//! | [`tai64n`] | labels and other stamps of log lines |
//! | [`time_zone`] | `TZ`, and zone files |
//! | [`title`] | the log that `runsvdir` shows in its command line |
#![forbid(unsafe_code)]

pub mod accounts;
pub mod address;
pub mod argv;
pub mod config;
pub mod environment;
pub mod lines;
pub mod log_script;
pub mod mutate;
pub mod pattern;
pub mod status;
pub mod tai64n;
pub mod time_zone;
pub mod title;

/// A function to try bytes on.
pub struct Target {
    /// Its name, that of its corpus too.
    pub name: &'static str,
    /// Panics when something is wrong.
    pub run: fn(&[u8]),
}

/// All of them.
pub static TARGETS: &[Target] = &[
    Target { name: "accounts", run: accounts::run },
    Target { name: "address", run: address::run },
    Target { name: "argv", run: argv::run },
    Target { name: "config", run: config::run },
    Target { name: "environment", run: environment::run },
    Target { name: "lines", run: lines::run },
    Target { name: "log_script", run: log_script::run },
    Target { name: "pattern", run: pattern::run },
    Target { name: "status", run: status::run },
    Target { name: "tai64n", run: tai64n::run },
    Target { name: "time_zone", run: time_zone::run },
    Target { name: "title", run: title::run },
];

/// The target of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// The part before the first such byte, and the part behind it, which is empty
/// where there is none.
pub(crate) fn split_at_byte(data: &[u8], byte: u8) -> (&[u8], &[u8]) {
    match data.iter().position(|&other| other == byte) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, b""),
    }
}

/// The parts before and behind the first line that is `--`.
pub(crate) fn split_at_dashes(data: &[u8]) -> (&[u8], &[u8]) {
    const LINE: &[u8] = b"\n--\n";
    match data.windows(LINE.len()).position(|window| window == LINE) {
        // The first part keeps its newline.
        Some(at) => (&data[..=at], &data[at + LINE.len()..]),
        None => (data, b""),
    }
}
