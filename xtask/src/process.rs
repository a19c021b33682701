//! Running other programs: cargo above all.

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

use rustix::io::Errno;
use rustix::process::{Pid, Signal};

use crate::error::{Error, Result};

/// How many arguments of a command are shown.
const SHOWN: usize = 40;

/// Runs it to its end on our own input and output, after a line that says what it is.
pub fn run(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", shown(command));
    quietly(command)
}

/// As [`run`], without the line.
pub fn quietly(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|cause| not_started(command, cause))?;
    if status.success() { Ok(()) } else { Err(Error::Command { command: shown(command), status }) }
}

/// As [`quietly`], with its output dropped.
pub fn silently(command: &mut Command) -> Result<()> {
    quietly(command.stdin(Stdio::null()).stdout(Stdio::null()))
}

/// Runs it to its end and gives what it wrote, which must be UTF-8, to standard output.
pub fn stdout(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } =
        command.output().map_err(|cause| not_started(command, cause))?;
    if !status.success() {
        eprint!("{}", String::from_utf8_lossy(&stderr));
        return Err(Error::Command { command: shown(command), status });
    }
    String::from_utf8(stdout)
        .map_err(|_| Error::Failed(format!("{}: output is not UTF-8", shown(command))))
}

/// Whether a program of that name is in `PATH`.
pub fn in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// The cargo that runs us.
pub fn cargo() -> Command {
    // Not $CARGO, which names one toolchain's and may be long gone from PATH.
    Command::new("cargo")
}

/// Sends the signal; that the process has gone already is fine.
pub fn signal(pid: u32, signal: Signal) -> Result<()> {
    let Some(to) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(()) };
    match rustix::process::kill_process(to, signal) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(Error::Failed(format!("unable to signal process {pid}: {error}"))),
    }
}

fn not_started(command: &Command, cause: std::io::Error) -> Error {
    Error::Start { program: command.get_program().to_owned(), cause }
}

/// The command as a person would type it: variables set, program, arguments.
fn shown(command: &Command) -> String {
    let mut words = Vec::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            words.push(format!("{}={}", name.to_string_lossy(), quoted(value)));
        }
    }
    words.push(quoted(command.get_program()));
    let arguments = command.get_args();
    let more = arguments.len().saturating_sub(SHOWN);
    words.extend(arguments.take(SHOWN).map(quoted));
    if more > 0 {
        words.push(format!("(and {more} more)"));
    }
    words.join(" ")
}

/// The word, in quotes where a shell would need them.
fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_typed() {
        let mut command = Command::new("cargo");
        command.args(["doc", "it's", ""]).env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(shown(&command), r"RUSTDOCFLAGS='-D warnings' cargo doc 'it'\''s' ''");
    }

    #[test]
    fn thousands_of_arguments_are_counted_only() {
        let mut command = Command::new("sv");
        command.args(vec!["x"; 1000]);
        assert_eq!(shown(&command), format!("sv{} (and 960 more)", " x".repeat(40)));
    }

    #[test]
    fn failures_name_command_and_status() {
        let error = quietly(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert_eq!(error.to_string(), "sh -c 'exit 3': exit status: 3");
        let error = stdout(&mut Command::new("no-such-program-here")).unwrap_err();
        assert!(error.to_string().starts_with("unable to run no-such-program-here: "), "{error}");
        assert_eq!(stdout(Command::new("echo").arg("a b")).unwrap(), "a b\n");
        assert!(in_path("sh") && !in_path("no-such-program-here"));
    }
}
