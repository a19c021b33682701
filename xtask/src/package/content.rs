//! What is in a package: its entries, and its files unpacked.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, OnFile, Result};
use crate::process::{quietly, stdout};

/// One entry of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Kind and permissions, as `ls` shows them.
    pub mode: String,
    /// Account and group, as numbers.
    pub owner: (String, String),
    /// Relative to the root.
    pub path: PathBuf,
    /// Where a symbolic link leads.
    pub target: Option<PathBuf>,
}

/// A package.
pub struct Content {
    /// The name of the package.
    pub package: String,
    /// The processor that it is for; `None`: any.
    pub processor: Option<&'static str>,
    /// All entries.
    pub entries: Vec<Entry>,
    /// Where the files are.
    pub root: PathBuf,
}

impl Content {
    /// Reads a tar archive and unpacks it into `root`.
    pub fn read(
        package: &str,
        processor: Option<&'static str>,
        archive: &Path,
        root: &Path,
    ) -> Result<Self> {
        let mut list = Command::new("bsdtar");
        list.args(["--numeric-owner", "-tvf"]).arg(archive).env("LC_ALL", "C");
        let listed = stdout(&mut list)?;
        let entries = listed.lines().map(|line| {
            entry(line).ok_or_else(|| {
                Error::Failed(format!("{}: not understood: {line}", archive.display()))
            })
        });
        let entries = entries.collect::<Result<Vec<_>>>()?;
        if root.exists() {
            std::fs::remove_dir_all(root).on("remove", root)?;
        }
        std::fs::create_dir_all(root).on("create", root)?;
        quietly(Command::new("bsdtar").arg("-xf").arg(archive).arg("-C").arg(root))?;
        Ok(Self { package: package.to_owned(), processor, entries, root: root.to_owned() })
    }

    /// The content of a file in it.
    pub fn file(&self, path: &Path) -> Result<Vec<u8>> {
        let path = self.root.join(path);
        std::fs::read(&path).on("read", path)
    }
}

/// A line of `bsdtar -tv`: mode, links, account, group, size, three words of a date, path.
fn entry(line: &str) -> Option<Entry> {
    let mut rest = line;
    let mut word = || {
        let (word, after) = rest.trim_start().split_once(' ')?;
        rest = after;
        Some(word.to_owned())
    };
    let mode = word()?;
    let _links = word()?;
    let owner = (word()?, word()?);
    for _ in 0..4 {
        word()?;
    }
    let (path, target) = match rest.split_once(" -> ") {
        Some((path, target)) if mode.starts_with('l') => (path, Some(target.into())),
        _ => (rest, None),
    };
    let path = path.trim_start_matches("./").trim_end_matches('/').into();
    Some(Entry { mode, owner, path, target })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_listing_are_read() {
        let read =
            entry("lrwxrwxrwx  0 0      7           0 Nov 27  2026 ./usr/bin/svc -> sv").unwrap();
        assert_eq!(read.owner, ("0".into(), "7".into()));
        assert_eq!((read.path, read.target), ("usr/bin/svc".into(), Some("sv".into())));
        let read = entry("drwxr-xr-x  0 0      0           0 Nov 27 11:59 usr/my bin/").unwrap();
        assert_eq!((read.mode.as_str(), read.path), ("drwxr-xr-x", "usr/my bin".into()));
        assert_eq!(entry("tar: nonsense"), None);
    }
}
