//! What is known not to go as it should under a fault, and why that is so.

use super::case::Case;

/// A fault under which a tool does less than it should.
struct Limit {
    /// The case or cases, as `--only` has them.
    cases: &'static str,
    /// Why.
    why: &'static str,
}

/// All of them.
const LIMITS: &[Limit] = &[
    Limit {
        cases: ":newfstatat:ENOENT",
        why: "a file that the system says is not there counts as removed",
    },
    Limit {
        cases: ":inotify_add_watch:ENOENT",
        why: "a file that the system says is not there counts as removed",
    },
    Limit {
        cases: ":unlinkat:ENOENT",
        why: "a file that the system says is not there counts as removed",
    },
    Limit {
        cases: "svlog:open:ENOENT",
        why: "a file that the system says is not there counts as removed",
    },
    Limit {
        cases: "svlog:write:EAGAIN:1+",
        why: "poll says that output can be written, write that it cannot: it tries again at once",
    },
    Limit {
        cases: "svlog-follow:write:EAGAIN:1+",
        why: "poll says that output can be written, write that it cannot: it tries again at once",
    },
    Limit {
        cases: "svlogd:read:EAGAIN:1+",
        why: "poll says that input can be read, read that it cannot: it asks again at once",
    },
    Limit {
        cases: "svlogd-udp:read:EAGAIN:1+",
        why: "poll says that input can be read, read that it cannot: it asks again at once",
    },
    Limit {
        cases: "chpst-more:prctl:EINVAL",
        why: "a capability that the kernel says it does not know is none, nor are those above it",
    },
    Limit {
        cases: "chpst:read:EISDIR",
        why: "a directory in an environment directory sets no variable",
    },
    Limit {
        cases: ":wait4:EINTR",
        why: "wait4 with WNOHANG is not interrupted, by its manual page: not provided for",
    },
    Limit {
        cases: "runsvdir:kill",
        why: "signalling one's own child that was not reaped does not fail: not tried again",
    },
    Limit {
        cases: "runsvdir-log:kill",
        why: "signalling one's own child that was not reaped does not fail: not tried again",
    },
];

/// Why this case is known to fail.
pub fn why(case: &Case) -> Option<&'static str> {
    LIMITS.iter().find(|limit| case.is_meant_by(limit.cases)).map(|limit| limit.why)
}
