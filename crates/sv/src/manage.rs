//! `enable` and `disable`: which of the services there are (`SVSRC`) are linked
//! into the directory of those that run (`SVDIR`).

use runit_rt::errtext;
use rustix::fs::{FileType, lstat, stat, symlink, unlink};
use rustix::io::Errno;

use crate::console::Console;
use crate::directory::Service;
use crate::place::Place;
use crate::render::Text;

/// The two directories.
#[derive(Clone, Copy, Debug)]
pub struct Directories<'a> {
    /// `SVDIR`: of the services that run.
    pub running: &'a [u8],
    /// `SVSRC`: of the services there are.
    pub source: &'a [u8],
}

/// Why nothing was done for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// It is no name but a path, or hidden.
    NoName,
    /// A link would lead elsewhere for others.
    Relative,
    /// There is no such service, or no way to see it.
    Source(Errno),
    /// What has the name is something else.
    Taken,
    /// A service that lives there is not to be destroyed.
    NotLink,
    /// The link cannot be made, removed or seen.
    Link(Errno),
}

impl Refusal {
    /// What is wrong, in which directory, and why.
    fn sentence(self, directories: Directories<'_>) -> (&'static str, &[u8], &'static str) {
        let Directories { running, source } = directories;
        match self {
            Self::NoName => ("not the name of a service", b"", ""),
            Self::Relative => ("SVSRC is not an absolute path: ", source, ""),
            Self::Source(error) => ("unable to find service in ", source, errtext::text(error)),
            Self::Taken => ("something else has this name in ", running, ""),
            Self::NotLink => ("not a symbolic link in ", running, ""),
            Self::Link(error) => ("unable to change link in ", running, errtext::text(error)),
        }
    }
}

impl Directories<'_> {
    /// Enables each of `services`, or disables it.
    pub fn change(self, enable: bool, services: &[Service], console: &mut Console<'_>) {
        let [mut source, mut link] = [Place::new(b""), Place::new(b"")];
        for Service { name, .. } in services {
            let result = if matches!(&name[..], [] | [b'.', ..]) || name.contains(&b'/') {
                Err(Refusal::NoName)
            } else {
                source.enter_at(self.source, name);
                link.enter_at(self.running, name);
                if enable {
                    self.enable(&mut source, &mut link)
                } else {
                    disable(&mut source, &mut link)
                }
            };
            let mut text = Text::default();
            text.add(if result.is_ok() { "ok: " } else { "fail: " });
            text.name(name);
            text.add(": ");
            match result {
                Ok(changed) => {
                    text.add(if changed { "" } else { "already " });
                    text.add(if enable { "enabled" } else { "disabled" });
                }
                Err(refusal) => {
                    console.failures += 1;
                    let (what, directory, why) = refusal.sentence(self);
                    text.add(what);
                    text.name(directory);
                    text.add(if why.is_empty() { "" } else { ": " });
                    text.add(why);
                }
            }
            text.add("\n");
            console.print(&text);
        }
    }

    /// Makes `link` lead to `source`, and says whether that changed anything.
    /// What is there is never replaced.
    fn enable(self, source: &mut Place<'_>, link: &mut Place<'_>) -> Result<bool, Refusal> {
        if !self.source.starts_with(b"/") {
            return Err(Refusal::Relative);
        }
        let wanted = stat(source.at(c".")).map_err(Refusal::Source)?;
        match symlink(source.directory(), link.directory()) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => match stat(link.at(c".")) {
                Ok(there) if (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino) => {
                    Ok(false)
                }
                _ => Err(Refusal::Taken),
            },
            Err(error) => Err(Refusal::Link(error)),
        }
    }
}

/// Removes `link`, and says whether it was there. A name that is not in
/// `source` either is more likely a typing error than a wish fulfilled.
fn disable(source: &mut Place<'_>, link: &mut Place<'_>) -> Result<bool, Refusal> {
    let removed = lstat(link.directory()).and_then(|there| {
        let is_link = FileType::from_raw_mode(there.st_mode) == FileType::Symlink;
        if is_link { unlink(link.directory()).map(|()| true) } else { Ok(false) }
    });
    match removed {
        Ok(true) => Ok(true),
        Ok(false) => Err(Refusal::NotLink),
        Err(Errno::NOENT) => stat(source.at(c".")).map(|_| false).map_err(Refusal::Source),
        Err(error) => Err(Refusal::Link(error)),
    }
}
