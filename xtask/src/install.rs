//! `cargo xtask install`: the suite, or some tools of it, into a directory.

mod busybox;
pub mod lay;
pub mod part;
pub mod plan;

use std::path::{Path, PathBuf};

use crate::args::Args;
use crate::error::{Error, Result};
use crate::ship::{self, Target};
use crate::suite::{Program, SUITE, find};
use crate::verbs::{Flag, Verb};
use crate::workspace::Workspace;
use part::Part;
use plan::{Layout, SERVICES, plan};

/// The verb.
pub static VERB: Verb = Verb {
    name: "install",
    summary: "Installs the suite, or some tools of it, for use or packaging",
    about: "
Programs, links for their other names, manual pages, completions and licence,
with the right modes whatever the umask. Builds for release first, from the
crates that are there: nothing is fetched. docs/packaging.md tells more,
docs/busybox.md what --replace-busybox does.
",
    options: &[
        Flag { name: "destdir", value: Some("DIR"), help: "put all below DIR" },
        Flag { name: "prefix", value: Some("DIR"), help: "where it will be: /usr/local" },
        Flag { name: "bindir", value: Some("DIR"), help: "for programs: PREFIX/bin" },
        Flag { name: "sbindir", value: Some("DIR"), help: "for administrators': PREFIX/sbin" },
        Flag { name: "initdir", value: Some("DIR"), help: "for process 1's: as --sbindir" },
        Flag { name: "svdir", value: Some("DIR"), help: "services that run: /var/service" },
        Flag { name: "tool", value: Some("NAME"), help: "this tool; may be repeated" },
        Flag { name: "part", value: Some("NAME"), help: "tools, init, services or systemd" },
        Flag { name: "no-names", value: None, help: "no links for other names (envdir, svc, ...)" },
        Flag { name: "package", value: Some("NAME"), help: "licence below this name: runit-rs" },
        Flag { name: "systemd", value: None, help: "the systemd units too" },
        Flag { name: "target", value: Some("TARGET"), help: "build for this: aarch64" },
        Flag { name: "from", value: Some("DIR"), help: "take the programs from DIR, built before" },
        Flag { name: "replace-busybox", value: None, help: "and take busybox's links over" },
        Flag { name: "undo", value: None, help: "with that: give them back, and do no more" },
    ],
    rest: "",
    run: install,
};

fn install(workspace: &Workspace, args: &Args) -> Result<()> {
    let destination = args.value("destdir").map_or(PathBuf::from("/"), PathBuf::from);
    let layout = layout(args)?;
    if args.has("undo") {
        if !args.has("replace-busybox") {
            return Err(Error::Usage("install: --undo goes with --replace-busybox".into()));
        }
        return busybox::undo(&destination);
    }
    let parts = args.values("part").map(|name| Part::named(&name.to_string_lossy()));
    let parts = parts.collect::<Result<Vec<_>>>()?;
    if !parts.is_empty() && (args.has("tool") || args.has("replace-busybox")) {
        let what = "install: --part goes with neither --tool nor --replace-busybox";
        return Err(Error::Usage(what.into()));
    }
    let programs = chosen(args)?;
    let from = match (args.value("from"), args.value("target")) {
        (Some(from), _) => PathBuf::from(from),
        (None, target) => {
            let target = match target {
                Some(target) => Target::named(&target.to_string_lossy())?,
                None => Target::Native,
            };
            ship::build(workspace, workspace, target, &paths(&layout))?
        }
    };
    if !parts.is_empty() {
        let mut items = Vec::new();
        for part in parts {
            items.extend(part.plan(workspace, &from, &layout)?);
        }
        return lay::lay(&items, &destination, lay::Tell::Paths);
    }
    let items = plan(workspace, &programs, &from, &layout)?;
    if !args.has("replace-busybox") {
        return lay::lay(&items, &destination, lay::Tell::Paths);
    }
    let found = busybox::find(&destination, &programs, &layout)?;
    busybox::record(&found, &destination)?;
    lay::lay(&items, &destination, lay::Tell::Paths)?;
    busybox::replace(&found, &destination, &layout)
}

/// The tools asked for; all of them where none is.
fn chosen(args: &Args) -> Result<Vec<&'static Program>> {
    let mut chosen = Vec::new();
    for name in args.values("tool") {
        let name = name.to_string_lossy();
        let known = || SUITE.iter().map(|program| program.name).collect::<Vec<_>>().join(", ");
        chosen.push(find(&name).ok_or_else(|| {
            Error::Usage(format!("install: no tool '{name}': there are {}", known()))
        })?);
    }
    if chosen.is_empty() {
        chosen.extend(SUITE);
    }
    Ok(chosen)
}

fn layout(args: &Args) -> Result<Layout> {
    let path = |name, default: &str| PathBuf::from(args.value(name).unwrap_or(default.as_ref()));
    let prefix = path("prefix", "/usr/local");
    if !prefix.is_absolute() {
        let prefix = prefix.display();
        return Err(Error::Usage(format!("install: --prefix {prefix}: not an absolute path")));
    }
    let package = path("package", "runit-rs").to_string_lossy().into_owned();
    if package.contains('/') || package.starts_with('.') || package.is_empty() {
        return Err(Error::Usage(format!("install: --package '{package}': not a name")));
    }
    let sbin = prefix.join(path("sbindir", "sbin"));
    Ok(Layout {
        bin: prefix.join(path("bindir", "bin")),
        init: args.value("initdir").map_or(sbin.clone(), |init| prefix.join(init)),
        sbin,
        services: prefix.join(path("svdir", SERVICES)),
        prefix,
        names: !args.has("no-names"),
        package,
        systemd: args.has("systemd"),
    })
}

/// What the programs are told of the layout when they are built: what is not as it is
/// written in them.
pub fn paths(layout: &Layout) -> Vec<(&'static str, PathBuf)> {
    let services = &layout.services;
    let other = services != Path::new(runit_core::layout::SVDIR);
    other.then(|| ("RUNIT_SVDIR", services.clone())).into_iter().collect()
}

/// The path below the directory that stands for the root.
fn below(destination: &Path, path: &Path) -> PathBuf {
    destination.join(path.strip_prefix("/").unwrap_or(path))
}
