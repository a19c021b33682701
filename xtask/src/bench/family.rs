//! Supervision suites of the field: what their programs are called for the parts
//! that ours play, and how they are told what ours are told.

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::error::{OnFile, Result};
use crate::process::{signal, silently};

/// A kind of suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Ours, C runit, busybox's applets.
    Runit,
    /// s6.
    S6,
    /// daemontools.
    Daemontools,
}

impl Family {
    /// The program that plays the part of runit's `tool`; `None` where there is none whose
    /// cost could be compared. (Loggers are the business of the case `svlogd`.)
    pub fn program(self, tool: &str) -> Option<&str> {
        match (self, tool) {
            (Self::Runit, tool) => Some(tool),
            (Self::S6, "runsvdir") => Some("s6-svscan"),
            (Self::S6, "runsv") => Some("s6-supervise"),
            (Self::S6, "sv") => Some("s6-svstat"),
            (Self::Daemontools, "runsvdir") => Some("svscan"),
            (Self::Daemontools, "runsv") => Some("supervise"),
            (Self::Daemontools, "sv") => Some("svstat"),
            _ => None,
        }
    }

    /// The most services that one scanner takes, or none.
    pub fn most_services(self, ours: bool) -> Option<usize> {
        match self {
            Self::Runit if ours => None,
            Self::Runit | Self::Daemontools => Some(1000),
            Self::S6 => None,
        }
    }

    /// What the scanner is given before its directory.
    pub fn scanner_options(self) -> &'static [&'static str] {
        match self {
            // Without it, it takes 500 services.
            Self::S6 => &["-c", "20000"],
            Self::Runit | Self::Daemontools => &[],
        }
    }

    /// What asks for a service's state, before the service.
    pub fn query_words(self) -> &'static [&'static str] {
        match self {
            Self::Runit => &["status"],
            Self::S6 | Self::Daemontools => &[],
        }
    }

    /// The command that does to the service what `sv WORD` does, and waits until that has come
    /// about; `None` where it cannot wait.
    pub fn control(self, sv: Command, word: &str, service: &Path) -> Option<Command> {
        let mut command = match self {
            Self::Runit => {
                let mut sv = sv;
                sv.arg(word);
                sv
            }
            Self::S6 => {
                let mut svc = Command::new(Path::new(sv.get_program()).with_file_name("s6-svc"));
                svc.env_clear();
                svc.envs(sv.get_envs().filter_map(|(name, value)| Some((name, value?))));
                svc.args(match word {
                    "stop" => ["-wd", "-d"],
                    "start" => ["-wu", "-u"],
                    _ => ["-wr", "-r"],
                });
                svc
            }
            Self::Daemontools => return None,
        };
        command.arg(service);
        Some(command)
    }

    /// Says that there is a new service, where the scanner does not look by itself.
    pub fn announce(self, services: &Path) -> Result<()> {
        match self {
            Self::S6 => silently(Command::new("s6-svscanctl").arg("-a").arg(services)),
            Self::Runit | Self::Daemontools => Ok(()),
        }
    }

    /// Tells the scanner and all its supervisors to end.
    pub fn end(self, scanner: u32, services: &Path) -> Result<()> {
        match self {
            // On HUP runsvdir tells each runsv to end, and ends.
            Self::Runit => signal(scanner, Signal::HUP),
            Self::S6 => signal(scanner, Signal::TERM),
            // svscan leaves its supervisors alone; each is told by its FIFO.
            Self::Daemontools => {
                signal(scanner, Signal::TERM)?;
                let entries = std::fs::read_dir(services).on("read", services)?;
                let names = entries.filter_map(|entry| Some(entry.ok()?.path()));
                silently(Command::new("svc").arg("-dx").args(names))
            }
        }
    }
}

/// What a supervisor's `supervise/status` says: the process's number, 0 if there is none, and
/// whether it is `run` that runs.
pub fn status(record: &[u8]) -> Option<(u32, bool)> {
    let little = |at: usize| Some(u32::from_le_bytes(*record.get(at..)?.first_chunk()?));
    match record.len() {
        18 => little(12).map(|pid| (pid, pid != 0)),
        20 => little(12).map(|pid| (pid, record.get(19) == Some(&1))),
        // s6: two time stamps, the pid in eight bytes, the wait status, flags.
        35.. => {
            let pid = u64::from_be_bytes(*record.get(24..)?.first_chunk()?);
            let finishing = record.last()? & 2 != 0;
            u32::try_from(pid).ok().map(|pid| (pid, pid != 0 && !finishing))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_played_by_programs_of_the_family() {
        assert_eq!(Family::Runit.program("svlogd"), Some("svlogd"));
        assert_eq!(Family::S6.program("runsv"), Some("s6-supervise"));
        assert_eq!(Family::Daemontools.program("runsvdir"), Some("svscan"));
        assert_eq!(Family::Daemontools.program("chpst"), None);
    }

    #[test]
    fn status_records_of_each_are_read() {
        let runit = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x39, 0x30, 0, 0, 0, b'u', 0, 1];
        assert_eq!(status(&runit), Some((12345, true)));
        assert_eq!(status(&runit[..18]), Some((12345, true)));
        assert_eq!(status(&runit[..17]), None);
        let mut s6 = [0; 35];
        s6[30..32].copy_from_slice(&[0x30, 0x39]);
        assert_eq!(status(&s6), Some((12345, true)));
        s6[34] = 2;
        assert_eq!(status(&s6), Some((12345, false)));
        assert_eq!(status(&[0; 35]), Some((0, false)));
    }

    #[test]
    fn control_is_in_the_words_of_the_family() {
        let sv = || Command::new("/usr/bin/s6-svstat");
        let words = |family: Family| {
            let command = family.control(sv(), "restart", Path::new("a"))?;
            let args = command.get_args().map(|word| word.to_string_lossy().into_owned());
            let name = command.get_program().to_string_lossy().into_owned();
            Some((name, args.collect::<Vec<_>>().join(" ")))
        };
        assert_eq!(words(Family::S6), Some(("/usr/bin/s6-svc".into(), "-wr -r a".into())));
        assert_eq!(words(Family::Runit).map(|(_, args)| args), Some("restart a".into()));
        assert_eq!(words(Family::Daemontools), None);
    }
}
