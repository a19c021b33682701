//! Taking over the names that busybox serves, and giving them back.
//!
//! The names are those that `busybox --list` and our own table have in common; the
//! places are the directories of programs; taken over is only what leads to that
//! busybox: a symbolic link, or another hard link to the file. What was there is
//! written down in [`RECORD`] before anything is changed.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use super::below;
use super::lay::{beside, make_directories, put_file, put_link};
use super::plan::Layout;
use crate::error::{Error, OnFile, Result};
use crate::process::stdout;
use crate::suite::Program;

/// Where programs are.
const DIRECTORIES: &[&str] =
    &["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

/// What was replaced: a line for each, `PATH TAB symlink TAB TARGET` or `PATH TAB
/// hardlink TAB BUSYBOX`.
const RECORD: &str = "/var/lib/runit-rs/replaced-busybox";

/// Links of symbolic links that are followed.
const DEEPEST: usize = 16;

/// A name that leads to busybox.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Its place on the system.
    path: PathBuf,
    /// What it was.
    was: Was,
    /// Our program for it, on the system.
    ours: PathBuf,
}

/// What a name was before it was taken over.
#[derive(Debug, PartialEq, Eq)]
enum Was {
    /// A symbolic link with this target.
    Symlink(PathBuf),
    /// Another name of this file.
    Hardlink(PathBuf),
}

/// All names that lead to busybox and that these programs serve.
pub fn find(destination: &Path, programs: &[&Program], layout: &Layout) -> Result<Vec<Found>> {
    let directories = directories(destination);
    let busybox = directories
        .iter()
        .map(|directory| directory.join("busybox"))
        .find(|path| resolve(destination, path).is_some_and(|file| file.is_file()))
        .ok_or_else(|| Error::Failed(format!("no busybox below {}", destination.display())))?;
    let file = resolve(destination, &busybox).unwrap_or_default();
    let listed = stdout(Command::new(&file).arg("--list"))?;
    let identity = identity(&file)?;
    let mut found = Vec::new();
    for program in programs {
        let mut names = program.other_names();
        names.insert(0, program.name);
        for name in names.into_iter().filter(|name| listed.lines().any(|line| line == *name)) {
            for directory in &directories {
                let path = directory.join(name);
                let here = below(destination, &path);
                let Ok(kind) = here.symlink_metadata() else { continue };
                let was = if kind.is_symlink() {
                    let leads = resolve(destination, &path);
                    if leads.and_then(|file| self::identity(&file).ok()) != Some(identity) {
                        continue;
                    }
                    Was::Symlink(std::fs::read_link(&here).on("read", &here)?)
                } else if (kind.dev(), kind.ino()) == identity {
                    Was::Hardlink(busybox.clone())
                } else {
                    continue;
                };
                let ours = layout.directory_of(program).join(program.name);
                found.push(Found { path, was, ours });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Writes down what was found, beside what an earlier run found and has replaced.
pub fn record(found: &[Found], destination: &Path) -> Result<()> {
    let path = below(destination, Path::new(RECORD));
    let mut lines: Vec<String> = read_record(&path)?.lines().map(str::to_owned).collect();
    for each in found {
        let (kind, target) = match &each.was {
            Was::Symlink(target) => ("symlink", target),
            Was::Hardlink(busybox) => ("hardlink", busybox),
        };
        let start = format!("{}\t", each.path.display());
        lines.retain(|line| !line.starts_with(&start));
        lines.push(format!("{start}{kind}\t{}\t{}", target.display(), each.ours.display()));
    }
    lines.sort();
    make_directories(path.parent().unwrap_or(destination))?;
    put_record(&path, &lines)
}

/// Makes each of them a link to our program, where that is not its very place.
pub fn replace(found: &[Found], destination: &Path, layout: &Layout) -> Result<()> {
    for each in found {
        let directory = each.path.parent().unwrap_or(Path::new("/"));
        let in_place = same_directory(destination, directory, &layout.bin)
            || same_directory(destination, directory, &layout.sbin);
        let own_name = each.path.file_name() == each.ours.file_name();
        if !(in_place && own_name) {
            put_link(&below(destination, &each.path), &each.ours)?;
        }
        println!("{}: no longer busybox", each.path.display());
    }
    println!("{} names replaced; --replace-busybox --undo gives them back", found.len());
    Ok(())
}

/// Gives back what the record has, unless somebody else has taken it since.
pub fn undo(destination: &Path) -> Result<()> {
    let record = below(destination, Path::new(RECORD));
    let mut kept = Vec::new();
    for line in read_record(&record)?.lines() {
        let mut fields = line.split('\t');
        let (Some(path), Some(kind), Some(target), Some(ours)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(Error::Failed(format!("{}: not understood: {line}", record.display())));
        };
        let here = below(destination, Path::new(path));
        let leads = resolve(destination, Path::new(path));
        let is_ours = leads.is_some() && leads == resolve(destination, Path::new(ours));
        if !is_ours && here.symlink_metadata().is_ok() {
            println!("{path}: is something else now, and stays");
            kept.push(line.to_owned());
            continue;
        }
        if kind == "symlink" {
            put_link(&here, Path::new(target))?;
        } else {
            let new = beside(&here);
            let _ = std::fs::remove_file(&new);
            std::fs::hard_link(below(destination, Path::new(target)), &new).on("create", &new)?;
            std::fs::rename(&new, &here).on("replace", &here)?;
        }
        println!("{path}: busybox again");
    }
    if kept.is_empty() {
        if record.exists() {
            std::fs::remove_file(&record).on("remove", &record)?;
            // Gone if it was ours alone.
            let _ = record.parent().map(std::fs::remove_dir);
        }
        return Ok(());
    }
    put_record(&record, &kept)
}

fn put_record(path: &Path, lines: &[String]) -> Result<()> {
    let mut text = lines.join("\n");
    if !lines.is_empty() {
        text.push('\n');
    }
    put_file(path, text.as_bytes(), 0o644)
}

fn read_record(path: &Path) -> Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => read.on("read", path),
    }
}

/// The directories of programs, each once: `/bin` may be a link to `/usr/bin`.
fn directories(destination: &Path) -> Vec<PathBuf> {
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for directory in DIRECTORIES {
        let Some(real) = resolve(destination, Path::new(directory)) else { continue };
        if real.is_dir() && !seen.contains(&real) {
            seen.push(real);
            found.push(PathBuf::from(directory));
        }
    }
    found
}

fn same_directory(destination: &Path, one: &Path, other: &Path) -> bool {
    one == other || {
        let one = resolve(destination, one);
        one.is_some() && one == resolve(destination, other)
    }
}

fn identity(file: &Path) -> Result<(u64, u64)> {
    let status = file.metadata().on("look at", file)?;
    Ok((status.dev(), status.ino()))
}

/// The file that `path` leads to on the system below `destination`, whose links are
/// followed there and not here; `None` where it leads nowhere.
fn resolve(destination: &Path, path: &Path) -> Option<PathBuf> {
    let mut left: Vec<PathBuf> = vec![path.to_owned()];
    let mut at = PathBuf::from("/");
    let mut links = 0;
    while let Some(path) = left.pop() {
        let mut parts = path.components();
        let Some(part) = parts.next() else { continue };
        let rest = parts.as_path().to_owned();
        left.push(rest);
        match part {
            Component::RootDir => at = PathBuf::from("/"),
            Component::ParentDir => {
                at.pop();
            }
            Component::Normal(name) => {
                let next = at.join(name);
                let here = below(destination, &next);
                if here.symlink_metadata().ok()?.is_symlink() {
                    links += 1;
                    if links > DEEPEST {
                        return None;
                    }
                    left.push(std::fs::read_link(here).ok()?);
                } else {
                    at = next;
                }
            }
            Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Some(below(destination, &at))
}

#[cfg(test)]
mod tests;
