//! Rules about source files.

use std::path::Path;

use super::Finding;
use super::rust_code::{code_only, is_word_byte};
use super::tree::Tree;

/// Longest file, in lines.
const LONGEST: usize = 400;
/// Longest file of end-to-end tests: scenarios read best side by side.
const LONGEST_E2E: usize = 600;

/// The one crate that may hold `unsafe`.
const RUNTIME: &str = "crates/runit-rt";

/// Says what the file is for, first of all.
pub fn begins_with_docs(tree: &Tree, found: &mut Vec<Finding>) {
    for (path, text) in tree.ending(".rs") {
        if !text.starts_with("//!") {
            found.push(Finding::new(path, 1, "does not begin with //! and what the file is for"));
        }
    }
}

/// One concept a file, which does not take many lines.
pub fn is_short(tree: &Tree, found: &mut Vec<Finding>) {
    for (path, text) in tree.ending(".rs") {
        let limit = if path.starts_with("tests/e2e") { LONGEST_E2E } else { LONGEST };
        let lines = text.lines().count();
        if lines > limit {
            found.push(Finding::new(path, 0, format!("has {lines} lines, limit {limit}")));
        }
    }
}

/// All that needs proof by argument is in one place.
pub fn keeps_unsafe_in_the_runtime(tree: &Tree, found: &mut Vec<Finding>) {
    for (path, text) in tree.ending(".rs").filter(|(path, _)| !path.starts_with(RUNTIME)) {
        for (index, line) in code_only(text).lines().enumerate() {
            if has_word(line, "unsafe") {
                found.push(Finding::new(path, index + 1, format!("unsafe outside {RUNTIME}")));
            }
        }
    }
}

/// The compiler is told the same, in every other crate.
pub fn forbids_unsafe(tree: &Tree, found: &mut Vec<Finding>) {
    const FORBID: &str = "#![forbid(unsafe_code)]";
    let is_root = |path: &Path| {
        ["src/lib.rs", "src/main.rs", "e2e/main.rs"].iter().any(|end| path.ends_with(end))
            || path.parent().is_some_and(|directory| directory.ends_with("src/bin"))
    };
    for (path, text) in tree.ending(".rs").filter(|(path, _)| !path.starts_with(RUNTIME)) {
        if is_root(path) && !code_only(text).lines().any(|line| line.trim_end() == FORBID) {
            found.push(Finding::new(path, 0, format!("lacks {FORBID}")));
        }
    }
}

/// A test that sleeps is slow on a good day and wrong on a bad one: `wait_until` polls.
pub fn waits_without_sleeping(tree: &Tree, found: &mut Vec<Finding>) {
    for (path, text) in tree.ending(".rs").filter(|(path, _)| path.starts_with("tests")) {
        let code = code_only(text);
        let mut function = "";
        for (index, line) in code.lines().enumerate() {
            if let Some((_, after)) = line.split_once("fn ") {
                function = after.split(['(', '<']).next().unwrap_or_default();
            }
            if has_word(line, "sleep") && !function.starts_with("wait_until") {
                let what = "sleep in a test: wait_until waits for a condition";
                found.push(Finding::new(path, index + 1, what));
            }
        }
    }
}

/// No rest of another language's sources.
pub fn is_rust(tree: &Tree, found: &mut Vec<Finding>) {
    for path in &tree.paths {
        if path.extension().is_some_and(|end| end == "c" || end == "h") {
            found.push(Finding::new(path, 0, "a C source file"));
        }
    }
}

/// A reminder in a source file is forgotten; one in the docs is seen.
pub fn leaves_nothing_to_do(tree: &Tree, found: &mut Vec<Finding>) {
    // Joined here so that this file does not find itself.
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    for (path, text) in &tree.texts {
        for (index, line) in text.lines().enumerate() {
            let word = words.iter().find(|word| has_word(line, word));
            if let Some(word) = word.filter(|_| !line.contains("docs/")) {
                let what = format!("{word} without a link to docs/");
                found.push(Finding::new(path, index + 1, what));
            }
        }
    }
}

/// What works in one checkout works in any.
pub fn names_no_machine(tree: &Tree, found: &mut Vec<Finding>) {
    let places = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    for (path, text) in &tree.texts {
        for (index, line) in text.lines().enumerate() {
            for place in places {
                let begins = |(at, _)| at == 0 || !is_word_byte(line.as_bytes()[at - 1]);
                if line.match_indices(place).any(begins) {
                    let what = format!("names a path of one machine: {place}");
                    found.push(Finding::new(path, index + 1, what));
                }
            }
        }
    }
}

/// Whether the word is there, not as part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let bytes = line.as_bytes();
        let after = bytes.get(at + word.len());
        (at == 0 || !is_word_byte(bytes[at - 1])) && !after.is_some_and(|&byte| is_word_byte(byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the rule finds, as `FILE:LINE`.
    fn found(rule: super::super::Rule, texts: &[(&str, &str)]) -> Vec<String> {
        let mut found = Vec::new();
        rule(&Tree::of(texts), &mut found);
        found.iter().map(|each| format!("{}:{}", each.path.display(), each.line)).collect()
    }

    #[test]
    fn files_begin_with_docs() {
        let texts = [("a.rs", "//! Fine.\n"), ("b.rs", "use x;\n"), ("c.md", "no"), ("d.rs", "")];
        assert_eq!(found(begins_with_docs, &texts), ["b.rs:1", "d.rs:1"]);
    }

    #[test]
    fn files_are_short() {
        let (most, more, e2e) = ("\n".repeat(400), "\n".repeat(401), "\n".repeat(601));
        let texts = [
            ("a.rs", most.as_str()),
            ("b.rs", more.as_str()),
            ("tests/e2e/c.rs", more.as_str()),
            ("tests/e2e/d.rs", e2e.as_str()),
            ("tests/e2e/snapshots/d.snap", e2e.as_str()),
        ];
        assert_eq!(found(is_short, &texts), ["b.rs:0", "tests/e2e/d.rs:0"]);
    }

    #[test]
    fn unsafe_stays_in_the_runtime() {
        let texts = [
            ("crates/runit-rt/src/lib.rs", "unsafe {}"),
            ("crates/runit-rtx/src/lib.rs", "x;\nunsafe {}"),
            ("crates/sv/src/lib.rs", "// unsafe\n#![forbid(unsafe_code)]\nlet a = \"unsafe\";"),
        ];
        assert_eq!(found(keeps_unsafe_in_the_runtime, &texts), ["crates/runit-rtx/src/lib.rs:2"]);
    }

    #[test]
    fn crates_forbid_unsafe() {
        let texts = [
            ("crates/runit-rt/src/lib.rs", ""),
            ("crates/sv/src/lib.rs", "//! x\n#![forbid(unsafe_code)]\n"),
            ("crates/sv/src/main.rs", "//! #![forbid(unsafe_code)]\n"),
            ("crates/sv/src/other.rs", ""),
            ("tests/e2e/main.rs", "// #![forbid(unsafe_code)]\n"),
            ("crates/runit-init/src/bin/runit.rs", "#![deny(unsafe_code)]"),
        ];
        assert_eq!(
            found(forbids_unsafe, &texts),
            [
                "crates/runit-init/src/bin/runit.rs:0",
                "crates/sv/src/main.rs:0",
                "tests/e2e/main.rs:0"
            ]
        );
    }

    #[test]
    fn only_wait_until_sleeps() {
        let text = "fn wait_until_up(x: u8) {\n  sleep(x);\n}\nfn test() {\n  // sleep\n  \
                    run(\"exec sleep 9\");\n  std::thread::sleep(x);\n}\n";
        let texts = [("tests/e2e/a.rs", text), ("xtask/src/b.rs", text)];
        assert_eq!(found(waits_without_sleeping, &texts), ["tests/e2e/a.rs:7"]);
    }

    #[test]
    fn c_sources_are_residue() {
        assert_eq!(
            found(is_rust, &[("a/b.c", ""), ("b.h", ""), ("c.rs", "")]),
            ["a/b.c:0", "b.h:0"]
        );
    }

    #[test]
    fn reminders_need_a_place_in_the_docs() {
        let word = concat!("TO", "DO");
        let text =
            format!("{word}: see docs/x.md\nx {word} y\nx{word}y\n{}", concat!("mktemp XX", "XX"));
        assert_eq!(found(leaves_nothing_to_do, &[("a.sh", &text)]), ["a.sh:2"]);
    }

    #[test]
    fn machines_are_not_named() {
        let text = format!("/frame{0}x\ncd {0}x\n", concat!("/wo", "rk/"));
        assert_eq!(found(names_no_machine, &[("a.md", &text)]), ["a.md:2"]);
    }
}
