//! The checkout as the rules see it: texts and manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::error::{OnFile, Result};
use crate::manifest::Manifest;
use crate::workspace::Workspace;

/// Files and manifests, paths relative to the top of the checkout.
#[derive(Default)]
pub struct Tree {
    /// Every file and every directory that holds one.
    pub paths: BTreeSet<PathBuf>,
    /// The content of those that are UTF-8.
    pub texts: BTreeMap<PathBuf, String>,
    /// The workspace's version.
    pub version: String,
    /// What the workspace depends on beyond itself, in any manifest.
    pub dependencies: BTreeSet<String>,
    /// The names of the crates that have programs of the suite.
    pub tools: Vec<String>,
}

impl Tree {
    /// Reads the checkout.
    pub fn read(workspace: &Workspace) -> Result<Self> {
        let mut tree = Self::default();
        let mut manifests = vec![Manifest::read(&workspace.root)?];
        for file in workspace.files()? {
            let path = workspace.root.join(&file);
            if path.is_file() {
                let content = std::fs::read(&path).on("read", &path)?;
                if let Ok(text) = String::from_utf8(content) {
                    tree.texts.insert(file.clone(), text);
                }
            }
            if file.ends_with("Cargo.toml") {
                manifests.push(Manifest::read(path.parent().unwrap_or(&workspace.root))?);
            }
            tree.add_path(&file);
        }
        tree.version = manifests.iter().find_map(|each| each.version.clone()).unwrap_or_default();
        let own: BTreeSet<_> = manifests.iter().map(|each| each.name.clone()).collect();
        tree.dependencies = manifests
            .iter()
            .flat_map(|each| &each.dependencies)
            .filter(|name| !own.contains(*name))
            .cloned()
            .collect();
        let tools = workspace.crates()?.into_iter().filter(|each| !each.bins.is_empty());
        tree.tools = tools.map(|each| each.name).collect();
        Ok(tree)
    }

    /// The texts whose names end so.
    pub fn ending<'a>(&'a self, end: &'a str) -> impl Iterator<Item = (&'a Path, &'a str)> {
        let texts = self.texts.iter().map(|(path, text)| (path.as_path(), text.as_str()));
        texts.filter(move |(path, _)| path.as_os_str().as_encoded_bytes().ends_with(end.as_bytes()))
    }

    /// Takes note of the file and of the directories above it.
    pub fn add_path(&mut self, file: &Path) {
        self.paths.extend(file.ancestors().map(Path::to_owned));
    }

    /// A tree of these texts alone.
    #[cfg(test)]
    pub fn of(texts: &[(&str, &str)]) -> Self {
        let mut tree = Self { version: "0.1.0".into(), ..Self::default() };
        for (path, text) in texts {
            tree.texts.insert(path.into(), (*text).to_owned());
            tree.add_path(Path::new(path));
        }
        tree
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_read() {
        let tree = Tree::read(&Workspace::locate()).unwrap();
        assert!(tree.texts[Path::new("xtask/src/main.rs")].starts_with("//!"));
        assert!(tree.paths.contains(Path::new("xtask/src")));
        assert!(tree.dependencies.contains("lexopt") && !tree.dependencies.contains("xtask"));
        assert_eq!(tree.version, env!("CARGO_PKG_VERSION"));
        assert!(tree.ending(".rs").all(|(path, _)| path.extension().unwrap() == "rs"));
    }
}
