//! The log in `runsvdir`'s command line. The input is the argument, and line
//! by line what is said.

use core::time::Duration;

use runit_core::diag::Sink as _;
use runsvdir::title_log::{FIXED, SHORTEST, TitleLog};

use crate::split_at_byte;

/// Tries an input.
pub fn run(data: &[u8]) {
    let (argument, said) = split_at_byte(data, b'\n');
    let log = TitleLog::new(argument, Duration::ZERO);
    assert_eq!(log.is_some(), argument.len() >= SHORTEST);
    let Some(mut log) = log else { return };
    let mut all = argument[FIXED..].to_vec();
    let room = all.len();
    for line in said.split_inclusive(|&byte| byte == b'\n') {
        log.push(line);
        all.extend(line.iter().filter(|&&byte| byte != 0));
        assert_eq!(log.window(), &all[all.len() - room..], "the last that was said");
    }
}
