//! Every chore of the project, as `cargo xtask VERB`.
//!
//! One file per verb; [`verbs::VERBS`] is the one table that `--help`, the
//! parser of each verb's options and the dispatch below are made from.

#![forbid(unsafe_code)]

mod args;
mod bench;
mod check;
mod completions;
mod coverage;
mod cross;
mod debian;
mod demo;
mod deny;
mod dist;
mod elf;
mod enter;
mod error;
mod faults;
mod fuzz;
mod install;
mod man;
mod manifest;
mod memcheck;
mod msrv;
mod package;
mod process;
mod ship;
mod simulate;
mod size;
mod suite;
mod table;
mod test;
mod tidy;
mod toolchain;
mod torture;
mod verbs;
mod vm;
mod workspace;

use std::process::ExitCode;

use args::{Parsed, parse};
use error::{Error, Result};
use workspace::Workspace;

fn main() -> ExitCode {
    if let Some(code) = torture::started_as() {
        return code;
    }
    match dispatch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Reported) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::from(if matches!(error, Error::Usage(_)) { 2 } else { 1 })
        }
    }
}

/// Finds the verb that the first argument names and runs it.
fn dispatch() -> Result<()> {
    let mut words = std::env::args_os().skip(1);
    let Some(name) = words.next() else {
        eprint!("{}", verbs::overview());
        return Err(Error::Reported);
    };
    let name = name.to_string_lossy();
    if matches!(&*name, "-h" | "--help" | "help") {
        print!("{}", verbs::overview());
        return Ok(());
    }
    let Some(verb) = verbs::find(&name) else {
        return Err(Error::Usage(format!("no verb '{name}': see cargo xtask --help")));
    };
    match parse(verb, words)? {
        Parsed::Help => {
            print!("{}", verbs::help(verb));
            Ok(())
        }
        Parsed::Run(args) => (verb.run)(&Workspace::locate(), &args),
    }
}
