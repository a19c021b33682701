//! The way of lines through `svlogd`: whatever the pieces in which they are
//! read, and however often a write falls short, each wanted line is written
//! once, whole, and in order. The input is a line of words that say how it
//! goes, the configuration, a line `--`, and the lines.
//!
//! `l20` matches the first 20 bytes; `c7` reads up to 7 bytes at once; `f30`
//! makes 30 of 100 writes fall short; `r_` cleans; `s5` begins other accidents.

use runit_rt::Errno;
use rustix::pipe::pipe;
use svlogd::clean::Cleaner;
use svlogd::config::Config;
use svlogd::feed::Feed;
use svlogd::input::Input;
use svlogd::stamp::{Stamp, Stamper};
use svlogd::target::{Record, Target};

use crate::mutate::Random;
use crate::{config, split_at_byte, split_at_dashes};

/// How an input is gone through.
struct Course {
    length: usize,
    chunk: usize,
    faults: usize,
    cleaner: Option<Cleaner>,
    random: Random,
}

impl Course {
    fn read(words: &[u8]) -> Self {
        let mut course =
            Self { length: 1000, chunk: 4096, faults: 0, cleaner: None, random: Random::new(1) };
        for word in words.split(|&byte| byte == b' ') {
            let Some((letter, value)) = word.split_first() else { continue };
            let number = value.iter().fold(0_usize, |sum, byte| {
                sum.wrapping_mul(10).wrapping_add(usize::from(byte.wrapping_sub(b'0')))
            });
            match letter {
                b'l' => course.length = number % 2000 + 1,
                b'c' => course.chunk = number % 4096 + 1,
                b'f' => course.faults = number % 95,
                b'r' => course.cleaner = value.first().map(|byte| Cleaner::new(*byte, b"x")),
                b's' => course.random = Random::new(number as u64),
                _ => {}
            }
        }
        course
    }
}

/// A log in memory.
#[derive(Default)]
struct Memory {
    files: Vec<Vec<u8>>,
    alerts: usize,
    sent: usize,
    faults: usize,
    random: Option<Random>,
}

impl Memory {
    fn is_trouble(&mut self) -> bool {
        self.random.as_mut().is_some_and(|random| random.below(100) < self.faults)
    }
}

impl Target for Memory {
    fn write(&mut self, head: &[u8], tail: &[u8]) -> Result<usize, Errno> {
        let both = [head, tail].concat();
        assert!(!both.is_empty(), "a write of nothing");
        let mut count = both.len();
        if self.is_trouble() {
            count = self.random.as_mut().map_or(0, |random| random.below(both.len() + 1));
        }
        if count == 0 {
            return Err(Errno::NOSPC);
        }
        self.files.last_mut().expect("there is one").extend_from_slice(&both[..count]);
        Ok(count)
    }

    fn rotate(&mut self) -> bool {
        assert!(self.files.last().is_some_and(|file| !file.is_empty()), "an empty file is rotated");
        let possible = !self.is_trouble();
        if possible {
            self.files.push(Vec::new());
        }
        possible
    }

    fn alert(&mut self, _: &Record<'_>) {
        self.alerts += 1;
    }

    fn send(&mut self, _: &Record<'_>) -> bool {
        self.sent += 1;
        true
    }
}

/// Tries an input.
pub fn run(data: &[u8]) {
    let (words, rest) = split_at_byte(data, b'\n');
    let (text, lines) = match rest.strip_prefix(b"--\n") {
        Some(lines) => (&b""[..], lines),
        None => split_at_dashes(rest),
    };
    let course = Course::read(words);
    let (config, _) = config::read(text);
    let expected = expected(&course, &config, lines);
    let limit = usize::try_from(config.size).unwrap_or(usize::MAX);
    let faultless = course.faults == 0;
    let memory = go(course, &config, lines);
    assert_eq!(memory.files.concat(), expected.files.concat());
    assert_eq!((memory.alerts, memory.sent), (expected.alerts, expected.sent));
    for file in &memory.files {
        let has_prefix = !config.rules().prefix.is_empty();
        // A prefix alone may be longer than the limit.
        if faultless && limit > 0 && !has_prefix {
            assert!(file.len() <= limit.saturating_mul(2), "{} of {limit}", file.len());
        }
    }
}

/// As the program does it.
fn go(course: Course, config: &Config, mut lines: &[u8]) -> Memory {
    let Course { length, chunk, faults, cleaner, mut random } = course;
    let mut memory = Memory { files: vec![Vec::new()], faults, ..Memory::default() };
    memory.random = Some(Random::new(random.below(1 << 20) as u64));
    let (read, write) = pipe().expect("a pipe");
    let mut input = Input::new(0).expect("memory");
    let mut feed = Feed::new(Stamp::None).expect("memory");
    while !lines.is_empty() {
        let (now, later) = lines.split_at(lines.len().min(1 + random.below(chunk)));
        lines = later;
        assert_eq!(rustix::io::write(&write, now), Ok(now.len()));
        assert_eq!(input.read(&read, cleaner.as_ref()), Ok(Some(now.len())));
        take(&mut input, &mut feed, length, config, &mut memory);
        // Nothing more is there for now.
        if random.below(3) == 0 && input.could_release(length) {
            input.release();
            take(&mut input, &mut feed, length, config, &mut memory);
        }
    }
    drop(write);
    assert_eq!(input.read(&read, cleaner.as_ref()), Ok(Some(0)));
    input.finish();
    take(&mut input, &mut feed, length, config, &mut memory);
    memory
}

/// The batch, as often as it takes.
fn take(input: &mut Input, feed: &mut Feed, length: usize, config: &Config, memory: &mut Memory) {
    feed.begin(&Stamper::new(Stamp::None));
    let batch = input.batch();
    while feed.advance(batch, length, &config.rules(), memory).is_err() {}
    assert!(feed.is_done(batch.len()));
    input.consume();
    feed.end();
}

/// Line by line.
fn expected(course: &Course, config: &Config, lines: &[u8]) -> Memory {
    let rules = config.rules();
    let mut lines = lines.to_vec();
    if let Some(cleaner) = &course.cleaner {
        cleaner.clean(&mut lines);
    }
    let mut memory = Memory { files: vec![Vec::new()], ..Memory::default() };
    for line in lines.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let first = &line[..line.len().min(course.length)];
        let wanted = rules.select(first, first.len());
        memory.alerts += usize::from(rules.alert(first));
        memory.sent += usize::from(wanted && rules.remote);
        if wanted && !rules.remote_only {
            memory.files[0].extend([rules.prefix, line, b"\n"].concat());
        }
    }
    memory
}
