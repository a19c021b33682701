//! What is put where.

use std::path::{Path, PathBuf};

use super::part::{self, Part};
use crate::completions;
use crate::error::{OnFile, Result};
use crate::man;
use crate::suite::Program;
use crate::workspace::Workspace;

/// Where services run, as texts and scripts name it.
pub const SERVICES: &str = "/var/service";

/// Where things go, as paths on the system that they are for.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Above `share` and `lib`.
    pub prefix: PathBuf,
    /// For programs.
    pub bin: PathBuf,
    /// For programs that only administrators need.
    pub sbin: PathBuf,
    /// For process 1 and what takes the machine down.
    pub init: PathBuf,
    /// The directory of the services that run.
    pub services: PathBuf,
    /// Whether there are links for other names.
    pub names: bool,
    /// The directory of the licence.
    pub package: String,
    /// Whether the systemd units are among it.
    pub systemd: bool,
}

/// One file or link.
#[derive(Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it will be on the system.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
}

/// What an [`Item`] is.
#[derive(PartialEq, Eq)]
pub enum Kind {
    /// A program, to be executed by all.
    Program(Vec<u8>),
    /// A file, to be read by all.
    Data(Vec<u8>),
    /// A symbolic link.
    Link(PathBuf),
}

// The content of a program is nothing to look at.
impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Program(_) => f.write_str("program"),
            Self::Data(_) => f.write_str("file"),
            Self::Link(to) => write!(f, "-> {}", to.display()),
        }
    }
}

impl Layout {
    /// A text or script that names the directory of the services that run.
    pub fn told(&self, text: &str) -> Vec<u8> {
        text.replace(SERVICES, &self.services.to_string_lossy()).into_bytes()
    }

    /// The directory of the program.
    pub fn directory_of(&self, program: &Program) -> &Path {
        match Part::of(program) {
            Part::Init => &self.init,
            _ if program.admin => &self.sbin,
            _ => &self.bin,
        }
    }
}

/// All that belongs to these programs, which have been built in `from`.
pub fn plan(
    workspace: &Workspace,
    programs: &[&'static Program],
    from: &Path,
    layout: &Layout,
) -> Result<Vec<Item>> {
    let share = layout.prefix.join("share");
    let mut items = Vec::new();
    let mut add = |path: PathBuf, kind| items.push(Item { path, kind });
    for program in programs {
        let directory = layout.directory_of(program);
        let built = from.join(program.name);
        let content = std::fs::read(&built).on("read", built)?;
        add(directory.join(program.name), Kind::Program(content));
        for name in program.other_names().into_iter().filter(|_| layout.names) {
            add(directory.join(name), Kind::Link(program.name.into()));
        }
        for page in program.pages {
            let page = man::page(workspace, page)?;
            let (name, section) = page.name.rsplit_once('.').unwrap_or((page.name, "8"));
            // A page that is named for another name goes with that.
            if !layout.names && program.other_names().contains(&name) {
                continue;
            }
            let directory = share.join("man").join(format!("man{section}"));
            for other in man::other_names(&page) {
                let path = directory.join(format!("{other}.{section}"));
                add(path, Kind::Link(page.name.into()));
            }
            add(directory.join(page.name), Kind::Data(layout.told(&page.text)));
        }
    }
    for file in completions::files(workspace)? {
        if !programs.iter().any(|program| program.name == file.program) {
            continue;
        }
        let (shell, name) = file.name.split_once('/').unwrap_or(("", &file.name));
        let directory = share.join(match shell {
            "bash" => "bash-completion/completions",
            "zsh" => "zsh/site-functions",
            _ => "fish/vendor_completions.d",
        });
        for link in file.links.iter().filter(|_| layout.names) {
            add(directory.join(link), Kind::Link(name.into()));
        }
        add(directory.join(name), Kind::Data(layout.told(&file.text)));
    }
    let licence = workspace.root.join("LICENSE");
    let content = std::fs::read(&licence).on("read", licence)?;
    add(share.join("licenses").join(&layout.package).join("LICENSE"), Kind::Data(content));
    if layout.systemd {
        items.extend(part::units(workspace, layout)?);
    }
    items.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(items)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::install::lay::tests::Scratch;
    use crate::suite::{SUITE, find};

    pub fn layout() -> Layout {
        Layout {
            prefix: "/usr".into(),
            bin: "/usr/bin".into(),
            sbin: "/usr/sbin".into(),
            init: "/sbin".into(),
            services: SERVICES.into(),
            names: true,
            package: "runit-rs".into(),
            systemd: false,
        }
    }

    fn planned(names: &[&str], layout: &Layout) -> Vec<String> {
        let scratch = Scratch::with_programs("plan");
        let programs: Vec<_> = names.iter().map(|name| find(name).unwrap()).collect();
        let items = plan(&Workspace::locate(), &programs, &scratch.0, layout).unwrap();
        items.iter().map(|item| format!("{} {:?}", item.path.display(), item.kind)).collect()
    }

    #[test]
    fn one_tool_alone_has_all_that_is_its_own() {
        assert_eq!(
            planned(&["sv"], &layout()),
            [
                "/usr/bin/sv program",
                "/usr/bin/svc -> sv",
                "/usr/bin/svok -> sv",
                "/usr/share/bash-completion/completions/sv file",
                "/usr/share/bash-completion/completions/svc -> sv",
                "/usr/share/bash-completion/completions/svok -> sv",
                "/usr/share/fish/vendor_completions.d/sv.fish file",
                "/usr/share/fish/vendor_completions.d/svc.fish -> sv.fish",
                "/usr/share/fish/vendor_completions.d/svok.fish -> sv.fish",
                "/usr/share/licenses/runit-rs/LICENSE file",
                "/usr/share/man/man8/sv.8 file",
                "/usr/share/man/man8/svc.8 file",
                "/usr/share/man/man8/svok.8 -> svc.8",
                "/usr/share/zsh/site-functions/_sv file",
            ]
        );
    }

    #[test]
    fn other_names_can_be_left_out() {
        let layout = Layout { names: false, package: "chpst".into(), ..layout() };
        assert_eq!(
            planned(&["chpst"], &layout),
            [
                "/usr/bin/chpst program",
                "/usr/share/bash-completion/completions/chpst file",
                "/usr/share/fish/vendor_completions.d/chpst.fish file",
                "/usr/share/licenses/chpst/LICENSE file",
                "/usr/share/man/man8/chpst.8 file",
                "/usr/share/zsh/site-functions/_chpst file",
            ]
        );
    }

    #[test]
    fn texts_name_the_directory_where_services_run() {
        let scratch = Scratch::with_programs("told");
        let workspace = Workspace::locate();
        let layout = Layout { services: "/etc/service".into(), ..layout() };
        let programs: Vec<_> = SUITE.iter().collect();
        let mut items = plan(&workspace, &programs, &scratch.0, &layout).unwrap();
        items.extend(Part::Services.plan(&workspace, &scratch.0, &layout).unwrap());
        let mut names = Vec::new();
        for Item { path, kind } in &items {
            let (Kind::Program(content) | Kind::Data(content)) = kind else { continue };
            let text = String::from_utf8_lossy(content);
            assert!(!text.contains(SERVICES), "{}", path.display());
            if text.contains("/etc/service") {
                names.extend(path.file_name().and_then(|name| name.to_str()));
            }
        }
        for name in ["sv.8", "svlog.8", "svc.8", "_sv", "sv.fish", "sv", "runit-user"] {
            assert!(names.contains(&name), "{name}: {names:?}");
        }
    }

    #[test]
    fn nothing_is_put_in_one_place_twice() {
        let names: Vec<_> = SUITE.iter().map(|program| program.name).collect();
        let layout = Layout { systemd: true, ..layout() };
        let all = planned(&names, &layout);
        let mut paths: Vec<_> = all.iter().map(|line| line.split(' ').next().unwrap()).collect();
        paths.dedup();
        assert_eq!(paths.len(), all.len());
        assert!(paths.contains(&"/usr/lib/systemd/system/runit.service"));
        assert!(paths.contains(&"/usr/share/man/man5/runit-service.5"));
    }
}
