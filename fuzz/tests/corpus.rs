//! Every target on its corpus, and on the same thousands of changed copies of it
//! each time. `cargo xtask fuzz` goes on from there.

use std::path::{Path, PathBuf};

use runit_fuzz::mutate::{Random, mutated};
use runit_fuzz::{TARGETS, Target};

/// How many changed copies are tried of each entry.
const COPIES: u64 = 500;

/// The entries of a target's corpus, by name.
fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let entries =
        std::fs::read_dir(&directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Tries an input; says which one it was when it fails.
fn try_one(target: &Target, what: &dyn core::fmt::Debug, data: &[u8]) {
    let tried = std::panic::catch_unwind(|| (target.run)(data));
    assert!(tried.is_ok(), "{} on {what:?}: \"{}\"", target.name, data.escape_ascii());
}

fn try_all(name: &str) {
    let target = runit_fuzz::find(name).unwrap();
    let corpus = corpus(target);
    assert!(corpus.len() >= 3, "{name}: something to begin with");
    try_one(target, &"nothing", b"");
    for (path, data) in &corpus {
        try_one(target, path, data);
    }
    let mut random = Random::new(7);
    for (path, data) in &corpus {
        for number in 0..COPIES {
            let other = &corpus[random.below(corpus.len())].1;
            let copy = mutated(data, other, &mut random);
            try_one(target, &(path, number), &copy);
        }
    }
}

/// A test for each target, which run side by side.
macro_rules! tests {
    ($($name:ident)*) => {
        $(#[test] fn $name() { try_all(stringify!($name)); })*

        #[test]
        fn every_target_is_tried() {
            let tried = [$(stringify!($name)),*];
            let all: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(tried[..], all[..]);
        }
    };
}

tests! {
    accounts address argv config environment lines log_script pattern status tai64n time_zone title
}
