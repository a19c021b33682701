//! `cargo xtask package`: packages of distributions, made and tried.

mod arch;
mod arch_try;
mod content;
mod debian;
mod debian_try;
mod rules;
mod void;

use crate::args::Args;
use crate::error::{Error, Result};
use crate::install::part::Part;
use crate::ship::Target;
use crate::verbs::{Flag, Verb};
use crate::workspace::Workspace;

/// The verb.
pub static VERB: Verb = Verb {
    name: "package",
    summary: "Makes packages for Arch and Debian, checks them, and tries them",
    about: "
Below target/package, from one table of what belongs to which package. Those
for Arch are built by makepkg as an ordinary user (as root: as nobody) from
vendored sources, those for Debian by dpkg-deb. Each is looked at as namcap and
lintian would. --try installs them by pacman into a root of its own, and by dpkg
into a chroot made by debootstrap, upgrades and removes them, and looks for what
is left: as root only.
",
    options: &[
        Flag { name: "arch", value: None, help: "for Arch: needs makepkg, bsdtar, fakeroot" },
        Flag { name: "debian", value: None, help: "for Debian: needs dpkg-deb" },
        Flag { name: "void", value: None, help: "check the template for Void" },
        Flag { name: "target", value: Some("TARGET"), help: "for aarch64, too; may be repeated" },
        Flag { name: "try", value: None, help: "install, upgrade and remove them" },
    ],
    rest: "",
    run: package,
};

/// The packages of each distribution, and the part of the suite that each is.
const PACKAGES: [(&str, Part); 4] = [
    ("runit-rs", Part::Tools),
    ("runit-rs-init", Part::Init),
    ("runit-rs-services", Part::Services),
    ("runit-rs-systemd", Part::Systemd),
];

fn package(workspace: &Workspace, args: &Args) -> Result<()> {
    let mut targets = vec![Target::Native];
    for name in args.values("target") {
        let target = Target::named(&name.to_string_lossy())?;
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    let all = !["arch", "debian", "void"].into_iter().any(|name| args.has(name));
    if args.has("try") && !rustix::process::geteuid().is_root() {
        return Err(Error::Failed("package: --try needs root, for chroots and mounts".into()));
    }
    if all || args.has("void") {
        void::check(workspace)?;
    }
    if all || args.has("arch") {
        let made = arch::make(workspace, &targets, args.has("try"))?;
        if args.has("try") {
            arch_try::run_all(workspace, &made)?;
        }
    }
    if all || args.has("debian") {
        let made = debian::make(workspace, &targets)?;
        if args.has("try") {
            debian_try::run_all(workspace, &made)?;
        }
    }
    Ok(())
}
