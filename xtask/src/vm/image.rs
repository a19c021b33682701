//! The systems that are booted, laid out as a package would lay them.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cpio::Archive;
use super::services::{C_BOOT, ENABLED, SMALL};
use crate::error::{Error, OnFile, Result};
use crate::install::lay::{Tell, lay, make_directories, put_file, put_link};
use crate::install::plan::{Layout, SERVICES, plan};
use crate::process::{quietly, stdout};
use crate::suite::SUITE;
use crate::workspace::Workspace;

/// Whose programs are installed.
pub enum Programs {
    /// Ours, built in this directory.
    Ours(PathBuf),
    /// C runit's, to be looked for in these directories.
    C(Vec<PathBuf>),
}

/// The programs of C runit that a system is made of.
const C_PROGRAMS: &[&str] =
    &["chpst", "runit", "runit-init", "runsv", "runsvchdir", "runsvdir", "sv", "svlogd", "utmpset"];

/// An empty tree at `root`, whatever was there before.
pub fn skeleton(root: &Path) -> Result<()> {
    if root.exists() {
        std::fs::remove_dir_all(root).on("remove", root)?;
    }
    for directory in [
        "dev",
        "proc",
        "sys",
        "run",
        "tmp",
        "root",
        "etc",
        "var/log",
        "usr/bin",
        "usr/sbin",
        "usr/lib",
        "usr/lib64",
    ] {
        make_directories(&root.join(directory))?;
    }
    for name in ["bin", "sbin", "lib", "lib64"] {
        put_link(&root.join(name), &Path::new("usr").join(name))?;
    }
    Ok(())
}

/// Installs the programs below `root`, which has a `/usr` that is merged.
pub fn install_programs(workspace: &Workspace, programs: &Programs, root: &Path) -> Result<()> {
    match programs {
        Programs::Ours(from) => {
            let layout = Layout {
                prefix: "/usr".into(),
                bin: "/usr/bin".into(),
                sbin: "/usr/sbin".into(),
                init: "/usr/sbin".into(),
                services: SERVICES.into(),
                names: true,
                package: "runit-rs".into(),
                systemd: false,
            };
            let all: Vec<_> = SUITE.iter().collect();
            lay(&plan(workspace, &all, from, &layout)?, root, Tell::Nothing)?;
        }
        Programs::C(directories) => {
            for name in C_PROGRAMS {
                let mut places = directories.iter().map(|directory| directory.join(name));
                let found = places.find(|path| path.is_file()).ok_or_else(|| {
                    Error::Failed(format!("no {name} of C runit: {directories:?}"))
                })?;
                copy_program(&found, &root.join("usr/bin").join(name))?;
                copy_libraries(&found, root)?;
            }
            put_link(&root.join("usr/sbin/runit"), Path::new("../bin/runit"))?;
            put_link(&root.join("usr/sbin/runit-init"), Path::new("../bin/runit-init"))?;
        }
    }
    put_link(&root.join("usr/sbin/init"), Path::new("runit-init"))
}

fn copy_program(from: &Path, to: &Path) -> Result<()> {
    put_file(to, &std::fs::read(from).on("read", from)?, 0o755)
}

/// What the loader wants for a program, as `ldd` lists it, under the same paths.
fn copy_libraries(program: &Path, root: &Path) -> Result<()> {
    for path in libraries(&stdout(Command::new("ldd").arg(program))?) {
        let to = root.join(path.trim_start_matches('/'));
        make_directories(to.parent().unwrap_or(root))?;
        copy_program(Path::new(&path), &to)?;
    }
    Ok(())
}

/// The paths in the output of `ldd`.
fn libraries(listed: &str) -> Vec<String> {
    let words = listed.split_whitespace();
    words.filter(|word| word.starts_with('/')).map(ToOwned::to_owned).collect()
}

/// Installs stages, run levels, service directories and scripts below `root`.
pub fn install_system(workspace: &Workspace, root: &Path, serial: &str) -> Result<()> {
    let etc = root.join("etc");
    for name in ["runit", "sv"] {
        copy_tree(&workspace.root.join("etc").join(name), &etc)?;
    }
    for name in ["rsvlog", "nsvlog", "runit-user"] {
        copy_tree(&workspace.root.join("scripts").join(name), &root.join("usr/bin"))?;
    }
    for name in ["halt", "poweroff", "reboot", "shutdown"] {
        copy_tree(&workspace.root.join("scripts").join(name), &root.join("usr/sbin"))?;
    }
    put_link(&root.join("var/service"), Path::new("/etc/runit/runsvdir/current"))?;
    enable(root, &format!("getty-{serial}"))
}

fn copy_tree(from: &Path, into: &Path) -> Result<()> {
    quietly(Command::new("cp").args(["-R", "-P", "--preserve=mode"]).arg(from).arg(into))
}

/// Links the service into the level `default`.
fn enable(root: &Path, service: &str) -> Result<()> {
    let link = root.join("etc/runit/runsvdir/default").join(service);
    put_link(&link, &Path::new("/etc/sv").join(service))
}

/// Makes a tree with the suite a small system: busybox and what the scenarios need.
pub fn furnish(root: &Path, busybox: &Path, programs: &Programs) -> Result<()> {
    copy_program(busybox, &root.join("usr/bin/busybox"))?;
    // The same version serves every processor: the host's own tells its names.
    for name in stdout(Command::new("busybox").arg("--list"))?.lines() {
        let taken = ["usr/bin", "usr/sbin"]
            .iter()
            .any(|directory| root.join(directory).join(name).symlink_metadata().is_ok());
        if !taken {
            let link = root.join("usr/bin").join(name);
            symlink("busybox", &link).on("create", link)?;
        }
    }
    let for_c = matches!(programs, Programs::C(_)).then_some(&C_BOOT);
    for (path, mode, text) in SMALL.iter().chain(for_c) {
        let path = root.join(path);
        make_directories(path.parent().unwrap_or(root))?;
        put_file(&path, text.as_bytes(), *mode)?;
    }
    ENABLED.iter().try_for_each(|service| enable(root, service))?;
    // Debian's sv looks there.
    put_link(&root.join("etc/service"), Path::new("/etc/runit/runsvdir/current"))
}

/// Writes the tree as an initramfs, with the devices that the kernel wants at once.
pub fn write_initramfs(tree: &Path, to: &Path) -> Result<()> {
    let mut archive = Archive::default();
    archive.tree(tree)?;
    archive.device("dev/console", 0o600, 5, 1);
    archive.device("dev/null", 0o666, 1, 3);
    archive.device("dev/kmsg", 0o644, 1, 11);
    std::fs::write(to, archive.finish()).on("write", to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_what_ldd_names_by_path() {
        let listed = "\tlinux-vdso.so.1 (0x1)\n\tlibc.so.6 => /lib/x/libc.so.6 (0x2)\n\
                      \t/lib64/ld-linux-x86-64.so.2 (0x3)\n";
        assert_eq!(libraries(listed), ["/lib/x/libc.so.6", "/lib64/ld-linux-x86-64.so.2"]);
        assert!(libraries("\tstatically linked\n").is_empty());
    }
}
