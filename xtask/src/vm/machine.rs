//! The machines: what each image is made of, and what QEMU is started with.

use std::path::{Path, PathBuf};

use super::debian_root;
use super::guest::{Machine, require};
use super::image::{
    Programs, furnish, install_programs, install_system, skeleton, write_initramfs,
};
use super::scenario::{Image, Scenario};
use crate::debian::Unpacked;
use crate::error::{Error, OnFile, Result};
use crate::install::lay::{put_file, put_link};
use crate::ship::{self, Target};
use crate::workspace::Workspace;

/// What every kernel is told: whatever is wrong must end the machine at once.
const QUIET: &str = "loglevel=4 panic=-1";

/// Makes machines, with our programs or those of C runit.
pub struct Machines<'a> {
    workspace: &'a Workspace,
    c: Option<PathBuf>,
}

impl<'a> Machines<'a> {
    /// With the C runit in `c`, if that is given.
    pub fn new(workspace: &'a Workspace, c: Option<PathBuf>) -> Self {
        Self { workspace, c }
    }

    /// Whether the programs are those of C runit.
    pub fn is_c(&self) -> bool {
        self.c.is_some()
    }

    /// Why a check makes no sense with these programs.
    pub fn left_out(&self, scenario: &Scenario) -> Option<&'static str> {
        self.c.as_ref()?;
        match scenario.image {
            Image::Small => scenario.not_in_c,
            Image::Debian | Image::Aarch64 => Some("of our own programs only"),
        }
    }

    /// The machine for an image, which is made if need be.
    pub fn machine(&self, image: Image) -> Result<Machine> {
        match image {
            Image::Small => self.small(),
            Image::Debian => self.debian(),
            Image::Aarch64 => self.aarch64(),
        }
    }

    /// Where all of it is kept.
    pub fn base(&self) -> Result<PathBuf> {
        let base = self.workspace.target.join("vm");
        std::fs::create_dir_all(&base).on("create", &base)?;
        Ok(base)
    }

    /// Debian's kernel and busybox for this processor's name, unpacked.
    fn unpacked(&self, processor: &str) -> Result<PathBuf> {
        let unpacked = Unpacked::new(self.base()?.join(processor));
        let mut packages = vec![
            format!("linux-image-cloud-{processor}:{processor}>linux-image-"),
            format!("busybox-static:{processor}"),
        ];
        if processor == "amd64" {
            packages.push("runit-init".to_owned());
        }
        unpacked.ensure("system", &packages)?;
        if processor == "amd64" {
            // Debian has it under the name that it is called by.
            put_link(&unpacked.root().join("sbin/runit-init"), Path::new("init"))?;
        }
        Ok(unpacked.root())
    }

    fn programs(&self, amd64: &Path) -> Result<Programs> {
        let Some(c) = &self.c else {
            let from = ship::build(self.workspace, self.workspace, Target::Native, &[])?;
            return Ok(Programs::Ours(from));
        };
        let c = std::path::absolute(c).on("find", c)?;
        Ok(Programs::C(c_directories(&c, amd64)))
    }

    fn small(&self) -> Result<Machine> {
        let debian = self.unpacked("amd64")?;
        let programs = self.programs(&debian)?;
        let name = if self.is_c() { "small-c" } else { "small" };
        let initrd = self.initramfs(name, "ttyS0", &programs, &debian)?;
        self.x86_64(name, &debian, initrd, "rdinit=/sbin/init")
    }

    /// The small image, written.
    fn initramfs(
        &self,
        name: &str,
        serial: &str,
        programs: &Programs,
        debian: &Path,
    ) -> Result<PathBuf> {
        let base = self.base()?;
        let tree = base.join(format!("{name}.tree"));
        skeleton(&tree)?;
        install_programs(self.workspace, programs, &tree)?;
        install_system(self.workspace, &tree, serial)?;
        furnish(&tree, &find_file(&debian.join("bin"), "busybox")?, programs)?;
        let initrd = base.join(format!("{name}.cpio"));
        write_initramfs(&tree, &initrd)?;
        Ok(initrd)
    }

    /// A PC with a serial line, whose keyboard and power button are the board's.
    fn x86_64(&self, name: &str, debian: &Path, initrd: PathBuf, words: &str) -> Result<Machine> {
        require("qemu-system-x86_64", "qemu-system-x86")?;
        Ok(Machine {
            qemu: ["qemu-system-x86_64", "-machine", "pc", "-m", "512"].map(String::from).into(),
            kernel: find_file(&debian.join("boot"), "vmlinuz-")?,
            initrd,
            command_line: format!("console=ttyS0 {QUIET} {words}"),
            disk: None,
            base: self.base()?.join(name),
        })
    }

    fn debian(&self) -> Result<Machine> {
        let unpacked = self.unpacked("amd64")?;
        let programs = self.programs(&unpacked)?;
        let base = self.base()?;
        let disk = debian_root::disk(self.workspace, &programs, &base)?;
        let initrd = base.join("disk.cpio");
        debian_root::write_initramfs(
            &unpacked.join("lib/modules"),
            &find_file(&unpacked.join("bin"), "busybox")?,
            &initrd,
        )?;
        let mut machine = self.x86_64("debian", &unpacked, initrd, "")?;
        machine.disk = Some(disk);
        Ok(machine)
    }

    fn aarch64(&self) -> Result<Machine> {
        require("qemu-system-aarch64", "qemu-system-arm")?;
        let debian = self.unpacked("arm64")?;
        let built = ship::build(self.workspace, self.workspace, Target::Aarch64, &[])?;
        let initrd = self.initramfs("aarch64", "ttyAMA0", &Programs::Ours(built), &debian)?;
        let qemu = ["qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a57", "-m", "512"];
        Ok(Machine {
            qemu: qemu.map(String::from).into(),
            kernel: find_file(&debian.join("boot"), "vmlinuz-")?,
            initrd,
            command_line: format!("console=ttyAMA0 {QUIET} rdinit=/sbin/init"),
            disk: None,
            base: self.base()?.join("aarch64"),
        })
    }

    /// The small image with these stages 1 and 2, for our programs or for those of
    /// the C runit in `c`; with the kernel telling what it does and when.
    pub fn with_stages(&self, name: &str, c: Option<&Path>, stages: [&str; 2]) -> Result<Machine> {
        let machines = Self::new(self.workspace, c.map(Path::to_owned));
        let debian = machines.unpacked("amd64")?;
        let programs = machines.programs(&debian)?;
        let initrd = machines.initramfs(name, "ttyS0", &programs, &debian)?;
        let tree = machines.base()?.join(format!("{name}.tree"));
        for (stage, text) in ["1", "2"].iter().zip(stages) {
            let path = tree.join("etc/runit").join(stage);
            put_file(&path, text.as_bytes(), 0o755)?;
        }
        write_initramfs(&tree, &initrd)?;
        let mut machine = machines.x86_64(name, &debian, initrd, "rdinit=/sbin/init")?;
        machine.command_line = machine.command_line.replace("loglevel=4", "loglevel=7");
        Ok(machine)
    }
}

/// Where C runit's programs may be, one of its directories being known: what is for
/// administrators is beside it, and `runit-init` is in a package of its own.
pub fn c_directories(c: &Path, unpacked: &Path) -> Vec<PathBuf> {
    let prefix = c.parent().unwrap_or(c);
    let beside = [c.to_owned(), prefix.join("sbin"), prefix.join("../sbin")];
    beside.into_iter().chain([unpacked.join("sbin")]).collect()
}

/// The file in the directory whose name begins so; the last of several.
fn find_file(directory: &Path, prefix: &str) -> Result<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).on("read", directory)? {
        let entry = entry.on("read", directory)?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            found.push(entry.path());
        }
    }
    found.sort();
    found.pop().ok_or_else(|| Error::Failed(format!("no {prefix}... in {}", directory.display())))
}
