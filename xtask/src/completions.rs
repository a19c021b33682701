//! Completions for bash, zsh and fish, made from the tools' tables of options and
//! the helpers in `completions/`.

mod bash;
mod fish;
#[cfg(test)]
mod tests;
mod zsh;

use crate::error::{OnFile, Result};
use crate::install::plan::SERVICES;
use crate::suite::{Program, SUITE};
use crate::workspace::Workspace;

/// Where `sv enable` takes them from.
const SVSRC: &str = "/etc/sv";

/// Where `runsvchdir` looks for run levels.
const RUNSVDIR: &str = "/etc/runit/runsvdir";

/// A file of completions for one program under all its names.
pub struct File {
    /// The program.
    pub program: &'static str,
    /// Path below the directory of completions: `bash/sv`.
    pub name: String,
    /// Its content.
    pub text: String,
    /// Names of links to it, in the same directory, by which a shell finds it for the
    /// program's other names.
    pub links: Vec<String>,
}

/// A shell: where its files go, what they are called, and how they are made.
struct Shell {
    name: &'static str,
    file: fn(&str) -> String,
    /// Whether each of the other names needs a file.
    links: bool,
    make: fn(&str, &Program) -> String,
}

const SHELLS: &[Shell] = &[
    Shell { name: "bash", file: str::to_owned, links: true, make: bash::make },
    Shell { name: "zsh", file: |name| format!("_{name}"), links: false, make: zsh::make },
    Shell { name: "fish", file: |name| format!("{name}.fish"), links: true, make: fish::make },
];

/// All files for all shells.
pub fn files(workspace: &Workspace) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for shell in SHELLS {
        let path = workspace.root.join("completions").join(format!("{}.in", shell.name));
        let helpers = std::fs::read_to_string(&path).on("read", &path)?;
        let helpers = helpers.replace("@SVDIR@", SERVICES).replace("@SVSRC@", SVSRC);
        let helpers = helpers.replace("@RUNSVDIR@", RUNSVDIR);
        for program in SUITE {
            let others = if shell.links { program.other_names() } else { Vec::new() };
            files.push(File {
                program: program.name,
                name: format!("{}/{}", shell.name, (shell.file)(program.name)),
                text: (shell.make)(&helpers, program),
                links: others.into_iter().map(shell.file).collect(),
            });
        }
    }
    Ok(files)
}

/// The text in single quotes, for any of the shells.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
