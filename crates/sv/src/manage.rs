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
    /// It is no name but a path, or hidden; or what it names is no link, or
    /// something else: the sentence.
    Because(&'static str),
    /// There is no such service, or no way to see it.
    Source(Errno),
    /// The link cannot be made, removed or seen.
    Link(Errno),
}

impl Directories<'_> {
    /// Enables each of `services`, or disables it.
    #[inline(never)]
    pub fn change(self, enable: bool, services: &[Service], console: &mut Console<'_>) {
        for Service { name, .. } in services {
            let result = if enable { self.enable(name) } else { self.disable(name) };
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
                    let (what, why) = match refusal {
                        Refusal::Because(what) => (what, ""),
                        Refusal::Source(error) => ("no service in SVSRC: ", errtext::text(error)),
                        Refusal::Link(error) => ("unable to change SVDIR: ", errtext::text(error)),
                    };
                    text.add(what);
                    text.add(why);
                }
            }
            text.add("\n");
            console.print(&text);
        }
    }

    /// The places of `name` in `SVSRC` and in `SVDIR`.
    #[inline(never)]
    fn places(&self, name: &[u8]) -> Result<[Place<'static>; 2], Refusal> {
        if name.is_empty() || name.starts_with(b".") || name.contains(&b'/') {
            return Err(Refusal::Because("not the name of a service"));
        }
        let mut places = [Place::new(b""), Place::new(b"")];
        let [source, link] = &mut places;
        source.enter_at(self.source, name);
        link.enter_at(self.running, name);
        Ok(places)
    }

    /// Makes a link to the service, and says whether that changed anything.
    /// What is there is never replaced.
    #[inline(never)]
    fn enable(&self, name: &[u8]) -> Result<bool, Refusal> {
        let [mut source, mut link] = self.places(name)?;
        if !self.source.starts_with(b"/") {
            return Err(Refusal::Because("SVSRC is not an absolute path"));
        }
        let wanted = stat(source.at(c".")).map_err(Refusal::Source)?;
        match symlink(source.directory(), link.directory()) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => match stat(link.at(c".")) {
                Ok(there) if there.st_dev == wanted.st_dev && there.st_ino == wanted.st_ino => {
                    Ok(false)
                }
                _ => Err(Refusal::Because("something else has this name in SVDIR")),
            },
            Err(error) => Err(Refusal::Link(error)),
        }
    }

    /// Removes a link, and says whether it was there. A name that is not in
    /// `SVSRC` either is more likely a typing error than a wish fulfilled.
    #[inline(never)]
    fn disable(&self, name: &[u8]) -> Result<bool, Refusal> {
        let [mut source, mut link] = self.places(name)?;
        match lstat(link.directory()) {
            Ok(there) if FileType::from_raw_mode(there.st_mode) == FileType::Symlink => {
                unlink(link.directory()).map(|()| true).map_err(Refusal::Link)
            }
            Ok(_) => Err(Refusal::Because("not a symbolic link in SVDIR")),
            Err(Errno::NOENT) => stat(source.at(c".")).map(|_| false).map_err(Refusal::Source),
            Err(error) => Err(Refusal::Link(error)),
        }
    }
}
