//! `cargo xtask memcheck`: the runtime's unit tests under valgrind.

use crate::args::Args;
use crate::error::{Error, Result};
use crate::process::{in_path, run};
use crate::verbs::Verb;
use crate::workspace::Workspace;

/// The verb.
pub static VERB: Verb = Verb {
    name: "memcheck",
    summary: "Unit tests of the crate with all unsafe code, under valgrind",
    about: "
Needs valgrind. It sees reads of what was never written, and of what is not
there, in the crate that holds all `unsafe`, and in what is built on it first.
Miri would see more, but knows no system calls but the C library's, of which
there is none here.
",
    options: &[],
    rest: "",
    run: memcheck,
};

/// Tests of what valgrind does in its own way; and which way that is.
const NOT_UNDER_VALGRIND: &[(&str, &str)] = &[
    ("pages::tests::too_much_is_an_error", "refuses such a size with another error"),
    ("pile::tests::what_cannot_be_is_no_memory", "as above"),
    ("spawn::tests::a_failed_step", "vfork is a fork, whose failed exec is not told"),
];

fn memcheck(workspace: &Workspace, _: &Args) -> Result<()> {
    if !in_path("valgrind") {
        return Err(Error::Failed("valgrind is not installed".into()));
    }
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let runner = format!("CARGO_TARGET_{}_RUNNER", host.to_uppercase().replace('-', "_"));
    let mut cargo = workspace.cargo();
    cargo.env(runner, "valgrind --quiet --error-exitcode=9 --leak-check=no");
    cargo.args(["test", "--quiet", "--lib", "--package=runit-rt", "--package=runit-core"]);
    cargo.args(["--target", &host, "--"]);
    for (test, _) in NOT_UNDER_VALGRIND {
        cargo.args(["--skip", test]);
    }
    run(&mut cargo)
}
