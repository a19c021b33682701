//! Where accounts are looked up: `/etc/passwd` and `/etc/group`, and for what
//! is not there `getent`, so that LDAP, SSSD and systemd users are found
//! without a libc that loads modules into this process.

use core::ffi::CStr;

use runit_rt::Errno;
use runit_rt::pile::Pile;
use runit_rt::signal::Inherited;
use runit_rt::spawn::{Program, Session, Spawn};
use runit_rt::strings::{CStrList, Link, list_of};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{WaitOptions, waitpid};

use crate::account::{Database, Source};
use crate::text::c_string;

/// The machine's accounts, as seen below the root directory of this moment.
pub struct System<'a> {
    /// The environment for `getent`.
    pub env: CStrList<'a>,
    /// Where to search it.
    pub path: &'a CStr,
}

impl System<'_> {
    /// What `getent DATABASE NAME` says; nothing if there is no `getent`.
    fn getent(&self, database: &CStr, name: &[u8]) -> Result<&'static [u8], Errno> {
        let name = c_string(&[name])?;
        let argv = [Link::to(c"getent"), Link::to(database), Link::to(name), Link::END];
        let (answer, out) = pipe_with(PipeFlags::CLOEXEC)?;
        let child = Spawn {
            program: Program::Search(c"getent", self.path),
            argv: list_of(&argv).ok_or(Errno::NOMEM)?,
            env: self.env,
            dir: None,
            fds: &[(out.as_fd(), 1)],
            session: Session::Inherit,
            signals: &Inherited::current(),
            failed: &|_| {},
        }
        .start();
        drop(out);
        let text = child.and_then(|_| read_all(answer.as_fd()));
        if let Ok(pid) = child {
            // An error means that SIGCHLD is ignored, which is as good here.
            while matches!(waitpid(Some(pid), WaitOptions::empty()), Err(Errno::INTR)) {}
        }
        text
    }
}

impl Source for System<'_> {
    fn file(&self, database: Database) -> Result<&'static [u8], Errno> {
        let path = if database == Database::Users { c"/etc/passwd" } else { c"/etc/group" };
        match openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
            // In a small container, or below a new root, there may be none.
            Err(Errno::NOENT) => Ok(b""),
            fd => read_all(fd?.as_fd()),
        }
    }

    fn elsewhere(&self, database: Database, name: &[u8]) -> Result<&'static [u8], Errno> {
        let database = match database {
            Database::Users => c"passwd",
            Database::Groups => c"group",
            Database::Memberships => c"initgroups",
        };
        self.getent(database, name)
    }
}

/// Everything up to the end, for the rest of the process's life.
fn read_all(fd: BorrowedFd<'_>) -> Result<&'static [u8], Errno> {
    let mut text = Pile::new();
    let mut buffer = [0; 4096];
    loop {
        match rustix::io::read(fd, &mut buffer) {
            Ok(0) => return Ok(text.into_slice()),
            Ok(n) => text.extend(buffer.get(..n).unwrap_or_default())?,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}
