//! The programs that a supervisor starts, and what it says when it cannot.

use core::ffi::CStr;
use core::fmt::Write as _;

use runit_core::control::ControlByte;
use runit_core::diag::{Decimal, ErrText, Voice};
use runit_core::layout::{self, FINISH, LOG, Name, RUN};
use runit_rt::Errno;
use runit_rt::signal::Inherited;
use runit_rt::spawn::{self, Failure, Session, Spawn};
use runit_rt::strings::{CStrList, ListBuf};
use rustix::fd::{AsFd as _, BorrowedFd};
use rustix::fs::Mode;
use rustix::process::Pid;

use crate::machine::{Program, Role};
use crate::report::Short;
use crate::setup::LogPipe;

/// Why a child could not be started, or not do what it was started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChildError {
    /// No process could be made; it will be tried again.
    #[error("unable to fork, retrying in a second: {0}")]
    Fork(ErrText),
    /// No process could be made for a control script.
    #[error("unable to fork for {name}: {1}", name = Name(.0))]
    ForkHook(&'static CStr, ErrText),
    /// It cannot be told whether there is a control script.
    #[error("unable to stat {name}: {1}", name = Name(.0))]
    StatHook(&'static CStr, ErrText),
    /// Said by the child: `log` cannot be entered.
    #[error("unable to change directory to ./log: {0}")]
    LogDirectory(ErrText),
    /// Said by the child: the log pipe cannot be given its number.
    #[error("unable to setup filedescriptor for {name}: {1}", name = Name(.0))]
    Descriptor(&'static CStr, ErrText),
    /// Said by the child: the program cannot be executed.
    #[error("unable to start {name}: {1}", name = Name(.0))]
    Start(&'static CStr, ErrText),
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
        let mut code = Short::default();
        let mut status = Short::default();
        let (path, shown) = match (program, role) {
            (Program::Run, Role::Service) => (RUN, RUN),
            (Program::Run, Role::Log) => (RUN, c"log/./run"),
            (Program::Finish(_), _) => (FINISH, FINISH),
        };
        let mut argv = ListBuf::<4>::new(&[path]);
        if let Program::Finish(exit) = program {
            // There is room for these numbers.
            let _ = write!(code, "{}", Decimal(exit.finish_code().into()));
            let _ = write!(status, "{}", Decimal(exit.finish_status().into()));
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
            .map_err(|error| self.voice.warning(&ChildError::Fork(ErrText(error))))
            .ok()
    }

    /// The control script of `command`, if there is one that can be executed.
    pub fn hook(&self, command: ControlByte) -> Option<&'static CStr> {
        let path = layout::control_script(command);
        match rustix::fs::stat(path) {
            Ok(stat) if Mode::from_raw_mode(stat.st_mode).contains(Mode::XUSR) => Some(path),
            Ok(_) | Err(Errno::NOENT) => None,
            Err(error) => {
                self.voice.warning(&ChildError::StatHook(path, ErrText(error)));
                None
            }
        }
    }

    /// Starts the control script at `path`.
    pub fn start_hook(&self, path: &'static CStr, pipe: Option<&LogPipe>) -> Option<Pid> {
        let argv = ListBuf::<2>::new(&[path]);
        self.spawn(path, path, argv.as_list(), None, output_of(pipe))
            .map_err(|error| self.voice.warning(&ChildError::ForkHook(path, ErrText(error))))
            .ok()
    }

    fn spawn(
        &self,
        path: &CStr,
        shown: &'static CStr,
        argv: CStrList<'_>,
        dir: Option<&CStr>,
        fd: Option<(BorrowedFd<'_>, i32)>,
    ) -> Result<Pid, Errno> {
        let failed = |failure| {
            self.voice.fatal(&match failure {
                Failure::Directory(error) => ChildError::LogDirectory(ErrText(error)),
                Failure::Descriptor(error) => ChildError::Descriptor(shown, ErrText(error)),
                Failure::Execute(error) => ChildError::Start(shown, ErrText(error)),
            });
        };
        Spawn {
            program: spawn::Program::Path(path),
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
