//! Packages for Debian, by `dpkg-deb`.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::PACKAGES;
use super::content::Content;
use super::rules;
use crate::dist;
use crate::error::{OnFile, Result};
use crate::install::lay::{Tell, lay, make_directories};
use crate::install::part::Part;
use crate::install::paths;
use crate::install::plan::{Item, Kind, Layout};
use crate::process::{quietly, stdout};
use crate::ship::{self, Target};
use crate::workspace::Workspace;

/// Of the programs that Debian's `runit` has too: these files of ours take their places.
const DIVERTED: &[&str] = &["chpst", "runsv", "runsvchdir", "runsvdir", "sv", "svlogd", "utmpset"];

/// Scripts that dpkg runs.
const SCRIPTS: &[&str] = &["preinst", "postinst", "prerm", "postrm"];

/// What was made for this machine.
pub struct Made {
    /// The packages.
    pub first: Vec<PathBuf>,
    /// The same as a later revision.
    pub second: Vec<PathBuf>,
}

/// Makes the packages in `target/package/debian`, and a second revision of those for
/// this machine in `target/package/debian/second`.
pub fn make(workspace: &Workspace, targets: &[Target]) -> Result<Made> {
    let output = workspace.target.join("package/debian");
    if output.exists() {
        std::fs::remove_dir_all(&output).on("remove", &output)?;
    }
    let mut made = Made { first: Vec::new(), second: Vec::new() };
    for &target in targets {
        let built = ship::build(workspace, workspace, target, &paths(&layout("")))?;
        let first = set(workspace, target, &built, "1", &output)?;
        for path in &first {
            println!("{}", path.display());
        }
        check(&first, target, &output)?;
        if target == Target::Native {
            made.first = first;
            made.second = set(workspace, target, &built, "2", &output.join("second"))?;
        }
    }
    Ok(made)
}

/// Debian's directories.
fn layout(package: &str) -> Layout {
    Layout {
        prefix: "/usr".into(),
        bin: "/usr/bin".into(),
        sbin: "/usr/sbin".into(),
        // As Debian's own has it: dpkg must not see one file by two names.
        init: "/sbin".into(),
        services: "/etc/service".into(),
        // These are of the package `daemontools` there.
        names: false,
        package: package.to_owned(),
        systemd: false,
    }
}

/// Debian's name of the processor.
fn architecture(target: Target) -> &'static str {
    match target.processor() {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// The packages for one processor.
fn set(
    workspace: &Workspace,
    target: Target,
    built: &Path,
    revision: &str,
    output: &Path,
) -> Result<Vec<PathBuf>> {
    let mut made = Vec::new();
    for (name, part) in PACKAGES {
        let items = part.plan(workspace, built, &layout(name))?.into_iter().map(moved);
        let items: Vec<Item> = items.collect();
        let processor = if part.programs().is_empty() { "all" } else { architecture(target) };
        let stage = output.join("stage");
        lay(&items, &stage, Tell::Nothing)?;
        compress_pages(&stage)?;
        let version = format!("{}-{revision}", runit_core::tool::VERSION);
        records(workspace, name, part, &items, &stage, &version, processor)?;
        let path = output.join(format!("{name}_{version}_{processor}.deb"));
        let mut build = Command::new("dpkg-deb");
        build.args(["--root-owner-group", "-Zxz", "--build"]).arg(&stage).arg(&path);
        build.env("SOURCE_DATE_EPOCH", dist::time(workspace)?);
        stdout(&mut build)?;
        std::fs::remove_dir_all(&stage).on("remove", stage)?;
        made.push(path);
    }
    Ok(made)
}

/// The item where Debian has its like.
fn moved(mut item: Item) -> Item {
    let path = item.path.to_string_lossy().into_owned();
    if let Some(package) = path.strip_prefix("/usr/share/licenses/") {
        let package = package.trim_end_matches("/LICENSE");
        item.path = format!("/usr/share/doc/{package}/copyright").into();
    } else if path.starts_with("/usr/share/zsh/") {
        item.path = path.replace("/site-functions/", "/vendor-completions/").into();
    } else if path.starts_with("/usr/share/man/") {
        if let Kind::Link(to) = &mut item.kind {
            item.path = format!("{path}.gz").into();
            *to = format!("{}.gz", to.display()).into();
        }
    }
    item
}

/// Compresses all manual pages below `stage`.
fn compress_pages(stage: &Path) -> Result<()> {
    let man = stage.join("usr/share/man");
    if !man.exists() {
        return Ok(());
    }
    let mut find = Command::new("find");
    find.arg(man).args(["-type", "f", "-exec", "gzip", "--no-name", "--best", "{}", "+"]);
    quietly(&mut find)
}

/// Writes `DEBIAN/`, all that dpkg wants to know.
fn records(
    workspace: &Workspace,
    name: &str,
    part: Part,
    items: &[Item],
    stage: &Path,
    version: &str,
    processor: &str,
) -> Result<()> {
    let directory = stage.join("DEBIAN");
    let mut size = Command::new("du");
    let size = stdout(size.args(["-sk", "--apparent-size"]).arg(stage))?;
    let size = size.split_whitespace().next().unwrap_or("0").to_owned();
    make_directories(&directory)?;
    let write = |file: &str, text: &str, mode: u32| {
        let path = directory.join(file);
        std::fs::write(&path, text).on("write", &path)?;
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&path, mode).on("change the mode of", path)
    };
    let mut control = format!(
        "Package: {name}\nVersion: {version}\nArchitecture: {processor}\n\
         Maintainer: The runit-rs authors <runit-rs@localhost>\nInstalled-Size: {size}\n\
         Section: admin\nPriority: optional\n"
    );
    control.push_str(&relations(part, version));
    write("control", &control, 0o644)?;

    let configuration = items.iter().filter(|item| item.path.starts_with("/etc"));
    let configuration = configuration.filter(|item| !matches!(item.kind, Kind::Link(_)));
    let mut conffiles = String::new();
    for item in configuration {
        let _ = writeln!(conffiles, "{}", item.path.display());
    }
    if !conffiles.is_empty() {
        write("conffiles", &conffiles, 0o644)?;
    }
    let mut sums = Command::new("sh");
    sums.arg("-c")
        .arg("find * -path DEBIAN -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum");
    write("md5sums", &stdout(sums.current_dir(stage))?, 0o644)?;
    for script in SCRIPTS {
        let path = workspace.root.join("packaging/debian").join(format!("{name}.{script}"));
        if path.exists() {
            let text = std::fs::read_to_string(&path).on("read", path)?;
            write(script, &text.replace("@DIVERTED@", &diverted()), 0o755)?;
        }
    }
    Ok(())
}

/// The files of Debian's `runit` that make way, as words of a shell script.
fn diverted() -> String {
    let mut paths = vec!["/usr/share/bash-completion/completions/sv".to_owned()];
    for name in DIVERTED {
        let admin = crate::suite::find(name).is_some_and(|program| program.admin);
        let directory = if admin { "sbin" } else { "bin" };
        paths.push(format!("/usr/{directory}/{name}"));
        paths.push(format!("/usr/share/man/man8/{name}.8.gz"));
    }
    paths.join(" ")
}

/// How a package gets on with others, and its description.
fn relations(part: Part, version: &str) -> String {
    match part {
        // Debian's runit is not only programs: what depends on it runs scripts of it.
        Part::Tools => "Enhances: runit\nSuggests: runit-rs-services, runit-rs-systemd\n\
             Description: service supervision, in Rust\n \
             runsvdir, runsv, sv, chpst, svlogd and their like, static and without libc.\n \
             Beside Debian's runit they take the place of its programs; all else of it,\n \
             and what depends on it, works on.\n"
            .to_owned(),
        Part::Init => format!(
            "Depends: runit-rs (= {version}), runit-rs-services\n\
             Provides: runit-init\n\
             Conflicts: runit, runit-init, runit-run, systemd-sysv, sysvinit-core\n\
             Replaces: runit, runit-init, systemd-sysv, sysvinit-core\n\
             Description: process 1 for runit-rs\n \
             Stages, run levels, and the commands that take a machine down.\n"
        ),
        Part::Services => "Depends: runit-rs\nConflicts: getty-run\nReplaces: getty-run\n\
             Description: service directories for runit-rs\n \
             Terminals, kernel messages, cron, sshd and others, each with a logger, and\n \
             trees of services of accounts.\n"
            .to_owned(),
        Part::Systemd => "Depends: runit-rs\nConflicts: runit-run\nReplaces: runit-run\n\
             Description: services of runit-rs beside those of systemd\n \
             A unit for the system, and one for users.\n"
            .to_owned(),
    }
}

/// Looks at the packages as lintian would.
fn check(packages: &[PathBuf], target: Target, output: &Path) -> Result<()> {
    let unpacked = output.join("unpacked");
    make_directories(&unpacked)?;
    let mut contents = Vec::new();
    for path in packages {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let name = file.split('_').next().unwrap_or_default().to_owned();
        let processor = (!file.ends_with("_all.deb")).then_some(target.processor());
        let archive = unpacked.join(format!("{name}.tar"));
        let out = std::fs::File::create(&archive).on("create", &archive)?;
        quietly(Command::new("dpkg-deb").arg("--fsys-tarfile").arg(path).stdout(out))?;
        contents.push(Content::read(&name, processor, &archive, &unpacked.join(&name))?);
    }
    let licence = |package: &str| Path::new("usr/share/doc").join(package).join("copyright");
    let result = rules::hold(&contents, licence);
    std::fs::remove_dir_all(&unpacked).on("remove", unpacked)?;
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_way_is_in_the_package_that_it_makes_way_for() {
        let scratch = crate::install::lay::tests::Scratch::with_programs("diverted");
        let workspace = Workspace::locate();
        let items = Part::Tools.plan(&workspace, &scratch.0, &layout("runit-rs")).unwrap();
        let ours: Vec<_> = items
            .into_iter()
            .map(moved)
            .map(|item| item.path.to_string_lossy().into_owned())
            .collect();
        for path in diverted().split(' ') {
            let plain = path.trim_end_matches(".gz");
            assert!(ours.iter().any(|each| each == plain), "{path}: {ours:?}");
        }
    }

    #[test]
    fn items_go_where_debian_has_their_like() {
        for (from, to) in [
            ("/usr/share/licenses/runit-rs/LICENSE", "/usr/share/doc/runit-rs/copyright"),
            ("/usr/share/zsh/site-functions/_sv", "/usr/share/zsh/vendor-completions/_sv"),
            ("/usr/bin/sv", "/usr/bin/sv"),
        ] {
            let item = Item { path: from.into(), kind: Kind::Data(Vec::new()) };
            assert_eq!(moved(item).path, Path::new(to));
        }
        let page = Item { path: "/usr/share/man/man8/a.8".into(), kind: Kind::Link("b.8".into()) };
        let page = moved(page);
        assert_eq!(
            (page.path, page.kind),
            ("/usr/share/man/man8/a.8.gz".into(), Kind::Link("b.8.gz".into()))
        );
    }
}
