//! Starting supervisors and the script, and saying things on the right
//! standard error.

use core::cell::RefCell;
use core::ffi::CStr;
use core::time::Duration;

use runit_core::diag::{Decimal, Say as _, Sink, Voice};
use runit_rt::Errno;
use runit_rt::signal::Inherited;
use runit_rt::spawn::{Executable, Failure, Program, Session, Spawn};
use runit_rt::start::Argument;
use runit_rt::strings::{CStrList, ListBuf, ShortCString};
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, fchdir};

use crate::directory::Directory;
use crate::message::Message;
use crate::title_log::{FIXED, TitleLog};

/// How much of the log is read at once.
const PIECE: usize = 4096;

/// How many pieces are read before others have their turn.
const PIECES: usize = 16;

/// The rolling log in our own command line, and the pipe from which it comes:
/// standard error, that of all children included.
pub struct Title {
    log: TitleLog,
    argument: Argument,
    pipe: OwnedFd,
}

impl Title {
    /// Makes `argument`, with its `text`, a log, and standard error a pipe to
    /// it. An error is a message to say.
    pub fn new(argument: Argument, text: &[u8], now: Duration) -> Result<Self, Message<'static>> {
        let log = TitleLog::new(text, now).ok_or(Message::LogTooShort)?;
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).map_err(|_| Message::LogPipe)?;
        rustix::io::ioctl_fionbio(&read, true).map_err(|_| Message::LogPipe)?;
        // The children's end stays blocking: they expect it of standard error.
        // We ourselves never write to it, and so never wait for ourselves.
        rustix::stdio::dup2_stderr(&write).map_err(|_| Message::LogDescriptor)?;
        let mut title = Self { log, argument, pipe: read };
        title.tick(now);
        Ok(title)
    }

    /// The descriptor to poll for input.
    pub fn pipe(&self) -> &OwnedFd {
        &self.pipe
    }

    /// Shows what has come through the pipe; says whether there was anything.
    pub fn read(&mut self) -> bool {
        let mut piece = [0; PIECE];
        let mut any = false;
        for _ in 0..PIECES {
            match rustix::io::read(&self.pipe, &mut piece) {
                Ok(0) | Err(Errno::AGAIN) => break,
                Ok(n) => {
                    self.log.push(piece.get(..n).unwrap_or_default());
                    any = true;
                }
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        self.show();
        any
    }

    /// Adds the dots that are due.
    pub fn tick(&mut self, now: Duration) {
        self.log.tick(now);
        self.show();
    }

    /// When the next dot is due.
    pub fn deadline(&self) -> Duration {
        self.log.deadline()
    }

    fn show(&mut self) {
        self.argument.overwrite(FIXED, self.log.window());
    }
}

/// Says things: on standard error, or straight into the log that has taken its
/// place. Through the pipe, a process would wait for itself when it is full.
pub struct Speaker<'a> {
    /// Who speaks.
    pub voice: Voice<'a>,
    /// The log, if there is one.
    pub title: Option<RefCell<Title>>,
}

impl Speaker<'_> {
    /// Says `message` as a warning.
    pub fn warning(&self, message: &Message<'_>) {
        self.say("warning: ", message);
    }

    /// Says `message` as the reason of an end.
    pub fn fatal(&self, message: &Message<'_>) {
        self.say("fatal: ", message);
    }

    fn say(&self, kind: &str, message: &Message<'_>) {
        // Nobody speaks while the log is being written.
        match self.title.as_ref().and_then(|title| title.try_borrow_mut().ok()) {
            None => self.voice.say(kind, message),
            Some(mut title) => {
                self.voice.say_to(kind, message, &mut title.log);
                title.show();
            }
        }
    }
}

/// A program to be executed in an open directory, which may have another path
/// by now, or none.
struct In<'a> {
    directory: Option<BorrowedFd<'a>>,
    program: Program<'a>,
}

impl Executable for In<'_> {
    fn execute(&self, argv: CStrList<'_>, env: CStrList<'_>) -> Errno {
        match self.directory.map(fchdir) {
            Some(Err(error)) => error,
            _ => self.program.execute(argv, env),
        }
    }
}

/// What all children have in common.
pub struct Launcher<'a> {
    /// Who speaks where a child cannot be made what it should be.
    pub speaker: &'a Speaker<'a>,
    /// The environment of every child.
    pub env: CStrList<'a>,
    /// Where programs are looked up.
    pub path: &'a CStr,
    /// The session of supervisors.
    pub session: Session,
    /// The signal state of every child.
    pub signals: Inherited,
}

impl Launcher<'_> {
    /// Starts the supervisor of `name` in `directory`.
    pub fn runsv(&self, name: &CStr, directory: &Directory) -> Result<Pid, Errno> {
        let failed = |error| self.speaker.fatal(&Message::StartRunsv(name, error));
        let argv = ListBuf::<3>::new(&[c"runsv", name]);
        self.spawn(&argv, Some(directory.as_fd()), self.session, &failed)
    }

    /// Starts `script` after a signal.
    pub fn script(&self, script: &CStr, signal: u32) -> Result<Pid, Errno> {
        let mut number = ShortCString::new();
        Decimal(signal.into()).say(&mut number);
        let failed = |error| self.speaker.fatal(&Message::StartScript(script, error));
        let argv = ListBuf::<3>::new(&[script, number.as_c_str()]);
        self.spawn(&argv, None, Session::Inherit, &failed)
    }

    fn spawn(
        &self,
        argv: &ListBuf<'_, 3>,
        directory: Option<BorrowedFd<'_>>,
        session: Session,
        failed: &dyn Fn(Errno),
    ) -> Result<Pid, Errno> {
        let name = argv.as_list().next().unwrap_or(c"");
        Spawn {
            program: In { directory, program: Program::Search(name, self.path) },
            argv: argv.as_list(),
            env: self.env,
            dir: None,
            fds: &[],
            session,
            signals: &self.signals,
            failed: &|failure| {
                let (Failure::Directory(error)
                | Failure::Descriptor(error)
                | Failure::Execute(error)) = failure;
                failed(error);
            },
        }
        .start()
    }
}
