//! A user without privileges, who is up to no good.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::process::{Command, Output};

use crate::run::only_root;
use crate::supervisor::{UNPRIVILEGED, unprivileged};

/// Returns from the calling test, saying why, unless it can be two users.
#[must_use]
pub fn can_be_two_users() -> bool {
    only_root("become another user")
}

/// Makes the user the owner of a file or directory, not of what a link points to.
#[track_caller]
pub fn give(path: &Path) {
    chown(path, Some(UNPRIVILEGED), Some(UNPRIVILEGED))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Runs commands for `sh` as the user; `$1` and so on are the arguments.
#[track_caller]
pub fn as_user<A: AsRef<OsStr>>(script: &str, args: impl IntoIterator<Item = A>) -> Output {
    let words = unprivileged();
    Command::new(&words[0])
        .args(&words[1..])
        .args(["/bin/sh", "-c", script, "sh"])
        .args(args)
        .output()
        .unwrap_or_else(|error| panic!("{script}: {error}"))
}

/// A file of root's that nobody else may touch, and how it must stay.
#[derive(Debug)]
pub struct Treasure {
    path: std::path::PathBuf,
    content: Vec<u8>,
    mode: u32,
}

impl Treasure {
    /// Makes it, with this content and mode.
    #[track_caller]
    pub fn new(path: impl Into<std::path::PathBuf>, content: &str, mode: u32) -> Self {
        let path = path.into();
        crate::dirs::write(&path, content);
        crate::dirs::set_mode(&path, mode);
        Self { path, content: content.into(), mode }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that it is as it was.
    #[track_caller]
    pub fn is_untouched(&self) {
        let content = fs::read(&self.path).unwrap_or_else(|error| panic!("it is gone: {error}"));
        assert_eq!(String::from_utf8_lossy(&content), String::from_utf8_lossy(&self.content));
        assert_eq!(crate::dirs::mode(&self.path), self.mode, "its mode");
        let owner = fs::metadata(&self.path).map(|data| data.uid());
        assert_eq!(owner.ok(), Some(0), "its owner");
    }
}
