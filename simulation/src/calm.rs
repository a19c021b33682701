//! What sees to it that a world in which all is well comes to where it is wanted:
//! an administrator who clears up what chance has left.

use runit_core::control::ControlByte;
use runit_core::status::{State, StatusRecord, Want};
use runsv::machine::Role;
use rustix::process::{Pid, Signal};

use crate::process::{Process, Task};
use crate::service::{ROLES, index};
use crate::tree::Tree;

/// A process that would keep others from ending: it does not care for TERM, or
/// nobody is left to send it one.
pub fn is_in_the_way(process: &Process) -> bool {
    let deaf = process.deaf && !process.is_program();
    deaf || process.birth.task == Task::Stray || is_left_alone(process)
}

/// A service whose supervisor was killed.
pub fn is_left_alone(process: &Process) -> bool {
    process.parent == Pid::INIT && matches!(process.birth.task, Task::Run(Role::Service))
}

/// A command that came after TERM may have kept a supervisor that has lost its
/// name: it is told once more. And those of a `runsvdir` that was killed make
/// room for those of the next.
pub fn send_away(tree: &mut Tree) {
    let due: Vec<_> = tree
        .supervisors()
        .filter(|s| !tree.kernel.names.has(s.service) || s.is_left_alone(&tree.kernel))
        .filter(|s| s.record(Role::Service).is_some_and(|record| record.want != Want::Exit))
        .map(|s| s.service)
        .collect();
    for service in due {
        let fifo = &mut tree.kernel.service(service).fifos[0];
        if fifo.is_empty() {
            fifo.push_back(ControlByte::Exit);
        }
    }
}

/// Where a control script has vetoed TERM before all was well, it is sent again;
/// and what was paused by a command from then goes on.
pub fn remind(tree: &mut Tree) {
    for pid in tree.kernel.living(|process| process.stopped) {
        tree.kernel.deliver(pid, Signal::CONT);
    }
    let vetoed = |record: StatusRecord| {
        record.want == Want::Exit && record.state == State::Run && !record.got_term
    };
    let due: Vec<_> = tree
        .supervisors()
        .filter(|s| s.record(Role::Service).is_some_and(vetoed))
        .map(|s| s.service)
        .collect();
    for service in due {
        let fifo = &mut tree.kernel.service(service).fifos[0];
        if fifo.is_empty() {
            fifo.push_back(ControlByte::Term);
        }
    }
}

/// Tells each supervisor what is wanted, if it does not want that yet: it may
/// have been started just now.
pub fn tell(tree: &mut Tree, want: Want) {
    let mut due = Vec::new();
    for supervisor in tree.supervisors() {
        for role in ROLES {
            let Some(record) = supervisor.record(role) else { continue };
            let told = match want {
                Want::Up => record.want == Want::Up,
                _ => record.want != Want::Up && (record.state != State::Run || record.got_term),
            };
            if !told && record.want != Want::Exit {
                due.push((supervisor.service, role));
            }
        }
    }
    for (service, role) in due {
        let fifo = &mut tree.kernel.service(service).fifos[index(role)];
        if fifo.is_empty() {
            fifo.push_back(if want == Want::Up { ControlByte::Up } else { ControlByte::Down });
        }
    }
}

/// Whether each service that is not to end is in this state, and has read
/// all that it was told.
pub fn all(tree: &mut Tree, state: State) -> bool {
    tree.supervisors().all(|supervisor| {
        ROLES.into_iter().all(|role| {
            let Some(dir) = tree.kernel.services.get(&supervisor.service) else { return true };
            let read = dir.fifos[index(role)].is_empty();
            let ending = supervisor.model(role).is_some_and(|model| model.ending);
            let record = supervisor.record(role);
            let there = record.is_none_or(|r| r.state == state || r.want == Want::Exit);
            ending || read && there
        })
    })
}
