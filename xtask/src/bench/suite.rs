//! The programs that are compared.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::family::Family;
use crate::error::{Error, OnFile, Result};

/// The programs of one suite.
#[derive(Debug, Clone)]
pub struct Suite {
    /// What the columns call it.
    pub label: String,
    /// Where its programs are.
    pub directory: PathBuf,
    /// What kind it is.
    pub family: Family,
}

impl Suite {
    /// The suite that `--against` names: `DIR` or `LABEL=DIR`.
    pub fn parse(word: &OsStr) -> Result<Self> {
        let text = word.to_string_lossy();
        let (label, directory) = match text.split_once('=') {
            Some((label, directory)) => (label.to_owned(), PathBuf::from(directory)),
            None => (text.into_owned(), PathBuf::from(word)),
        };
        let directory = std::path::absolute(&directory).on("find", directory)?;
        let suite = Self { label, directory, family: Family::Runit };
        if suite.tool("runsv").is_none() {
            let what = format!("no runsv in {}", suite.directory.display());
            return Err(Error::Usage(what));
        }
        Ok(suite)
    }

    /// The program for runit's tool of that name, if it is there: in the directory, in `sbin`
    /// beside it, or where Debian keeps `runit-init`.
    pub fn tool(&self, name: &str) -> Option<PathBuf> {
        let name = self.family.program(name)?;
        let places = [
            self.directory.clone(),
            self.directory.join("../sbin"),
            self.directory.join("../lib/runit"),
        ];
        places.into_iter().map(|place| place.join(name)).find(|path| path.is_file())
    }

    /// Whether all these tools are there.
    pub fn has(&self, tools: &[&str]) -> bool {
        tools.iter().all(|name| self.tool(name).is_some())
    }

    /// A tool, to be run with this suite before all others in its `PATH`, and
    /// nothing else in its environment: that would lie on each one's stack.
    pub fn command(&self, name: &str) -> Command {
        let path = self.tool(name).unwrap_or_else(|| self.directory.join(name));
        let mut command = Command::new(path);
        command.env_clear().env("PATH", self.path());
        command
    }

    /// `PATH` with this suite first.
    pub fn path(&self) -> OsString {
        let mut path = self.directory.clone().into_os_string();
        path.push(":/usr/sbin:/usr/bin:/sbin:/bin");
        path
    }
}

/// What the column of Debian's suite is called.
pub const DEBIANS: &str = "Debian's C";

/// Debian's suite, if it is installed.
pub fn debians() -> Option<Suite> {
    let suite = installed(DEBIANS, Family::Runit);
    Path::new("/etc/debian_version").exists().then_some(suite).flatten()
}

/// The other kinds of suites, as far as they are installed.
pub fn others() -> impl Iterator<Item = Suite> {
    [("s6", Family::S6), ("daemontools", Family::Daemontools)]
        .into_iter()
        .filter_map(|(label, family)| installed(label, family))
}

fn installed(label: &str, family: Family) -> Option<Suite> {
    let suite = Suite { label: label.to_owned(), directory: "/usr/bin".into(), family };
    suite.has(&["runsv"]).then_some(suite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_without_runsv_is_refused() {
        let error = Suite::parse(OsStr::new("x=/no/such/directory")).unwrap_err();
        assert_eq!(error.to_string(), "no runsv in /no/such/directory");
    }

    #[test]
    fn tools_are_found_beside_the_directory_too() {
        let suite =
            Suite { label: String::new(), directory: "/usr/bin".into(), family: Family::Runit };
        assert!(suite.has(&["env"]) && !suite.has(&["env", "no-such-tool-here"]));
        assert!(suite.path().to_string_lossy().starts_with("/usr/bin:"));
    }
}
