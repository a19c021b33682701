//! `cargo xtask simulate`: a whole tree in a virtual world that fails.

use crate::args::Args;
use crate::error::Result;
use crate::process::run;
use crate::verbs::{Flag, Verb};
use crate::workspace::Workspace;

/// The verb.
pub static VERB: Verb = Verb {
    name: "simulate",
    summary: "Simulates whole trees of services in a world that fails",
    about: "
The real decisions of runit, runsvdir, runsv, svlogd and sv on a virtual clock,
with failing forks, merged signals, full disks, clocks that are set. Invariants
are checked at every step. What fails is made short, told step by step, and
lived again by its seed. docs/simulation.md tells what is simulated, what not.
",
    options: &[
        Flag { name: "seed", value: Some("N"), help: "live the one life of this seed" },
        Flag { name: "from", value: Some("N"), help: "begin with this seed, not with any" },
        Flag { name: "steps", value: Some("N"), help: "how many steps in all; 1000000" },
    ],
    rest: "",
    run: simulate,
};

fn simulate(workspace: &Workspace, args: &Args) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--quiet", "--profile", "simulation", "--package", "simulation", "--"]);
    for name in ["seed", "from", "steps"] {
        if let Some(value) = args.value(name) {
            cargo.arg(format!("--{name}")).arg(value);
        }
    }
    run(&mut cargo)
}
