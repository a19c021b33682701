//! The checkout: where it is, what it builds, and building it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, OnFile, Result};
use crate::manifest::Manifest;
use crate::process::{cargo, run, stdout};

/// How the tools are built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// With the checks of a debug build.
    Dev,
    /// As shipped.
    Release,
}

/// The checkout that this program was built from.
pub struct Workspace {
    /// Its top directory.
    pub root: PathBuf,
    /// Where cargo puts what it builds.
    pub target: PathBuf,
}

impl Workspace {
    /// The workspace, by where this package's manifest was when it was built.
    pub fn locate() -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().unwrap_or(manifest).to_owned();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(target) => std::path::absolute(&target).unwrap_or(target.into()),
            None => root.join("target"),
        };
        Self { root, target }
    }

    /// Cargo, in the top directory.
    pub fn cargo(&self) -> Command {
        let mut command = cargo();
        command.current_dir(&self.root);
        command
    }

    /// The manifests of all crates below `crates/`, sorted by directory.
    pub fn crates(&self) -> Result<Vec<Manifest>> {
        let directory = self.root.join("crates");
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&directory).on("read", &directory)? {
            let path = entry.on("read", &directory)?.path();
            if path.join("Cargo.toml").is_file() {
                found.push(Manifest::read(&path)?);
            }
        }
        found.sort_by(|a, b| a.directory.cmp(&b.directory));
        Ok(found)
    }

    /// Builds the tools and gives the directory that they are in.
    pub fn build_tools(&self, profile: Profile) -> Result<PathBuf> {
        let (option, directory) = match profile {
            Profile::Dev => ("--profile=dev", "debug"),
            Profile::Release => ("--release", "release"),
        };
        let mut build = self.cargo();
        if self.select_tools(build.args(["build", "--quiet", "--bins", option]))? {
            run(&mut build)?;
        }
        Ok(self.target.join(directory))
    }

    /// Makes it a build of the packages of the tools; false if there is none.
    ///
    /// Test and chore packages stay out of it: the features that they ask of a
    /// dependency must not reach what is shipped.
    pub fn select_tools(&self, build: &mut Command) -> Result<bool> {
        let crates = self.crates()?;
        let mut any = false;
        for tool in crates.iter().filter(|each| !each.bins.is_empty()) {
            build.args(["--package", &tool.name]);
            any = true;
        }
        Ok(any)
    }

    /// The `rust-version` of the workspace, as `1.85`.
    pub fn oldest_rust(&self) -> Result<String> {
        let manifest = Manifest::read(&self.root)?;
        manifest.rust_version.ok_or_else(|| Error::Failed("Cargo.toml has no rust-version".into()))
    }

    /// The names of all tools, sorted.
    pub fn tools(&self) -> Result<Vec<String>> {
        let mut names: Vec<_> = self.crates()?.into_iter().flat_map(|each| each.bins).collect();
        names.sort();
        Ok(names)
    }

    /// All files that git tracks or would take, relative to the top, sorted.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        let mut git = Command::new("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listed = stdout(git.current_dir(&self.root))?;
        let mut files: Vec<PathBuf> = listed.split_terminator('\0').map(PathBuf::from).collect();
        // A file deleted but not yet staged is listed too.
        files.retain(|file| self.root.join(file).symlink_metadata().is_ok());
        files.sort();
        files.dedup();
        Ok(files)
    }
}
