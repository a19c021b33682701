//! What a program that meets a fault may say.

use super::lab::Check;

/// The most lines that a tool may say in one run: a fault is told, not repeated for ever.
const LINES: usize = 60;

/// Checks that each line begins with one of `starts` and tells a cause.
pub fn are_sane(said: &str, starts: &[&str]) -> Check {
    if said.lines().count() > LINES {
        return Err(format!("it said {} lines", said.lines().count()));
    }
    if !said.is_empty() && !said.ends_with('\n') {
        return Err("its last line has no end".to_owned());
    }
    for line in said.lines() {
        let rest = starts.iter().find_map(|start| line.strip_prefix(start));
        let Some(rest) = rest else { return Err(format!("it said: {line}")) };
        if rest.trim().is_empty() || line.contains("panic") {
            return Err(format!("it said: {line}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_begin_right_end_and_are_few() {
        let starts = ["sv: fatal: ", "sv: warning: "];
        assert_eq!(are_sane("", &starts), Ok(()));
        assert_eq!(are_sane("sv: fatal: x: no\nsv: warning: y\n", &starts), Ok(()));
        assert!(are_sane("sv: fatal: x", &starts).is_err());
        assert!(are_sane("sv: panic: a.rs:1\n", &starts).is_err());
        assert!(are_sane("sv: fatal: \n", &starts).is_err());
        assert!(are_sane(&"sv: fatal: x\n".repeat(LINES + 1), &starts).is_err());
    }
}
