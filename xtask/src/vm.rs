//! `cargo xtask vm`: machines that boot, run and go down, in QEMU.

mod cpio;
mod debian_root;
mod guest;
mod hand_over;
mod image;
mod machine;
mod modules;
mod scenario;
mod serial;
mod services;

use std::path::PathBuf;
use std::time::Instant;

use crate::args::Args;
use crate::error::{Error, Result};
use crate::verbs::{Flag, Verb};
use crate::workspace::Workspace;
use guest::{Guest, Machine};
use machine::Machines;
use scenario::{Image, SCENARIOS, Scenario};

/// The verb.
pub static VERB: Verb = Verb {
    name: "vm",
    summary: "Boots machines in QEMU with our process 1, and checks all they do",
    about: "
Three systems: an initramfs of busybox and the suite; a Debian on a disk, made
by debootstrap, which wants root; the initramfs for aarch64. Kernels, busybox
and C runit-init are Debian's packages, unpacked below target/vm. The
processor is emulated: neither KVM nor root is needed but for debootstrap.
What a machine has said is in target/vm/NAME.log. docs/vm-tests.md tells more.
",
    options: &[
        Flag { name: "only", value: Some("NAME"), help: "this check; may be repeated" },
        Flag { name: "list", value: None, help: "list the checks, and run none" },
        Flag { name: "suite", value: Some("DIR"), help: "with the C runit in DIR: small image" },
        Flag { name: "hand-over", value: None, help: "only measure: from the kernel to stage 2" },
    ],
    rest: "",
    run: vm,
};

fn vm(workspace: &Workspace, args: &Args) -> Result<()> {
    if args.has("list") {
        for scenario in SCENARIOS {
            println!("{}", scenario.name);
        }
        return Ok(());
    }
    let machines = Machines::new(workspace, args.value("suite").map(PathBuf::from));
    if args.has("hand-over") {
        return hand_over::measure(&machines);
    }
    let chosen = chosen(args)?;
    let all = chosen.len() == SCENARIOS.len();
    let mut runner = Runner::new(&machines);
    for scenario in chosen {
        runner.check(scenario)?;
    }
    runner.finish()?;
    if all && !machines.is_c() { hand_over::measure(&machines) } else { Ok(()) }
}

/// The checks asked for; all of them where none is.
fn chosen(args: &Args) -> Result<Vec<&'static Scenario>> {
    let names: Vec<_> = args.values("only").map(|name| name.to_string_lossy()).collect();
    for name in &names {
        if !SCENARIOS.iter().any(|scenario| scenario.name == name) {
            return Err(Error::Usage(format!("vm: no check '{name}': see cargo xtask vm --list")));
        }
    }
    let wanted =
        |scenario: &&Scenario| names.is_empty() || names.iter().any(|name| name == scenario.name);
    Ok(SCENARIOS.iter().filter(wanted).collect())
}

/// Runs checks, each in the machine that the one before has left on, if it can.
struct Runner<'a> {
    machines: &'a Machines<'a>,
    made: Vec<(Image, Machine)>,
    on: Option<(Image, Guest)>,
    passed: u32,
    left_out: u32,
    failed: Vec<&'static str>,
}

impl<'a> Runner<'a> {
    fn new(machines: &'a Machines<'a>) -> Self {
        Self { machines, made: Vec::new(), on: None, passed: 0, left_out: 0, failed: Vec::new() }
    }

    /// Runs one and tells what came of it. An error: it could not even be tried.
    fn check(&mut self, scenario: &'static Scenario) -> Result<()> {
        if let Some(reason) = self.machines.left_out(scenario) {
            println!("check {} ... left out: {reason}", scenario.name);
            self.left_out += 1;
            return Ok(());
        }
        // What has to be fetched and built is no part of the check.
        if !self.made.iter().any(|(image, _)| *image == scenario.image) {
            self.made.push((scenario.image, self.machines.machine(scenario.image)?));
        }
        let begun = Instant::now();
        let outcome = self.guest(scenario.image).and_then(scenario.run);
        let seconds = begun.elapsed().as_secs();
        match outcome {
            Ok(()) => {
                println!("check {} ... ok ({seconds} s)", scenario.name);
                self.passed += 1;
                let is_on = match &mut self.on {
                    Some((_, guest)) => guest.is_on()?,
                    None => false,
                };
                if !is_on {
                    self.on = None;
                }
            }
            Err(error) => {
                println!("check {} ... FAILED ({seconds} s)\n  {error}", scenario.name);
                self.failed.push(scenario.name);
                // Nobody knows what state it is in.
                self.on = None;
            }
        }
        Ok(())
    }

    /// A machine of that kind with root logged in.
    fn guest(&mut self, image: Image) -> Result<&mut Guest> {
        if self.on.as_ref().is_none_or(|(on, _)| *on != image) {
            self.on = None;
            let made = self.made.iter().find(|(made, _)| *made == image);
            let Some((_, machine)) = made else {
                return Err(Error::Failed("there is no such machine".into()));
            };
            let mut guest = Guest::start(machine)?;
            guest.expect_in_order(&["enter stage: /etc/runit/1", "enter stage: /etc/runit/2"])?;
            guest.log_in()?;
            self.on = Some((image, guest));
        }
        match &mut self.on {
            Some((_, guest)) => Ok(guest),
            None => Err(Error::Failed("no machine is on".into())),
        }
    }

    fn finish(self) -> Result<()> {
        let Self { passed, left_out, failed, .. } = self;
        if !failed.is_empty() {
            println!("\nfailures:\n    {}", failed.join("\n    "));
        }
        println!("\n{passed} passed, {} failed, {left_out} left out", failed.len());
        if failed.is_empty() { Ok(()) } else { Err(Error::Reported) }
    }
}
