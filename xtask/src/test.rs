//! `cargo xtask test`: every test of the workspace.

use std::process::Command;

use crate::args::Args;
use crate::error::{OnFile, Result};
use crate::process::run;
use crate::verbs::{Flag, Verb};
use crate::workspace::{Profile, Workspace};

/// Names the suite that the end-to-end tests run.
pub const SUITE: &str = "RUNIT_UNDER_TEST";

/// The verb.
pub static VERB: Verb = Verb {
    name: "test",
    summary: "Builds the tools and runs every test of the workspace",
    about: "
ARGs go to `cargo test`; without any, all of the workspace is tested:

  cargo xtask test -p runit-core
  cargo xtask test --suite /usr/bin -p runit-tests
",
    options: &[Flag {
        name: "suite",
        value: Some("DIR"),
        help: "run the end-to-end tests on the programs in DIR, not on ours",
    }],
    rest: "ARG",
    run: test,
};

fn test(workspace: &Workspace, args: &Args) -> Result<()> {
    let mut cargo = with_default_signals(&workspace.cargo());
    cargo.arg("test");
    if let Some(suite) = args.value("suite") {
        let suite = std::path::absolute(suite).on("find", suite)?;
        cargo.env(SUITE, suite);
    } else {
        // `cargo test` does not build the programs of other packages.
        cargo.env(SUITE, workspace.build_tools(Profile::Dev)?);
    }
    if args.rest.is_empty() {
        cargo.arg("--workspace");
    }
    run(cargo.args(&args.rest))
}

/// The same command, whatever signals this process was told to ignore (INT and QUIT in the
/// background of a shell, HUP under nohup): its children would ignore them too, and tests send
/// them.
fn with_default_signals(command: &Command) -> Command {
    let mut same = Command::new("env");
    same.arg("--default-signal").arg(command.get_program()).args(command.get_args());
    if let Some(directory) = command.get_current_dir() {
        same.current_dir(directory);
    }
    same
}
