//! Debian packages, unpacked below `target/` without being installed.
//!
//! apt runs on a state directory of its own with the machine's own sources, so
//! that neither root nor a change to the machine is needed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, OnFile, Result};
use crate::process::{in_path, quietly, run, stdout};

/// A directory that packages are unpacked in.
pub struct Unpacked {
    base: PathBuf,
}

impl Unpacked {
    /// The one in `base`, which need not exist yet.
    pub fn new(base: PathBuf) -> Self {
        Self { base }
    }

    /// Where the packages' files are.
    pub fn root(&self) -> PathBuf {
        self.base.join("root")
    }

    /// Unpacks `packages`, each `NAME`, `NAME:ARCH`, or `NAME=PREFIX`: the newest
    /// version that begins so; or `NAME>PREFIX`: the package whose name begins so that
    /// NAME depends on, as a metapackage on what is its content. Nothing is done if all that was done before, for
    /// a group of packages of this name.
    pub fn ensure(&self, group: &str, packages: &[String]) -> Result<()> {
        let stamp = self.base.join(format!("{group}.unpacked"));
        let wanted = packages.join("\n");
        if std::fs::read_to_string(&stamp).is_ok_and(|done| done == wanted) {
            return Ok(());
        }
        for program in ["apt-get", "dpkg-deb"] {
            if !in_path(program) {
                let what = format!("this needs {program}: Debian or a system made from it");
                return Err(Error::Failed(what));
            }
        }
        self.write_settings()?;
        run(self.apt("apt-get").args(["-qq", "update"]))?;
        let archives = self.base.join(group);
        recreate(&archives)?;
        let mut download = self.apt("apt-get");
        download.args(["-qq", "download"]).current_dir(&archives);
        for package in packages {
            download.arg(if let Some((name, prefix)) = package.split_once('=') {
                format!("{name}={}", self.version(name, prefix)?)
            } else if let Some((name, prefix)) = package.split_once('>') {
                self.dependency(name, prefix)?
            } else {
                package.clone()
            });
        }
        run(&mut download)?;
        for archive in std::fs::read_dir(&archives).on("read", &archives)? {
            let archive = archive.on("read", &archives)?.path();
            quietly(Command::new("dpkg-deb").arg("-x").arg(archive).arg(self.root()))?;
        }
        std::fs::remove_dir_all(&archives).on("remove", &archives)?;
        std::fs::write(&stamp, wanted).on("write", stamp)
    }

    /// A program of apt's on our own state.
    fn apt(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("APT_CONFIG", self.settings());
        command
    }

    fn settings(&self) -> PathBuf {
        self.base.join("apt.conf")
    }

    /// Says where apt keeps its state, and which architectures it looks at.
    fn write_settings(&self) -> Result<()> {
        let (state, cache) = (self.base.join("apt/state"), self.base.join("apt/cache"));
        for directory in [state.join("lists/partial"), cache.join("archives/partial"), self.root()]
        {
            std::fs::create_dir_all(&directory).on("create", directory)?;
        }
        let status = state.join("status");
        std::fs::write(&status, "").on("write", &status)?;
        let text = format!(
            "Dir::State \"{}\";\nDir::State::status \"{}\";\nDir::Cache \"{}\";\n\
             Dir::Log \"{0}\";\nAPT::Architecture \"amd64\";\n\
             APT::Architectures {{ \"amd64\"; \"arm64\"; }};\nAPT::Sandbox::User \"\";\n\
             Acquire::Languages \"none\";\n",
            state.display(),
            status.display(),
            cache.display(),
        );
        std::fs::write(self.settings(), text).on("write", self.settings())
    }

    /// The newest version of the package that begins with `prefix`.
    fn version(&self, package: &str, prefix: &str) -> Result<String> {
        let listed = stdout(self.apt("apt-cache").args(["madison", package]))?;
        newest(&listed, package, prefix)
            .ok_or_else(|| Error::Failed(format!("apt knows no {package} of version {prefix}")))
    }

    /// The package that `package` depends on and whose name begins with `prefix`.
    fn dependency(&self, package: &str, prefix: &str) -> Result<String> {
        let listed = stdout(self.apt("apt-cache").args(["depends", package]))?;
        depended(&listed, prefix).ok_or_else(|| {
            Error::Failed(format!("apt knows no {prefix}... that {package} depends on"))
        })
    }
}

/// An empty directory of that name.
fn recreate(directory: &Path) -> Result<()> {
    if directory.exists() {
        std::fs::remove_dir_all(directory).on("remove", directory)?;
    }
    std::fs::create_dir_all(directory).on("create", directory)
}

/// What `apt-cache madison` lists first, which is the newest, of all that fit.
fn newest(listed: &str, package: &str, prefix: &str) -> Option<String> {
    let fits = |line: &str| {
        let mut columns = line.split('|').map(str::trim);
        let (name, version, source) = (columns.next()?, columns.next()?, columns.next()?);
        let fits = name == package && version.starts_with(prefix) && source.contains("Packages");
        fits.then(|| version.to_owned())
    };
    listed.lines().find_map(fits)
}

/// The first name of that beginning in what `apt-cache depends` lists.
fn depended(listed: &str, prefix: &str) -> Option<String> {
    let mut names = listed.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    names.find(|name| name.starts_with(prefix)).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metapackage_is_followed() {
        let listed = "linux-image-cloud:arm64\n  PreDepends: linux-image-x\n  \
                      Depends: libc6\n  Depends: linux-image-6.1.0-9-cloud-arm64:arm64\n";
        let found = depended(listed, "linux-image-");
        assert_eq!(found.as_deref(), Some("linux-image-6.1.0-9-cloud-arm64:arm64"));
        assert_eq!(depended(listed, "linux-headers-"), None);
    }

    #[test]
    fn the_newest_fitting_version_is_found() {
        let listed = " rustc-web | 1.96.0-1 | mirror security/main amd64 Packages\n \
                      rustc-web | 1.85.0+b2 | mirror stable/main amd64 Packages\n \
                      rustc-web | 1.85.0+b1 | mirror stable/main amd64 Packages\n \
                      rustc-web | 1.70.0 | mirror stable/main Sources\n";
        assert_eq!(newest(listed, "rustc-web", "1.85.").as_deref(), Some("1.85.0+b2"));
        assert_eq!(newest(listed, "rustc-web", "1.70."), None);
        assert_eq!(newest(listed, "rustc", "1.85."), None);
    }
}
