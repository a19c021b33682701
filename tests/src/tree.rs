//! Directories for `runsvdir` to scan.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::dirs::create_dir;
use crate::{Launch, Service, ServiceDirBuilder, Supervisor, TempDir};

/// A directory to scan, `service`, beside one for what its links lead to, `sv`.
#[derive(Debug)]
pub struct Tree {
    temp: TempDir,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// An empty one.
    #[track_caller]
    pub fn new() -> Self {
        let tree = Self { temp: TempDir::new() };
        create_dir(&tree.path("service"));
        create_dir(&tree.path("sv"));
        tree
    }

    /// The path of something in the directory that holds both.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.temp.path().join(name)
    }

    /// The directory to scan.
    pub fn service(&self) -> PathBuf {
        self.path("service")
    }

    /// A service made at `sv/NAME`.
    pub fn make(&self, name: impl AsRef<Path>, builder: ServiceDirBuilder) -> Service {
        builder.build_in(self.path("sv").join(name))
    }

    /// A sleeping service at `sv/NAME`, linked as `service/NAME`.
    pub fn add(&self, name: impl AsRef<Path>) -> Service {
        self.add_made(name, ServiceDirBuilder::sleeper())
    }

    /// A service at `sv/NAME`, linked as `service/NAME`.
    pub fn add_made(&self, name: impl AsRef<Path>, builder: ServiceDirBuilder) -> Service {
        let name = name.as_ref();
        let service = self.make(name, builder);
        self.link(Path::new("../sv").join(name), name);
        service
    }

    /// A link `service/NAME` to `target`.
    #[track_caller]
    pub fn link(&self, target: impl AsRef<Path>, name: impl AsRef<Path>) {
        let link = self.service().join(name);
        symlink(target, &link).unwrap_or_else(|error| panic!("{}: {error}", link.display()));
    }

    /// Starts `runsvdir` on it.
    #[track_caller]
    pub fn scan(&self) -> Supervisor {
        Launch::new("runsvdir").arg(self.service()).spawn()
    }

    /// Adds one more service and waits until it is supervised: what was changed before has been
    /// seen then.
    #[track_caller]
    pub fn wait_for_scan(&self, name: &str) {
        self.add_made(name, ServiceDirBuilder::sleeper().down()).wait_supervised();
    }
}
