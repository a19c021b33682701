//! What once went wrong, step by step.

use runit_core::exit::Exit;
use runit_rt::Errno;

use super::{pid_of, step};
use crate::boot::{Action, Boot, Event, Program, RETRY};

use Program::{Stage1, Stage2, Stage3};

/// In stage 2, whose process could not be made.
fn without_stage_2() -> Boot {
    let mut boot = Boot::new();
    step(&mut boot, 0, Event::Tick);
    step(&mut boot, 0, Event::Started(Stage1, pid_of(Stage1)));
    step(&mut boot, 0, Event::Ended(pid_of(Stage1), Exit::Code(0)));
    step(&mut boot, 0, Event::StartFailed(Stage2, Errno::AGAIN));
    boot
}

fn starts(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::Start(_)))
}

#[test]
fn a_request_at_the_moment_of_a_start_comes_before_it() {
    for taken in [true, false] {
        let mut boot = without_stage_2();
        let asked = step(&mut boot, RETRY, Event::Cont);
        assert_eq!(asked, [Action::TakeStopit]);
        let answer = step(&mut boot, RETRY, Event::Stopit { taken });
        let next = if taken { Stage3 } else { Stage2 };
        assert!(answer.contains(&Action::Start(next)) && boot.stage() == Some(next), "{answer:?}");
        assert!(!starts(&step(&mut boot, RETRY, Event::Started(next, pid_of(next)))));
    }
}
