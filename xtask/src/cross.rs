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

/// End-to-end tests, by the beginning of their names, of what the emulator or
/// the namespace does in its own way; and which way that is.
const NOT_EMULATED: &[(&str, &str)] = &[
    ("runsvdir_", "command lines in /proc begin with the emulator's own"),
    ("chpst_limits::", "limits on memory are not handed to the kernel"),
    ("chpst_state::the_nice_value_is_added_to", "root of a namespace may not raise a priority"),
    ("runsv_children::an_inherited_signal_state", "ignored signals do not stay so across exec"),
    ("runsv_children::the_state_of_signals", "ignored signals do not stay so across exec"),
    ("runsv_control::never_two_of_one_service", "wants a number of starts within a time"),
    ("runsv_finish::signals", "numbers of real-time signals are moved"),
    ("sv_trouble::no_descriptors_left", "it needs descriptors itself"),
    ("sv_wait::a_check_that_cannot_be_run", "vfork is a fork, whose failed exec is not told"),
];

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
    // Emulation is slow enough: simulations of thousands of steps are optimised.
    test.args(["--config", "profile.dev.opt-level=1"]);
    for each in workspace.crates()? {
        test.args(["--package", &each.name]);
    }
    toolchain.emulated(workspace, &test)?;

    if any && !args.has("no-e2e") {
        // The tests themselves are native: what they start is emulated.
        let mut e2e = workspace.cargo();
        e2e.args(["test", "--quiet", "--package", "runit-tests", "--"]);
        for (test, _) in NOT_EMULATED {
            e2e.args(["--skip", test]);
        }
        e2e.env(SUITE, toolchain.aarch64_release());
        toolchain.emulated(workspace, &e2e)?;
    }
    Ok(())
}
