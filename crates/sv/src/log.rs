//! `log`: becomes `svlog`, which shows what services have logged.

use runit_rt::errtext;
use runit_rt::signal::Inherited;
use runit_rt::spawn::{Executable, FixedPath};
use runit_rt::strings::CStrList;
use rustix::fs::{CWD, readlinkat_raw};

use crate::console::complain;
use crate::place::Place;

/// The program.
const SVLOG: &[u8] = b"svlog";

/// The longest path that the kernel gives.
const PATH_MAX: usize = 4096;

/// Becomes `svlog`, of our own file's directory or else of one in `path`, with
/// these arguments; comes back, having said why, only where it cannot be run.
#[inline(never)]
pub fn show(argv: CStrList<'_>, env: CStrList<'_>, path: &[u8], inherited: &Inherited) {
    let mut own = [0; PATH_MAX];
    let length = readlinkat_raw(CWD, c"/proc/self/exe", &mut own).unwrap_or(0);
    let own = own.get(..length).unwrap_or_default();
    inherited.restore();
    let slash = own.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    let mut directory = own.get(..slash).unwrap_or_default();
    let mut rest = path;
    let mut place = Place::new(b"");
    loop {
        place.enter_at(directory, SVLOG);
        let error = FixedPath(place.directory()).execute(argv, env);
        if rest.is_empty() {
            return complain("fatal: unable to run ", SVLOG, "", errtext::local(error));
        }
        let colon = rest.iter().position(|&byte| byte == b':').unwrap_or(rest.len());
        directory = rest.get(..colon).unwrap_or_default();
        rest = rest.get(colon + 1..).unwrap_or_default();
    }
}
