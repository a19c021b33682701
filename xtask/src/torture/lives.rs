//! Whether a service's lives are as they must be: one at a time, each begun once, and
//! its end told to `finish`.

use super::record::Record;

/// Nanoseconds within which two things may have happened in either order.
const AT_ONCE: u64 = 500_000_000;

/// Whom orphans belong to: what has it for a parent had one that was killed before it came to look.
const REAPER: u32 = 1;

/// What was done to a service.
#[derive(Debug, Default)]
pub struct Fate {
    /// Its supervisors that were killed: process, and when.
    pub supervisors: Vec<(u32, u64)>,
    /// Its directory was deleted.
    pub deleted: bool,
    /// So many of its finishes were killed.
    pub finishes: u64,
    /// It has a `finish`.
    pub has_finish: bool,
}

/// What its records come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Lives {
    /// How many starts.
    pub starts: u64,
    /// How many starts that found another one alive.
    pub taken: u64,
    /// How many exits of its own.
    pub exits: u64,
    /// How many exits for want of a reader.
    pub broken: u64,
    /// How many finishes.
    pub finishes: u64,
    /// Starts beside one whose supervisor was not killed.
    pub beside: Vec<String>,
    /// Lives that do not follow on each other.
    pub gaps: Vec<String>,
    /// Ends that were not told, or not as they were.
    pub ends: Vec<String>,
}

/// What a service said of its exit.
#[derive(Debug, Clone, Copy)]
enum Said {
    /// Nothing.
    Nothing,
    /// Its code.
    Code(i32),
    /// Something, as its supervisor was just being killed.
    Unsure,
}

/// A life that was begun.
#[derive(Debug)]
struct Life {
    number: u64,
    pid: u32,
    supervisor: u32,
    at: u64,
}

/// Judges the records of one service, in their order.
pub fn judge(fate: &Fate, records: &[Record]) -> Lives {
    let mut found = Lives::default();
    let mut finishes_killed = fate.finishes;
    // The life that nobody has finished yet.
    let mut open: Option<u64> = None;
    let mut said = Said::Nothing;
    let mut lives: Vec<Life> = Vec::new();
    for record in records {
        match *record {
            Record::Start { life, pid, supervisor, at } => {
                found.starts += 1;
                let last = lives.last().map_or(0, |each| each.number);
                if life != last + 1 {
                    found.gaps.push(format!("life {life} after {last}"));
                }
                if let Some(before) = open.filter(|_| fate.has_finish) {
                    if fate.orphaned(&lives, before).is_some() || fate.deleted {
                        // Nobody was there to run it.
                    } else if finishes_killed > 0 {
                        finishes_killed -= 1;
                    } else {
                        found.ends.push(format!("no finish after life {before}"));
                    }
                }
                open = Some(life);
                said = Said::Nothing;
                lives.push(Life { number: life, pid, supervisor, at });
            }
            Record::Taken { pid, holder, at } => {
                found.taken += 1;
                let life = lives.iter().rfind(|each| each.pid == holder);
                let life = life.map_or(0, |each| each.number);
                if fate.orphaned(&lives, life).is_none_or(|when| when > at) {
                    let what = format!("process {pid} beside {holder}, whose supervisor lives");
                    found.beside.push(what);
                }
            }
            Record::Exit { life, code, at } => {
                found.exits += 1;
                said = match fate.orphaned(&lives, life) {
                    // What an orphan does, no finish is told.
                    Some(when) if when + AT_ONCE < at => Said::Nothing,
                    Some(when) if when < at + AT_ONCE => Said::Unsure,
                    _ => Said::Code(code),
                };
            }
            Record::Broken { life, .. } => {
                found.broken += 1;
                if fate.orphaned(&lives, life).is_none() {
                    found.ends.push(format!("life {life}: its pipe was closed"));
                }
            }
            Record::Finish { code, status, .. } => {
                found.finishes += 1;
                if !ended_so(said, code, status) {
                    found.ends.push(format!("finish {code} {status} after {said:?}"));
                }
                open = None;
                said = Said::Nothing;
            }
        }
    }
    found
}

impl Fate {
    /// When the supervisor of that life was killed.
    fn orphaned(&self, lives: &[Life], life: u64) -> Option<u64> {
        let life = lives.iter().rfind(|each| each.number == life)?;
        if life.supervisor == REAPER {
            return Some(life.at);
        }
        let owner = self.supervisors.iter().find(|each| each.0 == life.supervisor);
        owner.map(|each| each.1)
    }
}

/// Whether `finish` was told how the service ended. One that has said that it exits may
/// still be killed on the way; one that has not is killed, or found nothing to be (111),
/// or another one alive (1).
fn ended_so(said: Said, code: i32, status: i32) -> bool {
    match (said, code) {
        (_, -1) => (1..=64).contains(&(status & 127)),
        (Said::Code(said), code) => code == said && status == 0,
        (Said::Nothing, code) => matches!(code, 1 | 111) && status == 0,
        (Said::Unsure, _) => status == 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn start(life: u64, pid: u32, supervisor: u32) -> Record {
        Record::Start { life, pid, supervisor, at: life * SECOND }
    }

    fn finish(code: i32, status: i32) -> Record {
        Record::Finish { code, status, at: 0 }
    }

    fn fate() -> Fate {
        Fate { has_finish: true, ..Fate::default() }
    }

    #[test]
    fn lives_with_their_finishes_are_in_order() {
        let exit = Record::Exit { life: 2, code: 3, at: 2 * SECOND };
        let records =
            [start(1, 10, 5), finish(-1, 9), start(2, 11, 5), exit, finish(3, 0), start(3, 12, 5)];
        let expected = Lives { starts: 3, exits: 1, finishes: 2, ..Lives::default() };
        assert_eq!(judge(&fate(), &records), expected);
    }

    #[test]
    fn a_second_one_is_excused_only_by_a_killed_supervisor_of_the_first() {
        let records = [start(1, 10, 5), Record::Taken { pid: 11, holder: 10, at: 9 * SECOND }];
        assert_eq!(judge(&fate(), &records).beside.len(), 1);
        for (pid, when, wrong) in [(5, SECOND, 0), (5, 10 * SECOND, 1), (6, SECOND, 1)] {
            let fate = Fate { supervisors: vec![(pid, when)], ..fate() };
            assert_eq!(judge(&fate, &records).beside.len(), wrong);
        }
    }

    #[test]
    fn missing_lives_and_finishes_are_told() {
        assert_eq!(judge(&fate(), &[start(2, 10, 5)]).gaps.len(), 1);
        assert_eq!(judge(&fate(), &[start(1, 10, 5), start(1, 10, 5)]).gaps.len(), 1);
        let twice = [start(1, 10, 5), start(2, 11, 5)];
        assert_eq!(judge(&fate(), &twice).ends.len(), 1);
        assert_eq!(judge(&Fate { finishes: 1, ..fate() }, &twice).ends.len(), 0);
        assert_eq!(judge(&Fate { supervisors: vec![(5, 1)], ..fate() }, &twice).ends.len(), 0);
        assert_eq!(judge(&Fate::default(), &twice).ends.len(), 0);
    }

    #[test]
    fn a_finish_must_know_the_end() {
        let exit = Record::Exit { life: 1, code: 0, at: 3 * SECOND };
        let wrong = |fate: &Fate, records: &[Record]| judge(fate, records).ends.len();
        assert_eq!(wrong(&fate(), &[start(1, 10, 5), exit, finish(1, 0)]), 1);
        assert_eq!(wrong(&fate(), &[start(1, 10, 5), finish(0, 0)]), 1);
        assert_eq!(wrong(&fate(), &[start(1, 10, 5), exit, finish(-1, 15)]), 0);
        // The exit is an orphan's, the finish that of one that found it alive.
        let orphan = Fate { supervisors: vec![(5, SECOND)], ..fate() };
        assert_eq!(wrong(&orphan, &[start(1, 10, 5), exit, finish(1, 0)]), 0);
        assert_eq!(wrong(&orphan, &[start(1, 10, 5), exit, finish(0, 0)]), 1);
        let broken = Record::Broken { life: 1, at: 2 };
        assert_eq!(wrong(&fate(), &[start(1, 10, 5), broken]), 1);
        assert_eq!(wrong(&orphan, &[start(1, 10, 5), broken]), 0);
        // Its supervisor was killed before it had looked who that is.
        assert_eq!(wrong(&fate(), &[start(1, 10, REAPER), broken]), 0);
    }
}
