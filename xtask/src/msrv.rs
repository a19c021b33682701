//! `cargo xtask msrv`: the oldest compiler that must do, does.

use crate::args::Args;
use crate::error::Result;
use crate::process::run;
use crate::toolchain::Toolchain;
use crate::verbs::Verb;
use crate::workspace::Workspace;

/// The verb.
pub static VERB: Verb = Verb {
    name: "msrv",
    summary: "Builds everything with the oldest supported compiler",
    about: "
Debian's package of it is unpacked below target/cross: this needs apt-get, but
not root, and installs nothing.
",
    options: &[],
    rest: "",
    run: msrv,
};

fn msrv(workspace: &Workspace, _: &Args) -> Result<()> {
    let toolchain = Toolchain::oldest(workspace)?;
    // A check of all, and a link of what is shipped: only that sees the linker's part.
    run(toolchain.cargo(workspace, "check").args(["--quiet", "--workspace", "--all-targets"]))?;
    let mut build = toolchain.cargo(workspace, "build");
    if workspace.select_tools(build.args(["--quiet", "--release", "--bins"]))? {
        run(&mut build)?;
    }
    Ok(())
}
