//! The programs that a supervisor starts, and what it says when it cannot.

use core::ffi::CStr;

use runit_core::diag::{Decimal, ErrText, Say, Sink, Voice};
use runit_core::layout::{FINISH, LOG, RUN};
use runit_rt::Errno;
use runit_rt::signal::Inherited;
use runit_rt::spawn::{Failure, FixedPath, Session, Spawn};
use runit_rt::strings::{CStrList, ListBuf, ShortCString};
use rustix::fd::{AsFd as _, BorrowedFd};
use rustix::fs::Mode;
use rustix::process::Pid;

use crate::machine::{Program, Role};
use crate::setup::LogPipe;

/// Why a child could not be started, or not do what it was started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildError<'a> {
    /// No process could be made; it will be tried again.
    Fork(Errno),
    /// No process could be made for a control script.
    ForkHook(&'a CStr, Errno),
    /// It cannot be told whether there is a control script.
    StatHook(&'a CStr, Errno),
    /// Said by the child: a step before its program has failed, or that.
    Child(&'a CStr, Failure),
}

impl Say for ChildError<'_> {
    fn say(&self, out: &mut dyn Sink) {
        let (before, name, error): (&str, _, _) = match *self {
            Self::Fork(error) => ("unable to fork, retrying", c"", error),
            Self::ForkHook(name, error) => ("unable to fork for ", name, error),
            Self::StatHook(name, error) => ("unable to stat ", name, error),
            Self::Child(_, Failure::Directory(error)) => {
                ("unable to change directory to ./log", c"", error)
            }
            Self::Child(name, Failure::Descriptor(error)) => {
                ("unable to setup filedescriptor for ", name, error)
            }
            Self::Child(name, Failure::Execute(error)) => ("unable to start ", name, error),
        };
        out.push(before.as_bytes());
        out.push(name.to_bytes());
        out.push(b": ");
        ErrText(error).say(out);
    }
}

/// What all children have in common.
pub struct Nursery<'a> {
    /// Who speaks.
    pub voice: Voice<'a>,
    /// The environment of every child.
    pub env: CStrList<'a>,
    /// The signal state of every child.
    pub signals: Inherited,
}

impl Nursery<'_> {
    /// Starts `program` of the service or log service.
    pub fn start(&self, role: Role, program: Program, pipe: Option<&LogPipe>) -> Option<Pid> {
        let mut code = ShortCString::new();
        let mut status = ShortCString::new();
        let (path, shown) = match (program, role) {
            (Program::Run, Role::Service) => (RUN, RUN),
            (Program::Run, Role::Log) => (RUN, c"log/./run"),
            (Program::Finish(_), _) => (FINISH, FINISH),
        };
        let mut argv = ListBuf::<4>::new(&[path]);
        if let Program::Finish(exit) = program {
            Decimal(exit.finish_code().into()).say(&mut code);
            Decimal(exit.finish_status().into()).say(&mut status);
            argv.push(code.as_c_str());
            argv.push(status.as_c_str());
        }
        let output = output_of(pipe);
        let input = pipe.map(|pipe| (pipe.read.as_fd(), 0));
        let (dir, fd) = match role {
            Role::Service => (None, output),
            Role::Log => (Some(LOG.dir), input),
        };
        self.spawn(path, shown, argv.as_list(), dir, fd)
            .map_err(|error| self.voice.say("warning: ", &ChildError::Fork(error)))
            .ok()
    }

    /// Whether there is a control script that can be executed.
    pub fn has_hook(&self, path: &CStr) -> bool {
        match rustix::fs::stat(path) {
            Ok(stat) => Mode::from_raw_mode(stat.st_mode).contains(Mode::XUSR),
            Err(error) => {
                if error != Errno::NOENT {
                    self.voice.say("warning: ", &ChildError::StatHook(path, error));
                }
                false
            }
        }
    }

    /// Starts the control script at `path`.
    pub fn start_hook(&self, path: &CStr, pipe: Option<&LogPipe>) -> Option<Pid> {
        let argv = ListBuf::<2>::new(&[path]);
        self.spawn(path, path, argv.as_list(), None, output_of(pipe))
            .map_err(|error| self.voice.say("warning: ", &ChildError::ForkHook(path, error)))
            .ok()
    }

    fn spawn(
        &self,
        path: &CStr,
        shown: &CStr,
        argv: CStrList<'_>,
        dir: Option<&CStr>,
        fd: Option<(BorrowedFd<'_>, i32)>,
    ) -> Result<Pid, Errno> {
        let failed = |failure| {
            self.voice.say("fatal: ", &ChildError::Child(shown, failure));
        };
        Spawn {
            program: FixedPath(path),
            argv,
            env: self.env,
            dir,
            fds: fd.as_slice(),
            session: Session::Inherit,
            signals: &self.signals,
            failed: &failed,
        }
        .start()
    }
}

/// The log pipe as standard output, if there is one.
fn output_of(pipe: Option<&LogPipe>) -> Option<(BorrowedFd<'_>, i32)> {
    let write = pipe?.write.as_ref()?;
    Some((write.as_fd(), 1))
}
