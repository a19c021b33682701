//! The packages for Arch, tried: installed by `pacman` into a root of its own, upgraded,
//! removed.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::PACKAGES;
use super::arch::Made;
use crate::error::{Error, OnFile, Result};
use crate::install::lay::make_directories;
use crate::process::{quietly, run, stdout};
use crate::workspace::Workspace;

/// A shell for install scripts, which pacman starts in the root.
const BUSYBOX: &str = "/bin/busybox";

/// A root of its own.
struct Root {
    path: PathBuf,
    state: PathBuf,
}

/// Installs, upgrades and removes the packages.
pub fn run_all(workspace: &Workspace, made: &Made) -> Result<()> {
    let base = workspace.target.join("package/arch-root");
    if base.exists() {
        std::fs::remove_dir_all(&base).on("remove", &base)?;
    }
    let root = Root { path: base.join("root"), state: base.join("state") };
    root.lay_out()?;
    let before = root.listing()?;

    root.pacman("-U", &made.first)?;
    root.must_agree("1")?;
    root.works()?;
    root.refuses_another_runit(&base)?;

    // What an administrator does: settings, a service turned off, one added.
    root.append("etc/runit/rc.conf", "LEVEL=default\n")?;
    root.append("etc/sv/cron/run", "# mine\n")?;
    let level = root.path.join("etc/runit/runsvdir/default");
    let off = level.join("getty-tty2");
    std::fs::remove_file(&off).on("remove", &off)?;
    symlink("../../../sv/sshd", level.join("sshd")).on("create", level.join("sshd"))?;

    root.pacman("-U", &made.second)?;
    root.must_agree("2")?;
    for (path, line) in [("etc/runit/rc.conf", "LEVEL=default"), ("etc/sv/cron/run", "# mine")] {
        let kept = std::fs::read_to_string(root.path.join(path)).on("read", path)?;
        expect(kept.lines().last() == Some(line), &format!("{path} lost what was changed"))?;
    }
    expect(off.symlink_metadata().is_err(), "the upgrade turned a service on again")?;
    expect(level.join("sshd").is_symlink(), "the upgrade turned a service off")?;

    root.remove()?;
    let mut kept = before;
    for path in [
        "etc/runit",
        "etc/runit/rc.conf.pacsave",
        "etc/runit/runsvdir",
        "etc/runit/runsvdir/current",
        "etc/runit/runsvdir/default",
        "etc/runit/runsvdir/default/sshd",
        "etc/runit/runsvdir/previous",
        "etc/sv",
        "etc/sv/cron",
        "etc/sv/cron/run.pacsave",
        "var/service",
    ] {
        kept.insert(path.into());
    }
    same(&root.listing()?, &kept)?;
    std::fs::remove_dir_all(&base).on("remove", base)?;
    println!("installed, upgraded and removed by pacman; nothing left but what was changed");
    Ok(())
}

fn expect(holds: bool, what: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::Failed(format!("packages for Arch: {what}"))) }
}

/// Whether two listings are the same; tells what is not.
fn same(found: &BTreeSet<PathBuf>, expected: &BTreeSet<PathBuf>) -> Result<()> {
    let more: Vec<_> = found.difference(expected).collect();
    let less: Vec<_> = expected.difference(found).collect();
    expect(more.is_empty() && less.is_empty(), &format!("left: {more:?}, gone: {less:?}"))
}

impl Root {
    /// What the packages of a base system have there.
    fn lay_out(&self) -> Result<()> {
        for directory in ["etc", "usr/bin", "var/lib/pacman", "tmp", "dev"] {
            make_directories(&self.path.join(directory))?;
        }
        make_directories(&self.state.join("hooks"))?;
        for (name, target) in [("bin", "usr/bin"), ("sbin", "usr/bin"), ("lib", "usr/lib")] {
            symlink(target, self.path.join(name)).on("create", self.path.join(name))?;
        }
        let null = self.path.join("dev/null");
        quietly(Command::new("mknod").args(["-m", "666"]).arg(null).args(["c", "1", "3"]))?;
        let busybox = self.path.join("usr/bin/busybox");
        std::fs::copy(BUSYBOX, &busybox).on("copy", BUSYBOX)?;
        for applet in ["sh", "mkdir", "ln", "readlink", "rm", "rmdir", "cat"] {
            let link = self.path.join("usr/bin").join(applet);
            symlink("busybox", &link).on("create", link)?;
        }
        // busybox knows itself by names, and `bash` may be none of them.
        let bash = self.path.join("usr/bin/bash");
        std::fs::write(&bash, "#!/usr/bin/sh\nexec /usr/bin/sh \"$@\"\n").on("write", &bash)?;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&bash, mode).on("change the mode of", bash)?;
        let settings = "[options]\nArchitecture = auto\nSigLevel = Never\n";
        std::fs::write(self.settings(), settings).on("write", self.settings())
    }

    fn settings(&self) -> PathBuf {
        self.state.join("pacman.conf")
    }

    /// pacman, doing `what` in this root.
    fn command(&self, what: &str) -> Command {
        let mut pacman = Command::new("pacman");
        pacman.arg(what).arg("--root").arg(&self.path).arg("--config").arg(self.settings());
        pacman.arg("--dbpath").arg(self.path.join("var/lib/pacman"));
        for (option, name) in [
            ("--cachedir", "cache"),
            ("--logfile", "log"),
            ("--hookdir", "hooks"),
            ("--gpgdir", "gpg"),
        ] {
            pacman.arg(option).arg(self.state.join(name));
        }
        pacman.args(["--noconfirm"]).env("LC_ALL", "C");
        pacman
    }

    fn pacman(&self, what: &str, packages: &[PathBuf]) -> Result<()> {
        let mut command = self.command(what);
        // The shell that is there is of no package.
        command.args(["--noprogressbar", "--assume-installed", "sh=1"]);
        run(command.args(packages))
    }

    /// All packages are there, as release `release`, and each file as it was packaged.
    fn must_agree(&self, release: &str) -> Result<()> {
        let listed = stdout(&mut self.command("-Q"))?;
        for (name, _) in PACKAGES {
            let line = format!("{name} {}-{release}", runit_core::tool::VERSION);
            expect(listed.lines().any(|each| each == line), &format!("no {line}: {listed}"))?;
        }
        if release == "1" {
            quietly(self.command("-Qkkq").stdout(std::process::Stdio::null()))?;
        }
        Ok(())
    }

    /// The programs run there, and the first level is laid out.
    fn works(&self) -> Result<()> {
        for program in ["runsvdir", "runsv", "sv", "chpst", "svlogd", "runsvchdir"] {
            let mut version = Command::new("chroot");
            version.arg(&self.path).arg(format!("/usr/bin/{program}")).arg("--version");
            let said = stdout(&mut version)?;
            expect(said.contains(runit_core::tool::VERSION), &said)?;
        }
        for path in ["var/service", "etc/runit/runsvdir/current"] {
            let link = self.path.join(path);
            expect(link.is_symlink(), &format!("no {path}"))?;
        }
        let getty = self.path.join("etc/runit/runsvdir/current/getty-tty1/run");
        expect(getty.exists(), "the level default has no getty-tty1")?;
        // It takes the place of runit for what depends on it.
        quietly(self.command("-T").arg("runit>=2.1"))
    }

    /// A package named `runit` cannot come beside ours.
    fn refuses_another_runit(&self, base: &Path) -> Result<()> {
        let info = base.join(".PKGINFO");
        let text = "pkgname = runit\npkgbase = runit\npkgver = 2.1.2-1\npkgdesc = C\n\
                    size = 0\narch = any\n";
        std::fs::write(&info, text).on("write", info)?;
        let other = base.join("runit-2.1.2-1-any.pkg.tar");
        quietly(Command::new("bsdtar").arg("-cf").arg(&other).arg("-C").arg(base).arg(".PKGINFO"))?;
        let output = self.command("-U").arg(&other).output();
        let output = output.on("read", other)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        expect(!output.status.success() && said.contains("conflict"), &said)
    }

    fn append(&self, path: &str, line: &str) -> Result<()> {
        let path = self.path.join(path);
        let text = std::fs::read_to_string(&path).on("read", &path)?;
        std::fs::write(&path, text + line).on("write", path)
    }

    fn remove(&self) -> Result<()> {
        let mut command = self.command("-R");
        command.arg("--noprogressbar");
        run(command.args(PACKAGES.map(|(name, _)| name)))
    }

    /// All paths, but for pacman's own records.
    fn listing(&self) -> Result<BTreeSet<PathBuf>> {
        let mut left = vec![self.path.clone()];
        let mut found = BTreeSet::new();
        while let Some(directory) = left.pop() {
            for entry in std::fs::read_dir(&directory).on("read", &directory)? {
                let path = entry.on("read", &directory)?.path();
                let relative = path.strip_prefix(&self.path).unwrap_or(&path).to_owned();
                if path.is_dir() && !path.is_symlink() {
                    left.push(path);
                }
                if !relative.starts_with("var/lib/pacman") {
                    found.insert(relative);
                }
            }
        }
        Ok(found)
    }
}
