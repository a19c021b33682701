//! Packages for Arch, built by `makepkg` from `packaging/arch/PKGBUILD`.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::content::Content;
use super::rules;
use crate::error::{Error, OnFile, Result};
use crate::install::lay::make_directories;
use crate::process::{quietly, run, stdout};
use crate::ship::{self, Target};
use crate::workspace::Workspace;

/// The account that root builds as: `nobody`, everywhere.
const NOBODY: u32 = 65534;

/// What was made.
pub struct Made {
    /// The packages for this machine.
    pub first: Vec<PathBuf>,
    /// The same as a later release; empty unless asked for.
    pub second: Vec<PathBuf>,
}

/// A directory that the ordinary user builds in, removed at the end.
struct Building {
    base: PathBuf,
    version: String,
}

impl Drop for Building {
    fn drop(&mut self) {
        // Sources are unpacked as they are in the archive, all of them writable.
        let _ = std::fs::remove_dir_all(&self.base);
    }
}

/// Makes the packages in `target/package/arch`, and a second release of those for this
/// machine in `target/package/arch/second`.
pub fn make(workspace: &Workspace, targets: &[Target], second: bool) -> Result<Made> {
    let output = workspace.target.join("package/arch");
    if output.exists() {
        std::fs::remove_dir_all(&output).on("remove", &output)?;
    }
    make_directories(&output)?;
    let base = std::env::temp_dir().join(format!("runit-rs-makepkg-{}", std::process::id()));
    let building = Building { base, version: runit_core::tool::VERSION.to_owned() };
    building.prepare(workspace)?;
    building.makepkg(Target::Native, &[])?;
    let first = building.take(&output)?;
    let second = if second {
        building.edit("pkgrel=1", "pkgrel=2")?;
        building.makepkg(Target::Native, &["--repackage"])?;
        building.edit("pkgrel=2", "pkgrel=1")?;
        building.take(&output.join("second"))?
    } else {
        Vec::new()
    };
    check(&first, Target::Native, &output)?;
    for &target in targets.iter().filter(|target| **target != Target::Native) {
        let built = ship::build(workspace, workspace, target, &[])?;
        building.programs(workspace, &built)?;
        building.makepkg(target, &["--repackage"])?;
        check(&building.take(&output)?, target, &output)?;
    }
    for file in std::fs::read_dir(&output).on("read", &output)?.flatten() {
        if file.path().is_file() {
            println!("{}", file.path().display());
        }
    }
    Ok(Made { first, second })
}

impl Building {
    fn at(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    fn pkgbuild(&self) -> PathBuf {
        self.at("PKGBUILD")
    }

    /// Lays out what makepkg works on: the sources in an archive, the PKGBUILD with their
    /// sum, settings.
    fn prepare(&self, workspace: &Workspace) -> Result<()> {
        make_directories(&self.base)?;
        let name = format!("runit-rs-{}", self.version);
        let copy = self.base.join(&name);
        ship::vendored_copy(workspace, &copy)?;
        let archive = self.at(&format!("{name}.tar.gz"));
        let mut tar = Command::new("bsdtar");
        tar.args(["--uid", "0", "--gid", "0", "--options", "gzip:compression-level=1", "-czf"])
            .arg(&archive);
        quietly(tar.arg("-C").arg(&self.base).arg(&name))?;
        std::fs::remove_dir_all(&copy).on("remove", copy)?;

        let own = workspace.root.join("packaging/arch");
        for file in std::fs::read_dir(&own).on("read", &own)? {
            let file = file.on("read", &own)?;
            std::fs::copy(file.path(), self.base.join(file.file_name())).on("copy", file.path())?;
        }
        let sum = stdout(Command::new("sha256sum").arg(&archive))?;
        let sum = sum.split(' ').next().unwrap_or_default();
        self.edit("(SKIP)", &format!("('{sum}')"))?;
        let version = format!("pkgver={}\n", self.version);
        self.edit(&version, &version)?;
        for directory in ["home", "rust", "build", "packages", "programs"] {
            make_directories(&self.at(directory))?;
        }
        for target in [Target::Native, Target::Aarch64] {
            let path = self.settings(target);
            std::fs::write(&path, settings(target)).on("write", path)?;
        }
        self.hand_over()
    }

    /// Gives everything to the user who builds.
    fn hand_over(&self) -> Result<()> {
        if rustix::process::geteuid().is_root() {
            for name in ["", "home", "build", "packages", "programs"] {
                let path = self.at(name);
                chown(&path, Some(NOBODY), Some(NOBODY)).on("hand over", path)?;
            }
        }
        Ok(())
    }

    /// Changes a line of the PKGBUILD; it must be there.
    fn edit(&self, from: &str, to: &str) -> Result<()> {
        let path = self.pkgbuild();
        let text = std::fs::read_to_string(&path).on("read", &path)?;
        if !text.contains(from) {
            return Err(Error::Failed(format!("{}: no {from}", path.display())));
        }
        std::fs::write(&path, text.replacen(from, to, 1)).on("write", path)
    }

    fn settings(&self, target: Target) -> PathBuf {
        self.at(&format!("makepkg-{}.conf", target.processor()))
    }

    /// Copies programs that were built before to where the user can read them.
    fn programs(&self, workspace: &Workspace, built: &Path) -> Result<()> {
        for tool in workspace.tools()? {
            let (from, to) = (built.join(&tool), self.at("programs").join(&tool));
            std::fs::copy(&from, &to).on("copy", from)?;
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(&to, mode).on("change the mode of", to)?;
        }
        Ok(())
    }

    /// Runs makepkg as an ordinary user, without network being needed.
    fn makepkg(&self, target: Target, options: &[&str]) -> Result<()> {
        let sysroot = stdout(Command::new("rustc").args(["--print", "sysroot"]))?;
        let sysroot = Path::new(sysroot.trim());
        let mut command = if rustix::process::geteuid().is_root() {
            // What root has below its own home, the user sees in a place of its own.
            let mut command = Command::new("unshare");
            command.args(["--mount", "--propagation", "private", "sh", "-euc"]);
            command.arg(
                "mount --bind \"$1\" \"$2\"; shift 2
                exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \"$@\"",
            );
            command.arg("sh").arg(sysroot).arg(self.at("rust")).arg("env");
            command
        } else {
            let rust = self.at("rust");
            std::fs::remove_dir(&rust).on("remove", &rust)?;
            std::os::unix::fs::symlink(sysroot, &rust).on("create", rust)?;
            Command::new("env")
        };
        let path = format!("{}:/usr/bin:/bin", self.at("rust/bin").display());
        command.args(["-i", "LC_ALL=C.UTF-8", "CARGO_NET_OFFLINE=true"]);
        let mut set = |name: &str, value: &dyn std::fmt::Display| {
            command.arg(format!("{name}={value}"));
        };
        set("PATH", &path);
        set("HOME", &self.at("home").display());
        set("PKGDEST", &self.at("packages").display());
        set("BUILDDIR", &self.at("build").display());
        set("PACKAGER", &"The runit-rs authors <runit-rs>");
        // Built before, for another processor.
        if target != Target::Native {
            set("RUNIT_RS_BUILT", &self.at("programs").display());
        }
        command.args(["makepkg", "--nodeps", "--force", "--config"]).arg(self.settings(target));
        command.args(options);
        command.current_dir(&self.base);
        run(&mut command)
    }

    /// Moves what has been made into `output`.
    fn take(&self, output: &Path) -> Result<Vec<PathBuf>> {
        make_directories(output)?;
        let from = self.at("packages");
        let mut taken = Vec::new();
        for file in std::fs::read_dir(&from).on("read", &from)? {
            let file = file.on("read", &from)?;
            let to = output.join(file.file_name());
            std::fs::copy(file.path(), &to).on("copy", file.path())?;
            std::fs::remove_file(file.path()).on("remove", file.path())?;
            taken.push(to);
        }
        taken.sort();
        Ok(taken)
    }
}

/// Settings of makepkg.
fn settings(target: Target) -> String {
    let processor = target.processor();
    format!(
        "CARCH={processor}\nCHOST={processor}-linux-gnu\n\
         BUILDENV=(check !color !distcc !ccache !sign)\n\
         OPTIONS=(!strip docs !libtool !staticlibs !emptydirs zipman purge !debug !lto)\n\
         INTEGRITY_CHECK=(sha256)\nMAN_DIRS=(usr/share/man)\nDOC_DIRS=(usr/share/doc)\n\
         PURGE_TARGETS=()\nCOMPRESSZST=(zstd -c -q -)\nPKGEXT=.pkg.tar.zst\n\
         SRCEXT=.src.tar.gz\nPACMAN_AUTH=()\n"
    )
}

/// Looks at the packages as namcap would.
fn check(packages: &[PathBuf], target: Target, output: &Path) -> Result<()> {
    let unpacked = output.join("unpacked");
    let mut contents = Vec::new();
    for path in packages {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        // NAME-VERSION-RELEASE-PROCESSOR.pkg.tar.zst
        let mut parts = file.rsplitn(4, '-');
        let processor = parts.next().unwrap_or_default();
        let name = parts.nth(2).unwrap_or_default().to_owned();
        let processor = (!processor.starts_with("any.")).then_some(target.processor());
        contents.push(Content::read(&name, processor, path, &unpacked.join(&name))?);
    }
    if contents.len() != super::PACKAGES.len() {
        return Err(Error::Failed(format!("packages made: {packages:?}")));
    }
    let result = rules::hold(&contents, |package| {
        Path::new("usr/share/licenses").join(package).join("LICENSE")
    });
    std::fs::remove_dir_all(&unpacked).on("remove", unpacked)?;
    result
}
