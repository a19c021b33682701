//! What each kind of action does to a world.

use core::time::Duration;
use std::ffi::CString;

use runit_core::control::ControlByte;
use runit_core::exit::Exit;
use runit_init::boot::Program;
use runsv::machine::Role;
use rustix::io::Errno;
use rustix::process::{Pid, Signal};

use crate::action::{Action, Kind};
use crate::clock::SECOND;
use crate::disk::PLENTY;
use crate::names::Entry;
use crate::process::{Birth, Process, ServiceId, Task};
use crate::rng::Rng;
use crate::service::{ServiceDir, index};
use crate::tree::Tree;

/// Names that services may have.
const NAMES: u64 = 8;

/// The inodes of service directories.
const INODES: core::ops::Range<u64> = 10..26;

/// Has the action happen, and all that follows at once.
pub fn happen(tree: &mut Tree, action: Action) {
    tree.kernel.rng = Rng::new(action.seed);
    let before = tree.kernel.clock.mono();
    tree.kernel.note(|| format!("--- {:?}", action.kind));
    act(tree, action.kind);
    if tree.kernel.clock.mono() == before {
        // Nothing takes no time.
        tree.kernel.clock.pass(1000);
    }
    tree.settle();
}

fn act(tree: &mut Tree, kind: Kind) {
    match kind {
        Kind::Control => control(tree, 1),
        Kind::Burst => control(tree, 6),
        Kind::Request => {
            if let Some(service) = some_service(tree) {
                tree.request(service, None);
            }
        }
        Kind::Output => output(tree),
        Kind::Ends => end_some(tree, 100),
        Kind::Massacre => end_some(tree, 60),
        Kind::SupervisorKilled => send(tree, |p| p.birth.task == Task::Supervisor, Signal::KILL),
        Kind::SupervisorTerm => send(tree, |p| p.birth.task == Task::Supervisor, Signal::TERM),
        Kind::LoggerSignal => {
            let signals = [Signal::HUP, Signal::ALARM, Signal::ALARM, Signal::TERM, Signal::KILL];
            let signal = tree.kernel.rng.pick(signals);
            send(tree, |p| p.birth.task == Task::Run(Role::Log), signal);
        }
        Kind::Stray => stray(tree),
        Kind::Create | Kind::Remove | Kind::Rename | Kind::Replace => names(tree, kind),
        Kind::Switch => {
            let other = tree.kernel.names.current().map_or(0, |level| 1 - level);
            tree.kernel.names.switch(Some(other));
        }
        Kind::Unlink => tree.kernel.names.switch(None),
        Kind::Overflow => tree.kernel.names.overflow(),
        Kind::DirectorySignal => {
            let signals = [Signal::ALARM, Signal::ALARM, Signal::TERM, Signal::HUP];
            let signal = tree.kernel.rng.pick(signals);
            if signal == Signal::ALARM || tree.kernel.rng.chance(20) {
                send(tree, is_directory, signal);
            }
        }
        Kind::DirectoryKilled => send(tree, is_directory, Signal::KILL),
        Kind::Stop | Kind::InitSignal => signal_init(tree, kind),
        Kind::Orphans => orphans(tree),
        Kind::Disk => disk(tree),
        Kind::WallClock => {
            let times = [0, 1_000_000_000, 1_700_000_000, 1_700_000_000, 4_000_000_000];
            let seconds = tree.kernel.rng.pick(times);
            let near = tree.kernel.clock.wall().saturating_sub(Duration::from_secs(3));
            let far = Duration::new(seconds, 5);
            let time = if tree.kernel.rng.chance(40) { near } else { far };
            tree.kernel.clock.set(time);
        }
        Kind::Moment => {
            let time = tree.kernel.rng.below(SECOND / 3);
            tree.kernel.clock.pass(time);
        }
        Kind::Deadline => pass_to_deadline(tree, 0),
        Kind::AlmostDeadline => pass_to_deadline(tree, 1),
    }
}

/// Lets time pass until something is due, less `early`.
pub fn pass_to_deadline(tree: &mut Tree, early: u64) {
    let now = tree.kernel.clock.mono();
    let left = tree.deadline().map_or(SECOND, |at| at.saturating_sub(now));
    tree.kernel.clock.pass(left.saturating_sub(early));
}

/// One of the services that have a supervisor, or had.
fn some_service(tree: &mut Tree) -> Option<ServiceId> {
    let locked: Vec<_> =
        tree.kernel.services.iter().filter(|(_, dir)| dir.lock.is_some()).collect();
    let ids: Vec<_> = locked.into_iter().map(|(&id, _)| id).collect();
    ids.get(tree.kernel.rng.index(ids.len())).copied()
}

fn byte(rng: &mut Rng) -> ControlByte {
    let byte = rng.pick(ControlByte::ALL);
    // The end of everything is rare.
    if byte == ControlByte::Exit && rng.chance(70) { ControlByte::Up } else { byte }
}

fn control(tree: &mut Tree, most: u64) {
    let Some(service) = some_service(tree) else { return };
    let role = tree.kernel.rng.pick([Role::Service, Role::Service, Role::Log]);
    for _ in 0..=tree.kernel.rng.below(most) {
        let byte = byte(&mut tree.kernel.rng);
        tree.kernel.note(|| format!("{byte:?} to {role:?} of {service}"));
        let dir = tree.kernel.service(service);
        if role == Role::Service || dir.log {
            dir.fifos[index(role)].push_back(byte);
        }
    }
}

/// A process of a service writes to its log pipe.
fn output(tree: &mut Tree) {
    let writes = |p: &Process| p.birth.output.is_some() && !p.is_program() && !p.stopped;
    let Some(pid) = tree.kernel.some(writes) else { return };
    let output = tree.kernel.processes.get(pid).and_then(|process| process.birth.output);
    let most = tree.kernel.rng.pick([1, 3, 20, 60]);
    let longest = tree.kernel.rng.pick([0, 20, 90, 300, 3000]);
    for _ in 0..=tree.kernel.rng.below(most) {
        let padding = tree.kernel.rng.index(longest + 1);
        let ended = tree.kernel.rng.chance(95);
        if let Some(pipe) = output.and_then(|output| tree.kernel.pipes.get_mut(&output)) {
            pipe.write_line(padding, ended);
        }
    }
}

/// Ends processes that are no programs of ours, or loggers: one, or these
/// percent of all.
fn end_some(tree: &mut Tree, percent: u64) {
    let crash = Exit::Signal { number: 11, core_dumped: true };
    let wanted = |p: &Process| !p.is_program() || p.birth.task == Task::Run(Role::Log);
    if percent == 100 {
        let pid = tree.kernel.some(wanted);
        let exit = tree.kernel.rng.pick([Exit::Code(0), Exit::Code(100), Exit::Code(111), crash]);
        if let Some(pid) = pid {
            tree.kernel.exit(pid, exit);
        }
        return;
    }
    for pid in tree.kernel.living(wanted) {
        if tree.kernel.rng.chance(percent) {
            tree.kernel.exit(pid, crash);
        }
    }
}

fn is_directory(process: &Process) -> bool {
    matches!(process.birth.task, Task::Directory | Task::Boot(Program::Stage2))
}

fn send(tree: &mut Tree, to: impl Fn(&Process) -> bool, signal: Signal) {
    if let Some(pid) = tree.kernel.some(|process| process.is_program() && to(process)) {
        tree.kernel.deliver(pid, signal);
    }
}

/// A service leaves a process behind, or all such end.
fn stray(tree: &mut Tree) {
    if !tree.kernel.rng.chance(tree.kernel.habits.stray) {
        for pid in tree.kernel.living(|p| p.birth.task == Task::Stray) {
            tree.kernel.exit(pid, Exit::Code(0));
        }
        return;
    }
    let Some(pid) = tree.kernel.some(|p| p.birth.task == Task::Run(Role::Service)) else { return };
    let birth = tree.kernel.processes.get(pid).map(|process| process.birth);
    if let Some(birth) = birth {
        // Its parent has ended already: process 1 has it.
        let _ = tree.kernel.fork(Pid::INIT, Birth { task: Task::Stray, input: None, ..birth });
    }
}

fn name(rng: &mut Rng) -> CString {
    CString::new(format!("n{}", rng.below(NAMES))).unwrap_or_default()
}

/// A directory that is new, or has lost its name, or has another one too.
fn some_entry(tree: &mut Tree) -> Entry {
    let rng = &mut tree.kernel.rng;
    match rng.below(10) {
        0 => Entry::Dangling,
        1 => Entry::File,
        2..=4 => Entry::Link(INODES.start + rng.below(4)),
        _ => {
            let inode = INODES.start + rng.below(INODES.end - INODES.start);
            let used = tree.kernel.names.has_anywhere(inode)
                || tree.kernel.processes.values().any(|p| p.birth.service == inode);
            if used {
                return Entry::Link(inode);
            }
            // A new directory, with the number of one that is gone.
            let dir = new_directory(tree);
            tree.kernel.services.insert(inode, dir);
            Entry::Directory(inode)
        }
    }
}

/// A service directory as this world has them.
pub fn new_directory(tree: &mut Tree) -> ServiceDir {
    let (log, down) = (tree.kernel.habits.log, tree.kernel.habits.down);
    let rng = &mut tree.kernel.rng;
    ServiceDir {
        log: rng.chance(log),
        down: [rng.chance(down), rng.chance(down / 2)],
        ..ServiceDir::default()
    }
}

fn names(tree: &mut Tree, kind: Kind) {
    if tree.kernel.names.current().is_none() {
        return;
    }
    let (from, to) = (name(&mut tree.kernel.rng), name(&mut tree.kernel.rng));
    match kind {
        Kind::Create if !tree.kernel.names.entries().contains_key(&from) => {
            let entry = some_entry(tree);
            let moved = tree.kernel.rng.chance(30);
            tree.kernel.note(|| format!("{from:?} is {entry:?}"));
            tree.kernel.names.create(&from, entry, moved);
        }
        Kind::Remove => {
            let moved = tree.kernel.rng.chance(30);
            tree.kernel.note(|| format!("{from:?} goes, moved: {moved}"));
            tree.kernel.names.remove(&from, moved);
        }
        Kind::Rename if from != to => {
            if let Some(entry) = tree.kernel.names.remove(&from, true) {
                tree.kernel.note(|| format!("{from:?} becomes {to:?}, {entry:?}"));
                tree.kernel.names.create(&to, entry, true);
            }
        }
        Kind::Replace => {
            let moved = tree.kernel.rng.chance(50);
            tree.kernel.names.remove(&from, moved);
            let entry = some_entry(tree);
            tree.kernel.note(|| format!("{from:?} is {entry:?} from now on"));
            tree.kernel.names.create(&from, entry, tree.kernel.habits.sessions);
        }
        _ => {}
    }
}

fn signal_init(tree: &mut Tree, kind: Kind) {
    let Some(init) = &mut tree.init else { return };
    // The end of everything is rare.
    if init.stage() == Some(Program::Stage2) && !tree.kernel.rng.chance(20) {
        return;
    }
    let signal = if kind == Kind::Stop {
        init.stopit |= tree.kernel.rng.chance(60);
        Signal::CONT
    } else {
        tree.kernel.rng.pick([Signal::INT, Signal::POWER, Signal::TERM])
    };
    tree.kernel.deliver(Pid::INIT, signal);
}

fn orphans(tree: &mut Tree) {
    for _ in 0..tree.kernel.rng.pick([1, 5, 40]) {
        if let Ok(pid) = tree.kernel.fork(Pid::INIT, Birth::of(Task::Orphan)) {
            if tree.kernel.rng.chance(50) {
                tree.kernel.exit(pid, Exit::Code(0));
            }
        }
    }
}

fn disk(tree: &mut Tree) {
    let what = tree.kernel.rng.below(10);
    let disk = &mut tree.kernel.disk;
    disk.trouble = None;
    match what {
        0..=3 => disk.free = PLENTY,
        4 => disk.trouble = Some(Errno::IO),
        5 => disk.trouble = Some(Errno::ROFS),
        6 => disk.free = 0,
        _ => disk.free = tree.kernel.rng.below(5000),
    }
}
