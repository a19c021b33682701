//! Programs whose system calls fail, by strace's injection.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::dirs::{TempDir, text};
use crate::{Proc, wait_until};

/// Whether there is strace; says so where not, with the name of the test.
pub fn is_there(test: &str) -> bool {
    let found = Command::new("strace").arg("-V").output().is_ok();
    if !found {
        eprintln!("{test}: not tried: there is no strace");
    }
    found
}

/// The words before a program that make it a process of its own, as ever, some of whose calls
/// fail: `calls` are the names of one call (`?` before one that not every processor has), `fault`
/// is as in `error=EIO:when=1`, `more` are other options. What fails is written to `trace`. The
/// program finds ALRM ignored.
pub fn failing(calls: &str, fault: &str, trace: &Path, more: &[&str]) -> Vec<String> {
    // With -D an alarm ends a program whose tracer is not there within three seconds.
    let patient = ["env", "--ignore-signal=ALRM"];
    let strace = ["strace", "-D", "-qq", "-e", "signal=none", "-o"];
    let mut words: Vec<_> = patient.into_iter().chain(strace).map(str::to_owned).collect();
    words.push(trace.display().to_string());
    words.extend(more.iter().map(|word| (*word).to_owned()));
    words.extend([format!("--trace={calls}"), format!("--inject={calls}:{fault}")]);
    words
}

/// Attaches strace to a process, with these words; it sees every call from when this returns.
#[track_caller]
pub fn attach(process: Proc, words: &[&str]) -> Child {
    let dir = TempDir::new();
    let said = dir.path().join("said");
    let error = File::create(&said).unwrap_or_else(|error| panic!("{}: {error}", said.display()));
    let strace = Command::new("strace")
        .args(["-p", &process.to_string()])
        .args(words)
        .stdin(Stdio::null())
        .stderr(error)
        .spawn()
        .unwrap_or_else(|error| panic!("strace: {error}"));
    // By then it has interrupted the process, which goes on as it is told.
    wait_until("strace", || {
        let said = text(&said);
        if said.contains(" attached\n") { Ok(()) } else { Err(said) }
    });
    strace
}
