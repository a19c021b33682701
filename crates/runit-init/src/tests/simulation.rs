//! Systems at random: stages that end, crash, hang and cannot be started, with
//! requests at any time. A failure prints its seed; `RUNIT_SEED=N` repeats it,
//! `RUNIT_LIVES=N` sets how many are lived.

use std::collections::BTreeMap;
use std::vec::Vec;

use runit_core::exit::Exit;
use runit_rt::Errno;
use rustix::process::Pid;

use super::pid;
use crate::boot::{Action, Actions, Boot, CONTAINER_LIMIT, Event, Nanoseconds, Program};

const LIVES: u64 = 20_000;
const SECOND: Nanoseconds = 1_000_000_000;

/// How long a simulated system may live; what is not over by then is stopped.
const DAY: Nanoseconds = 1000 * SECOND;

/// A generator of numbers (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// A process of the simulated system.
struct Process {
    program: Program,
    /// When it ends by itself.
    end: Nanoseconds,
    /// Whether TERM ends it.
    obeys: bool,
    /// Whether nothing does: it waits for a disk that is gone.
    stuck: bool,
    /// Whether it has been sent KILL.
    killed: bool,
}

impl Process {
    fn kill(&mut self, now: Nanoseconds) {
        self.killed = true;
        if !self.stuck {
            self.end = now;
        }
    }
}

struct World {
    random: Random,
    boot: Boot,
    now: Nanoseconds,
    processes: BTreeMap<i32, Process>,
    next_pid: i32,
    /// Whether a start may fail.
    scarce: bool,
    stopit: bool,
    /// Stages entered, in order, without those that were started again.
    entered: Vec<Program>,
    /// When stage 2 may be started again.
    not_before: Nanoseconds,
    /// When the first request to stop the container came.
    stop_asked: Option<Nanoseconds>,
    finished: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let scarce = random.below(4) == 0;
        Self {
            random,
            boot: Boot::new(),
            now: 7,
            processes: BTreeMap::new(),
            next_pid: 2,
            scarce,
            stopit: false,
            entered: Vec::new(),
            not_before: 0,
            stop_asked: None,
            finished: false,
        }
    }

    fn handle(&mut self, event: Event) {
        let mut actions = Actions::default();
        self.boot.step(self.now, event, &mut actions);
        for action in (0..).map_while(|index| actions.get(index)) {
            match action {
                Action::Say(message) => assert!(message.pieces().concat().ends_with('\n')),
                Action::Start(program) => self.start(program),
                Action::Terminate(pid) => {
                    let process = self.processes.get_mut(&pid.as_raw_pid());
                    let process = process.unwrap_or_else(|| panic!("TERM to a stranger"));
                    if process.obeys {
                        process.end = self.now;
                    }
                }
                Action::Kill(pid) => {
                    let process = self.processes.get_mut(&pid.as_raw_pid());
                    process.unwrap_or_else(|| panic!("KILL to a stranger")).kill(self.now);
                }
                Action::KillGroup(pid) => {
                    // Its leader may be gone, unless it is stage 3.
                    if let Some(process) = self.processes.get_mut(&pid.as_raw_pid()) {
                        assert_eq!(process.program, Program::Stage3);
                        process.kill(self.now);
                    } else {
                        self.not_before = self.now + 5 * SECOND;
                    }
                }
                Action::TakeStopit => {
                    let taken = std::mem::take(&mut self.stopit);
                    self.handle(Event::Stopit { taken });
                }
                Action::Finish => {
                    assert!(!self.finished, "it finishes once");
                    self.finished = true;
                }
            }
        }
    }

    fn start(&mut self, program: Program) {
        assert!(!self.finished);
        let twice = self.processes.values().any(|process| process.program == program);
        assert!(!twice, "{program:?} runs already");
        if self.scarce && self.random.below(3) != 0 {
            self.handle(Event::StartFailed(program, Errno::AGAIN));
            return;
        }
        if matches!(program, Program::Stage1 | Program::Stage2 | Program::Stage3) {
            assert!(self.stages().next().is_none(), "one stage at a time");
            let last = self.entered.last().copied();
            if last == Some(program) {
                assert_eq!(program, Program::Stage2, "only stage 2 is started again");
                assert!(self.now >= self.not_before, "and not before its time");
            } else {
                assert!(last.is_none_or(|last| (last as u8) < program as u8), "in order");
                self.entered.push(program);
            }
        }
        let longest = match self.random.below(3) {
            0 => 1,
            1 => 20 * SECOND,
            _ => 2 * DAY,
        };
        let number = self.next_pid;
        self.next_pid += 1;
        let mut process = Process {
            program,
            end: self.now + self.random.below(longest),
            obeys: self.random.below(3) != 0,
            stuck: false,
            killed: false,
        };
        if self.random.below(20) == 0 {
            process = Process { end: Nanoseconds::MAX, obeys: false, stuck: true, ..process };
        }
        self.processes.insert(number, process);
        self.handle(Event::Started(program, pid(number)));
    }

    fn stages(&self) -> impl Iterator<Item = &Process> {
        let is_stage =
            |program| matches!(program, Program::Stage1 | Program::Stage2 | Program::Stage3);
        self.processes.values().filter(move |process| !process.killed && is_stage(process.program))
    }

    /// Goes to the next thing that happens, and lets it.
    fn live_on(&mut self) {
        let deadline = self.boot.deadline();
        let request = self.now + self.random.below(40 * SECOND);
        let end = self.processes.values().map(|process| process.end).min();
        let next = [deadline, end, Some(request)].into_iter().flatten().min().unwrap_or(request);
        self.now = self.now.max(next);
        if deadline.is_some_and(|at| at <= self.now) {
            self.handle(Event::Tick);
            let after = self.boot.deadline();
            assert!(after.is_none_or(|at| at > self.now), "time that has passed is over");
        }
        let ended = self.processes.iter().find(|(_, process)| process.end <= self.now);
        if let Some(number) = ended.map(|(number, _)| *number) {
            self.processes.remove(&number);
            let exit = match self.random.below(6) {
                0 => Exit::Code(111),
                1 => Exit::Code(100),
                2 => Exit::Signal { number: 11, core_dumped: true },
                3 => Exit::Code(1),
                _ => Exit::Code(0),
            };
            self.handle(Event::Ended(pid(number), exit));
        } else if next == request {
            self.request();
        }
    }

    fn request(&mut self) {
        let script = self.random.below(2) == 0;
        let container = self.random.below(40) == 0 || self.now > DAY;
        self.stopit |= self.random.below(4) == 0;
        let event = match self.random.below(6) {
            _ if self.now > DAY => Event::Term { container },
            0 => Event::Cont,
            1 => Event::Int { script },
            2 => Event::Pwr { script, container },
            3 => Event::Term { container },
            4 => Event::Ended(Pid::from_raw(i32::MAX).unwrap(), Exit::Code(0)),
            _ => Event::Tick,
        };
        let stops = matches!(
            event,
            Event::Term { container: true } | Event::Pwr { container: true, script: false }
        );
        if stops {
            self.stop_asked.get_or_insert(self.now);
        }
        self.handle(event);
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn lives_at_random() {
    let first = number("RUNIT_SEED");
    let lives = number("RUNIT_LIVES").unwrap_or(if first.is_some() { 1 } else { LIVES });
    let first = first.unwrap_or(1);
    for seed in first..first + lives {
        std::eprintln!("RUNIT_SEED={seed}");
        let mut world = World::new(seed);
        world.handle(Event::Tick);
        while !world.finished {
            world.live_on();
            assert!(world.now < 2 * DAY, "it comes to an end when told to");
        }
        assert_eq!(world.boot.stage(), None);
        assert_eq!(world.boot.deadline(), None, "nothing is waited for after the end");
        if let Some(asked) = world.stop_asked {
            // And a second for what cannot be killed.
            let limit = asked + CONTAINER_LIMIT + SECOND;
            assert!(world.now <= limit, "a container stops in time");
        }
    }
}
