//! `svlogd`'s `config`: no line, however bad, takes another one with it. The
//! input is the file.

use svlogd::config::{Config, Keep, Text};

use crate::pattern::matches;

/// What can be seen of a configuration.
#[derive(Debug, PartialEq)]
struct Seen {
    numbers: [u64; 3],
    keep: Keep,
    remote: Option<core::net::SocketAddr>,
    processor: Option<Vec<u8>>,
    prefix: Vec<u8>,
    patterns: usize,
    flags: [bool; 4],
}

/// Tries an input.
pub fn run(data: &[u8]) {
    let (config, faults) = read(data);
    let lines: Vec<&[u8]> = data.split(|&byte| byte == b'\n').collect();
    let is_bad = |line: &&[u8]| !read(line).1.is_empty();
    let numbers = 1_u64..;
    let bad = numbers.zip(&lines).filter(|(_, line)| is_bad(line)).map(|(number, _)| number);
    assert_eq!(faults, bad.collect::<Vec<_>>(), "a line is bad wherever it stands");
    let good: Vec<&[u8]> = lines.iter().copied().filter(|line| !is_bad(line)).collect();
    let (alone, none) = read(&good.join(&b'\n'));
    assert!(none.is_empty());
    assert_eq!(seen(&config), seen(&alone), "good lines count whatever is between them");
    if !data.contains(&0) {
        selection(&config, &good);
    }
}

/// The configuration, and the numbers of the lines that were complained of.
pub(crate) fn read(text: &[u8]) -> (Config, Vec<u64>) {
    let store = Text::of(text).expect("there is memory");
    let mut config = Config::default();
    let mut faults = Vec::new();
    config.follow_all(store, text.len(), &mut |line, _| faults.push(line));
    (config, faults)
}

fn seen(config: &Config) -> Seen {
    let rules = config.rules();
    Seen {
        numbers: [config.size, config.age, config.drop_after],
        keep: config.keep,
        remote: config.remote,
        processor: config.processor().map(|command| command.to_bytes().to_vec()),
        prefix: rules.prefix.to_vec(),
        patterns: rules.patterns.len(),
        flags: [rules.selects, rules.alerts, rules.remote, rules.remote_only],
    }
}

/// The last pattern that matches decides.
fn selection(config: &Config, lines: &[&[u8]]) {
    let decide = |letters: [u8; 2], line: &[u8], default| {
        let last = lines.iter().rev().find(|pattern| {
            let letter = pattern.first().is_some_and(|letter| letters.contains(letter));
            letter && matches(&pattern[1..], line)
        });
        last.map_or(default, |pattern| pattern[0] == letters[0])
    };
    // Lines of the file are lines to log as good as any.
    for line in lines.iter().chain([&&b""[..], &&b"error: x"[..]]) {
        let without_letter = line.get(1..).unwrap_or_default();
        for line in [line, without_letter] {
            assert_eq!(config.rules().select(line, line.len()), decide(*b"+-", line, true));
            assert_eq!(config.rules().alert(line), decide(*b"eE", line, false));
        }
    }
}
