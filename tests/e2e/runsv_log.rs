//! The log service, and the pipe to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use runit_tests::dirs::{APPEND, SLEEP, lines, wait_line_count, wait_lines, write};
use runit_tests::prelude::*;
use rustix::process::Signal;

#[test]
fn what_the_service_writes_arrives() {
    let service = ServiceDirBuilder::new()
        .run("echo one; echo two; exec sleep 100000")
        .log_run(APPEND)
        .build();
    let runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("log/lines"), &["one", "two"]);
    assert_eq!(runsv.stdout(), "");
}

#[test]
fn standard_error_does_not_go_there() {
    let service = ServiceDirBuilder::new()
        .run("echo error >&2; echo line; exec sleep 100000")
        .log_run("echo logger >&2; exec cat >>lines")
        .build();
    let runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("log/lines"), &["line"]);
    wait_until("both errors", || {
        let seen = runsv.stderr();
        if seen.contains("error\n") && seen.contains("logger\n") { Ok(()) } else { Err(seen) }
    });
}

#[test]
fn the_loggers_own_output_is_the_supervisors() {
    let service = ServiceDirBuilder::sleeper().log_run("echo out; exec sleep 100000").build();
    let runsv = Supervisor::runsv(service.path());
    wait_until("output", || runsv.stdout() == "out\n");
}

#[test]
fn without_a_log_output_is_the_supervisors() {
    let service =
        ServiceDirBuilder::new().run("echo out; exec sleep 100000").finish("echo finish").build();
    let runsv = Supervisor::runsv(service.path());
    wait_until("output", || runsv.stdout() == "out\n");
    service.wait_running("sleep");
    service.send("d");
    wait_until("output", || runsv.stdout() == "out\nfinish\n");
}

#[test]
fn the_logger_runs_in_its_directory_with_the_pipe_as_input() {
    let service = ServiceDirBuilder::sleeper().log_run(SLEEP).build();
    let _runsv = Supervisor::runsv(service.path());
    let main = service.wait_state(State::Run).process().unwrap();
    let log = service.log.wait_state(State::Run).process().unwrap();
    main.wait_for_exec("sleep");
    log.wait_for_exec("sleep");
    assert_eq!(log.cwd(), fs::canonicalize(service.join("log")).ok());
    assert_eq!(main.cwd(), fs::canonicalize(service.path()).ok());
    let pipe = &main.fds()[&1];
    assert!(pipe.to_str().unwrap().starts_with("pipe:"), "{pipe:?}");
    assert_eq!(&log.fds()[&0], pipe);
    assert_ne!(&log.fds()[&1], pipe);
    assert_ne!(&main.fds()[&0], pipe);
}

#[test]
fn the_pipe_is_the_same_after_restarts() {
    let service = ServiceDirBuilder::sleeper().log_run(SLEEP).build();
    let _runsv = Supervisor::runsv(service.path());
    let pipe_of = |status: &Status, fd| {
        let process = status.process().unwrap();
        process.wait_for_exec("sleep");
        process.fds()[&fd].clone()
    };
    let main = service.wait_state(State::Run);
    let log = service.log.wait_state(State::Run);
    let pipe = pipe_of(&main, 1);
    assert_eq!(pipe_of(&log, 0), pipe);
    service.send("t");
    service.log.send("t");
    assert_eq!(pipe_of(&service.wait_run_again(&main), 1), pipe);
    assert_eq!(pipe_of(&service.log.wait_run_again(&log), 0), pipe);
}

#[test]
fn lines_wait_in_the_pipe_while_the_logger_is_down() {
    let service = ServiceDirBuilder::new()
        .run("for i in 1 2 3 4 5; do echo line $i; done; echo done >state; exec sleep 100000")
        .finish("echo finish")
        .log_run(APPEND)
        .log_down()
        .build();
    let _runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("state"), &["done"]);
    service.wait_running("sleep");
    service.send("d");
    service.wait_state(State::Down);
    assert!(!service.join("log/lines").exists());
    service.log.wait_files("down", [0, b'd', 0, 0]);
    service.log.send("u");
    wait_lines(
        &service.join("log/lines"),
        &["line 1", "line 2", "line 3", "line 4", "line 5", "finish"],
    );
}

#[test]
fn a_service_survives_the_death_of_its_logger() {
    // No reader for a while is no SIGPIPE: the supervisor keeps the reading end.
    let service = ServiceDirBuilder::new()
        .run("while :; do echo line; sleep 0.01; done")
        .log_run("echo start >>starts; exec cat >>lines")
        .build();
    let _runsv = Supervisor::runsv(service.path());
    wait_line_count(&service.join("log/lines"), 3);
    let before = service.wait_state(State::Run);
    for _ in 0..2 {
        let log = service.log.wait_running("cat");
        log.process().unwrap().kill(Signal::KILL);
        service.log.wait_run_again(&log);
        let count = lines(&service.join("log/lines")).len();
        wait_line_count(&service.join("log/lines"), count + 3);
    }
    assert_eq!(service.status(), before);
}

/// Writes numbered lines under a number of its own until TERM, and says how many there were. The
/// number is in `life` from when TERM is waited for.
const GENERATOR: &str = "\
trap stop=1 TERM
read -r life <life; life=$((life + 1)); echo $life >life
n=0
while [ -z \"$stop\" ]; do
    n=$((n + 1)); echo \"$life $n a line of some length, as programs write them to their logs\"
done
echo \"$life end $n\"";

/// Takes one line after the other, never more, until told to end by a file.
const LOGGER: &str = "\
echo start >>starts
while read -r line; do
    echo \"$line\"
    if [ -e ../end ]; then rm ../end; exit 0; fi
done >>lines";

/// Checks that in each life the lines are numbered without a gap, to the number at its end.
#[track_caller]
fn assert_none_lost(path: &Path, lives: usize) -> usize {
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    let mut ended = 0;
    let all = lines(path);
    for line in &all {
        let mut words = line.split(' ');
        let (life, number) = (words.next().unwrap(), words.next().unwrap());
        let last = last.entry(life.to_owned()).or_default();
        if number == "end" {
            let count: usize = words.next().unwrap().parse().unwrap();
            assert_eq!(*last, count, "life {life} ended after {count}");
            ended += 1;
        } else {
            assert_eq!(number.parse(), Ok(*last + 1), "life {life}: {line:?}");
            *last += 1;
        }
    }
    assert_eq!(ended, lives, "ends seen");
    all.len()
}

#[test]
fn no_line_is_lost_in_a_hundred_restarts_of_both_sides_under_load() {
    // Ten services at once, since each may start only once a second.
    const SERVICES: usize = 10;
    const ROUNDS: usize = 10;
    let mut all: Vec<_> = (0..SERVICES)
        .map(|_| {
            let service =
                ServiceDirBuilder::new().run(GENERATOR).file("life", "0\n").log_run(LOGGER).build();
            let runsv = Supervisor::runsv(service.path());
            (service, runsv)
        })
        .collect();
    // What is read may be of the life before: it tells nothing of the present one.
    let wait_life = |service: &Service, number: usize| {
        wait_lines(&service.join("life"), &[&number.to_string()]);
    };
    for round in 0..ROUNDS {
        let before: Vec<_> = all
            .iter()
            .map(|(service, _)| {
                wait_life(service, round + 1);
                // In every second round both end at once, else one after the other.
                let log = service.log.wait_state(State::Run);
                let main = service.wait_state(State::Run);
                let count = lines(&service.join("log/lines")).len();
                wait_line_count(&service.join("log/lines"), count + 20);
                service.send("t");
                if round % 2 == 0 {
                    service.wait_run_again(&main);
                }
                write(&service.join("end"), "");
                (main, log)
            })
            .collect();
        for ((service, _), (main, log)) in all.iter().zip(&before) {
            service.wait_run_again(main);
            service.log.wait_run_again(log);
        }
    }
    let mut total = 0;
    for (service, runsv) in &mut all {
        wait_life(service, ROUNDS + 1);
        service.send("x");
        assert_eq!(runsv.wait_exit(), 0);
        total += assert_none_lost(&service.join("log/lines"), ROUNDS + 1);
        assert!(lines(&service.join("log/starts")).len() > ROUNDS);
    }
    assert!(total > SERVICES * ROUNDS * 20);
}

#[test]
fn a_log_that_comes_later_is_taken_up_at_the_next_start() {
    only_ours!("the reference never looks again");
    let service = ServiceDirBuilder::new().run("echo line; exec sleep 100000").build();
    let mut runsv = Supervisor::runsv(service.path());
    let before = service.wait_running("sleep");
    let made = ServiceDirBuilder::new().script("run", APPEND).build_in(service.join("log.new"));
    fs::rename(made.path(), service.join("log")).unwrap();
    service.send("t");
    service.wait_run_again(&before);
    wait_lines(&service.join("log/lines"), &["line"]);
    assert_eq!(runsv.stdout(), "line\n");
    service.log.wait_running("cat");
    service.wait_running("sleep");
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
}

#[test]
fn a_crash_of_the_logger_while_it_drains_costs_nothing() {
    // The first logger takes one line and ends; what is left goes to the next.
    let service = ServiceDirBuilder::new()
        .run("for i in 1 2 3 4; do echo line $i; done; echo done >state; exec sleep 100000")
        .log_run("while read -r line; do echo \"$line\" >>lines; [ -e all ] || exit 1; done")
        .log_down()
        .build();
    let _runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("state"), &["done"]);
    service.log.send("u");
    wait_line_count(&service.join("log/lines"), 2);
    write(&service.join("log/all"), "");
    wait_lines(&service.join("log/lines"), &["line 1", "line 2", "line 3", "line 4"]);
}

#[test]
fn a_log_that_is_no_directory() {
    let service = ServiceDirBuilder::sleeper().file("log", "").build();
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_state(State::Run);
    let warning = format!("runsv {}: warning: ./log: not a directory.\n", service.path().display());
    // The reference writes a line in pieces.
    runsv.wait_stderr(&warning);
    assert_eq!(runsv.stderr(), warning);
    service.send("x");
    assert_eq!(runsv.wait_exit(), 0);
}

#[test]
fn a_log_without_run() {
    let service = ServiceDirBuilder::sleeper().dir("log", 0o755).build();
    let mut runsv = Supervisor::runsv(service.path());
    let status = service.wait_state(State::Run);
    let line = format!(
        "runsv {}: fatal: unable to start log/./run: file does not exist\n",
        service.path().display()
    );
    runsv.wait_stderr(&format!("{line}{line}"));
    assert_eq!(service.status().pid, status.pid);
    assert!(runsv.lives());
    runit_tests::dirs::write_script(&service.join("log/run"), APPEND);
    wait_until("the logger", || service.join("log/lines").exists());
}

#[test]
fn the_log_may_be_a_symlink_to_a_directory() {
    let service = ServiceDirBuilder::new()
        .run("echo line; exec sleep 100000")
        .link("log", "elsewhere")
        .script("elsewhere/run", APPEND)
        .build();
    let _runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("elsewhere/lines"), &["line"]);
    assert!(service.join("elsewhere/supervise/status").exists());
}
