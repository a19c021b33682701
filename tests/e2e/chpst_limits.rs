//! `chpst -m -d -o ...` and `softlimit`: resource limits, as `/proc/self/limits` shows them.

use std::collections::BTreeMap;

use runit_tests::prelude::*;
use runit_tests::run::{Names, Run, daemontools};

/// Soft and hard limits by name, of the process that `run` becomes.
fn limits(run: Run) -> BTreeMap<String, [String; 2]> {
    let out = run.args(["cat", "/proc/self/limits"]).stdout();
    let row = |line: &str| {
        let (name, rest) = line.split_at_checked(26)?;
        let mut values = rest.split_whitespace().map(str::to_owned);
        Some((name.trim().to_owned(), [values.next()?, values.next()?]))
    };
    out.lines().skip(1).filter_map(row).collect()
}

fn chpst<const N: usize>(args: [&str; N]) -> Run {
    Run::new("chpst").args(args)
}

/// What each option limits, and a value to try it with. One that is too small for memory would not
/// let `cat` run.
const OPTIONS: [(&str, &str, &str); 7] = [
    ("-d", "Max data size", "50000001"),
    ("-o", "Max open files", "21"),
    ("-p", "Max processes", "1234"),
    ("-f", "Max file size", "50000002"),
    ("-c", "Max core file size", "12"),
    ("-r", "Max resident set", "50000003"),
    ("-t", "Max cpu time", "1000"),
];

const MEMORY: [&str; 4] =
    ["Max data size", "Max stack size", "Max locked memory", "Max address space"];

#[test]
fn each_option_sets_its_soft_limit() {
    let before = limits(chpst([]));
    for (option, name, value) in OPTIONS {
        for run in [chpst([option, value]), chpst([option, value]).ordinary()] {
            let after = limits(run);
            for (other, [soft, hard]) in &before {
                let [now_soft, now_hard] = &after[other];
                assert_eq!(now_hard, hard, "{option}: {other}");
                let expected = if other == name { value } else { soft };
                assert_eq!(now_soft, expected, "{option}: {other}");
            }
        }
    }
}

#[test]
fn memory_is_four_limits() {
    let lower = |value: u64, hard: &str| hard.parse().map_or(value, |hard: u64| hard.min(value));
    let before = limits(chpst([]));
    let after = limits(chpst(["-m", "90000000"]));
    for name in MEMORY {
        let expected = lower(90_000_000, &before[name][1]).to_string();
        assert_eq!(after[name], [expected, before[name][1].clone()], "{name}");
    }
    // The last one counts.
    let after = limits(chpst(["-d", "80000000", "-m", "90000000"]));
    assert_eq!(after["Max data size"][0], "90000000");
    let after = limits(chpst(["-m", "90000000", "-d", "80000000"]));
    assert_eq!(after["Max data size"][0], "80000000");
}

#[test]
fn the_hard_limit_is_never_passed() {
    let run = || chpst(["-o", "1000"]).through_sh("ulimit -n 100");
    assert_eq!(limits(run())["Max open files"], ["100", "100"]);
    assert_eq!(limits(run().ordinary())["Max open files"], ["100", "100"]);
    let run = chpst(["-o", "18446744073709551615"]).through_sh("ulimit -n 100");
    assert_eq!(limits(run)["Max open files"], ["100", "100"]);
    // A soft limit can go up again.
    let run = chpst(["-o", "90"]).through_sh("ulimit -Sn 20; ulimit -Hn 100");
    assert_eq!(limits(run)["Max open files"], ["90", "100"]);
}

/// Limits are set last: what they forbid was done before.
#[test]
fn limits_do_not_hinder_the_steps() {
    let dir = TempDir::new();
    runit_tests::dirs::write(&dir.path().join("A"), "a");
    let lock = dir.path().join("lock");
    let run = chpst(["-o", "3", "-d", "1", "-f", "0", "-e", dir.path().to_str().unwrap()]);
    let run = run.arg("-l").arg(&lock).args(["-b", "name", "no-such-program"]);
    // The reference gives the name that the program would have had.
    let program = if suite::is_ours() { "no-such-program" } else { "name" };
    let expected = format!("chpst: fatal: unable to run: {program}: file does not exist\n");
    assert_eq!(run.fails(111), expected);
    assert!(lock.exists());
}

#[test]
fn suffixes_and_the_hard_limit() {
    only_ours!("C runit takes plain numbers only");
    for (args, name, soft) in [
        (["-o", "1k"], "Max open files", 1 << 10),
        (["-f", "2K"], "Max file size", 2 << 10),
        (["-d", "64m"], "Max data size", 64 << 20),
        (["-f", "3g"], "Max file size", 3_u64 << 30),
        (["-c", "3G"], "Max core file size", 3 << 30),
        (["--stack", "9m"], "Max stack size", 9 << 20),
        (["--locked", "4k"], "Max locked memory", 4 << 10),
        (["--address-space", "1g"], "Max address space", 1 << 30),
        (["--stack=1M", "-v"], "Max stack size", 1 << 20),
    ] {
        assert_eq!(limits(chpst(args))[name][0], soft.to_string(), "{args:?}");
    }
    let run = chpst(["-o", "="]).through_sh("ulimit -Sn 20; ulimit -Hn 100");
    assert_eq!(limits(run)["Max open files"], ["100", "100"]);
    let run =
        chpst(["-m", "=", "-t", "="]).through_sh("ulimit -Sl 32; ulimit -Hl 64; ulimit -St 9");
    let after = limits(run);
    for name in MEMORY {
        assert_eq!(after[name][0], after[name][1], "{name}");
    }
    assert_eq!(after["Max cpu time"][0], after["Max cpu time"][1]);
}

/// `softlimit` of the suite, and daemontools' own.
#[test]
fn softlimit_has_its_own_letters() {
    let names = Names::of("chpst");
    let all = [names.called("softlimit"), names.called("dsoftlimit")].into_iter();
    for program in all.chain(daemontools("softlimit")) {
        let who = program.display();
        let run = || Run::path(&program);
        let letters = [
            ("-a", "Max address space", "90000001"),
            ("-s", "Max stack size", "7000001"),
            ("-l", "Max locked memory", "4096"),
        ];
        for (option, name, value) in OPTIONS.into_iter().chain(letters) {
            let after = limits(run().args([option, value]));
            assert_eq!(after[name][0], value, "{who} {option}");
        }
        let after = limits(run().args(["-m", "90000000", "-s", "8000000"]));
        let values = MEMORY.map(|name| after[name][0].parse::<u64>().unwrap());
        assert_eq!([values[0], values[1], values[3]], [90_000_000, 8_000_000, 90_000_000], "{who}");
        // `=` is the hard limit; more than that is no more than that.
        for value in ["=", "99999999999"] {
            let run = run().args(["-o", value]).through_sh("ulimit -Sn 20; ulimit -Hn 100");
            assert_eq!(limits(run)["Max open files"], ["100", "100"], "{who} {value}");
        }
        for value in ["5x", "x", "-5", " 5", "=5", "5="] {
            let said = run().args(["-o", value, "echo", "ran"]).fails(100);
            assert!(!said.is_empty(), "{who} {value}");
        }
        assert!(run().fails(100).contains("usage: softlimit [-a allbytes] "), "{who}");
        let said = run().args(["-Z", "true"]).fails(100);
        assert!(said.contains("softlimit: illegal option -- Z\n"), "{who}: {said}");
        let said = run().args(["-o", "30", "/nonexistent"]).fails(111);
        assert!(said.contains("/nonexistent: file does not exist"), "{who}: {said}");
    }
}
