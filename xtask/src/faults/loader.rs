//! What of a trace is not the program's: programs that are linked to libraries are made ready by a
//! loader, whose calls are not meant to fail here.

use std::collections::BTreeMap;

/// The calls of a loader at the beginning of the trace, and how often it makes each. It looks for
/// libraries in a file, which it unmaps when it is done.
pub fn calls(trace: &str) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    let mut looked = false;
    for line in trace.lines() {
        let Some(name) = call_in(line) else { continue };
        looked |= line.contains("/etc/ld.so.cache");
        // The first is that by which strace begins.
        if name != "execve" {
            *calls.entry(name.to_owned()).or_insert(0) += 1;
        }
        if looked && name == "munmap" {
            return calls;
        }
    }
    BTreeMap::new()
}

/// The name of the call in a line such as `123 openat(...) = 3`.
pub fn call_in(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
    let name = rest.split_once('(')?.0;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_name && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_from_a_trace() {
        assert_eq!(call_in("12  openat(AT_FDCWD, \"x\") = 3"), Some("openat"));
        assert_eq!(call_in("close(3) = 0"), Some("close"));
        assert_eq!(call_in("12  <... clone resumed>) = 13"), None);
        assert_eq!(call_in("12  +++ exited with 0 +++"), None);
    }

    #[test]
    fn a_loader_has_done_when_it_forgets_where_libraries_are() {
        let trace = "1 execve(\"x\")\n1 brk(0)\n1 openat(\"/etc/ld.so.cache\")\n1 openat(\"libc\")\n\
                     1 munmap(1)\n1 openat(\"mine\")\n";
        let expected = [("brk", 1), ("munmap", 1), ("openat", 2)];
        let expected = expected.map(|(name, count)| (name.to_owned(), count));
        assert_eq!(calls(trace), BTreeMap::from(expected));
        assert_eq!(calls("1 execve(\"x\")\n1 openat(\"mine\")\n1 munmap(1)\n"), BTreeMap::new());
    }
}
