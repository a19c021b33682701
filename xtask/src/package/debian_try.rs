//! The packages for Debian, tried: in a chroot that `debootstrap` makes, beside Debian's
//! `runit` and instead of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian::Made;
use crate::error::{Error, OnFile, Result};
use crate::install::lay::make_directories;
use crate::process::{quietly, run, stdout};
use crate::workspace::Workspace;

/// What is run in there.
const SCRIPT: &str = include_str!("debian_try.sh");

/// Debian's packages that are there from the start.
const BEFORE: &str = "runit,runit-services,getty-run";

/// Those that are installed when ours are there already.
const AFTER: &[&str] = &["runit", "socklog", "socklog-run"];

/// What is tried, by the names that the script knows.
const SCENARIOS: &[&str] = &["beside", "instead"];

/// Tries the packages in copies of one root that is made once.
pub fn run_all(workspace: &Workspace, made: &Made) -> Result<()> {
    let base = base(workspace)?;
    for scenario in SCENARIOS {
        let root = workspace.target.join("package").join(format!("debian-{scenario}"));
        discard(&root)?;
        quietly(Command::new("cp").arg("-a").arg(&base).arg(&root))?;
        for (directory, packages) in [("debs/first", &made.first), ("debs/second", &made.second)] {
            let directory = root.join(directory);
            make_directories(&directory)?;
            for package in packages {
                let to = directory.join(package.file_name().unwrap_or_default());
                std::fs::copy(package, to).on("copy", package)?;
            }
        }
        let script = root.join("try");
        std::fs::write(&script, SCRIPT).on("write", script)?;
        // With the first process of the namespace everything that was started ends.
        let mut inside = Command::new("unshare");
        inside.args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]);
        inside.args(["sh", "-euc", "mount -t proc proc \"$1/proc\"; exec chroot \"$@\"", "sh"]);
        inside.arg(&root).args(["/bin/sh", "/try", scenario, runit_core::tool::VERSION]);
        // The machine's own settings are none of its business.
        inside.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        inside.env("LC_ALL", "C.UTF-8").env("DEBIAN_FRONTEND", "noninteractive");
        run(&mut inside)?;
        discard(&root)?;
    }
    Ok(())
}

fn discard(root: &Path) -> Result<()> {
    if root.exists() { std::fs::remove_dir_all(root).on("remove", root) } else { Ok(()) }
}

/// The root, from the machine's own sources of packages; made if there is none yet.
fn base(workspace: &Workspace) -> Result<PathBuf> {
    let base = workspace.target.join("package/debian-base");
    if base.exists() {
        return Ok(base);
    }
    let (site, suite) = source()?;
    let new = base.with_extension("new");
    discard(&new)?;
    let mut bootstrap = Command::new("debootstrap");
    bootstrap.args(["--variant=minbase", &format!("--include={BEFORE}"), &suite]);
    let proxy = stdout(Command::new("apt-config").args(["shell", "P", "Acquire::http::Proxy"]))?;
    if let Some(proxy) = proxy.trim().strip_prefix("P='") {
        bootstrap.env("http_proxy", proxy.trim_end_matches('\''));
    }
    // It tells each package, in hundreds of lines.
    let log = base.with_extension("log");
    let out = std::fs::File::create(&log).on("create", &log)?;
    run(bootstrap.arg(&new).arg(&site).stdout(out))?;
    // By the machine's own apt, which knows how to reach its sources.
    let debs = new.join("debs");
    make_directories(&debs)?;
    let mut download = Command::new("apt-get");
    download.args(["-qq", "-o", "APT::Sandbox::User=root", "download"]).args(AFTER);
    quietly(download.current_dir(&debs))?;
    std::fs::rename(&new, &base).on("rename", new)?;
    Ok(base)
}

/// The address and code name of the first source that apt knows on this machine.
fn source() -> Result<(String, String)> {
    let targets = || {
        let mut targets = Command::new("apt-get");
        targets.args(["indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)"]);
        stdout(targets.arg("Created-By: Packages"))
    };
    let mut listed = targets()?;
    if listed.is_empty() {
        run(Command::new("apt-get").args(["-qq", "update"]))?;
        listed = targets()?;
    }
    chosen(&listed).ok_or_else(|| Error::Failed(format!("no source of packages: {listed:?}")))
}

/// Of lines of address, code name and component: the first that a system is made from.
fn chosen(listed: &str) -> Option<(String, String)> {
    listed.lines().find_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [site, suite, "main"] if !suite.contains('-') && !site.contains("security") => {
            Some((site.to_owned(), suite.to_owned()))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_that_of_the_release() {
        let listed = "http://a/debian-security stable-security main\n\
                      http://a/debian stable-updates main\nhttp://a/debian stable contrib\n\
                      http://a/debian stable main\n";
        assert_eq!(chosen(listed), Some(("http://a/debian".into(), "stable".into())));
        assert_eq!(chosen(""), None);
    }
}
