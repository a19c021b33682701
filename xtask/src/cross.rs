//! `cargo xtask cross`: the suite on aarch64.

use crate::args::Args;
use crate::error::Result;
use crate::process::run;
use crate::size;
use crate::test::SUITE;
use crate::toolchain::{AARCH64, Toolchain};
use crate::verbs::{Flag, Verb};
use crate::workspace::Workspace;

/// The verb.
pub static VERB: Verb = Verb {
    name: "cross",
    summary: "Builds and tests the suite for aarch64, under emulation",
    about: "
Compiler, linker, C library and emulator are Debian's packages, unpacked below
target/cross: this needs apt-get and user namespaces with a binfmt_misc of their
own (Linux 6.7), but not root, and installs nothing.
",
    options: &[Flag {
        name: "no-e2e",
        value: None,
        help: "leave out the end-to-end tests on the emulated tools",
    }],
    rest: "",
    run: cross,
};

fn cross(workspace: &Workspace, args: &Args) -> Result<()> {
    let toolchain = Toolchain::aarch64(workspace)?;
    let mut build = toolchain.cargo(workspace, "build");
    build.args(["--quiet", "--release", "--bins", "--target", AARCH64]);
    let any = workspace.select_tools(&mut build)?;
    if any {
        run(&mut build)?;
        size::show(&toolchain.aarch64_release(), &workspace.tools()?)?;
    }

    let mut test = toolchain.cargo(workspace, "test");
    test.args(["--quiet", "--target", AARCH64]);
    for each in workspace.crates()? {
        test.args(["--package", &each.name]);
    }
    toolchain.emulated(workspace, &test)?;

    if any && !args.has("no-e2e") {
        // The tests themselves are native: what they start is emulated.
        let mut e2e = workspace.cargo();
        e2e.args(["test", "--quiet", "--package", "runit-tests"]);
        e2e.env(SUITE, toolchain.aarch64_release());
        toolchain.emulated(workspace, &e2e)?;
    }
    Ok(())
}
