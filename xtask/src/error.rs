//! What a chore can fail with; the text of each is the line that is printed.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use thiserror::Error;

/// The result of a chore.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a chore failed.
#[derive(Debug, Error)]
pub enum Error {
    /// The command line is wrong: exit 2.
    #[error("{0}")]
    Usage(String),
    /// A program could not be started.
    #[error("unable to run {}: {cause}", program.to_string_lossy())]
    Start {
        /// The program's name or path.
        program: OsString,
        /// The system's answer.
        cause: io::Error,
    },
    /// A program ran and said no.
    #[error("{command}: {status}")]
    Command {
        /// Program and arguments as a person would type them.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A file could not be read, written, or made.
    #[error("unable to {act} {}: {cause}", path.display())]
    File {
        /// What was tried: `read`, `create`, ...
        act: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        cause: io::Error,
    },
    /// A sentence of the chore's own.
    #[error("{0}")]
    Failed(String),
    /// Everything there is to say has been printed already.
    #[error("failed")]
    Reported,
}

/// Names the act and the file an [`io::Error`] is about.
pub trait OnFile<T> {
    /// Turns the error into [`Error::File`].
    fn on(self, act: &'static str, path: impl Into<PathBuf>) -> Result<T>;
}

impl<T> OnFile<T> for io::Result<T> {
    fn on(self, act: &'static str, path: impl Into<PathBuf>) -> Result<T> {
        self.map_err(|cause| Error::File { act, path: path.into(), cause })
    }
}
