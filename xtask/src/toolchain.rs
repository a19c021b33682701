//! The oldest compiler that must do, and one for aarch64: both Debian's, unpacked
//! below `target/cross`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::debian::Unpacked;
use crate::error::{Error, OnFile, Result};
use crate::process::{run, stdout};
use crate::workspace::Workspace;

/// The other processor.
pub const AARCH64: &str = "aarch64-unknown-linux-gnu";

/// What runs its programs here, below the unpacked root.
const EMULATOR: &str = "usr/bin/qemu-aarch64-static";

/// Cargo's settings for it, in `target/cross`.
const SETTINGS: &str = "cargo.toml";

/// What the compiler loads that a machine without LLVM may lack.
const LIBRARIES: &[&str] = &["libllvm19", "libz3-4", "libedit2", "libbsd0", "libxml2", "libicu72"];

/// What is needed beside the compiler to build for aarch64 and to run that.
const CROSS: &[&str] = &[
    "gcc-12-aarch64-linux-gnu",
    "cpp-12-aarch64-linux-gnu",
    "binutils-aarch64-linux-gnu",
    "libgcc-12-dev-arm64-cross",
    "libgcc-s1-arm64-cross",
    "libc6-arm64-cross",
    "libc6-dev-arm64-cross",
    "linux-libc-dev-arm64-cross",
    "qemu-user-static",
];

/// An unpacked compiler.
pub struct Toolchain {
    base: PathBuf,
    root: PathBuf,
}

impl Toolchain {
    /// The compiler of the workspace's `rust-version`, for this machine.
    pub fn oldest(workspace: &Workspace) -> Result<Self> {
        let version = workspace.oldest_rust()?;
        let base = workspace.target.join("cross");
        let unpacked = Unpacked::new(base.clone());
        let compiler =
            ["rustc-web", "libstd-rust-web-dev"].map(|name| format!("{name}={version}."));
        let mut packages = vec![format!("libstd-rust-web-{version}={version}.")];
        packages.extend(compiler);
        packages.extend(LIBRARIES.iter().map(ToString::to_string));
        unpacked.ensure("rust", &packages)?;
        let toolchain = Self { root: unpacked.root(), base };
        for program in ["rustc", "rustdoc"] {
            toolchain.wrap(program, program, "")?;
        }
        toolchain.configure()?;
        let found = stdout(Command::new(toolchain.program("rustc")).arg("--version"))?;
        if !found.starts_with(&format!("rustc {version}.")) {
            return Err(Error::Failed(format!(
                "wanted rustc {version}, unpacked {}",
                found.trim()
            )));
        }
        Ok(toolchain)
    }

    /// The same compiler with what it takes to build for aarch64.
    pub fn aarch64(workspace: &Workspace) -> Result<Self> {
        let toolchain = Self::oldest(workspace)?;
        let version = workspace.oldest_rust()?;
        let mut packages = vec![format!("libstd-rust-web-dev:arm64={version}.")];
        packages.extend(CROSS.iter().map(ToString::to_string));
        Unpacked::new(toolchain.base.clone()).ensure("aarch64", &packages)?;
        // The linker script of the C library names files as they are once installed.
        let script = toolchain.root.join("usr/aarch64-linux-gnu/lib/libc.so");
        let text = std::fs::read_to_string(&script).on("read", &script)?;
        std::fs::write(&script, text.replace("/usr/aarch64-linux-gnu/lib/", ""))
            .on("write", &script)?;
        let root = toolchain.root.display();
        toolchain.wrap(
            "cc",
            "aarch64-linux-gnu-gcc-12",
            &format!("'-B{root}/usr/bin/aarch64-linux-gnu-' '-L{root}/usr/aarch64-linux-gnu/lib'"),
        )?;
        Ok(toolchain)
    }

    /// Cargo, to do `verb` with this compiler, in a target directory of its own.
    pub fn cargo(&self, workspace: &Workspace, verb: &str) -> Command {
        self.cargo_into(workspace, verb, &self.base.join("build"))
    }

    /// The same, building into `target`.
    pub fn cargo_into(&self, workspace: &Workspace, verb: &str, target: &Path) -> Command {
        let mut cargo = workspace.cargo();
        cargo.arg(verb).arg("--config").arg(self.base.join(SETTINGS));
        cargo.arg("--target-dir").arg(target);
        cargo
    }

    /// Where [`Self::cargo`] puts release builds for aarch64.
    pub fn aarch64_release(&self) -> PathBuf {
        self.base.join("build").join(AARCH64).join("release")
    }

    /// Runs `command` where the kernel starts programs for aarch64 as it does our own.
    pub fn emulated(&self, workspace: &Workspace, command: &Command) -> Result<()> {
        let mut wrapped = Command::new(workspace.root.join("xtask/src/emulate.sh"));
        wrapped.arg(self.root.join(EMULATOR)).arg(command.get_program()).args(command.get_args());
        wrapped.current_dir(&workspace.root);
        wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        run(&mut wrapped)
    }

    /// Tells cargo which compiler and linker to use, and the emulator where the
    /// loader of programs is that are not static. (It then takes other absolute
    /// paths for ones below that too, if they exist: the tools must not see this.)
    fn configure(&self) -> Result<()> {
        let bin = self.base.join("bin");
        let bin = bin.display();
        let text = format!(
            "[build]\nrustc = '{bin}/rustc'\nrustdoc = '{bin}/rustdoc'\n\n\
             [target.{AARCH64}]\nlinker = '{bin}/cc'\n\n\
             [env]\nQEMU_LD_PREFIX = '{}'\n",
            self.root.join("usr/aarch64-linux-gnu").display()
        );
        let path = self.base.join(SETTINGS);
        std::fs::write(&path, text).on("write", path)
    }

    fn program(&self, name: &str) -> PathBuf {
        self.base.join("bin").join(name)
    }

    /// Writes `bin/name`, which runs the unpacked `program` with its own libraries.
    ///
    /// bash, since dash drops variables like `CARGO_BIN_EXE_my-bin`.
    fn wrap(&self, name: &str, program: &str, options: &str) -> Result<()> {
        let root = self.root.display();
        let text = format!(
            "#!/bin/bash\nLD_LIBRARY_PATH='{root}/usr/lib/x86_64-linux-gnu' \
             exec '{root}/usr/bin/{program}' {options} \"$@\"\n"
        );
        let path = self.program(name);
        let directory = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(directory).on("create", directory)?;
        // Cargo takes a compiler with a new time for a new compiler.
        if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
            return Ok(());
        }
        std::fs::write(&path, text).on("write", &path)?;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, mode).on("change the mode of", path)
    }
}
