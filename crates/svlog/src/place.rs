//! Which directory may be the log of a service, best first, as paths.

use alloc::vec::Vec;

use crate::script;

/// Where distributions keep the logs of services, each in a directory of its
/// name: Void and Artix, Debian, and others.
const EVERYWHERE: [&[u8]; 3] = [b"/var/log/", b"/var/log/runit/", b"/var/log/sv/"];

/// The directory of a service that is named so (CONTRACT section 4).
pub fn directory(name: &[u8], services: &[u8]) -> Vec<u8> {
    let mut path = match name {
        [b'/' | b'.', ..] | [.., b'/'] => name.to_vec(),
        _ => join(services, name),
    };
    while path.len() > 1 && path.last() == Some(&b'/') {
        path.pop();
    }
    path
}

/// `path` from `directory`: that itself where it is absolute.
#[inline(never)]
pub fn join(directory: &[u8], path: &[u8]) -> Vec<u8> {
    if path.first() == Some(&b'/') {
        return path.to_vec();
    }
    let mut joined = directory.to_vec();
    joined.push(b'/');
    joined.extend_from_slice(path);
    joined
}

/// The last part of a path; `None` where it is not a name.
pub fn base(path: &[u8]) -> Option<&[u8]> {
    let name = path.rsplit(|&byte| byte == b'/').next()?;
    (!name.is_empty() && name != b"." && name != b"..").then_some(name)
}

/// A directory that may be the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its path.
    pub path: Vec<u8>,
    /// Its labels count leap seconds.
    pub leaps: bool,
}

/// The candidates for a service whose log service is in the directory `log`,
/// whose `log/run` has this text, and which has these names.
#[inline(never)]
pub fn candidates(log: &[u8], run: &[u8], names: &[&[u8]]) -> Vec<Candidate> {
    let logger = script::read(run, log);
    let mut found = Vec::new();
    let mut add = |path: Vec<u8>| {
        if !found.iter().any(|other: &Candidate| other.path == path) {
            found.push(Candidate { path, leaps: logger.leaps });
        }
    };
    for directory in &logger.directories {
        add(join(log, directory));
    }
    add(join(log, b"main"));
    add(log.to_vec());
    for name in names {
        for directory in EVERYWHERE {
            let mut path = directory.to_vec();
            path.extend_from_slice(name);
            add(path);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    #[test]
    fn names_are_looked_up_and_paths_are_not() {
        for (name, expected) in [
            (&b"web"[..], &b"/service/web"[..]),
            (b"web/log", b"/service/web/log"),
            (b"/etc/sv/web//", b"/etc/sv/web"),
            (b"./web", b"./web"),
            (b"web/", b"web"),
            (b".", b"."),
            (b"/", b"/"),
        ] {
            assert_eq!(directory(name, b"/service"), expected);
        }
        assert_eq!(base(b"/etc/sv/web"), Some(&b"web"[..]));
        assert_eq!(base(b"web"), Some(&b"web"[..]));
        for none in [&b"."[..], b"..", b"/", b"a/.."] {
            assert_eq!(base(none), None);
        }
    }

    fn paths(run: &str, names: &[&[u8]]) -> Vec<String> {
        let found = candidates(b"/sv/web/log", run.as_bytes(), names);
        found.iter().map(|each| String::from_utf8_lossy(&each.path).into_owned()).collect()
    }

    #[test]
    fn what_the_script_names_comes_first() {
        assert_eq!(
            paths("exec svlogd ./main /var/log/x", &[b"web"]),
            [
                "/sv/web/log/./main",
                "/var/log/x",
                "/sv/web/log/main",
                "/sv/web/log",
                "/var/log/web",
                "/var/log/runit/web",
                "/var/log/sv/web",
            ]
        );
        assert_eq!(
            paths("", &[b"web", b"web"])[..3],
            ["/sv/web/log/main", "/sv/web/log", "/var/log/web"]
        );
        assert_eq!(paths("", &[b"web", b"web"]).len(), 5);
        assert_eq!(paths("", &[]).len(), 2);
    }

    #[test]
    fn labels_are_of_the_logger_that_the_script_names() {
        assert!(candidates(b"/l", b"s6-log t ./main", &[])[0].leaps);
        assert!(!candidates(b"/l", b"svlogd -t ./main", &[])[0].leaps);
    }
}
