//! What `runsv` does from its start to its end.

use runit_tests::prelude::*;

#[test]
fn starts_run_and_says_so() {
    let service = ServiceDirBuilder::sleeper().build();
    let mut runsv = Supervisor::runsv(service.path());
    let status = service.wait_state(State::Run);
    let process = status.process().unwrap();
    process.wait_for_exec("sleep");
    assert_eq!(process.parent(), Some(runsv.process()));
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
    assert!(!process.lives());
}
