//! `cargo xtask dist`: tarballs of the suite and of each tool, the same bytes each time.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::Args;
use crate::error::{Error, OnFile, Result};
use crate::install::lay;
use crate::install::plan::{Layout, SERVICES, plan};
use crate::process::{quietly, stdout};
use crate::ship::{self, Target};
use crate::suite::{Program, SUITE};
use crate::verbs::{Flag, Verb};
use crate::workspace::Workspace;

/// The verb.
pub static VERB: Verb = Verb {
    name: "dist",
    summary: "Makes reproducible tarballs of the suite and of each tool",
    about: "
Below target/dist: programs, links, manual pages, completions and licence as
`install` puts them, one tarball with everything and one for each tool, and
SHA256SUMS. The bytes depend on the sources, the compiler, the linker and gzip
alone; the times in them are SOURCE_DATE_EPOCH, or that of the last commit.
Needs GNU tar and gzip.
",
    options: &[
        Flag { name: "target", value: Some("TARGET"), help: "for aarch64, too; may be repeated" },
        Flag { name: "verify", value: None, help: "again elsewhere, vendored, and compare" },
    ],
    rest: "",
    run: dist,
};

/// What every name begins with.
const NAME: &str = "runit-rs";

fn dist(workspace: &Workspace, args: &Args) -> Result<()> {
    let mut targets = Vec::new();
    for name in args.values("target") {
        let target = Target::named(&name.to_string_lossy())?;
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    if targets.is_empty() {
        targets.push(Target::Native);
    }
    let time = time(workspace)?;
    let made = make(workspace, workspace, &targets, &time)?;
    let sums = std::fs::read_to_string(&made).on("read", &made)?;
    print!("{sums}");
    println!("{}", made.display());
    if !args.has("verify") {
        return Ok(());
    }
    // Of another length, and not below the first.
    let name = format!("runit-rs-built-again-{}", std::process::id());
    let elsewhere = std::env::temp_dir().join(name);
    let again = again(workspace, &elsewhere, &targets, &time);
    std::fs::remove_dir_all(&elsewhere).on("remove", &elsewhere)?;
    let again = again?;
    if again == sums {
        println!("the same from vendored crates in {}", elsewhere.display());
        return Ok(());
    }
    let differs = |line: &&str| !again.lines().any(|other| other == *line);
    let names: Vec<_> = sums.lines().filter(differs).collect();
    Err(Error::Failed(format!("not the same when built again:\n{}", names.join("\n"))))
}

/// The sums of what a copy of the sources makes, with vendored crates and nothing built.
fn again(workspace: &Workspace, copy: &Path, targets: &[Target], time: &str) -> Result<String> {
    let copy = ship::vendored_copy(workspace, copy)?;
    let made = make(&copy, workspace, targets, time)?;
    std::fs::read_to_string(&made).on("read", made)
}

/// The seconds since 1970 that everything is dated.
pub fn time(workspace: &Workspace) -> Result<String> {
    let time = if let Ok(time) = std::env::var("SOURCE_DATE_EPOCH") {
        time
    } else {
        let mut git = Command::new("git");
        git.args(["log", "-1", "--format=%ct"]).current_dir(&workspace.root);
        stdout(&mut git)?.trim().to_owned()
    };
    match time.parse::<u64>() {
        Ok(_) => Ok(time),
        Err(_) => Err(Error::Failed(format!("SOURCE_DATE_EPOCH: no number of seconds: '{time}'"))),
    }
}

/// Makes all tarballs; gives the file with their sums.
fn make(
    workspace: &Workspace,
    tools: &Workspace,
    targets: &[Target],
    time: &str,
) -> Result<PathBuf> {
    let output = workspace.target.join("dist");
    if output.exists() {
        std::fs::remove_dir_all(&output).on("remove", &output)?;
    }
    lay::make_directories(&output)?;
    let mut names = Vec::new();
    for &target in targets {
        let built = ship::build(workspace, tools, target, &[])?;
        let all: Vec<&'static Program> = SUITE.iter().collect();
        names.push(tarball(workspace, &output, NAME, &all, &built, target, time)?);
        for program in SUITE {
            let name = format!("{NAME}-{}", program.name);
            names.push(tarball(workspace, &output, &name, &[program], &built, target, time)?);
        }
    }
    names.sort();
    let mut sum = Command::new("sha256sum");
    let sums = stdout(sum.args(&names).current_dir(&output))?;
    let path = output.join("SHA256SUMS");
    std::fs::write(&path, sums).on("write", &path)?;
    Ok(path)
}

/// Makes one tarball; gives its name.
fn tarball(
    workspace: &Workspace,
    output: &Path,
    package: &str,
    programs: &[&'static Program],
    built: &Path,
    target: Target,
    time: &str,
) -> Result<String> {
    let name = format!("{package}-{}-{}-linux", runit_core::tool::VERSION, target.processor());
    let layout = Layout {
        prefix: "/".into(),
        bin: "/bin".into(),
        sbin: "/sbin".into(),
        init: "/sbin".into(),
        services: SERVICES.into(),
        names: true,
        package: package.to_owned(),
        systemd: false,
    };
    let stage = output.join("stage");
    lay::lay(&plan(workspace, programs, built, &layout)?, &stage.join(&name), lay::Tell::Nothing)?;
    let archive = output.join(format!("{name}.tar"));
    quietly(&mut pack(&stage, &name, &archive, time))?;
    quietly(Command::new("gzip").args(["--no-name", "--best", "--force"]).arg(&archive))?;
    std::fs::remove_dir_all(&stage).on("remove", &stage)?;
    Ok(format!("{name}.tar.gz"))
}

/// Puts `name` in `stage` into the archive, with nothing of this machine or moment.
fn pack(stage: &Path, name: &str, archive: &Path, time: &str) -> Command {
    let mut tar = Command::new("tar");
    tar.args(["--create", "--format=ustar", "--sort=name", "--numeric-owner"]);
    tar.args(["--owner=0", "--group=0"]).arg(format!("--mtime=@{time}"));
    tar.arg("--file").arg(archive).arg("--directory").arg(stage).arg(name);
    // What a user's settings add, and how names are sorted.
    tar.env_remove("TAR_OPTIONS").env("LC_ALL", "C");
    tar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::lay::tests::Scratch;

    #[test]
    fn tarballs_tell_nothing_of_when_and_by_whom_they_were_made() {
        let workspace = Workspace::locate();
        let (one, two) = (Scratch::with_programs("one"), Scratch::with_programs("two, later"));
        let sv: Vec<_> = SUITE.iter().filter(|program| program.name == "sv").collect();
        let make = |scratch: &Scratch, time: &str| {
            let output = scratch.0.join("out");
            let name =
                tarball(&workspace, &output, "runit-rs-sv", &sv, &scratch.0, Target::Native, time);
            output.join(name.unwrap())
        };
        let (first, second) = (make(&one, "1700000000"), make(&two, "1700000000"));
        let content = |path: &Path| std::fs::read(path).unwrap();
        assert_eq!(content(&first), content(&second));
        assert_ne!(content(&first), content(&make(&two, "1700000001")));

        let mut list = Command::new("tar");
        list.args(["--list", "--verbose", "--numeric-owner", "--utc", "--file"]).arg(first);
        let listed = stdout(list.env("TZ", "UTC").env("LC_ALL", "C")).unwrap();
        assert!(listed.contains("lrwxrwxrwx 0/0"), "{listed}");
        for line in listed.lines() {
            let fields: Vec<_> = line.split_whitespace().collect();
            assert_eq!((fields[1], fields[3], fields[4]), ("0/0", "2023-11-14", "22:13"), "{line}");
            let mode = match fields[0].chars().next() {
                Some('d') => "drwxr-xr-x",
                Some('l') => "lrwxrwxrwx",
                _ if fields[5].contains("/bin/") => "-rwxr-xr-x",
                _ => "-rw-r--r--",
            };
            assert_eq!(fields[0], mode, "{line}");
        }
    }
}
