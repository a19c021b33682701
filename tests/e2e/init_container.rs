//! `runit` as process 1 of a container, which somebody outside stops.

use runit_tests::dirs::write;
use runit_tests::init::{End, Machine, WAIT};
use runit_tests::only_ours;
use rustix::process::Signal;

const REQUEST: &str = "- runit: request to stop this container...";

#[test]
fn what_shows_that_it_is_one() {
    only_ours!("runit", "C knows no containers");
    let with_file = |file: &str| {
        let machine = Machine::new();
        write(&machine.path(file), "");
        machine
    };
    for machine in [
        Machine::new().env("container", "some"),
        with_file("run/.containerenv"),
        with_file(".dockerenv"),
        Machine::new().with_proc(),
    ] {
        for signal in [Signal::TERM, Signal::POWER] {
            let mut system = machine.boot();
            system.wait_log("1 2 up");
            system.kill(signal);
            assert_eq!(system.wait_end(), End::PowerOff);
            assert_eq!(system.log(), "1 2 up TERM 3");
            assert!(system.said().contains(REQUEST), "{}", system.said());
            std::fs::remove_file(machine.path("log")).unwrap();
        }
    }
}

#[test]
fn an_empty_variable_shows_nothing() {
    only_ours!("runit", "C knows no containers");
    let machine = Machine::new().env("container", "");
    let mut system = machine.boot();
    system.wait_log("1 2 up");
    system.kill(Signal::TERM);
    // Of two that wait, the one with the lower number would be first: INT.
    system.first().wait_for_taken(Signal::TERM);
    machine.stage("ctrlaltdel", "echo asked >>/log");
    system.kill(Signal::INT);
    system.wait_log("1 2 up asked");
    assert!(!system.said().contains(REQUEST), "{}", system.said());
    assert!(system.lives());
}

#[test]
fn pwr_is_for_pwrfail_where_that_is() {
    only_ours!("runit", "C knows no containers");
    let machine = Machine::new().env("container", "lxc");
    machine.stage("pwrfail", "echo power >>/log");
    let mut system = machine.boot();
    system.wait_log("1 2 up");
    system.kill(Signal::POWER);
    system.wait_said("- runit: leave stage: /etc/runit/pwrfail");
    assert!(system.lives());
    system.kill(Signal::TERM);
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "1 2 up power TERM 3");
}

#[test]
fn stage_1_is_ended_too_and_stage_2_left_out() {
    only_ours!("runit", "C knows no containers");
    let machine = Machine::new().env("container", "lxc");
    machine.stage("1", WAIT);
    let mut system = machine.boot();
    system.wait_log("up");
    system.kill(Signal::TERM);
    assert_eq!(system.wait_end(), End::PowerOff);
    assert_eq!(system.log(), "up TERM 3");
}

#[test]
fn stages_that_hang_do_not_keep_it() {
    only_ours!("runit", "C knows no containers");
    let machine = Machine::new().env("container", "lxc");
    let hang = "trap '' TERM; echo up >>/log; while :; do sleep 1000; done";
    machine.stage("1", "true");
    machine.stage("2", hang);
    machine.stage("3", hang);
    let mut system = machine.boot();
    system.wait_log("up");
    system.kill(Signal::TERM);
    assert_eq!(system.wait_end(), End::PowerOff);
    // Stage 3 has four seconds, in which it need not get as far as to note that; it is said below.
    assert!(["up", "up up"].contains(&system.log().as_str()), "{}", system.log());
    let lines = "- runit: enter stage: /etc/runit/3
- runit: warning: no time left for stage 3, sending sigkill...
- runit: leave stage: /etc/runit/3\n";
    assert!(system.said().contains(lines), "{}", system.said());
}

#[test]
fn without_the_right_to_reboot_it_exits() {
    only_ours!("runit", "C waits for ever");
    // As most container managers start it.
    let machine = Machine::new()
        .env("container", "docker")
        .first("setpriv --bounding-set -sys_boot --inh-caps -sys_boot /sbin/runit");
    let mut system = machine.boot();
    system.wait_log("1 2 up");
    system.kill(Signal::TERM);
    assert_eq!(system.wait_end(), End::Code(0));
    assert!(
        system.said().ends_with("- runit: power off...\n- runit: exit.\n"),
        "{}",
        system.said()
    );
}
