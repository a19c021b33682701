//! What `sv` prints of a service.

/// A line of `sv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Counts as a failure in the exit code.
    pub failed: bool,
    /// It ended with `ok`.
    pub ok: bool,
    /// The service as it was given.
    pub name: String,
    /// The state, if it tells one: `run`, `down` or `finish`.
    pub state: Option<String>,
    /// The process, if it tells one.
    pub pid: Option<u32>,
}

impl Answer {
    /// Reads a line; what follows `; ` is of the logger, and left out.
    pub fn parse(line: &str) -> Option<Self> {
        let (first, rest) = line.split_once(": ")?;
        let (failed, ok) = match first {
            "ok" => (false, true),
            "timeout" | "kill" | "fail" | "warning" => (true, false),
            "run" | "down" | "finish" => (false, false),
            _ => return None,
        };
        let (state, rest) = if failed || ok {
            match rest.split_once(": ") {
                Some((state @ ("run" | "down" | "finish"), rest)) => (Some(state), rest),
                _ => (None, rest),
            }
        } else {
            (Some(first), rest)
        };
        let (name, rest) = rest.split_once(": ")?;
        let rest = rest.split("; ").next().unwrap_or(rest);
        let pid = match rest.strip_prefix("(pid ") {
            Some(after) => Some(after.split_once(") ")?.0.parse().ok()?),
            None => None,
        };
        Some(Self { failed, ok, name: name.to_owned(), state: state.map(str::to_owned), pid })
    }
}

/// What is wrong with the whole of an answer to a question about `asked` services,
/// each of which is answered if the command waits.
pub fn fault(output: &str, code: i32, asked: usize, waits: bool) -> Option<String> {
    let mut failed = 0;
    let mut lines = 0;
    for line in output.lines() {
        let Some(answer) = Answer::parse(line) else {
            return Some(format!("no line of sv: {line}"));
        };
        lines += 1;
        // A failure of the logger follows its service's state.
        failed += i32::from(answer.failed || line.contains("; fail: ") || line.contains("; warn"));
    }
    if lines > asked || (waits && lines < asked) {
        return Some(format!("{lines} lines for {asked} services"));
    }
    (code != failed).then(|| format!("exit code {code} with {failed} failures: {output}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let read = |line| {
            let Answer { failed, ok, name, state, pid } = Answer::parse(line)?;
            Some((failed, ok, name, state.unwrap_or_default(), pid.unwrap_or(0)))
        };
        let case = |failed, ok, state: &str, pid| Some((failed, ok, "x".into(), state.into(), pid));
        assert_eq!(read("run: x: (pid 42) 7s"), case(false, false, "run", 42));
        assert_eq!(read("down: x: 3s, normally up"), case(false, false, "down", 0));
        assert_eq!(
            read("run: x: (pid 42) 7s; run: log: (pid 41) 7s"),
            case(false, false, "run", 42)
        );
        assert_eq!(read("ok: run: x: (pid 42) 1s"), case(false, true, "run", 42));
        assert_eq!(read("timeout: down: x: 0s"), case(true, false, "down", 0));
        assert_eq!(read("fail: x: runsv not running"), case(true, false, "", 0));
        assert_eq!(read("ok: x: runsv not running"), case(false, true, "", 0));
        assert_eq!(read("run x"), None);
        assert_eq!(read("run: x: (pid many) 1s"), None);
    }

    #[test]
    fn code_and_lines_must_agree() {
        let two = "ok: run: x: (pid 1) 1s\ntimeout: run: y: (pid 2) 1s\n";
        assert_eq!(fault(two, 1, 2, true), None);
        assert!(fault(two, 0, 2, true).is_some());
        assert!(fault(two, 1, 3, true).is_some());
        assert_eq!(fault("", 0, 3, false), None);
        assert!(fault("rubbish\n", 0, 1, false).is_some());
    }
}
