//! `log/run` as `sv log` reads it. The input is the script.

use svlog::script::read;

/// What no path is longer than.
const LONGEST: usize = 4096;

/// Tries an input.
pub fn run(data: &[u8]) {
    let logger = read(data, b"/etc/sv/web/log");
    for directory in &logger.directories {
        assert!(directory.len() <= LONGEST, "a path that no call takes: {}", directory.len());
    }
    // A comment says nothing.
    let commented = [b"# exec svlogd /elsewhere\n", data].concat();
    assert_eq!(read(&commented, b"/etc/sv/web/log"), logger);
    // Plain words are what they are.
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"./_".contains(byte);
    if !data.is_empty() && data.len() <= LONGEST && data.iter().all(plain) {
        let script = [b"#!/bin/sh\nexec chpst -u log svlogd -tt ", data, b"\n"].concat();
        assert_eq!(read(&script, b"/etc/sv/web/log").directories, [data]);
    }
}
