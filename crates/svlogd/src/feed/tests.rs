//! Feeds against a target in memory that fails, takes less than it is given,
//! and cannot rotate, as a printed seed has it.

use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use super::*;
use crate::config::Config;

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

struct Memory {
    random: Random,
    /// Of 100 calls, how many fail or fall short.
    faults: usize,
    files: Vec<Vec<u8>>,
    alerts: Vec<String>,
    sent: Vec<String>,
    network: bool,
    writes: usize,
}

impl Memory {
    fn new(seed: u64, faults: usize) -> Self {
        Self {
            random: Random(seed),
            faults,
            files: vec![Vec::new()],
            alerts: Vec::new(),
            sent: Vec::new(),
            network: true,
            writes: 0,
        }
    }

    fn all(&self) -> Vec<u8> {
        self.files.concat()
    }
}

fn shown(record: &Record<'_>) -> String {
    let parts = [record.stamp, record.prefix, record.text, record.dots];
    String::from_utf8(parts.concat()).unwrap()
}

impl Target for Memory {
    fn write(&mut self, head: &[u8], tail: &[u8]) -> Result<usize, Errno> {
        let both = [head, tail].concat();
        assert!(!both.is_empty(), "nothing to write");
        self.writes += 1;
        let count = if self.random.below(100) < self.faults {
            self.random.below(both.len() + 1)
        } else {
            both.len()
        };
        if count == 0 {
            return Err(Errno::NOSPC);
        }
        self.files.last_mut().unwrap().extend_from_slice(&both[..count]);
        Ok(count)
    }

    fn rotate(&mut self) -> bool {
        assert!(!self.files.last().unwrap().is_empty(), "an empty file is rotated");
        let done = self.random.below(100) >= self.faults;
        if done {
            self.files.push(Vec::new());
        }
        done
    }

    fn alert(&mut self, record: &Record<'_>) {
        self.alerts.push(shown(record));
    }

    fn send(&mut self, record: &Record<'_>) -> bool {
        self.sent.push(shown(record));
        self.network
    }
}

/// Hands in one batch until it is done.
fn feed_batch(feed: &mut Feed, batch: &[u8], length: usize, rules: &Rules<'_>, to: &mut Memory) {
    let stamper = feed.stamper.clone();
    feed.begin(&stamper);
    while feed.advance(batch, length, rules, to).is_err() {}
    assert!(feed.is_done(batch.len()));
}

fn run(input: &[u8], batches: &[usize], form: Stamp, text: &str, to: &mut Memory) {
    let config = Config::read(text);
    let rules = config.rules();
    let mut feed = Feed::new(form).unwrap();
    let mut rest = input;
    let mut sizes = batches.iter().cycle();
    while !rest.is_empty() {
        let (batch, behind) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
        feed_batch(&mut feed, batch, 50, &rules, to);
        rest = behind;
    }
}

fn some_lines(random: &mut Random, count: usize) -> Vec<u8> {
    let mut input = Vec::new();
    for number in 0..count {
        let length = [5, 40, 90, 300, 3000, 9000][random.below(6)];
        input.extend_from_slice(format!("{number} ").as_bytes());
        input.extend((0..random.below(length)).map(|_| b'a'));
        input.push(b'\n');
    }
    input
}

/// What the lines of `input` are to become.
fn expected(input: &[u8], stamped: bool, text: &str) -> Vec<u8> {
    let config = Config::read(text);
    let rules = config.rules();
    let mut stamper = Stamper::new(if stamped { Stamp::Tai } else { Stamp::None });
    let mut output = Vec::new();
    for line in input.split_inclusive(|&byte| byte == b'\n') {
        let first = line.strip_suffix(b"\n").unwrap();
        let seen = first.get(..50).unwrap_or(first);
        if rules.select(seen, seen.len()) {
            output.extend_from_slice(stamper.text());
            output.extend_from_slice(rules.prefix);
            output.extend_from_slice(line);
        }
        stamper.advance();
    }
    output
}

#[test]
fn whatever_fails_each_line_is_there_once_and_in_order() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let input = some_lines(&mut random, 60);
        let faults = [0, 30, 80][random.below(3)];
        let size = [0, 1000, 4000, 20_000][random.below(4)];
        let settings = ["", "pPREFIX: \n", "-*a\n+1*\n", "-*\n+*a\npx\n"][random.below(4)];
        // Only where there is nothing to match may a batch end within a line.
        let cut = !settings.contains('-') && random.below(2) == 0;
        let batches = if cut { 1 + random.below(14_000) } else { usize::MAX };
        let stamped = random.below(2) == 0;
        let text = format!("s{size}\n{settings}");
        let mut memory = Memory::new(seed, faults);
        let form = if stamped { Stamp::Tai } else { Stamp::None };
        run(&input, &[batches], form, &text, &mut memory);
        assert!(memory.all() == expected(&input, stamped, &text), "seed {seed}");
        for file in &memory.files {
            let limit = if faults > 0 || size == 0 { usize::MAX } else { 2 * size };
            assert!(file.len() <= limit, "seed {seed}: {}", file.len());
        }
    }
}

#[test]
fn lines_as_they_are_and_lines_put_together_make_the_same_files() {
    for seed in 0..100 {
        let mut random = Random(seed);
        let input = some_lines(&mut random, 80);
        let size = [0, 300, 1000, 4000, 20_000][random.below(5)];
        let mut copied = Memory::new(seed, 0);
        run(&input, &[usize::MAX], Stamp::None, &format!("s{size}\n"), &mut copied);
        let mut built = Memory::new(seed, 0);
        run(&input, &[usize::MAX], Stamp::None, &format!("s{size}\n+*\n"), &mut built);
        assert!(copied.files == built.files, "seed {seed}, size {size}");
    }
}

#[test]
fn a_batch_is_one_write() {
    let input = [&b"a line of some length\n"[..]; 500].concat();
    for text in ["", "p: \n"] {
        let mut memory = Memory::new(1, 0);
        run(&input, &[usize::MAX], Stamp::None, text, &mut memory);
        assert_eq!(memory.writes, 1, "{text:?}");
    }
}

#[test]
fn copies_and_packets_are_made_once_and_cut() {
    let long = [b'y'; 60];
    let input = [b"one\n", &long[..], b"\nbee\n"].concat();
    let mut memory = Memory::new(3, 90);
    run(&input, &[usize::MAX], Stamp::None, "u1.2.3.4\npP: \n-b*\ne*\n", &mut memory);
    let cut = format!("P: {}...", "y".repeat(50));
    assert_eq!(memory.alerts, ["P: one", &cut, "P: bee"]);
    assert_eq!(memory.sent, ["P: one", &cut]);
    assert_eq!(memory.all(), [b"P: one\nP: ", &long[..], b"\n"].concat());

    memory = Memory::new(3, 0);
    memory.network = false;
    run(b"one\nbee\n", &[usize::MAX], Stamp::None, "U1.2.3.4\npP: \n", &mut memory);
    let said = "warning: failure sending through udp: P: one\n\
                warning: failure sending through udp: P: bee\n";
    assert_eq!(memory.all(), said.as_bytes());
}

#[test]
fn what_is_given_up_is_counted_and_owned_up_to() {
    let config = Config::read("-x*\n");
    let rules = config.rules();
    let batch = b"one\nxtwo\nthree\nfour";
    // The first seed with which a write falls short within a line and the next one fails.
    let torn = |seed| {
        let mut memory = Memory::new(seed, 100);
        let mut feed = Feed::new(Stamp::None).unwrap();
        let failed = feed.advance(batch, 50, &rules, &mut memory).is_err();
        let within =
            ["on", "\nth", "\nfou"].iter().any(|end| memory.all().ends_with(end.as_bytes()));
        (failed && within).then_some((memory, feed))
    };
    let (mut memory, mut feed) = (0..100).find_map(torn).unwrap();
    let torn = memory.all().len();
    feed.discard(batch, 50, &rules, &mut memory);
    assert!(feed.is_done(batch.len()));
    let written = memory.all();
    let whole = written.split(|&byte| byte == b'\n').count() - 1;
    let lost = feed.lost();
    assert_eq!(lost.lines, 3 - whole as u64);
    assert_eq!(lost.bytes, (b"one\nthree\nfour".len() - torn) as u64);
    memory.faults = 0;
    // The rest of the line that was given up goes with it.
    let stamper = feed.stamper.clone();
    feed.begin(&stamper);
    feed.advance(b" and more\nfive\n", 50, &rules, &mut memory).unwrap();
    let end = if written.ends_with(b"\n") { "" } else { "\n" };
    let more = format!("{end}svlogd: lost {} lines\nfive\n", lost.lines);
    assert_eq!(memory.all(), [&written[..], more.as_bytes()].concat());
    assert_eq!(feed.lost(), Lost::default());
}

/// A disk with room for so many bytes.
struct Narrow {
    room: usize,
    file: Vec<u8>,
}

impl Target for Narrow {
    fn write(&mut self, head: &[u8], tail: &[u8]) -> Result<usize, Errno> {
        let both = [head, tail].concat();
        let count = both.len().min(self.room);
        self.room -= count;
        self.file.extend_from_slice(&both[..count]);
        if count == 0 { Err(Errno::NOSPC) } else { Ok(count) }
    }

    fn rotate(&mut self) -> bool {
        true
    }

    fn alert(&mut self, _: &Record<'_>) {}

    fn send(&mut self, _: &Record<'_>) -> bool {
        true
    }
}

#[test]
fn a_loss_is_owned_up_to_whole_wherever_the_disk_is_full() {
    let config = Config::read("");
    let rules = config.rules();
    let told = b"svlogd: lost 1 lines\n";
    for room in 0..=told.len() {
        let mut feed = Feed::new(Stamp::None).unwrap();
        let mut disk = Narrow { room: 0, file: Vec::new() };
        feed.discard(b"one\n", 50, &rules, &mut disk);
        feed.end();
        disk.room = room;
        assert_eq!(feed.advance(b"", 50, &rules, &mut disk).is_ok(), room == told.len());
        disk.room = 1000;
        feed.advance(b"two\n", 50, &rules, &mut disk).unwrap();
        // What was torn has a line of its own; what lacks but its newline gets it.
        let torn = if room + 1 < told.len() { &told[..room] } else { b"" };
        let end = if torn.is_empty() { "" } else { "\n" };
        let expected = [torn, end.as_bytes(), told, b"two\n"].concat();
        assert_eq!(String::from_utf8_lossy(&disk.file), String::from_utf8_lossy(&expected));
    }
}

#[test]
fn a_line_that_lacks_but_its_newline_is_not_lost() {
    let config = Config::read("s2000\n");
    let rules = config.rules();
    // Put together, or written from where it was read; lost alone, or with an empty line.
    for (length, behind, form) in [
        (3, "", Stamp::None),
        (3, "", Stamp::Tai),
        (3, "\n", Stamp::None),
        (1970, "\n", Stamp::Tai),
        (3000, "\n", Stamp::Tai),
        (3000, "", Stamp::None),
    ] {
        let line = format!("{}\n", "x".repeat(length));
        let head = Stamper::new(form).text().len();
        for lacking in 1..3 {
            let room = head + line.len() - lacking;
            let mut feed = Feed::new(form).unwrap();
            let mut disk = Narrow { room, file: Vec::new() };
            let batch = format!("{line}{behind}");
            feed.advance(batch.as_bytes(), 50, &rules, &mut disk).unwrap_err();
            feed.discard(batch.as_bytes(), 50, &rules, &mut disk);
            feed.end();
            // Once more: what is given up stays counted as it was.
            feed.discard(behind.as_bytes(), 50, &rules, &mut disk);
            feed.end();
            let lost = lacking - 1 + 2 * behind.len();
            let bytes = if lacking > 1 { lacking } else { 0 } + 2 * behind.len() * (head + 1);
            assert_eq!(feed.lost(), Lost { lines: lost as u64, bytes: bytes as u64 });
            disk.room = 10_000;
            feed.advance(b"next\n", 50, &rules, &mut disk).unwrap();
            let text = String::from_utf8(disk.file[room..].to_vec()).unwrap();
            let mut lines = text.lines().map(|line| line.get(head..).unwrap_or(line));
            assert_eq!(lines.next(), Some(""), "{length} {behind:?} {form:?} {lacking}");
            if lost > 0 {
                assert_eq!(lines.next(), Some(&*format!("svlogd: lost {lost} lines")));
            }
            assert_eq!((lines.next(), lines.next()), (Some("next"), None));
            assert_eq!(feed.lost(), Lost::default());
        }
    }
}

#[test]
fn rotation_that_was_asked_for_waits_for_the_end_of_the_line() {
    let config = Config::read("");
    let rules = config.rules();
    let mut memory = Memory::new(1, 0);
    let mut feed = Feed::new(Stamp::None).unwrap();
    feed.rotate_soon();
    feed_batch(&mut feed, b"", 5, &rules, &mut memory);
    assert_eq!(memory.files.len(), 1, "there was nothing to rotate");
    feed_batch(&mut feed, b"one\nbegun", 5, &rules, &mut memory);
    feed.rotate_soon();
    feed_batch(&mut feed, b", ended\ntwo\n", 5, &rules, &mut memory);
    assert_eq!(memory.files, [&b"one\nbegun, ended\n"[..], b"two\n"]);
    feed.rotate_soon();
    feed_batch(&mut feed, b"", 5, &rules, &mut memory);
    assert_eq!(memory.files.len(), 3);
}

#[test]
fn a_directory_that_joins_late_leaves_out_what_was_read() {
    let config = Config::read("");
    let rules = config.rules();
    let mut memory = Memory::new(1, 0);
    let mut feed = Feed::new(Stamp::None).unwrap();
    feed.skip(6, true);
    assert!(feed.is_done(6));
    feed.end();
    feed_batch(&mut feed, b" the rest\nnext\n", 50, &rules, &mut memory);
    assert_eq!(memory.all(), b"next\n");
    feed.shrink();
    feed_batch(&mut feed, b"more\n", 50, &rules, &mut memory);
    assert_eq!(memory.all(), b"next\nmore\n");
}

#[test]
fn what_a_file_held_when_it_was_opened_counts() {
    let config = Config::read("s40\n");
    let rules = config.rules();
    let mut memory = Memory::new(1, 0);
    let mut feed = Feed::new(Stamp::None).unwrap();
    memory.files[0] = vec![b'x'; 38];
    feed.opened(38);
    feed_batch(&mut feed, b"a line\n", 50, &rules, &mut memory);
    assert_eq!(memory.files.len(), 2, "it has no room there");
    assert_eq!(memory.files[1], b"a line\n");
}

#[test]
fn a_line_begun_in_a_file_counts_when_that_is_opened_again() {
    let config = Config::read("s10\n");
    let rules = config.rules();
    let mut memory = Memory::new(1, 0);
    let mut feed = Feed::new(Stamp::None).unwrap();
    feed_batch(&mut feed, b"begun", 50, &rules, &mut memory);
    feed.opened(5);
    feed_batch(&mut feed, b", ended\n", 50, &rules, &mut memory);
    assert_eq!(memory.files, [&b"begun, end"[..], b"ed\n"]);
}
