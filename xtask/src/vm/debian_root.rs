//! A Debian on a disk: made once by debootstrap, then given our files.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::cpio::Archive;
use super::guest::require;
use super::image::{Programs, install_programs, install_system};
use super::modules;
use crate::error::{Error, OnFile, Result};
use crate::install::lay::put_file;
use crate::process::{quietly, stdout};
use crate::workspace::Workspace;

/// The disk's size. Only what is written takes room on ours.
const SIZE: &str = "1G";

/// What the kernel starts: finds the disk and goes on there.
const INIT: &str = "\
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in /modules/*; do
    /bin/busybox insmod \"$module\"
done
while [ ! -e /dev/vda ]; do
    /bin/busybox sleep 1
done
/bin/busybox mount -t ext4 -o ro /dev/vda /disk
/bin/busybox mount -o move /dev /disk/dev
exec /bin/busybox switch_root /disk /sbin/init
";

/// The image of a disk with Debian and our files.
pub fn disk(workspace: &Workspace, programs: &Programs, base: &Path) -> Result<PathBuf> {
    require("mke2fs", "e2fsprogs")?;
    let root = base.join("debian");
    bootstrap(&root, &base.join("debian.done"))?;
    install_programs(workspace, programs, &root)?;
    install_system(workspace, &root, "ttyS0")?;
    let file = |name: &str, mode, text: &str| put_file(&root.join(name), text.as_bytes(), mode);
    file("etc/hostname", 0o644, "debian\n")?;
    file("etc/fstab", 0o644, "/dev/vda / ext4 defaults 0 1\n")?;
    let shadow = root.join("etc/shadow");
    let text = std::fs::read_to_string(&shadow).on("read", &shadow)?;
    file("etc/shadow", 0o640, &without_password(&text))?;
    let disk = base.join("debian.img");
    let mut make = Command::new("mke2fs");
    make.args(["-q", "-F", "-t", "ext4", "-E", "root_owner=0:0", "-d"]);
    quietly(make.arg(&root).arg(&disk).arg(SIZE))?;
    Ok(disk)
}

/// Debian's smallest system in `root`, unless it is there already.
fn bootstrap(root: &Path, done: &Path) -> Result<()> {
    if done.exists() {
        return Ok(());
    }
    require("debootstrap", "debootstrap")?;
    if !rustix::process::geteuid().is_root() {
        return Err(Error::Failed("debootstrap wants root: run this as root once".into()));
    }
    let mut targets = Command::new("apt-get");
    targets.args(["indextargets", "--format", "$(REPO_URI) $(CODENAME)"]);
    targets.args(["Created-By: Packages", "Origin: Debian"]);
    let (mirror, release) = mirror(&stdout(&mut targets)?)
        .ok_or_else(|| Error::Failed("apt's sources have no release of Debian".into()))?;
    if root.exists() {
        std::fs::remove_dir_all(root).on("remove", root)?;
    }
    let mut debootstrap = Command::new("debootstrap");
    debootstrap.args(["--variant=minbase", &release]).arg(root).arg(&mirror);
    debootstrap.env("DEBIAN_FRONTEND", "noninteractive");
    crate::process::silently(&mut debootstrap)?;
    std::fs::write(done, format!("{release}\n")).on("write", done)
}

/// Mirror and release of the first of apt's sources that is a release itself, not its
/// updates.
fn mirror(targets: &str) -> Option<(String, String)> {
    targets.lines().find_map(|line| {
        let (mirror, release) = line.split_once(' ')?;
        (!release.contains('-')).then(|| (mirror.to_owned(), release.to_owned()))
    })
}

/// The accounts with root's password being empty.
fn without_password(shadow: &str) -> String {
    let line = |line: &str| match line.strip_prefix("root:").and_then(|rest| rest.split_once(':')) {
        Some((_, rest)) => format!("root::{rest}\n"),
        None => format!("{line}\n"),
    };
    shadow.lines().map(line).collect()
}

/// The initramfs that goes on to the disk.
pub fn write_initramfs(all_modules: &Path, busybox: &Path, to: &Path) -> Result<()> {
    let mut archive = Archive::default();
    for directory in ["bin", "dev", "modules", "disk"] {
        archive.directory(directory, 0o755);
    }
    archive.device("dev/console", 0o600, 5, 1);
    archive.file("bin/busybox", 0o755, &std::fs::read(busybox).on("read", busybox)?);
    archive.file("init", 0o755, INIT.as_bytes());
    for (index, path) in modules::needed(all_modules, modules::DISK)?.iter().enumerate() {
        let content = std::fs::read(path).on("read", path)?;
        archive.file(&format!("modules/{index:02}.ko"), 0o644, &content);
    }
    std::fs::write(to, archive.finish()).on("write", to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_that_of_the_release() {
        let targets = "http://a.example/security next-security\nhttp://b.example/d next-updates\n\
                       http://b.example/d next\n";
        assert_eq!(mirror(targets), Some(("http://b.example/d".into(), "next".into())));
        assert_eq!(mirror("http://b.example/d next-updates\n"), None);
    }

    #[test]
    fn only_root_is_without_a_password() {
        let shadow = "root:*:1:0:99999:7:::\nbin:*:1:0:99999:7:::\n";
        assert_eq!(without_password(shadow), "root::1:0:99999:7:::\nbin:*:1:0:99999:7:::\n");
    }
}
