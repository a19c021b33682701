//! `cargo xtask man`: manual pages and completions, made and checked.
//!
//! The prose of a page is `man/PAGE.in`, in mdoc(7). What the table of options
//! knows is not written twice; a line of the source asks for it:
//!
//! | line | becomes |
//! |---|---|
//! | `@SYNOPSIS NAME` | the synopsis of the tool or other name |
//! | `@OPTIONS NAME` ... `@END` | its options, as a list |
//! | `@ -x` between these | what follows belongs to option `-x` |
//! | `@COMMANDS` | the commands of `sv`, in a word each |
//!
//! `@VERSION@` in a line is the suite's version.

mod mdoc;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::Args;
use crate::completions;
use crate::error::{Error, OnFile, Result};
use crate::process::run;
use crate::suite::SUITE;
use crate::verbs::{Flag, Verb};
use crate::workspace::Workspace;

/// The verb.
pub static VERB: Verb = Verb {
    name: "man",
    summary: "Makes manual pages and completions, and checks the pages",
    about: "
Both are made from the tables of options that the tools themselves read: the
pages with the prose in man/, below DIR/man, the completions with the helpers in
completions/, below DIR/completions. DIR is target/share. mandoc must find
nothing to warn of in a page.
",
    options: &[
        Flag { name: "output", value: Some("DIR"), help: "make them below this directory" },
        Flag { name: "no-lint", value: None, help: "do without mandoc" },
    ],
    rest: "",
    run: man,
};

fn man(workspace: &Workspace, args: &Args) -> Result<()> {
    let output = match args.value("output") {
        Some(output) => PathBuf::from(output),
        None => workspace.target.join("share"),
    };
    let pages = pages(workspace)?;
    let mut paths = Vec::new();
    for page in &pages {
        paths.push(write(&output.join("man"), page.name, &page.text)?);
    }
    for file in completions::files(workspace)? {
        write(&output.join("completions"), &file.name, &file.text)?;
    }
    println!("{}", output.display());
    if args.has("no-lint") {
        return Ok(());
    }
    run(Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).args(&paths))
}

fn write(directory: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = directory.join(name);
    let parent = path.parent().unwrap_or(directory);
    std::fs::create_dir_all(parent).on("create", parent)?;
    std::fs::write(&path, text).on("write", &path)?;
    Ok(path)
}

/// A manual page.
pub struct Page {
    /// Name and section, `sv.8`.
    pub name: &'static str,
    /// The page in mdoc.
    pub text: String,
}

/// All pages of all programs.
pub fn pages(workspace: &Workspace) -> Result<Vec<Page>> {
    SUITE.iter().flat_map(|program| program.pages).map(|name| page(workspace, name)).collect()
}

/// The page of that name.
pub fn page(workspace: &Workspace, name: &'static str) -> Result<Page> {
    let path = workspace.root.join("man").join(format!("{name}.in"));
    let source = std::fs::read_to_string(&path).on("read", &path)?;
    let text =
        mdoc::fill(&source).map_err(|what| Error::Failed(format!("{}: {what}", path.display())))?;
    Ok(Page { name, text })
}

/// The names of the page that a `.Nm` line in its NAME section lists beside the
/// first: each is a link to the page.
pub fn other_names(page: &Page) -> Vec<String> {
    let section = page.text.split(".Sh ").find(|section| section.starts_with("NAME"));
    let named = section.unwrap_or_default().lines().filter_map(|line| line.strip_prefix(".Nm "));
    let names = named.map(|line| line.trim_end_matches([' ', ',']).to_owned());
    names.skip(1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that a name of the suite can be asked by `man`.
    #[test]
    fn every_name_has_a_page() {
        let workspace = Workspace::locate();
        let pages = pages(&workspace).unwrap();
        let has_page = |name: &str| {
            pages.iter().any(|page| {
                page.name == format!("{name}.8") || other_names(page).iter().any(|it| it == name)
            })
        };
        for program in SUITE {
            assert!(has_page(program.name), "{}", program.name);
            for name in program.other_names() {
                assert!(has_page(name), "{name}");
            }
        }
    }

    #[test]
    fn every_source_is_a_page() {
        let workspace = Workspace::locate();
        for entry in std::fs::read_dir(workspace.root.join("man")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let page = name.strip_suffix(".in").unwrap();
            assert!(SUITE.iter().any(|program| program.pages.contains(&page)), "{name}");
        }
    }

    #[test]
    fn mandoc_finds_nothing_to_warn_of() {
        let directory = std::env::temp_dir().join(format!("runit-man-{}", std::process::id()));
        let pages = pages(&Workspace::locate()).unwrap();
        let paths: Vec<_> =
            pages.iter().map(|page| write(&directory, page.name, &page.text).unwrap()).collect();
        let lint =
            Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).args(paths).output();
        std::fs::remove_dir_all(directory).unwrap();
        let lint = lint.expect("mandoc is installed");
        assert!(lint.status.success(), "{}", String::from_utf8_lossy(&lint.stdout));
    }

    #[test]
    fn every_option_and_command_is_in_its_page() {
        let workspace = Workspace::locate();
        for program in SUITE {
            let mut text = String::new();
            for name in program.pages {
                text.push_str(&page(&workspace, name).unwrap().text.replace("\\-", "-"));
            }
            for facet in program.facets {
                let doc = (facet.doc)();
                assert!(text.contains(doc.name), "{}", doc.name);
                for option in &doc.options {
                    let letter = option.short.map(|letter| format!("Fl {letter}"));
                    let long = option.long.map(|long| format!("Fl -{long}"));
                    for flag in [letter, long].into_iter().flatten() {
                        assert!(text.contains(&flag), "{}: {flag}", doc.name);
                    }
                }
            }
        }
        let sv = page(&workspace, "sv.8").unwrap().text;
        for (command, _) in crate::suite::SV_COMMANDS {
            assert!(sv.contains(&format!("Cm {command}")), "{command}");
        }
    }
}
