//! A plan under a virtual clock: scenarios one by one, then random ones
//! against a model of the world.

mod vanish;

use std::borrow::ToOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::format;
use std::string::String;
use std::vec;

use super::*;

/// A plan at work: every start succeeds and gives the next process number.
#[derive(Default)]
struct World {
    plan: Plan,
    now: Duration,
    last: i32,
    running: BTreeMap<i32, CString>,
}

fn id(inode: u64) -> Id {
    Id { device: 1, inode }
}

fn pid(number: i32) -> Pid {
    Pid::from_raw(number).unwrap()
}

fn c(name: &str) -> CString {
    CString::new(name).unwrap()
}

impl World {
    fn see(&mut self, name: &str, seen: Seen) -> Option<Errno> {
        self.plan.see(&c(name), seen, self.now)
    }

    /// A full scan that finds these names and directories.
    fn scan(&mut self, entries: &[(&str, u64)]) {
        self.plan.begin_scan();
        for (name, inode) in entries {
            self.see(name, Seen::Directory(id(*inode)));
        }
        self.plan.end_scan(true, self.now);
    }

    /// Does what the plan says, and tells of it.
    fn act(&mut self) -> Vec<String> {
        let mut log = vec![];
        while let Some((id, name)) = self.plan.next_start(self.now) {
            self.last += 1;
            assert!(self.plan.confirm(id, Seen::Directory(id), self.now));
            self.plan.started(id, pid(self.last), self.now);
            self.running.insert(self.last, (*name).to_owned());
            log.push(format!("start {} as {}", name.to_str().unwrap(), self.last));
        }
        log.extend(self.plan.take_stops().iter().map(|pid| format!("stop {}", pid.as_raw_pid())));
        log
    }

    fn end(&mut self, process: i32) -> Vec<String> {
        self.plan.exited(pid(process), self.now);
        self.running.remove(&process);
        self.act()
    }

    fn wait(&mut self, millis: u64) -> Vec<String> {
        self.now += Duration::from_millis(millis);
        self.act()
    }
}

const NONE: [&str; 0] = [];

#[test]
fn every_directory_is_started_once_in_the_order_seen() {
    let mut world = World::default();
    world.scan(&[("b", 2), ("a", 1), ("b-too", 2)]);
    assert_eq!(world.act(), ["start b as 1", "start a as 2"]);
    world.scan(&[("b", 2), ("a", 1), ("b-too", 2)]);
    assert_eq!(world.act(), NONE);
    assert_eq!(world.plan.deadline(), None);
}

#[test]
fn what_ends_is_started_again_a_second_after_its_start_at_the_earliest() {
    let mut world = World::default();
    world.scan(&[("a", 1)]);
    assert_eq!(world.act(), ["start a as 1"]);
    world.wait(300);
    assert_eq!(world.end(1), NONE);
    assert_eq!(world.plan.deadline(), Some(PAUSE));
    assert_eq!(world.wait(699), NONE);
    assert_eq!(world.wait(1), ["start a as 2"]);
    world.wait(1500);
    assert_eq!(world.end(2), ["start a as 3"]);
}

#[test]
fn a_service_without_a_name_is_stopped_and_then_forgotten() {
    let mut world = World::default();
    world.scan(&[("a", 1), ("b", 2)]);
    world.act();
    world.scan(&[("b", 2)]);
    assert_eq!(world.act(), ["stop 1"]);
    world.scan(&[("b", 2)]);
    assert_eq!(world.act(), NONE);
    assert_eq!(world.end(1), NONE);
    assert_eq!(world.wait(5000), NONE);
    assert!(!world.plan.is_idle());
}

#[test]
fn one_that_comes_back_waits_for_the_end_of_its_predecessor() {
    let mut world = World::default();
    world.scan(&[("a", 1)]);
    world.act();
    world.scan(&[]);
    assert_eq!(world.act(), ["stop 1"]);
    world.scan(&[("a", 1)]);
    assert_eq!(world.wait(9000), NONE);
    assert_eq!(world.end(1), ["start a as 2"]);
}

#[test]
fn one_that_comes_back_and_goes_again_is_told_again() {
    let mut world = World::default();
    world.scan(&[("a", 1)]);
    world.act();
    world.scan(&[]);
    assert_eq!(world.act(), ["stop 1"]);
    // Meanwhile a control byte, `u`, has taken the end back.
    world.scan(&[("a", 1)]);
    assert_eq!(world.act(), NONE);
    world.scan(&[]);
    assert_eq!(world.act(), ["stop 1"]);
    world.scan(&[]);
    assert_eq!(world.act(), NONE);
}

#[test]
fn a_rename_is_no_change_whatever_is_seen_first() {
    for new_first in [true, false] {
        let mut world = World::default();
        world.scan(&[("old", 1)]);
        world.act();
        let steps = [("new", Seen::Directory(id(1))), ("old", Seen::Gone)];
        let order = if new_first { [0, 1] } else { [1, 0] };
        for step in order {
            let (name, seen) = steps[step];
            world.see(name, seen);
            assert_eq!(world.plan.is_loose(), name == "old" && !new_first);
        }
        world.plan.settle();
        assert_eq!(world.act(), NONE);
        world.wait(1000);
        assert_eq!(world.end(1), ["start new as 2"]);
    }
}

#[test]
fn the_last_of_two_names_counts() {
    let mut world = World::default();
    world.scan(&[("a", 1), ("b", 1)]);
    assert_eq!(world.act(), ["start a as 1"]);
    world.scan(&[("b", 1)]);
    world.wait(1000);
    assert_eq!(world.end(1), ["start b as 2"]);
    world.scan(&[]);
    assert_eq!(world.act(), ["stop 2"]);
}

#[test]
fn a_name_that_leads_elsewhere_is_another_service() {
    let mut world = World::default();
    world.scan(&[("a", 1)]);
    world.act();
    world.see("a", Seen::Directory(id(2)));
    world.plan.settle();
    assert_eq!(world.act(), ["start a as 2", "stop 1"]);
}

#[test]
fn a_dangling_link_is_no_service_and_said_once() {
    let mut world = World::default();
    let nowhere = Seen::Dangling(Errno::NOENT);
    assert_eq!(world.see("a", nowhere), Some(Errno::NOENT));
    assert_eq!(world.see("a", nowhere), None);
    assert_eq!(world.see("a", Seen::Dangling(Errno::LOOP)), Some(Errno::LOOP));
    assert_eq!(world.plan.troubled(), [Rc::from(c("a"))]);
    assert_eq!(world.act(), NONE);
    assert_eq!(world.see("a", Seen::Directory(id(1))), None);
    assert!(!world.plan.has_trouble());
    assert_eq!(world.act(), ["start a as 1"]);
    assert_eq!(world.see("a", nowhere), Some(Errno::NOENT));
    world.plan.settle();
    assert_eq!(world.act(), ["stop 1"]);
    world.scan(&[]);
    assert!(!world.plan.has_trouble());
}

#[test]
fn what_cannot_be_told_stays_what_it_was() {
    let mut world = World::default();
    world.scan(&[("a", 1)]);
    world.act();
    world.plan.begin_scan();
    assert_eq!(world.see("a", Seen::Unknown(Errno::IO)), Some(Errno::IO));
    assert_eq!(world.see("b", Seen::Unknown(Errno::ACCESS)), Some(Errno::ACCESS));
    world.plan.end_scan(true, world.now);
    assert_eq!(world.act(), NONE);
    assert_eq!(world.plan.troubled().len(), 2);
}

#[test]
fn a_scan_that_broke_off_takes_nothing_away() {
    let mut world = World::default();
    world.scan(&[("a", 1), ("b", 2)]);
    world.act();
    world.plan.begin_scan();
    world.see("c", Seen::Directory(id(3)));
    world.plan.end_scan(false, world.now);
    assert_eq!(world.act(), ["start c as 3"]);
}

#[test]
fn without_processes_starts_are_tried_again_each_second_and_said_once() {
    let mut world = World::default();
    world.scan(&[("a", 1), ("b", 2)]);
    let mut said = vec![];
    for _ in 0..4 {
        let (service, name) = world.plan.next_start(world.now).unwrap();
        if world.plan.failed(service, world.now) {
            said.push(name.to_str().unwrap().to_owned());
        }
        assert_eq!(world.plan.next_start(world.now), None);
        assert_eq!(world.plan.deadline(), Some(world.now + PAUSE));
        world.now += PAUSE;
    }
    assert_eq!(said, ["a", "b"]);
    world.see("c", Seen::Directory(id(3)));
    let started = world.act();
    assert_eq!(started.len(), 3, "{started:?}");
}

#[test]
fn one_that_went_before_its_start_is_not_started() {
    let mut world = World::default();
    world.scan(&[("a", 1)]);
    assert!(!world.plan.confirm(id(1), Seen::Unknown(Errno::IO), world.now));
    assert_eq!(world.plan.deadline(), Some(world.now + PAUSE));
    world.scan(&[]);
    assert_eq!(world.act(), NONE);
    assert_eq!(world.plan.deadline(), None);
}

#[test]
fn stopping_takes_all_and_starts_none() {
    let mut world = World::default();
    world.scan(&[("a", 1), ("b", 2), ("c", 3)]);
    world.act();
    world.scan(&[("b", 2), ("c", 3)]);
    assert_eq!(world.act(), ["stop 1"]);
    world.plan.stop_all();
    assert_eq!(world.act(), ["stop 1", "stop 2", "stop 3"]);
    world.see("d", Seen::Directory(id(4)));
    for process in [3, 1] {
        assert_eq!(world.end(process), NONE);
        assert!(!world.plan.is_idle());
    }
    assert_eq!(world.end(2), NONE);
    assert!(world.plan.is_idle());
    assert_eq!(world.wait(5000), NONE);
}

#[test]
fn an_unknown_process_is_none_of_ours() {
    let mut world = World::default();
    world.scan(&[("a", 1)]);
    world.act();
    world.plan.exited(pid(77), world.now);
    assert_eq!(world.wait(3000), NONE);
}

/// Numbers from a seed (xorshift).
struct Random(u32);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % limit
    }
}

/// A directory whose names come, go, move and double, supervisors that end,
/// and a system that is out of processes now and then. At every moment each
/// service has at most one process, and no two starts within a second; in the
/// end, everything that is there runs, and nothing else does.
#[test]
fn random_lives_keep_the_invariants() {
    for seed in 1..200 {
        let mut random = Random(seed);
        let mut world = World::default();
        let mut disk: BTreeMap<String, u64> = BTreeMap::new();
        let mut last_start: BTreeMap<u64, Duration> = BTreeMap::new();
        let mut told: BTreeSet<i32> = BTreeSet::new();
        let mut processes: BTreeMap<i32, u64> = BTreeMap::new();
        for step in 0..300 {
            let calm = step > 250;
            let at = format!("seed {seed}, step {step}");
            let name = format!("n{}", random.below(6));
            match random.below(10) {
                _ if calm => {}
                0..=2 => {
                    disk.insert(name, random.below(5).into());
                }
                3 => {
                    disk.remove(&name);
                }
                4 => {
                    if let Some(inode) = disk.remove(&name) {
                        disk.insert(format!("n{}", random.below(6)), inode);
                    }
                }
                _ => {}
            }
            if calm || random.below(2) == 0 {
                let entries: Vec<_> = disk.iter().map(|(n, i)| (n.as_str(), *i)).collect();
                world.scan(&entries);
            } else {
                for n in 0..6 {
                    let name = format!("n{n}");
                    let seen = disk.get(&name).map_or(Seen::Gone, |i| Seen::Directory(id(*i)));
                    world.see(&name, seen);
                }
                world.plan.settle();
            }
            // What comes back and goes again is told again.
            told.retain(|process| {
                let inode = processes.get(process);
                inode.is_some_and(|inode| disk.values().all(|other| other != inode))
            });
            // What is forgotten may start at once when it comes back.
            let known = |i: &u64| disk.values().chain(processes.values()).any(|other| i == other);
            last_start.retain(|inode, _| known(inode));
            while let Some((service, _)) = world.plan.next_start(world.now) {
                if !calm && random.below(4) == 0 {
                    world.plan.failed(service, world.now);
                    continue;
                }
                let inode = service.inode;
                assert!(disk.values().any(|i| *i == inode), "{at}: {inode} is not there");
                assert!(processes.values().all(|i| *i != inode), "{at}: {inode} has two");
                let before = last_start.insert(inode, world.now);
                assert!(before.is_none_or(|t| world.now >= t + PAUSE), "{at}: too soon");
                world.last += 1;
                processes.insert(world.last, inode);
                world.plan.started(service, pid(world.last), world.now);
            }
            for process in world.plan.take_stops() {
                let process = process.as_raw_pid();
                assert!(told.insert(process), "{at}: {process} told twice");
                assert!(processes.contains_key(&process), "{at}: {process} is reaped");
            }
            for process in processes.keys().copied().collect::<Vec<_>>() {
                let ends = if told.contains(&process) { 3 } else { 12 };
                if random.below(ends) == 0 && (!calm || told.contains(&process)) {
                    let inode = processes.remove(&process).unwrap();
                    if !disk.values().any(|other| *other == inode) {
                        last_start.remove(&inode);
                    }
                    world.plan.exited(pid(process), world.now);
                }
            }
            world.now += Duration::from_millis(random.below(700).into());
        }
        let wanted: BTreeSet<_> = disk.values().copied().collect();
        let running: BTreeSet<_> = processes.values().copied().collect();
        assert_eq!(running, wanted, "seed {seed}");
        assert!(!world.plan.has_trouble());
    }
}
