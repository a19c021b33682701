//! A root directory of its own, for tools that work on fixed paths, and process 1 in it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::OURS;
use super::lab::{Check, Lab, Strace, alone, write};
use super::subject::Subject;
use crate::enter;

/// Where strace writes, as seen in it.
const TRACE: &str = "/trace";

/// The lab's directory as a root directory.
pub struct Machine<'a> {
    /// The lab.
    pub lab: &'a Lab<'a>,
}

impl<'a> Machine<'a> {
    /// Makes what is in every root directory, and puts these tools into `/sbin`.
    pub fn new(lab: &'a Lab<'a>, tools: &[&str]) -> Check<Self> {
        let told = |error: std::io::Error| format!("a root directory: {error}");
        for place in ["dev", "etc/runit", "run", "sbin", "var/log"] {
            std::fs::create_dir_all(lab.path(place)).map_err(told)?;
        }
        write(&lab.path("dev/null"), "")?;
        std::os::unix::fs::symlink("/run", lab.path("var/run")).map_err(told)?;
        for tool in tools {
            let from = lab.suite.tool(tool).ok_or_else(|| format!("no {tool}"))?;
            let alone = alone();
            std::fs::copy(from, lab.path("sbin").join(tool)).map_err(told)?;
            drop(alone);
        }
        // Ours are linked to nothing.
        if lab.suite.label != OURS {
            let _ = std::fs::copy("/etc/ld.so.cache", lab.path("etc/ld.so.cache"));
        }
        // Debian's have other names for these two; this way they are the same.
        for name in ["stopit", "reboot"] {
            let (target, link) = (format!("/run/runit.{name}"), format!("etc/runit/{name}"));
            std::os::unix::fs::symlink(target, lab.path(&link)).map_err(told)?;
        }
        Ok(Self { lab })
    }

    /// These words, run in it; as process 1 of a PID namespace if `first`.
    pub fn command<W: AsRef<OsStr>>(&self, first: bool, words: &[W]) -> Command {
        let mut command = Command::new("unshare");
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.arg("--mount");
        if first {
            command.args(["--pid", "--fork", "--kill-child"]);
        }
        command.args(["sh", "-c", enter::SCRIPT, "sh"]).arg(&self.lab.dir).args(words);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        command
    }

    /// The words for a tool with strace as this run has it; `options` come before the others.
    pub fn traced(&self, options: &[&str], tool: &str) -> Vec<String> {
        let mut words = vec!["strace".to_owned()];
        words.extend(options.iter().map(|word| (*word).to_owned()));
        words.extend(self.lab.strace_options(Path::new(TRACE)));
        words.extend(["--".to_owned(), format!("/sbin/{tool}")]);
        words
    }

    /// Boots it: `runit` is process 1, with strace from its first call on or not at all yet.
    pub fn boot(&self, traced: bool) -> Check<Subject> {
        let words = if traced { self.traced(&["-D"], "runit") } else { vec!["/sbin/runit".into()] };
        let mut subject = self.lab.start_untraced(&mut self.command(true, &words))?;
        subject.find_inner()?;
        if traced {
            subject.find_tracer()?;
        }
        Ok(subject)
    }

    /// Makes `stopit` or `reboot` with this mode.
    pub fn flag(&self, name: &str, mode: u32) -> Check {
        let path = self.lab.path(&format!("run/runit.{name}"));
        write(&path, "")?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&path, mode).map_err(|error| format!("{name}: {error}"))
    }
}

/// Whether writing fails in this run, so that a tool may be unable to say what was wrong.
pub fn is_mute(lab: &Lab<'_>) -> bool {
    matches!(lab.strace, Strace::Inject(case) if case.call.starts_with("write"))
}
