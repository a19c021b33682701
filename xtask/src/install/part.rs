//! The parts that distributions split the suite into, each a package of its own.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::plan::{Item, Kind, Layout, plan};
use crate::error::{Error, OnFile, Result};
use crate::suite::{Program, SUITE};
use crate::workspace::Workspace;

/// One part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All programs but those of process 1.
    Tools,
    /// Process 1, its stages, run levels, and what takes a machine down.
    Init,
    /// Service directories, and the scripts that they use.
    Services,
    /// Units that run the services beside systemd's.
    Systemd,
}

/// All parts, with their names.
pub const PARTS: [(Part, &str); 4] = [
    (Part::Tools, "tools"),
    (Part::Init, "init"),
    (Part::Services, "services"),
    (Part::Systemd, "systemd"),
];

impl Part {
    /// By its name.
    pub fn named(name: &str) -> Result<Self> {
        let found = PARTS.into_iter().find(|(_, known)| *known == name);
        found.map(|(part, _)| part).ok_or_else(|| {
            let known = PARTS.map(|(_, known)| known).join(", ");
            Error::Usage(format!("install: no part '{name}': there are {known}"))
        })
    }

    /// The part that a program belongs to.
    pub fn of(program: &Program) -> Self {
        if program.name == "runit" || program.name.starts_with("runit-") {
            Self::Init
        } else {
            Self::Tools
        }
    }

    /// Its programs.
    pub fn programs(self) -> Vec<&'static Program> {
        SUITE.iter().filter(|program| Self::of(program) == self).collect()
    }

    /// All that belongs to it, its programs having been built in `from`.
    pub fn plan(self, workspace: &Workspace, from: &Path, layout: &Layout) -> Result<Vec<Item>> {
        let programs = self.programs();
        let mut items = plan(workspace, &programs, from, layout)?;
        match self {
            Self::Tools => {}
            Self::Init => {
                stages(workspace, layout, &mut items)?;
                script(workspace, layout, "shutdown", &layout.init, &mut items)?;
                for name in ["halt", "poweroff", "reboot"] {
                    link(layout.init.join(name), "shutdown", &mut items);
                }
                if programs.iter().any(|program| program.name == "runit-init") {
                    link(layout.init.join("init"), "runit-init", &mut items);
                }
            }
            Self::Services => {
                tree(&workspace.root.join("etc/sv"), Path::new("/etc/sv"), &mut items)?;
                for name in ["rsvlog", "runit-user"] {
                    script(workspace, layout, name, &layout.bin, &mut items)?;
                }
                link(layout.bin.join("nsvlog"), "rsvlog", &mut items);
            }
            Self::Systemd => items.extend(units(workspace, layout)?),
        }
        items.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(items)
    }
}

/// Stages, settings, and run levels as they are at first. What a machine has made of its
/// levels is its own: `levels` lays them out from here where there are none yet.
fn stages(workspace: &Workspace, layout: &Layout, items: &mut Vec<Item>) -> Result<()> {
    let mut all = Vec::new();
    tree(&workspace.root.join("etc/runit"), Path::new("/etc/runit"), &mut all)?;
    let library = layout.prefix.join("lib/runit-rs");
    for mut item in all {
        if let Ok(level) = item.path.strip_prefix("/etc/runit/runsvdir") {
            if level == Path::new("current") || level == Path::new("previous") {
                continue;
            }
            item.path = library.join("runsvdir").join(level);
        }
        items.push(item);
    }
    let path = workspace.root.join("packaging/levels");
    let text = std::fs::read_to_string(&path).on("read", path)?;
    let text = text
        .replace("@LIBDIR@", &library.to_string_lossy())
        .replace("@SVDIR@", &layout.services.to_string_lossy());
    items.push(Item { path: library.join("levels"), kind: Kind::Program(text.into_bytes()) });
    Ok(())
}

/// All files and links below `from`, to be below `to`.
fn tree(from: &Path, to: &Path, items: &mut Vec<Item>) -> Result<()> {
    for entry in std::fs::read_dir(from).on("read", from)? {
        let entry = entry.on("read", from)?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        let meta = path.symlink_metadata().on("read", &path)?;
        let kind = if meta.is_dir() {
            tree(&path, &to, items)?;
            continue;
        } else if meta.is_symlink() {
            Kind::Link(std::fs::read_link(&path).on("read", path)?)
        } else if meta.permissions().mode() & 0o111 == 0 {
            Kind::Data(std::fs::read(&path).on("read", path)?)
        } else {
            Kind::Program(std::fs::read(&path).on("read", path)?)
        };
        items.push(Item { path: to, kind });
    }
    Ok(())
}

fn script(
    workspace: &Workspace,
    layout: &Layout,
    name: &str,
    to: &Path,
    items: &mut Vec<Item>,
) -> Result<()> {
    let path = workspace.root.join("scripts").join(name);
    let text = std::fs::read_to_string(&path).on("read", path)?;
    items.push(Item { path: to.join(name), kind: Kind::Program(layout.told(&text)) });
    Ok(())
}

fn link(path: std::path::PathBuf, to: &str, items: &mut Vec<Item>) {
    items.push(Item { path, kind: Kind::Link(to.into()) });
}

/// The systemd units.
pub fn units(workspace: &Workspace, layout: &Layout) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for (unit, to) in [("runit.service", "system"), ("user/runit.service", "user")] {
        let content = unit_file(workspace, unit, layout)?;
        let path = layout.prefix.join("lib/systemd").join(to).join("runit.service");
        items.push(Item { path, kind: Kind::Data(content.into_bytes()) });
    }
    Ok(items)
}

/// The systemd unit for this layout.
fn unit_file(workspace: &Workspace, name: &str, layout: &Layout) -> Result<String> {
    let path = workspace.root.join("packaging/systemd").join(name);
    let text = std::fs::read_to_string(&path).on("read", path)?;
    Ok(text
        .replace("@BINDIR@", &layout.bin.to_string_lossy())
        .replace("@SVDIR@", &layout.services.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::lay::tests::Scratch;
    use crate::install::plan::tests::layout;
    use std::collections::HashMap;
    use std::process::Command;

    fn planned(part: Part) -> Vec<Item> {
        let scratch = Scratch::with_programs("part");
        part.plan(&Workspace::locate(), &scratch.0, &layout()).unwrap()
    }

    #[test]
    fn no_file_is_in_two_parts_but_the_licence() {
        let mut owners = HashMap::new();
        for (part, name) in PARTS {
            let items = planned(part);
            assert!(items.len() > 2, "{name}");
            for Item { path, .. } in items {
                if !path.ends_with("LICENSE") {
                    assert_eq!(owners.insert(path.clone(), part), None, "{}", path.display());
                }
            }
        }
        let owner = |path: &str| owners.get(Path::new(path)).copied();
        for (path, part) in [
            ("/usr/bin/runsv", Part::Tools),
            ("/usr/sbin/runsvchdir", Part::Tools),
            ("/sbin/halt", Part::Init),
            ("/etc/runit/1", Part::Init),
            ("/usr/lib/runit-rs/runsvdir/default/getty-tty1", Part::Init),
            ("/etc/sv/sshd/log/run", Part::Services),
            ("/usr/bin/rsvlog", Part::Services),
            ("/usr/lib/systemd/system/runit.service", Part::Systemd),
        ] {
            assert_eq!(owner(path), Some(part), "{path}");
        }
        // What a machine decides itself is in no package.
        for path in ["/etc/runit/runsvdir/current", "/etc/runit/runsvdir/default/getty-tty1"] {
            assert_eq!(owner(path), None, "{path}");
        }
    }

    #[test]
    fn nothing_is_left_to_be_filled_in() {
        for (part, name) in PARTS {
            for item in planned(part) {
                if let Kind::Program(text) | Kind::Data(text) = &item.kind {
                    let text = String::from_utf8_lossy(text);
                    for word in ["@BINDIR@", "@SVDIR@", "@LIBDIR@"] {
                        assert!(!text.contains(word), "{name}: {}", item.path.display());
                    }
                }
            }
        }
    }

    #[test]
    fn unknown_parts_are_told_with_those_that_there_are() {
        let error = Part::named("docs").unwrap_err().to_string();
        assert!(error.contains("'docs'") && error.contains("tools, init"), "{error}");
        assert_eq!(Part::named("init").unwrap(), Part::Init);
    }

    /// systemd's own opinion of the units, as they are installed.
    #[test]
    fn units_are_verified() {
        let scratch = Scratch::new("units");
        let runsvdir = scratch.0.join("runsvdir");
        std::fs::write(&runsvdir, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&runsvdir, std::fs::Permissions::from_mode(0o755)).unwrap();
        let unit = scratch.0.join("runit.service");
        let layout = Layout { bin: scratch.0.clone(), ..layout() };
        for (name, scope) in [("runit.service", "--system"), ("user/runit.service", "--user")] {
            let text = unit_file(&Workspace::locate(), name, &layout).unwrap();
            let verify = |text: &str| {
                std::fs::write(&unit, text).unwrap();
                let mut verify = Command::new("systemd-analyze");
                verify.args(["verify", "--man=no", scope]).arg(&unit);
                // A user's manager wants a directory for its sockets.
                verify.env("XDG_RUNTIME_DIR", &scratch.0).env("SYSTEMD_LOG_COLOR", "0");
                let output = verify.output().expect("systemd-analyze is installed");
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                let own: Vec<_> =
                    said.lines().filter(|line| line.contains("runit.service")).collect();
                (output.status.success() && own.is_empty(), said)
            };
            let (fine, said) = verify(&text);
            assert!(fine, "{name}: {said}");
            let (fine, _) = verify(&text.replace("KillMode=process", "KillMode=gently"));
            assert!(!fine, "{name}");
            for (key, value) in
                [("KillSignal", "SIGHUP"), ("SuccessExitStatus", "111"), ("Delegate", "yes")]
            {
                assert!(text.lines().any(|line| line == format!("{key}={value}")), "{name}");
            }
        }
    }
}
