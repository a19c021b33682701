//! One life of a world: at first anything happens, then all is well, then it
//! ends.

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use runit_core::control::ControlByte;
use runit_core::exit::Exit;
use runit_core::status::{State, Want};
use runit_init::boot::Program;
use rustix::process::{Pid, Signal};

use crate::action::{Action, schedule};
use crate::calm::{all, is_in_the_way, is_left_alone, remind, send_away, tell};
use crate::directory::Directory;
use crate::disk::PLENTY;
use crate::habits::{Habits, Root};
use crate::happening::{happen, new_directory, pass_to_deadline};
use crate::init::Init;
use crate::invariant::{Invariant, Violation};
use crate::kernel::Kernel;
use crate::names::Entry;
use crate::process::{Process, Task};
use crate::rng::Rng;
use crate::sabotage::Sabotage;
use crate::service::ServiceDir;
use crate::tree::Tree;

/// What has to be seen now and then, or the worlds are too tame.
pub const RARE: [&str; 27] = [
    "a logger for what is left",
    "a start held back",
    "a fork that fails",
    "a program that cannot be executed",
    "a script that handles it",
    "a script that fails",
    "an end while a script runs",
    "a stopped process killed",
    "many ends at once",
    "a control byte while the pair ends",
    "a control byte when a start is due",
    "TERM when a start is due",
    "an event after the end",
    "a log directory that comes late",
    "a supervisor that is refused",
    "a logger that is refused",
    "a status that cannot be written",
    "a rotation",
    "a full disk makes room",
    "a log that cannot be written",
    "lines dropped",
    "lines given up at the end",
    "current recovered after a crash",
    "a goal reached",
    "no directory of services",
    "a name that cannot be followed",
    "a program that does not get the processor",
];

/// How many rounds a world in which all is well may need.
const PATIENCE: u32 = 400;

/// How a life is lived.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What decides all.
    pub seed: u64,
    /// What happens, one after the other.
    pub actions: Vec<Action>,
    /// What is done wrong on purpose.
    pub sabotage: Option<Sabotage>,
}

impl Plan {
    /// The life of a seed.
    pub fn of(seed: u64, sabotage: Option<Sabotage>) -> Self {
        let mut rng = Rng::new(seed ^ 0x5eed);
        let length = rng.pick([20, 60, 150, 400]);
        Self { seed, actions: schedule(&mut rng, length), sabotage }
    }
}

/// What has come of a life.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was wrong.
    pub violation: Option<Violation>,
    /// How many steps it took.
    pub steps: u64,
    /// What was seen in it.
    pub seen: BTreeSet<&'static str>,
    /// What happened, if that was to be told.
    pub notes: Vec<String>,
}

/// Lives a life. A panic of a machine is a violation like others.
pub fn live(plan: &Plan, tracing: bool) -> Outcome {
    let lived = catch_unwind(AssertUnwindSafe(|| {
        let mut life = Life::new(plan, tracing);
        life.run(plan);
        life
    }));
    match lived {
        Ok(life) => {
            let kernel = life.tree.kernel;
            Outcome {
                violation: kernel.violation,
                steps: life.steps,
                seen: kernel.seen,
                notes: kernel.notes.unwrap_or_default(),
            }
        }
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let what = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?");
            let violation = Violation { invariant: Invariant::Panic, what: what.into() };
            Outcome { violation: Some(violation), ..Outcome::default() }
        }
    }
}

struct Life {
    tree: Tree,
    steps: u64,
}

impl Life {
    fn new(plan: &Plan, tracing: bool) -> Self {
        let mut rng = Rng::new(plan.seed);
        let habits = Habits::random(&mut rng);
        let count = if habits.root == Root::Supervisor { 1 } else { rng.below(6) };
        let mut kernel = Kernel::new(rng, habits, plan.sabotage, tracing);
        let habits = format!("{:?}", kernel.habits);
        kernel.note(|| habits);
        for inode in 10..10 + count {
            kernel.services.insert(inode, ServiceDir::default());
            let name = std::ffi::CString::new(format!("s{inode}")).unwrap_or_default();
            kernel.names.create(&name, Entry::Directory(inode), false);
        }
        let mut tree = Tree::new(kernel);
        for inode in 10..10 + count {
            let dir = new_directory(&mut tree);
            tree.kernel.services.insert(inode, dir);
        }
        tree.settle();
        Self { tree, steps: 0 }
    }

    fn is_over(&self) -> bool {
        self.tree.is_wrong() || self.tree.is_over()
    }

    fn run(&mut self, plan: &Plan) {
        for &action in &plan.actions {
            if self.is_over() {
                return;
            }
            self.steps += 1;
            happen(&mut self.tree, action);
        }
        if self.is_over() {
            return;
        }
        self.tree.kernel.rng = Rng::new(plan.seed ^ 0xca1f);
        self.calm();
        self.grow();
        if self.tree.kernel.rng.chance(60) {
            self.come_up();
        }
        if self.tree.kernel.rng.chance(30) {
            self.come_down();
        }
        self.end();
    }

    /// Rounds, until it is `done`.
    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Tree) -> bool) {
        self.tree.kernel.note(|| format!("=== {what}"));
        for _ in 0..PATIENCE {
            if self.is_over() || done(&mut self.tree) {
                return;
            }
            remind(&mut self.tree);
            self.steps += 1;
            pass_to_deadline(&mut self.tree, 0);
            self.tree.settle();
        }
        self.tree.kernel.check(false, Invariant::Progress, || format!("not in time: {what}"));
    }

    /// From here on nothing stands against anything.
    fn calm(&mut self) {
        let kernel = &mut self.tree.kernel;
        kernel.note(|| "=== all is well".into());
        kernel.habits.calm();
        kernel.disk.trouble = None;
        kernel.disk.free = PLENTY;
        if kernel.names.current().is_none() {
            kernel.names.switch(Some(0));
        }
        let entries = kernel.names.entries().clone();
        for (name, _) in entries.iter().filter(|(_, entry)| **entry == Entry::Dangling) {
            kernel.names.remove(name, false);
        }
        for pid in kernel.living(is_in_the_way) {
            kernel.exit(pid, Exit::Code(0));
        }
        for pid in kernel.living(|process| process.stopped) {
            kernel.deliver(pid, Signal::CONT);
        }
        self.tree.settle();
    }

    /// What is there has a supervisor.
    fn grow(&mut self) {
        if self.tree.kernel.habits.root != Root::Supervisor {
            self.until("the tree is as wanted", |tree| {
                let stage = tree.init.as_ref().and_then(Init::stage);
                let leaves = stage == Some(Program::Stage3);
                let gone = tree.kernel.root_exit.is_some();
                let stopping = tree.directory().is_some_and(Directory::is_stopping);
                send_away(tree);
                let wanted = tree.directory().is_some_and(|d| d.is_as_wanted(&tree.kernel));
                leaves || gone || stopping || wanted
            });
        }
    }

    /// What is wanted up comes up, and `sv` gets its will.
    fn come_up(&mut self) {
        self.until("what is wanted up comes up", |tree| {
            tell(tree, Want::Up);
            all(tree, State::Run)
        });
        let ids: Vec<_> = self.tree.supervisors().map(|s| s.service).collect();
        for id in ids {
            self.tree.request(id, Some("restart"));
        }
        let word = self.tree.kernel.rng.pick(["start", "stop", "once", "pause", "check"]);
        let some = self.tree.supervisors().map(|s| s.service).next();
        if let Some(id) = some {
            self.tree.request(id, Some(word));
        }
        self.until("sv reaches its goals", |tree| tree.clients.is_empty());
    }

    fn come_down(&mut self) {
        self.until("what is wanted down comes down", |tree| {
            tell(tree, Want::Down);
            all(tree, State::Down)
        });
    }

    fn end(&mut self) {
        // A command that comes after the one to end takes it back.
        self.until("every command is read", |tree| {
            let read = |s: &ServiceDir| s.lock.is_none() || s.fifos.iter().all(VecDeque::is_empty);
            tree.kernel.services.values().all(read)
        });
        match self.tree.kernel.habits.root {
            Root::Init => {
                self.until("stage 1 ends", |tree| {
                    let stage = tree.init.as_ref().and_then(Init::stage);
                    stage != Some(Program::Stage1)
                });
                if let Some(init) = &mut self.tree.init {
                    init.stopit = true;
                }
                self.tree.kernel.deliver(Pid::INIT, Signal::CONT);
            }
            Root::Directory => {
                if self.tree.kernel.habits.stop_on_exit {
                    self.terminate(|p| p.birth.task == Task::Directory);
                } else {
                    // One that is told of no changes may not have seen a name that came back: who
                    // a command has kept meanwhile, it would not tell to end again.
                    self.send(Signal::ALARM, |p| p.birth.task == Task::Directory);
                    for name in self.tree.kernel.names.entries().keys().cloned().collect::<Vec<_>>()
                    {
                        self.tree.kernel.names.remove(&name, false);
                    }
                    self.tree.settle();
                    self.until("supervisors go with their names", |tree| {
                        tree.directory().is_none_or(|d| d.is_as_wanted(&tree.kernel))
                    });
                    self.terminate(|p| p.birth.task == Task::Directory);
                }
                // What was left behind by those that were killed.
                self.terminate(|p| p.birth.task == Task::Supervisor);
            }
            Root::Supervisor => {
                if self.tree.kernel.rng.chance(50) {
                    for service in self.tree.kernel.services.values_mut() {
                        service.fifos[0].push_back(ControlByte::Exit);
                    }
                    self.tree.settle();
                } else {
                    self.terminate(|p| p.birth.task == Task::Supervisor);
                }
            }
        }
        self.until("the end comes", |tree| {
            // Those without a supervisor have nobody to tell them.
            for pid in tree.kernel.living(is_left_alone) {
                tree.kernel.exit(pid, Exit::Code(0));
            }
            false
        });
    }

    fn terminate(&mut self, wanted: impl Fn(&Process) -> bool) {
        self.send(Signal::TERM, wanted);
    }

    fn send(&mut self, signal: Signal, wanted: impl Fn(&Process) -> bool) {
        for pid in self.tree.kernel.living(wanted) {
            self.tree.kernel.deliver(pid, signal);
        }
        self.tree.settle();
    }
}
