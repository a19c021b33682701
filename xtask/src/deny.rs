//! `cargo xtask deny`: licences, sources and doubles of all dependencies.

use std::collections::BTreeMap;
use std::path::Path;

use crate::args::Args;
use crate::error::{Error, OnFile, Result};
use crate::process::stdout;
use crate::verbs::Verb;
use crate::workspace::Workspace;

/// The verb.
pub static VERB: Verb = Verb {
    name: "deny",
    summary: "Licences, sources and doubles of all dependencies",
    about: "
Checks both lock files by deny.toml: each package has a licence that is
allowed there, comes from a registry that is, with a checksum, and is there in
one version only. Works without the network once crates are fetched.
Advisories need a database that must be downloaded: `cargo deny check
advisories`, where that is installed, reads the same file.
",
    options: &[],
    rest: "",
    run: deny,
};

/// The workspaces, by their manifest.
const MANIFESTS: &[&str] = &["Cargo.toml", "fuzz/Cargo.toml"];

fn deny(workspace: &Workspace, _: &Args) -> Result<()> {
    let path = workspace.root.join("deny.toml");
    let rules = std::fs::read_to_string(&path).on("read", &path)?;
    let (licences, registries) = (list(&rules, "allow"), list(&rules, "allow-registry"));
    let mut wrong = Vec::new();
    let mut count = 0;
    for manifest in MANIFESTS {
        for (package, licence) in licensed(workspace, manifest)? {
            count += 1;
            if !is_allowed(&licence, &licences) {
                wrong.push(format!("{package}: licence {licence}"));
            }
        }
        let lock = workspace.root.join(manifest).with_extension("lock");
        let lock = std::fs::read_to_string(&lock).on("read", &lock)?;
        wrong.extend(trouble(&packages(&lock), &registries));
    }
    if wrong.is_empty() {
        println!("{count} packages: licences, sources, versions are as deny.toml says");
        return Ok(());
    }
    for line in &wrong {
        eprintln!("deny: {line}");
    }
    Err(Error::Reported)
}

/// The values of a list in `deny.toml`.
fn list(rules: &str, name: &str) -> Vec<String> {
    let start = format!("{name} = [");
    let found = rules.lines().position(|line| line.starts_with(&start)).unwrap_or(usize::MAX);
    let text: Vec<&str> = rules.lines().skip(found).collect();
    let text = text.join(" ");
    let inside = text.strip_prefix(&start).and_then(|text| text.split_once(']'));
    let values = inside.map_or("", |(values, _)| values).split(',');
    values
        .map(|value| value.trim().trim_matches('"').to_owned())
        .filter(|v| !v.is_empty())
        .collect()
}

/// Every package that a build of anything, for anything, may take in, and its
/// licence.
fn licensed(workspace: &Workspace, manifest: &str) -> Result<BTreeMap<String, String>> {
    let mut tree = workspace.cargo();
    tree.args(["tree", "--quiet", "--locked", "--workspace", "--all-features", "--target=all"]);
    tree.args(["--edges=all", "--prefix=none", "--no-dedupe", "--format={p}\t{l}"]);
    let listed = stdout(tree.arg("--manifest-path").arg(Path::new(manifest)))?;
    let pairs = listed.lines().filter_map(|line| line.split_once('\t'));
    // Packages of the workspace have their place behind the version.
    let named = |package: &str| package.split(" (").next().unwrap_or(package).to_owned();
    Ok(pairs.map(|(package, licence)| (named(package), licence.trim().to_owned())).collect())
}

/// Whether an SPDX expression can be met by licences that are allowed. (A slash
/// was once written for `OR`.)
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any_of(&mut rest, allowed) && rest.is_empty()
}

/// `A OR B`, of which `AND` binds more tightly.
fn any_of(rest: &mut &[&str], allowed: &[String]) -> bool {
    let mut any = all_of(rest, allowed);
    while let ["OR", behind @ ..] = *rest {
        *rest = behind;
        any |= all_of(rest, allowed);
    }
    any
}

/// `A AND B`
fn all_of(rest: &mut &[&str], allowed: &[String]) -> bool {
    let mut all = one(rest, allowed);
    while let ["AND", behind @ ..] = *rest {
        *rest = behind;
        all &= one(rest, allowed);
    }
    all
}

/// `A`, `A WITH B` or `( ... )`
fn one(rest: &mut &[&str], allowed: &[String]) -> bool {
    match *rest {
        ["(", behind @ ..] => {
            *rest = behind;
            let inside = any_of(rest, allowed);
            let closed = rest.first() == Some(&")");
            *rest = rest.get(1..).unwrap_or_default();
            inside && closed
        }
        [name, "WITH", exception, behind @ ..] => {
            *rest = behind;
            allowed.contains(&format!("{name} WITH {exception}"))
        }
        [name, behind @ ..] => {
            *rest = behind;
            allowed.iter().any(|other| other == name)
        }
        [] => false,
    }
}

/// A package of a lock file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
    has_checksum: bool,
}

/// The packages of a lock file.
fn packages(lock: &str) -> Vec<Locked> {
    let mut found: Vec<Locked> = Vec::new();
    for line in lock.lines() {
        if line == "[[package]]" {
            found.push(Locked::default());
        }
        let (Some(last), Some((key, value))) = (found.last_mut(), line.split_once(" = ")) else {
            continue;
        };
        let value = value.trim_matches('"').to_owned();
        match key {
            "name" => last.name = value,
            "version" => last.version = value,
            "source" => last.source = Some(value),
            "checksum" => last.has_checksum = true,
            _ => {}
        }
    }
    found
}

/// What is wrong with where packages come from, and with how many there are.
fn trouble(packages: &[Locked], registries: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (index, package) in packages.iter().enumerate() {
        let Locked { name, version, source, has_checksum } = package;
        if let Some(source) = source {
            let registry = source.strip_prefix("registry+").unwrap_or_default();
            if !registries.iter().any(|allowed| allowed == registry) {
                wrong.push(format!("{name} {version}: from {source}"));
            }
            if !has_checksum {
                wrong.push(format!("{name} {version}: without a checksum"));
            }
        }
        if let Some(other) = packages[..index].iter().find(|other| other.name == *name) {
            wrong.push(format!("{name}: in two versions, {} and {version}", other.version));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_over_several_lines() {
        let rules =
            "# allow = [\"no\"]\nallow = [\n    \"MIT\",\n    \"A WITH B\",\n]\nx = [\"y\"]\n";
        assert_eq!(list(rules, "allow"), ["MIT", "A WITH B"]);
        assert_eq!(list(rules, "x"), ["y"]);
        assert!(list(rules, "none").is_empty());
    }

    #[test]
    fn expressions_are_met_by_what_is_allowed() {
        let allowed = ["MIT", "NCSA", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        for yes in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0 OR MIT",
            "GPL-3.0/MIT",
            "(MIT OR Apache-2.0) AND NCSA",
            "Apache-2.0 WITH LLVM-exception",
            "GPL-2.0 AND GPL-3.0 OR MIT",
        ] {
            assert!(is_allowed(yes, &allowed), "{yes}");
        }
        for no in ["", "GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0", "(MIT", "MIT)", "MIT MIT"] {
            assert!(!is_allowed(no, &allowed), "{no}");
        }
    }

    #[test]
    fn doubles_and_strange_sources_are_found() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\
                    source = \"registry+https://x\"\nchecksum = \"00\"\n\n\
                    [[package]]\nname = \"a\"\nversion = \"2.0.0\"\nsource = \"git+https://y\"\n\n\
                    [[package]]\nname = \"own\"\nversion = \"0.1.0\"\n";
        let packages = packages(lock);
        assert_eq!(packages.len(), 3);
        assert_eq!(
            trouble(&packages, &["https://x".to_owned()]),
            [
                "a 2.0.0: from git+https://y",
                "a 2.0.0: without a checksum",
                "a: in two versions, 1.0.0 and 2.0.0",
            ]
        );
    }
}
