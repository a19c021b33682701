//! The scenarios by name, and running one.

use std::collections::BTreeMap;

use super::case::{Case, When};
use super::errnos::{self, Known};
use super::lab::{Check, Lab, Outcome, Strace};
use super::{
    init, level, loader, logins, manage, request, runsv, runsvdir, setup, short, svlog, svlogd,
};
use crate::bench::suite::Suite;

/// One program in a situation.
pub struct Scenario {
    /// Its name in cases and tables.
    pub name: &'static str,
    /// The program that is looked at.
    pub tool: &'static str,
    /// What happens.
    pub about: &'static str,
    /// Whether C runit cannot do it.
    pub ours_alone: bool,
    /// Lets it happen.
    pub run: fn(&Lab<'_>) -> Check<Outcome>,
}

/// All of them. A new one is a line here.
pub static SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "runsv",
        tool: "runsv",
        about: "a service with finish, control script and logger: start, t, d, u, dead logger, x",
        ours_alone: false,
        run: runsv::run,
    },
    Scenario {
        name: "runsvdir",
        tool: "runsvdir",
        about: "services that are added, removed, and end; HUP",
        ours_alone: false,
        run: runsvdir::run,
    },
    Scenario {
        name: "runsvdir-log",
        tool: "runsvdir",
        about: "the same with a log argument",
        ours_alone: false,
        run: runsvdir::run_with_log,
    },
    Scenario {
        name: "svlogd",
        tool: "svlogd",
        about: "1,800 lines with rotation and processor, ALRM, HUP, end of input",
        ours_alone: false,
        run: svlogd::run,
    },
    Scenario {
        name: "sv",
        tool: "sv",
        about: "status, stop, start with check, restart, hup",
        ours_alone: false,
        run: short::sv,
    },
    Scenario {
        name: "chpst",
        tool: "chpst",
        about: "-e -l -P -o -c -n, and -u -U as root",
        ours_alone: false,
        run: setup::run,
    },
    Scenario {
        name: "svlog",
        tool: "svlog",
        about: "two logs with archives, all lines and the last",
        ours_alone: false,
        run: svlog::show,
    },
    Scenario {
        name: "svlog-follow",
        tool: "svlog",
        about: "-f, lines that come, a log that is rotated",
        ours_alone: false,
        run: svlog::follow,
    },
    Scenario {
        name: "sv-log",
        tool: "svlog",
        about: "sv log",
        ours_alone: true,
        run: svlog::sv_log,
    },
    Scenario {
        name: "sv-manage",
        tool: "sv",
        about: "enable, list, status as JSON, disable",
        ours_alone: true,
        run: manage::run,
    },
    Scenario {
        name: "svc",
        tool: "sv",
        about: "svc -d, -u, -t, and svok",
        ours_alone: true,
        run: manage::svc,
    },
    Scenario {
        name: "chpst-more",
        tool: "chpst",
        about: "-/ -C -b -m -d -f -p -t, capabilities, umask, -0",
        ours_alone: true,
        run: setup::more,
    },
    Scenario {
        name: "svlogd-udp",
        tool: "svlogd",
        about: "the same with a copy of each line sent",
        ours_alone: false,
        run: svlogd::run_with_udp,
    },
    Scenario {
        name: "runit",
        tool: "runit",
        about: "process 1 from its start: stages 1 and 2, orphans, ctrl-alt-del",
        ours_alone: false,
        run: init::start,
    },
    Scenario {
        name: "runit-down",
        tool: "runit",
        about: "process 1 from a crash of stage 2: its restart, orphans, a request, the end",
        ours_alone: false,
        run: init::down,
    },
    Scenario {
        name: "runit-init",
        tool: "runit-init",
        about: "0, 6, and as process 1",
        ours_alone: false,
        run: request::run,
    },
    Scenario {
        name: "runsvchdir",
        tool: "runsvchdir",
        about: "a switch to another run level",
        ours_alone: false,
        run: level::run,
    },
    Scenario {
        name: "utmpset",
        tool: "utmpset",
        about: "-w, on a utmp and wtmp of its own",
        ours_alone: false,
        run: logins::run,
    },
];

/// The scenario of that name.
pub fn named(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

/// How often a call is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Before the program itself is at work, by the loader of libraries.
    pub before: usize,
    /// By the program.
    pub own: usize,
}

/// The calls that the tool makes when all goes well, and how often.
pub fn calls_of(suite: &Suite, scenario: &Scenario) -> Check<BTreeMap<String, Count>> {
    let lab = Lab::new(suite, Strace::Trace)?;
    (scenario.run)(&lab)?;
    let trace = std::fs::read(lab.trace()).map_err(|error| format!("trace: {error}"))?;
    let trace = String::from_utf8_lossy(&trace);
    let before = loader::calls(&trace);
    let mut calls = BTreeMap::<String, Count>::new();
    for name in trace.lines().filter_map(loader::call_in) {
        calls.entry(name.to_owned()).or_default().own += 1;
    }
    for (name, before) in before {
        let count = calls.entry(name).or_default();
        *count = Count { before, own: count.own.saturating_sub(before) };
    }
    calls.retain(|_, count| count.own > 0);
    if calls.is_empty() { Err("strace saw nothing".to_owned()) } else { Ok(calls) }
}

/// All faults of these calls, and the calls about which nothing is known.
pub fn cases(scenario: &str, calls: &BTreeMap<String, Count>) -> (Vec<Case>, Vec<String>) {
    let (mut cases, mut unknown) = (Vec::new(), Vec::new());
    for (call, count) in calls {
        let errors = match errnos::of(call) {
            Known::Fails(errors) => errors,
            Known::Never => continue,
            Known::Not => {
                unknown.push(call.clone());
                continue;
            }
        };
        for errno in errors {
            for when in When::ALL {
                let case = Case {
                    scenario: scenario.to_owned(),
                    call: call.clone(),
                    errno: (*errno).to_owned(),
                    when,
                    before: count.before,
                };
                let never = when == When::Tenth && count.own < 10;
                if !never && !case.is_absurd() {
                    cases.push(case);
                }
            }
        }
    }
    (cases, unknown)
}

/// Tries one case.
pub fn run(suite: &Suite, case: &Case) -> Check<Outcome> {
    let scenario = named(&case.scenario).ok_or("no such scenario")?;
    let lab = Lab::new(suite, Strace::Inject(case))?;
    let outcome = (scenario.run)(&lab)?;
    let trace = std::fs::read(lab.trace()).unwrap_or_default();
    let met = trace.windows(MET.len()).any(|part| part == MET);
    Ok(if met { outcome } else { Outcome::Missed })
}

/// What strace writes behind a call that it has made fail.
const MET: &[u8] = b"(INJECTED)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_those_that_can_happen() {
        let calls = BTreeMap::from([
            ("read".to_owned(), Count { before: 0, own: 12 }),
            ("wait4".to_owned(), Count { before: 0, own: 3 }),
            ("exit_group".to_owned(), Count { before: 0, own: 1 }),
            ("no_such_call".to_owned(), Count { before: 0, own: 1 }),
        ]);
        let (cases, unknown) = cases("runsv", &calls);
        assert_eq!(unknown, ["no_such_call"]);
        let named: Vec<String> = cases.iter().map(ToString::to_string).collect();
        assert!(named.contains(&"runsv:read:EIO:10".to_owned()));
        assert!(named.contains(&"runsv:wait4:EINTR:1".to_owned()));
        assert!(!named.iter().any(|name| name.ends_with("EINTR:1+")));
        assert!(!named.contains(&"runsv:wait4:EINTR:10".to_owned()));
    }
}
