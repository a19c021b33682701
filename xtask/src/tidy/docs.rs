//! Rules that keep the documents in step with the sources.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::Finding;
use super::tree::Tree;

const CHANGELOG: &str = "CHANGELOG.md";
const DEPENDENCIES: &str = "docs/dependencies.md";
const ARCHITECTURE: &str = "docs/architecture.md";

/// Every version has its entry from the day it gets its number.
pub fn changelog_has_the_version(tree: &Tree, found: &mut Vec<Finding>) {
    let heading = format!("## {}", tree.version);
    let Some(text) = text(tree, CHANGELOG, found) else { return };
    if !text.lines().any(|line| line.split(" - ").next() == Some(heading.as_str())) {
        found.push(Finding::new(CHANGELOG, 0, format!("lacks the heading `{heading}`")));
    }
}

/// Each dependency has a reason, and no reason outlives its dependency.
pub fn dependencies_are_explained(tree: &Tree, found: &mut Vec<Finding>) {
    let Some(text) = text(tree, DEPENDENCIES, found) else { return };
    let rows = text.lines().enumerate().filter_map(|(index, line)| {
        let (name, _) = line.strip_prefix("| `")?.split_once('`')?;
        Some((name, index + 1))
    });
    let mut explained = BTreeSet::new();
    for (name, line) in rows {
        if !tree.dependencies.contains(name) {
            let what = format!("`{name}` is in no Cargo.toml");
            found.push(Finding::new(DEPENDENCIES, line, what));
        }
        explained.insert(name);
    }
    for name in tree.dependencies.iter().filter(|name| !explained.contains(name.as_str())) {
        let what = format!("`{name}`, a dependency, has no row in the table");
        found.push(Finding::new(DEPENDENCIES, 0, what));
    }
}

/// Whoever looks for a tool finds where it stands.
pub fn tools_are_in_the_architecture(tree: &Tree, found: &mut Vec<Finding>) {
    if tree.tools.is_empty() {
        return;
    }
    let Some(text) = text(tree, ARCHITECTURE, found) else { return };
    for tool in &tree.tools {
        if !text.contains(&format!("crates/{tool}`")) && !text.contains(&format!("`{tool}`")) {
            found.push(Finding::new(ARCHITECTURE, 0, format!("does not name `{tool}`")));
        }
    }
}

/// A link to a file of the checkout leads to one.
pub fn links_lead_somewhere(tree: &Tree, found: &mut Vec<Finding>) {
    for (path, text) in tree.ending(".md") {
        let mut fenced = false;
        for (index, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            }
            if fenced {
                continue;
            }
            for target in link_targets(line) {
                let file = target.split(['#', '?']).next().unwrap_or_default();
                if file.is_empty() || file.contains("://") || file.starts_with("mailto:") {
                    continue;
                }
                let directory = path.parent().unwrap_or(Path::new(""));
                if !resolved(directory, file).is_some_and(|file| tree.paths.contains(&file)) {
                    let what = format!("the link to {target} leads nowhere");
                    found.push(Finding::new(path, index + 1, what));
                }
            }
        }
    }
}

/// The text of a document that must be there.
fn text<'a>(tree: &'a Tree, path: &str, found: &mut Vec<Finding>) -> Option<&'a String> {
    let text = tree.texts.get(Path::new(path));
    if text.is_none() {
        found.push(Finding::new(path, 0, "is missing"));
    }
    text
}

/// The targets of the inline links and link definitions in a line of Markdown.
fn link_targets(line: &str) -> Vec<&str> {
    // Every second part between backquotes is code.
    let prose = || line.split('`').step_by(2);
    let mut targets = Vec::new();
    if let Some((_, target)) = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
        targets.extend(target.split_whitespace().next());
    }
    // A link around code, [`x`](y), has its opening bracket in another part.
    for part in prose() {
        let mut rest = part;
        while let Some((_, after)) = rest.split_once("](") {
            let (target, after) = after.split_once(')').unwrap_or((after, ""));
            targets.extend(target.split_whitespace().next());
            rest = after;
        }
    }
    targets
}

/// `file` as seen from `directory`, dots resolved; `None` if that leaves the checkout.
fn resolved(directory: &Path, file: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for component in directory.join(file).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rule: super::super::Rule, tree: &Tree) -> Vec<String> {
        let mut found = Vec::new();
        rule(tree, &mut found);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_changelog_has_this_version() {
        for good in ["# x\n## 0.1.0\n", "## 0.1.0 - 2026-01-02\n"] {
            assert!(found(changelog_has_the_version, &Tree::of(&[(CHANGELOG, good)])).is_empty());
        }
        for bad in ["", "0.1.0\n", "## 0.1.01\n"] {
            let tree = Tree::of(&[(CHANGELOG, bad)]);
            assert_eq!(found(changelog_has_the_version, &tree).len(), 1, "{bad}");
        }
        assert_eq!(found(changelog_has_the_version, &Tree::of(&[])), ["CHANGELOG.md: is missing"]);
    }

    #[test]
    fn dependencies_and_reasons_match() {
        let mut tree = Tree::of(&[(DEPENDENCIES, "| `a` | x |\n| `gone` | y |\n`b` in prose\n")]);
        tree.dependencies = ["a", "b"].map(str::to_owned).into();
        assert_eq!(
            found(dependencies_are_explained, &tree),
            [
                "docs/dependencies.md:2: `gone` is in no Cargo.toml",
                "docs/dependencies.md: `b`, a dependency, has no row in the table"
            ]
        );
    }

    #[test]
    fn every_tool_has_its_place() {
        let mut tree = Tree::of(&[(ARCHITECTURE, "`crates/runsv` and `sv`, not runsvdir")]);
        tree.tools = ["runsv", "runsvdir", "sv"].map(str::to_owned).into();
        let expected = ["docs/architecture.md: does not name `runsvdir`"];
        assert_eq!(found(tools_are_in_the_architecture, &tree), expected);
    }

    #[test]
    fn links_are_followed() {
        let text = "[a](../README.md) [b](x.md#y) [`c`](gone.md) `[d](code.md)`\n\
                    [e](https://example.org/x) [f](#here) ![g](../../out.png)\n\
                    ```\n[h](fenced.md)\n```\n\
                    [i]: ../docs/ \"title\"\n[j]: nowhere.md\n";
        let tree = Tree::of(&[("docs/a.md", text), ("docs/x.md", ""), ("README.md", "")]);
        assert_eq!(
            found(links_lead_somewhere, &tree),
            [
                "docs/a.md:1: the link to gone.md leads nowhere",
                "docs/a.md:2: the link to ../../out.png leads nowhere",
                "docs/a.md:7: the link to nowhere.md leads nowhere"
            ]
        );
    }
}
