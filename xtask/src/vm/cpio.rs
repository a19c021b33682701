//! The archive that the kernel unpacks as its first root: cpio, format `newc`
//! (kernel documentation, `driver-api/early-userspace/buffer-format`).

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::error::{Error, OnFile, Result};

const DIRECTORY: u32 = 0o040_000;
const CHARACTER: u32 = 0o020_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// An archive in the making. Everything in it belongs to root.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// A directory; the ones above it come before it.
    pub fn directory(&mut self, name: &str, mode: u32) {
        self.entry(name.as_bytes(), DIRECTORY | mode, (0, 0), &[]);
    }

    /// A file with this content.
    pub fn file(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.entry(name.as_bytes(), FILE | mode, (0, 0), content);
    }

    /// A character device.
    pub fn device(&mut self, name: &str, mode: u32, major: u32, minor: u32) {
        self.entry(name.as_bytes(), CHARACTER | mode, (major, minor), &[]);
    }

    /// All that is below `tree`, in the order of names, so that the same tree gives
    /// the same bytes. What is neither directory, file nor link is an error.
    pub fn tree(&mut self, tree: &Path) -> Result<()> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(tree).on("read", tree)? {
            found.push(entry.on("read", tree)?.path());
        }
        found.sort();
        for path in found {
            self.below(&path, tree)?;
        }
        Ok(())
    }

    fn below(&mut self, path: &Path, top: &Path) -> Result<()> {
        let name = path.strip_prefix(top).unwrap_or(path).as_os_str().as_bytes();
        let meta = path.symlink_metadata().on("read", path)?;
        let mode = meta.permissions().mode() & 0o7777;
        if meta.is_symlink() {
            let target = std::fs::read_link(path).on("read", path)?;
            self.entry(name, LINK | 0o777, (0, 0), target.as_os_str().as_bytes());
        } else if meta.is_dir() {
            self.entry(name, DIRECTORY | mode, (0, 0), &[]);
            let mut inside = Vec::new();
            for entry in std::fs::read_dir(path).on("read", path)? {
                inside.push(entry.on("read", path)?.path());
            }
            inside.sort();
            for entry in inside {
                self.below(&entry, top)?;
            }
        } else if meta.is_file() {
            self.entry(name, FILE | mode, (0, 0), &std::fs::read(path).on("read", path)?);
        } else {
            let what = format!("{}: no file, directory or link", path.display());
            return Err(Error::Failed(what));
        }
        Ok(())
    }

    /// The whole archive, padded to a block as cpio has it.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry(b"TRAILER!!!", 0, (0, 0), &[]);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self.bytes
    }

    fn entry(&mut self, name: &[u8], mode: u32, (major, minor): (u32, u32), content: &[u8]) {
        self.entries += 1;
        let links = if mode & 0o170_000 == DIRECTORY { 2 } else { 1 };
        // Sizes are 32 bits in this format, and so are our files.
        let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let length = u32::try_from(name.len() + 1).unwrap_or(u32::MAX);
        let fields = [self.entries, mode, 0, 0, links, 0, size, 0, 0, major, minor, length, 0];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(name);
        self.bytes.push(0);
        self.align();
        self.bytes.extend(content);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::lay::tests::Scratch;
    use std::io::Write as _;
    use std::os::unix::fs::symlink;
    use std::process::{Command, Stdio};

    /// busybox's cpio, which is not ours, reads what was meant.
    #[test]
    fn another_cpio_reads_it() {
        let scratch = Scratch::new("cpio");
        let tree = scratch.0.join("in");
        std::fs::create_dir_all(tree.join("a/b")).unwrap();
        std::fs::write(tree.join("a/b/file"), "five!").unwrap();
        std::fs::write(tree.join("a/empty"), "").unwrap();
        symlink("b/file", tree.join("a/link")).unwrap();
        std::fs::set_permissions(tree.join("a/empty"), std::fs::Permissions::from_mode(0o751))
            .unwrap();
        let mut archive = Archive::default();
        archive.directory("dev", 0o755);
        archive.file("init", 0o700, b"#!/bin/sh\n");
        archive.tree(&tree).unwrap();
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 512, 0);

        let out = scratch.0.join("out");
        std::fs::create_dir(&out).unwrap();
        let mut cpio = Command::new("busybox");
        cpio.args(["cpio", "-i", "-d", "-m"]).current_dir(&out).stdin(Stdio::piped());
        let mut child = cpio.stderr(Stdio::null()).spawn().expect("busybox is installed");
        child.stdin.take().unwrap().write_all(&bytes).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(std::fs::read_to_string(out.join("a/link")).unwrap(), "five!");
        let mode = |name: &str| out.join(name).metadata().unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("a/empty"), mode("init")), (0o751, 0o700));
        assert!(out.join("dev").is_dir());
    }

    #[test]
    fn a_device_has_its_numbers() {
        let mut archive = Archive::default();
        archive.device("dev/console", 0o600, 5, 1);
        let bytes = archive.finish();
        let field = |index: usize| &bytes[6 + index * 8..14 + index * 8];
        assert_eq!(field(1), b"00002180");
        assert_eq!((field(9), field(10)), (&b"00000005"[..], &b"00000001"[..]));
    }
}
