//! Custom control scripts: when they run, in which order, and what they may prevent.

use std::fs;

use runit_tests::dirs::{
    APPEND, RECORDER, lines, make_fifo, open_gate, set_mode, wait_line_count, wait_lines,
};
use runit_tests::prelude::*;
use rustix::process::Signal;

/// A script that notes `word` in the file `order` and ends with `code`.
fn note(word: &str, code: u8) -> String {
    format!("echo {word} >>order; exit {code}")
}

/// A script that notes `word`, waits until the FIFO `gate` is opened for writing, and ends with
/// `code`.
fn gated(word: &str, code: u8) -> String {
    format!("echo {word} >>order; : <gate; exit {code}")
}

#[test]
fn exit_code_zero_vetoes_the_signal() {
    let bytes = ['a', 'h', 'i', 'q', '1', '2', 'c', 't'];
    let mut builder = ServiceDirBuilder::new().run(RECORDER);
    for byte in bytes {
        builder = builder.control(byte, note(&byte.to_string(), 0));
    }
    let service = builder.build();
    let _runsv = Supervisor::runsv(service.path());
    let got = service.join("got");
    wait_lines(&got, &["ready"]);
    for (count, byte) in (1..).zip(bytes) {
        service.send(&byte.to_string());
        let order = wait_line_count(&service.join("order"), count);
        assert_eq!(order[count - 1], byte.to_string());
    }
    // `p` has no script: it is acted on after all the others.
    service.send("p");
    service.wait_stat("run, paused");
    let process = service.wait_state(State::Run).process().unwrap();
    process.wait_for_state('T');
    assert_eq!(process.signals().unwrap().pending, 0);
    process.kill(Signal::CONT);
    wait_lines(&got, &["ready", "CONT"]);
}

#[test]
fn another_exit_code_does_not() {
    let bytes = [('a', "ALRM"), ('h', "HUP"), ('1', "USR1"), ('t', "TERM")];
    let mut builder = ServiceDirBuilder::new().run(RECORDER);
    for ((byte, _), code) in bytes.into_iter().zip([1, 2, 100, 255]) {
        builder = builder.control(byte, note(&byte.to_string(), code));
    }
    let service = builder.build();
    let _runsv = Supervisor::runsv(service.path());
    let mut wanted = vec!["ready"];
    wait_lines(&service.join("got"), &wanted);
    for (byte, name) in bytes {
        service.send(&byte.to_string());
        wanted.push(name);
        wait_lines(&service.join("got"), &wanted);
    }
    assert_eq!(lines(&service.join("order")), ["a", "h", "1", "t"]);
}

#[test]
fn a_script_ended_by_a_signal_has_not_handled_it() {
    let service = ServiceDirBuilder::new()
        .run(RECORDER)
        .control('h', "echo h >>order; kill -9 $$")
        .control('1', note("1", 1))
        .build();
    let _runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("got"), &["ready"]);
    service.send("h1");
    if suite::is_ours() {
        wait_line_count(&service.join("got"), 3);
        let mut got = lines(&service.join("got"));
        got.sort();
        assert_eq!(got, ["HUP", "USR1", "ready"]);
    } else {
        // The reference looks at the exit code alone, which is 0 then.
        wait_lines(&service.join("got"), &["ready", "USR1"]);
    }
    assert_eq!(lines(&service.join("order")), ["h", "1"]);
}

#[test]
fn a_script_that_is_not_executable_is_none() {
    let service = ServiceDirBuilder::new()
        .run(RECORDER)
        .file("control/h", "#!/bin/sh\necho h >>order\n")
        .dir("control/1", 0o755)
        .build();
    let mut runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("got"), &["ready"]);
    service.send("h");
    wait_lines(&service.join("got"), &["ready", "HUP"]);
    assert!(!service.join("order").exists());
    assert!(runsv.lives());
}

#[test]
fn a_script_may_come_and_go() {
    let service = ServiceDirBuilder::new().run(RECORDER).control('h', note("h", 0)).build();
    let _runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("got"), &["ready"]);
    service.send("h");
    wait_lines(&service.join("order"), &["h"]);
    set_mode(&service.join("control/h"), 0o644);
    service.send("h");
    wait_lines(&service.join("got"), &["ready", "HUP"]);
    set_mode(&service.join("control/h"), 0o755);
    service.send("h1");
    wait_lines(&service.join("got"), &["ready", "HUP", "USR1"]);
    assert_eq!(lines(&service.join("order")), ["h", "h"]);
}

#[test]
fn down_runs_t_then_d_and_exit_runs_t_then_x() {
    for (byte, after, want) in [("d", "d", "want down"), ("x", "x", "want exit")] {
        let service = ServiceDirBuilder::new()
            .run("exec env --block-signal=TERM sleep 100000")
            .control('t', "grep ShdPnd /proc/$(cat supervise/pid)/status >>order; exit 1")
            .control('d', "echo d >>order; grep ShdPnd /proc/$(cat supervise/pid)/status >>order")
            .control('x', "echo x >>order; grep ShdPnd /proc/$(cat supervise/pid)/status >>order")
            .build();
        let _runsv = Supervisor::runsv(service.path());
        let process = service.wait_running("sleep").process().unwrap();
        wait_until("pid file", || service.pid_text() == process.to_string());
        service.send(byte);
        let order = wait_line_count(&service.join("order"), 3);
        // TERM, bit 14, is sent after t, before the other.
        assert!(order[0].ends_with("000000"), "{order:?}");
        assert_eq!(order[1], after);
        assert!(order[2].ends_with("004000"), "{order:?}");
        service.wait_stat(&format!("run, got TERM, {want}"));

        // So does a `t` for what is to go already.
        service.send("t");
        let order = wait_line_count(&service.join("order"), 6);
        assert!(order[3].starts_with("ShdPnd"), "{order:?}");
        assert_eq!(order[4], after);
    }
}

#[test]
fn term_alone_runs_t_alone() {
    let service = ServiceDirBuilder::new()
        .run(RECORDER)
        .control('t', note("t", 1))
        .control('d', note("d", 0))
        .control('x', note("x", 0))
        .control('1', note("1", 0))
        .build();
    let _runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("got"), &["ready"]);
    service.send("t1");
    wait_line_count(&service.join("order"), 2);
    assert_eq!(lines(&service.join("order")), ["t", "1"]);
    wait_lines(&service.join("got"), &["ready", "TERM"]);
}

#[test]
fn continue_follows_a_vetoed_term() {
    for (byte, want) in [("d", "want down"), ("x", "want exit")] {
        let service = ServiceDirBuilder::new().run(RECORDER).control('t', note("t", 0)).build();
        let _runsv = Supervisor::runsv(service.path());
        wait_lines(&service.join("got"), &["ready"]);
        service.send(byte);
        wait_lines(&service.join("got"), &["ready", "CONT"]);
        service.wait_stat(&format!("run, {want}"));
        assert_eq!(lines(&service.join("order")), ["t"]);
        assert!(!service.status().got_term);
    }
}

#[test]
fn scripts_d_and_x_cannot_prevent_anything() {
    for byte in ["d", "x"] {
        let service = ServiceDirBuilder::new()
            .run(RECORDER)
            .control('d', note("d", 0))
            .control('x', note("x", 0))
            .build();
        let _runsv = Supervisor::runsv(service.path());
        wait_lines(&service.join("got"), &["ready"]);
        service.send(byte);
        wait_lines(&service.join("order"), &[byte]);
        let got = wait_line_count(&service.join("got"), 3);
        assert!(got.contains(&"TERM".into()) && got.contains(&"CONT".into()), "{got:?}");
    }
}

#[test]
fn u_runs_before_each_start_whatever_its_exit_code() {
    for code in [0, 1] {
        let service = ServiceDirBuilder::new()
            .run("echo run >>order; exec sleep 100000")
            .control('u', note("u", code))
            .build();
        let _runsv = Supervisor::runsv(service.path());
        let order = service.join("order");
        wait_lines(&order, &["u", "run"]);
        let before = service.wait_running("sleep");
        service.send("t");
        service.wait_run_again(&before);
        wait_lines(&order, &["u", "run", "u", "run"]);
        service.status().process().unwrap().wait_for_exec("sleep");
        service.send("d");
        service.wait_state(State::Down);
        service.send("u");
        wait_lines(&order, &["u", "run", "u", "run", "u", "run"]);
    }
}

#[test]
fn once_runs_u_too() {
    let service = ServiceDirBuilder::new()
        .run("echo run >>order; exec sleep 100000")
        .control('u', note("u", 0))
        .control('o', note("o", 0))
        .down()
        .build();
    let _runsv = Supervisor::runsv(service.path());
    service.send("o");
    wait_lines(&service.join("order"), &["u", "run"]);
}

#[test]
fn a_vetoed_pause_is_none() {
    let service = ServiceDirBuilder::new()
        .run(RECORDER)
        .control('p', note("p", 0))
        .control('c', note("c", 0))
        .build();
    let _runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("got"), &["ready"]);
    let process = service.wait_state(State::Run).process().unwrap();
    service.send("p");
    wait_lines(&service.join("order"), &["p"]);
    service.send("1");
    wait_lines(&service.join("got"), &["ready", "USR1"]);
    assert_ne!(process.state(), Some('T'));
}

#[test]
fn a_vetoed_kill_leaves_everything_as_it_is() {
    let service = ServiceDirBuilder::sleeper().control('k', note("k", 0)).build();
    let _runsv = Supervisor::runsv(service.path());
    let status = service.wait_state(State::Run);
    service.send("k");
    wait_lines(&service.join("order"), &["k"]);
    if suite::is_ours() {
        service.send("p");
        service.wait_files("run, paused", [1, b'u', 0, 1]);
        assert_eq!(service.status(), Status { paused: true, ..status });
        assert!(status.process().unwrap().lives());
    } else {
        // The reference takes it for dead, and starts another.
        service.send("u");
        service.wait_run_again(&status);
    }
}

#[test]
fn scripts_run_in_the_service_directory_and_write_to_the_log() {
    let service = ServiceDirBuilder::sleeper()
        .control('h', "pwd; echo \"$0 $#\"; exit 0")
        .log_run(APPEND)
        .build();
    let _runsv = Supervisor::runsv(service.path());
    service.wait_state(State::Run);
    service.send("h");
    let seen = wait_line_count(&service.join("log/lines"), 2);
    assert_eq!(seen[0], fs::canonicalize(service.path()).unwrap().to_str().unwrap());
    assert_eq!(seen[1], "control/h 0");
}

#[test]
fn scripts_without_a_log_write_where_the_supervisor_does() {
    let service = ServiceDirBuilder::sleeper().control('h', "echo out; echo err >&2").build();
    let runsv = Supervisor::runsv(service.path());
    service.wait_state(State::Run);
    service.send("h");
    wait_until("output", || runsv.stdout() == "out\n" && runsv.stderr() == "err\n");
}

#[test]
fn scripts_are_not_for_the_log_service() {
    let service = ServiceDirBuilder::sleeper()
        .log_run(RECORDER)
        .control('h', note("service", 0))
        .script("log/control/h", "echo log >>order; exit 0")
        .script("log/control/u", "echo log >>order; exit 0")
        .build();
    let _runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("log/got"), &["ready"]);
    service.log.send("h");
    wait_lines(&service.join("log/got"), &["ready", "HUP"]);
    assert!(!service.join("order").exists());
    assert!(!service.join("log/order").exists());
}

#[test]
fn later_bytes_wait_for_a_script() {
    let service = ServiceDirBuilder::new()
        .run(RECORDER)
        .control('h', gated("h", 1))
        .control('1', note("1", 1))
        .build();
    make_fifo(&service.join("gate"));
    let _runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("got"), &["ready"]);
    service.send("h1p");
    wait_lines(&service.join("order"), &["h"]);
    service.send("2");
    assert_eq!(lines(&service.join("got")), ["ready"]);
    assert_eq!(service.stat(), "run");
    open_gate(&service.join("gate"));
    service.wait_stat("run, paused");
    service.send("c");
    wait_line_count(&service.join("got"), 4);
    assert_eq!(lines(&service.join("order")), ["h", "1"]);
}

#[test]
fn term_waits_for_script_t() {
    let service = ServiceDirBuilder::new().run(RECORDER).control('t', gated("t", 1)).build();
    make_fifo(&service.join("gate"));
    let _runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("got"), &["ready"]);
    service.send("t");
    wait_lines(&service.join("order"), &["t"]);
    assert_eq!(lines(&service.join("got")), ["ready"]);
    open_gate(&service.join("gate"));
    wait_lines(&service.join("got"), &["ready", "TERM"]);
}

#[test]
fn a_service_that_ends_during_its_script_is_noticed() {
    let service = ServiceDirBuilder::new()
        .run("echo run >>order; exec sleep 100000")
        .control('h', gated("h", 1))
        .build();
    make_fifo(&service.join("gate"));
    let _runsv = Supervisor::runsv(service.path());
    let before = service.wait_running("sleep");
    service.send("h");
    wait_lines(&service.join("order"), &["run", "h"]);
    before.process().unwrap().kill(Signal::KILL);
    before.process().unwrap().wait_for_end();
    open_gate(&service.join("gate"));
    service.wait_run_again(&before);
    service.wait_files("run", [0, b'u', 0, 1]);
}

#[test]
fn a_script_does_not_hold_up_the_log_service() {
    only_ours!("the reference waits for a control script and does nothing else meanwhile");
    let service =
        ServiceDirBuilder::sleeper().control('h', gated("h", 1)).log_run(RECORDER).build();
    make_fifo(&service.join("gate"));
    let _runsv = Supervisor::runsv(service.path());
    wait_lines(&service.join("log/got"), &["ready"]);
    service.send("h");
    wait_lines(&service.join("order"), &["h"]);
    service.log.send("1");
    wait_lines(&service.join("log/got"), &["ready", "USR1"]);
    open_gate(&service.join("gate"));
}

#[test]
fn exit_by_signal_waits_for_a_script_too() {
    let service = ServiceDirBuilder::sleeper().control('h', gated("h", 0)).build();
    make_fifo(&service.join("gate"));
    let mut runsv = Supervisor::runsv(service.path());
    service.wait_running("sleep");
    service.send("h");
    wait_lines(&service.join("order"), &["h"]);
    runsv.kill(Signal::TERM);
    open_gate(&service.join("gate"));
    assert_eq!(runsv.wait_exit(), 0);
    service.wait_stat("down");
}
