//! Log directories, and a `svlogd` that writes them.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::Signal;

use crate::dirs::{TempDir, make_fifo, names, write};
use crate::supervisor::{Launch, Supervisor};

/// A log directory.
#[derive(Debug)]
pub struct LogDir {
    path: PathBuf,
    _temp: Option<TempDir>,
}

impl LogDir {
    /// A new one with this configuration; an empty one is none.
    #[track_caller]
    pub fn new(config: &str) -> Self {
        let temp = TempDir::new();
        let dir = Self { path: temp.path().to_owned(), _temp: Some(temp) };
        if !config.is_empty() {
            dir.configure(config);
        }
        dir
    }

    /// The one at `path`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), _temp: None }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// Replaces its configuration.
    #[track_caller]
    pub fn configure(&self, config: &str) {
        write(&self.join("config"), config);
    }

    /// Puts a file there.
    #[track_caller]
    pub fn put(&self, name: &str, content: &str) {
        write(&self.join(name), content);
    }

    /// What `current` holds; nothing if it is not there.
    pub fn current(&self) -> String {
        self.text("current")
    }

    /// What a file holds; bytes that are no text are replaced.
    pub fn text(&self, name: &str) -> String {
        let bytes = fs::read(self.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The names of the old files, oldest first.
    pub fn archives(&self) -> Vec<String> {
        names(&self.path).into_iter().filter(|name| name.starts_with('@')).collect()
    }

    /// What the old files hold, oldest first.
    pub fn archived(&self) -> Vec<String> {
        self.archives().iter().map(|name| self.text(name)).collect()
    }

    /// What all files hold, oldest first.
    pub fn everything(&self) -> String {
        self.archived().concat() + &self.current()
    }
}

/// What kind of old file has this name: the last letter, `s`, `t` or `u`.
pub fn kind(name: &str) -> char {
    name.chars().next_back().unwrap_or('?')
}

/// A running `svlogd`, which reads what is written here.
#[derive(Debug)]
pub struct Logger {
    /// Its process.
    pub process: Supervisor,
    input: Option<File>,
}

impl Logger {
    /// Starts it with options, for a directory.
    #[track_caller]
    pub fn start(options: &[&str], dir: &LogDir) -> Self {
        Self::launch(Launch::new("svlogd").args(options).arg(dir.path()))
    }

    /// Starts it so.
    #[track_caller]
    pub fn launch(launch: Launch) -> Self {
        let (output, input) = pipe();
        let process = launch.stdin(Stdio::from(output)).spawn();
        Self { process, input: Some(input) }
    }

    /// Writes to it, which waits when there is more than fits into a pipe.
    #[track_caller]
    pub fn write(&mut self, text: impl AsRef<[u8]>) {
        let Some(input) = &mut self.input else { panic!("its input is closed") };
        input.write_all(text.as_ref()).unwrap_or_else(|error| panic!("its input: {error}"));
    }

    /// The same; whether it took it, which it does not if it has ended.
    pub fn try_write(&mut self, text: impl AsRef<[u8]>) -> bool {
        self.input.as_mut().is_some_and(|input| input.write_all(text.as_ref()).is_ok())
    }

    /// Its input, to be written to from elsewhere.
    #[track_caller]
    pub fn input(&self) -> File {
        let input = self.input.as_ref().unwrap_or_else(|| panic!("its input is closed"));
        input.try_clone().unwrap_or_else(|error| panic!("its input: {error}"))
    }

    /// Ends its input.
    pub fn close(&mut self) {
        self.input = None;
    }

    /// Ends its input and waits until it ends; gives its exit code.
    #[track_caller]
    pub fn finish(&mut self) -> i32 {
        self.close();
        self.process.wait_exit()
    }

    /// Sends TERM and waits until it ends; gives its exit code.
    #[track_caller]
    pub fn terminate(&mut self) -> i32 {
        self.process.kill(Signal::TERM);
        self.process.wait_exit()
    }
}

/// A pipe: where it is read, and where it is written.
#[track_caller]
pub fn pipe() -> (File, File) {
    let temp = TempDir::new();
    let path = temp.path().join("fifo");
    make_fifo(&path);
    let open = |options: &mut OpenOptions| {
        options.open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    // Neither of the others has to wait for its counterpart.
    let _both = open(OpenOptions::new().read(true).write(true));
    (open(OpenOptions::new().read(true)), open(OpenOptions::new().write(true)))
}

/// Logs `input` with options to a directory; gives the exit code and what was said.
#[track_caller]
pub fn log(options: &[&str], dir: &LogDir, input: impl AsRef<[u8]>) -> (i32, String) {
    // From a file: there is no limit to what it holds.
    let temp = TempDir::new();
    let path = temp.path().join("input");
    write(&path, input);
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut process =
        Launch::new("svlogd").args(options).arg(dir.path()).stdin(Stdio::from(file)).spawn();
    let code = process.wait_exit();
    (code, process.stderr())
}

/// Numbered lines, of `length` bytes each if that is more than the number has.
pub fn numbered(count: usize, length: usize) -> String {
    let line = |number| format!("{:x<width$}\n", format!("{number} "), width = length.max(1) - 1);
    (1..=count).map(line).collect()
}
