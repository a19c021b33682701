//! Building what is shipped: the release build, with no trace of where it was
//! built.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, OnFile, Result};
use crate::process::run;
use crate::toolchain::{AARCH64, Toolchain};
use crate::workspace::Workspace;

/// What is built for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// This machine.
    Native,
    /// 64-bit ARM, with the compiler and linker of [`Toolchain`].
    Aarch64,
}

impl Target {
    /// By its triple, or processor.
    pub fn named(name: &str) -> Result<Self> {
        let processor = name.split('-').next().unwrap_or(name);
        match processor {
            _ if processor == std::env::consts::ARCH => Ok(Self::Native),
            "aarch64" => Ok(Self::Aarch64),
            _ => Err(Error::Usage(format!(
                "no target '{name}': {} and aarch64 can be built here",
                std::env::consts::ARCH
            ))),
        }
    }

    /// The processor's name.
    pub fn processor(self) -> &'static str {
        match self {
            Self::Native => std::env::consts::ARCH,
            Self::Aarch64 => "aarch64",
        }
    }
}

/// Builds all programs; gives the directory that they are in.
///
/// `tools` is the checkout whose unpacked compiler serves another target. Nothing
/// is fetched: what is needed has been, when this program itself was built. `paths` are
/// what is settable when building: names of variables, and their values.
pub fn build(
    workspace: &Workspace,
    tools: &Workspace,
    target: Target,
    paths: &[(&str, PathBuf)],
) -> Result<PathBuf> {
    // Two builds that differ in paths do not undo each other's work.
    let directory = if paths.is_empty() { "shipped" } else { "shipped-other-paths" };
    let directory = workspace.target.join(directory);
    let (mut cargo, release) = match target {
        Target::Native => {
            let mut cargo = workspace.cargo();
            cargo.arg("build").arg("--target-dir").arg(&directory);
            (cargo, directory.join("release"))
        }
        Target::Aarch64 => {
            let toolchain = Toolchain::aarch64(tools)?;
            let mut cargo = toolchain.cargo_into(workspace, "build", &directory);
            cargo.args(["--target", AARCH64]);
            (cargo, directory.join(AARCH64).join("release"))
        }
    };
    cargo.args(["--quiet", "--release", "--bins", "--locked", "--offline"]);
    let home = cargo_home();
    cargo.envs(paths.iter().map(|(name, path)| (name, path)));
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(&workspace.root, home.as_deref()));
    workspace.select_tools(&mut cargo)?;
    run(&mut cargo)?;
    for tool in workspace.tools()? {
        refuse_traces(&release.join(tool), &workspace.root, home.as_deref())?;
    }
    Ok(release)
}

/// Where cargo keeps the sources of dependencies.
fn cargo_home() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))
}

/// The flags that the environment asks for, and those by which the places of
/// sources are told without the directories that they are in.
fn flags(root: &Path, cargo_home: Option<&Path>) -> OsString {
    const SEPARATOR: &str = "\x1f";
    let mut flags = match std::env::var("CARGO_ENCODED_RUSTFLAGS") {
        Ok(encoded) => encoded,
        Err(_) => std::env::var("RUSTFLAGS")
            .map(|flags| flags.split_whitespace().collect::<Vec<_>>().join(SEPARATOR))
            .unwrap_or_default(),
    }
    .into_bytes();
    let mut add = |from: &Path, to: &str| {
        if !flags.is_empty() {
            flags.extend(SEPARATOR.as_bytes());
        }
        flags.extend(b"--remap-path-prefix=");
        flags.extend(from.as_os_str().as_encoded_bytes());
        flags.extend(format!("={to}").into_bytes());
    };
    add(root, ".");
    // Of several that fit the last one counts: whether crates come from the registry or
    // were vendored, they are told alike.
    if let Some(sources) = cargo_home.map(|home| home.join("registry/src")) {
        for registry in std::fs::read_dir(sources).into_iter().flatten().flatten() {
            add(&registry.path(), "crates");
        }
    }
    add(&root.join("vendor"), "crates");
    OsString::from_vec(flags)
}

/// Fails if the program tells where it was built.
fn refuse_traces(program: &Path, root: &Path, cargo_home: Option<&Path>) -> Result<()> {
    let content = std::fs::read(program).on("read", program)?;
    for place in [Some(root), cargo_home].into_iter().flatten() {
        if contains(&content, place.as_os_str().as_encoded_bytes()) {
            let (program, place) = (program.display(), place.display());
            return Err(Error::Failed(format!("{program} names {place}, where it was built")));
        }
    }
    Ok(())
}

fn contains(content: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && content.windows(part.len()).any(|window| window == part)
}

/// Makes `copy` a copy of the checkout, with all crates it needs in `vendor/` and cargo
/// told to take them from there.
pub fn vendored_copy(workspace: &Workspace, copy: &Path) -> Result<Workspace> {
    if copy.exists() {
        std::fs::remove_dir_all(copy).on("remove", copy)?;
    }
    for file in workspace.files()? {
        let to = copy.join(&file);
        let parent = to.parent().unwrap_or(copy);
        std::fs::create_dir_all(parent).on("create", parent)?;
        let from = workspace.root.join(&file);
        if from.is_symlink() {
            let target = std::fs::read_link(&from).on("read", &from)?;
            std::os::unix::fs::symlink(target, &to).on("create", to)?;
        } else {
            std::fs::copy(&from, &to).on("copy", from)?;
        }
    }
    let mut vendor = Command::new("cargo");
    // Not quietly: that leaves out the settings. Directories are named as the registry's,
    // since programs tell places in them.
    vendor.args(["vendor", "--locked", "--offline", "--versioned-dirs", "vendor"]);
    vendor.current_dir(copy);
    let settings = crate::process::stdout(&mut vendor)?;
    if !settings.contains("replace-with") {
        return Err(Error::Failed(format!("cargo vendor gave no settings: {settings}")));
    }
    let path = copy.join(".cargo/config.toml");
    let own = std::fs::read_to_string(&path).on("read", &path)?;
    std::fs::write(&path, format!("{own}\n{settings}")).on("write", path)?;
    Ok(Workspace { root: copy.to_owned(), target: copy.join("target") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_known_by_triple_or_processor() {
        let native = std::env::consts::ARCH;
        assert_eq!(Target::named(native).unwrap(), Target::Native);
        assert_eq!(Target::named(&format!("{native}-unknown-linux-gnu")).unwrap(), Target::Native);
        let other = if native == "aarch64" { Target::Native } else { Target::Aarch64 };
        assert_eq!(Target::named("aarch64-unknown-linux-gnu").unwrap(), other);
        let error = Target::named("vax-dec-ultrix").unwrap_err().to_string();
        assert!(error.contains("vax-dec-ultrix"), "{error}");
    }

    #[test]
    fn the_last_flags_are_those_for_paths() {
        let flags = flags(Path::new("/a b"), Some(Path::new("/none"))).into_string().unwrap();
        let own = "--remap-path-prefix=/a b=.\x1f--remap-path-prefix=/a b/vendor=crates";
        assert!(flags.ends_with(own), "{flags}");
    }

    #[test]
    fn traces_are_found() {
        assert!(contains(b"x/build/here/y", b"/build/here"));
        assert!(!contains(b"/build/there", b"/build/here") && !contains(b"x", b""));
    }
}
