//! The few facts of a `Cargo.toml` that chores need.
//!
//! Only what this workspace's manifests use is understood: tables in square
//! brackets, one key a line.

use std::path::{Path, PathBuf};

use crate::error::{OnFile, Result};

/// What one manifest says.
#[derive(Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The directory it is in.
    pub directory: PathBuf,
    /// The package's name; empty in a manifest of a workspace alone.
    pub name: String,
    /// The names of its programs.
    pub bins: Vec<String>,
    /// The packages it depends on in any way, but for those declared by path;
    /// workspace-wide declarations included.
    pub dependencies: Vec<String>,
    /// The `version` in `[workspace.package]` or `[package]`.
    pub version: Option<String>,
    /// The `rust-version` in the same place.
    pub rust_version: Option<String>,
}

impl Manifest {
    /// Reads `directory/Cargo.toml`.
    pub fn read(directory: &Path) -> Result<Self> {
        let path = directory.join("Cargo.toml");
        let text = std::fs::read_to_string(&path).on("read", &path)?;
        let mut manifest = Self::parse(directory, &text);
        if manifest.bins.is_empty() && directory.join("src/main.rs").is_file() {
            manifest.bins.push(manifest.name.clone());
        }
        Ok(manifest)
    }

    fn parse(directory: &Path, text: &str) -> Self {
        let mut manifest = Self {
            directory: directory.to_owned(),
            name: String::new(),
            bins: Vec::new(),
            dependencies: Vec::new(),
            version: None,
            rust_version: None,
        };
        let mut table = "";
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            if let Some(header) = line.strip_prefix('[') {
                table = header.trim_matches(['[', ']']);
                // A dependency may have a table to itself.
                match table.rsplit_once('.') {
                    Some((parent, name)) if parent.ends_with("dependencies") => {
                        manifest.dependencies.push(name.to_owned());
                    }
                    _ => {}
                }
                continue;
            }
            let Some((key, value)) = line.split_once('=') else { continue };
            let (key, value) = (key.trim(), value.trim());
            let text = || value.trim_matches('"').to_owned();
            match (table, key) {
                ("package", "name") => manifest.name = text(),
                ("bin", "name") => manifest.bins.push(text()),
                ("package" | "workspace.package", "version") => manifest.version = Some(text()),
                ("package" | "workspace.package", "rust-version") => {
                    manifest.rust_version = Some(text());
                }
                (table, key) if table.ends_with("dependencies") && !value.contains("path =") => {
                    let name = key.split('.').next().unwrap_or(key);
                    manifest.dependencies.push(name.trim_matches('"').to_owned());
                }
                _ => {}
            }
        }
        manifest.dependencies.sort();
        manifest.dependencies.dedup();
        manifest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read() {
        let manifest = Manifest::parse(
            Path::new("x"),
            r#"
            [package]
            name = "x"
            version = "1.2.3"
            rust-version = "1.85"
            [[bin]]
            name = "x-one"
            test = false
            [[bin]]
            name = "x-two"
            [dependencies]
            rustix.workspace = true
            # libc = "0"
            lexopt = "0.3"
            near = { path = "../near" }
            [target.'cfg(unix)'.dev-dependencies]
            insta = { version = "1" }
            [build-dependencies.runit-build]
            path = "y"
            "#,
        );
        assert_eq!(manifest.name, "x");
        assert_eq!(manifest.version.as_deref(), Some("1.2.3"));
        assert_eq!(manifest.rust_version.as_deref(), Some("1.85"));
        assert_eq!(manifest.bins, ["x-one", "x-two"]);
        assert_eq!(manifest.dependencies, ["insta", "lexopt", "runit-build", "rustix"]);
    }

    #[test]
    fn our_own_manifest_is_read() {
        let manifest = Manifest::read(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert_eq!(
            (manifest.name.as_str(), manifest.bins.as_slice()),
            ("xtask", &["xtask".to_owned()][..])
        );
        assert!(manifest.dependencies.contains(&"lexopt".to_owned()));
    }
}
