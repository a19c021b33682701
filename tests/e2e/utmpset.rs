//! `utmpset` (CONTRACT section 8), on a utmp and wtmp of its own. Entries are written down here as
//! utmp(5) has them, not as the program does.

use std::fs;

use runit_tests::own::Own;
use runit_tests::run::Ran;
use runit_tests::suite;

/// The size of an entry, and where its time is: 64 bits wide where a second number says so.
const SIZE: usize = if cfg!(target_arch = "aarch64") { 400 } else { 384 };
const TIME: usize = if cfg!(target_arch = "aarch64") { 344 } else { 340 };
const USER_PROCESS: i16 = 7;
const DEAD_PROCESS: i16 = 8;

/// An entry of somebody, or nobody, on a line.
fn entry(line: &str, user: &str) -> Vec<u8> {
    let mut entry = vec![0; SIZE];
    entry[..2].copy_from_slice(&USER_PROCESS.to_ne_bytes());
    entry[4..8].copy_from_slice(&4711_i32.to_ne_bytes());
    entry[8..8 + line.len()].copy_from_slice(line.as_bytes());
    entry[40..44].copy_from_slice(b"id  ");
    entry[44..44 + user.len()].copy_from_slice(user.as_bytes());
    entry[76..80].copy_from_slice(b"host");
    entry[TIME] = 1;
    entry[SIZE - 36] = 9;
    entry
}

/// The seconds of an entry.
fn seconds(entry: &[u8]) -> u64 {
    let low: [u8; 4] = entry[TIME..TIME + 4].try_into().unwrap();
    u32::from_ne_bytes(low).into()
}

fn now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

struct Files {
    own: Own,
}

impl Files {
    fn new(utmp: &[Vec<u8>]) -> Self {
        let own = Own::new().alone();
        fs::write(own.path("run/utmp"), utmp.concat()).unwrap();
        Self { own }
    }

    fn run(&self, args: &str) -> Ran {
        suite::bin("utmpset");
        self.own.sh(&format!("exec utmpset {args}")).run()
    }

    #[track_caller]
    fn says(&self, args: &str, code: i32, stderr: &str) {
        let expected = Ran { code, stdout: String::new(), stderr: stderr.to_owned() };
        assert_eq!(self.run(args), expected, "utmpset {args}");
    }

    fn utmp(&self) -> Vec<Vec<u8>> {
        let all = fs::read(self.own.path("run/utmp")).unwrap();
        all.chunks(SIZE).map(<[u8]>::to_vec).collect()
    }

    fn wtmp(&self) -> Option<Vec<u8>> {
        fs::read(self.own.path("var/log/wtmp")).ok()
    }
}

#[test]
fn the_first_login_on_the_line_ends() {
    let all = [entry("tty1", "me"), entry("tty2", ""), entry("tty2", "me"), entry("tty2", "you")];
    let files = Files::new(&all);
    // The seconds of time(2) may be a tick late.
    let before = now() - 1;
    files.says("tty2", 0, "");
    let after = files.utmp();
    assert_eq!([&after[0], &after[1], &after[3]], [&all[0], &all[1], &all[3]]);
    let ended = &after[2];
    assert_eq!(ended[..2], DEAD_PROCESS.to_ne_bytes());
    // Process, line and id stay; account and host go.
    assert_eq!(ended[4..44], all[2][4..44]);
    assert_eq!(ended[44..332], [0; 288]);
    assert!((before..=now()).contains(&seconds(ended)));
    assert_eq!(ended[SIZE - 36..], all[2][SIZE - 36..]);
    assert_eq!(files.wtmp(), None);
}

#[test]
fn wtmp_grows_by_one() {
    let files = Files::new(&[entry("pts/0", "me"), entry("pts/1", "me")]);
    files.says("-w pts/0", 0, "");
    files.says("-w -- pts/1", 0, "");
    let wtmp = files.wtmp().unwrap();
    assert_eq!(wtmp.len(), 2 * SIZE);
    let added = &wtmp[SIZE..];
    assert_eq!(added[..2], DEAD_PROCESS.to_ne_bytes());
    assert_eq!(added[8..14], *b"pts/1\0");
    assert_eq!(added[44..332], [0; 288]);
    assert_eq!(seconds(added), seconds(&files.utmp()[1]));
}

#[test]
fn nobody_there() {
    let files = Files::new(&[entry("tty1", "me"), entry("tty2", "")]);
    for line in ["tty2", "tty", "tty11", "''"] {
        let shown = line.trim_matches('\'');
        let said =
            format!("utmpset: warning: unable to logout line {shown} in utmp: no such entry\n");
        files.says(&format!("-w {line}"), 111, &said);
    }
    assert_eq!(files.utmp(), [entry("tty1", "me"), entry("tty2", "")]);
    assert_eq!(files.wtmp(), None);
}

#[test]
fn the_longest_line() {
    let longest = "x".repeat(32);
    let files = Files::new(&[entry(&longest, "me")]);
    // Debian's 2.1.2 looks for it and finds nothing; 2.3.0 refuses, as ours does.
    let (kind, why) = if suite::is_program_ours("utmpset") {
        ("fatal", "name too long")
    } else {
        ("warning", "no such entry")
    };
    let said = format!("utmpset: {kind}: unable to logout line {longest}y in utmp: {why}\n");
    files.says(&format!("{longest}y"), 111, &said);
    if !suite::is_program_ours("utmpset") {
        // It reads on into the id, which follows without a NUL.
        return;
    }
    files.says(&longest, 0, "");
    assert_eq!(files.utmp()[0][..2], DEAD_PROCESS.to_ne_bytes());
}

#[test]
fn a_piece_of_an_entry_at_the_end_is_none() {
    let files = Files::new(&[entry("tty1", "me"), entry("tty2", "me")[..100].to_vec()]);
    files.says(
        "tty2",
        111,
        "utmpset: warning: unable to logout line tty2 in utmp: no such entry\n",
    );
}

#[test]
fn files_that_cannot_be_opened() {
    let files = Files::new(&[entry("tty1", "me")]);
    fs::create_dir(files.own.path("var/log/wtmp")).unwrap();
    files.says("-w tty1", 111, "utmpset: fatal: unable to open /var/log/wtmp: is a directory\n");
    fs::remove_file(files.own.path("run/utmp")).unwrap();
    files.says("tty1", 111, "utmpset: fatal: unable to open /var/run/utmp: file does not exist\n");
}

#[test]
fn usage() {
    let files = Files::new(&[]);
    let usage = "usage: utmpset [-w] line\n\n";
    files.says("", 1, usage);
    files.says("-w", 1, usage);
    files.says("-x tty1", 1, &format!("utmpset: illegal option -- x\n{usage}"));
    let ran = files.run("-V");
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.starts_with("$Id") && ran.stderr.ends_with(usage), "{ran:?}");
}
