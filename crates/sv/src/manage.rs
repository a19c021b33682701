//! `enable` and `disable`: which of the services there are (`SVSRC`) are linked
//! into the directory of those that run (`SVDIR`).

use runit_rt::errtext::local;
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

impl Directories<'_> {
    /// Enables each of `services`, or disables it.
    #[inline(never)]
    pub fn change(self, enable: bool, services: &[Service<'_>], console: &mut Console<'_>) {
        let [mut source, mut link] = [Place::new(b""), Place::new(b"")];
        for &Service { name, .. } in services {
            source.enter_at(self.source, name);
            link.enter_at(self.running, name);
            let result = if name.is_empty() || name.starts_with(b".") || has_slash(name) {
                Err("not the name of a service")
            } else if !enable {
                disable(&mut source, &mut link)
            } else if self.source.starts_with(b"/") {
                make_link(&mut source, &mut link)
            } else {
                Err("SVSRC is not an absolute path")
            };
            let mut line = Text::new();
            line.add(if result.is_ok() { "ok: " } else { "fail: " });
            line.name(name);
            line.add(": ");
            if result.is_err() {
                console.failures += 1;
                line.add(if enable { "unable to enable: " } else { "unable to disable: " });
            }
            line.add(result.unwrap_or_else(|why| why));
            line.add("\n");
            console.print(&line);
        }
    }
}

#[expect(clippy::manual_contains, reason = "it brings a fast search, ten times as long")]
fn has_slash(name: &[u8]) -> bool {
    name.iter().any(|&byte| byte == b'/')
}

/// Makes a link to the service, and tells what became of it, or why not. What is there is never replaced.
#[inline(never)]
fn make_link(source: &mut Place<'_>, link: &mut Place<'_>) -> Result<&'static str, &'static str> {
    let wanted = directory(source)?;
    match symlink(source.directory(), link.directory()) {
        Ok(()) => Ok("enabled"),
        Err(Errno::EXIST) if directory(link) == Ok(wanted) => Ok("already enabled"),
        Err(error) => Err(local(error)),
    }
}

/// Removes a link, and tells what became of it, or why not. A name that is
/// not in `SVSRC` either is more likely a typing error than a wish fulfilled.
#[inline(never)]
fn disable(source: &mut Place<'_>, link: &mut Place<'_>) -> Result<&'static str, &'static str> {
    match lstat(link.directory()) {
        Ok(there) if FileType::from_raw_mode(there.st_mode) != FileType::Symlink => {
            Err("not a symbolic link")
        }
        Err(Errno::NOENT) => directory(source).map(|_| "already disabled"),
        Ok(_) => unlink(link.directory()).map(|()| "disabled").map_err(local),
        Err(error) => Err(local(error)),
    }
}

/// What tells the directory from any other.
#[inline(never)]
fn directory(place: &mut Place<'_>) -> Result<(u64, u64), &'static str> {
    stat(place.at(c".")).map(|stat| (stat.st_dev, stat.st_ino)).map_err(local)
}
