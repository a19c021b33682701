//! Tells when a file in a directory of services was made or replaced.

use std::collections::BTreeSet;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use rustix::fd::OwnedFd;
use rustix::fs::inotify;

use super::Event;
use crate::error::{Error, OnFile, Result};

/// Sends an [`Event::Changed`] now, and after changes below `services`.
pub fn start(services: &Path, sender: Sender<Event>) -> Result<()> {
    let failed = |cause| Error::Failed(format!("unable to watch: {cause}"));
    let descriptor = inotify::init(inotify::CreateFlags::CLOEXEC).map_err(failed)?;
    let mut watched = BTreeSet::new();
    watch_all(&descriptor, services, &mut watched)?;
    let services = services.to_owned();
    std::thread::spawn(move || {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        while sender.send(Event::Changed).is_ok() {
            let mut reader = inotify::Reader::new(&descriptor, &mut buffer);
            // One look serves for all that a read brings.
            let mut read = reader.next().map(|_| ());
            while read.is_ok() && !reader.is_buffer_empty() {
                read = reader.next().map(|_| ());
            }
            let watching = watch_all(&descriptor, &services, &mut watched);
            if read.is_err() || watching.is_err() {
                return;
            }
        }
    });
    Ok(())
}

/// Watches each directory that is not watched yet. All three levels are looked at
/// each time: there are few, and none can be missed.
fn watch_all(descriptor: &OwnedFd, services: &Path, watched: &mut BTreeSet<PathBuf>) -> Result<()> {
    use inotify::WatchFlags as Flags;
    let mut directories = Vec::new();
    for entry in std::fs::read_dir(services).on("read", services)?.flatten() {
        let service = entry.path();
        let below = ["", "log", "supervise", "log/supervise"].map(|name| service.join(name));
        directories.extend(below.into_iter().filter(|directory| directory.is_dir()));
    }
    for directory in directories {
        if watched.contains(&directory) {
            continue;
        }
        let name = directory.as_os_str().as_encoded_bytes();
        inotify::add_watch(descriptor, name, Flags::CREATE | Flags::MOVED_TO)
            .map_err(|cause| Error::Failed(format!("unable to watch: {cause}")))?;
        watched.insert(directory);
    }
    Ok(())
}
