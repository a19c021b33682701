//! The thin shell around the machines: descriptors become events, actions
//! become system calls. Nothing in its loop blocks but the one `poll`.

use core::time::Duration;

use runit_core::control::ControlByte;
use runit_core::diag::{Plain, Voice};
use runit_core::exit::Exit;
use runit_core::layout::{LOG, SERVICE, control_script};
use runit_core::status::Want;
use runit_core::tai::Tai64n;
use runit_rt::clock;
use runit_rt::signal::{self, SignalFd, SignalSet};
use runit_rt::strings::CStrList;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, WaitOptions, kill_process, wait};

use crate::children::Nursery;
use crate::machine::{Action, Event, Nanoseconds, Now, Program, Role, Service};
use crate::pair::{Pair, PairEvent};
use crate::report::Report;
use crate::setup::{Contention, LogDir, LogPipe, SetupError, Supervise, exists, log_dir};

const TERM: u32 = 15;
const CHLD: u32 = 17;
const PIPE: u32 = 13;

/// How long a status file that could not be written waits to be tried again.
const RETRY: Nanoseconds = 1_000_000_000;

/// The log side of a supervisor.
struct LogSide {
    pipe: LogPipe,
    supervise: Supervise,
    report: Report,
}

/// A supervisor at work.
pub struct Shell<'a> {
    nursery: Nursery<'a>,
    signals: SignalFd,
    pair: Pair,
    supervise: Supervise,
    report: Report,
    log: Option<LogSide>,
    /// The control script that runs.
    hook: Option<Pid>,
    /// SIGTERM has come and waits for its turn.
    term: bool,
    /// When to try again what could not be written.
    retry: Option<Nanoseconds>,
    /// Whether something was there to be read, and none of it could be.
    stuck: bool,
    quit: bool,
}

fn monotonic() -> Nanoseconds {
    u64::try_from(clock::monotonic().as_nanos()).unwrap_or(u64::MAX)
}

fn now() -> Now {
    Now { mono: monotonic(), tai: Tai64n::from_unix(clock::realtime()) }
}

impl<'a> Shell<'a> {
    /// Takes the current directory over as a service directory, and supervises
    /// it until told to end and all is down.
    pub fn supervise(voice: Voice<'a>, env: CStrList<'a>) -> Result<(), SetupError> {
        let supervise = Supervise::open(&SERVICE, Contention::Refuse)?;
        let has_log = match log_dir(LOG.dir) {
            LogDir::Directory => true,
            LogDir::Missing => false,
            LogDir::Other => {
                voice.say("warning: ", &Plain("./log: not a directory."));
                false
            }
            LogDir::Unknown(error) => {
                voice.say("warning: ", &SetupError::Unable("stat() ./log: ", c"", error));
                false
            }
        };
        let log = if has_log { Some(LogSide::open(Contention::Wait)?) } else { None };
        // From here on TERM is heard by the loop; before, it just ends us.
        let inherited = signal::block(SignalSet::of(&[TERM, CHLD, PIPE]));
        let signals = SignalFd::new(SignalSet::of(&[TERM, CHLD]))
            .map_err(|error| SetupError::Unable("create signalfd", c"", error))?;
        let now = now();
        let service = Service::new(Role::Service, want_of(SERVICE.down), now);
        let log_service = log.as_ref().map(|_| Service::new(Role::Log, want_of(LOG.down), now));
        let mut shell = Self {
            nursery: Nursery { voice, env, signals: inherited },
            signals,
            pair: Pair::new(service, log_service),
            supervise,
            report: Report::new(&SERVICE),
            log,
            hook: None,
            term: false,
            retry: None,
            stuck: false,
            quit: false,
        };
        shell.report_all();
        if let Some(log) = &mut shell.log {
            log.supervise.announce(&LOG)?;
        }
        shell.supervise.announce(&SERVICE)?;
        shell.run();
        Ok(())
    }

    fn run(&mut self) {
        self.tick(now());
        while !self.quit {
            self.report_all();
            self.wait();
            self.read_signals();
            self.read_control(Role::Log);
            self.read_control(Role::Service);
            self.tick(now());
            if self.stuck {
                clock::pause();
            }
        }
        self.report_all();
    }

    fn tick(&mut self, now: Now) {
        if self.term && self.pair.wants_control(Role::Service) {
            self.term = false;
            self.handle(now, PairEvent::Term);
        }
        self.handle(now, PairEvent::For(Role::Log, Event::Tick));
        self.handle(now, PairEvent::For(Role::Service, Event::Tick));
    }

    /// Waits for a signal, a control byte that may be read, or a deadline.
    fn wait(&mut self) {
        let deadline = match (self.pair.deadline(), self.retry) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let timeout = deadline.map(|at| {
            let left = Duration::from_nanos(at.saturating_sub(monotonic()));
            Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            }
        });
        let events = |wanted| if wanted { PollFlags::IN } else { PollFlags::empty() };
        let service = events(self.pair.wants_control(Role::Service));
        let log = events(self.pair.wants_control(Role::Log));
        let control = &self.supervise.control;
        let mut fds = [
            PollFd::new(&self.signals, PollFlags::IN),
            PollFd::new(control, service),
            // Without a log service this one counts twice and means nothing.
            PollFd::new(self.log.as_ref().map_or(control, |log| &log.supervise.control), log),
        ];
        // Whatever the outcome, what is there to be read is looked at.
        self.stuck = poll(&mut fds, timeout.as_ref()) != Ok(0);
    }

    #[inline(never)]
    fn read_signals(&mut self) {
        while let Some((number, _)) = self.signals.read() {
            self.term |= number == TERM;
            self.stuck = false;
        }
        // One SIGCHLD may stand for many children.
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            let Some(exit) = Exit::from_wait(status) else {
                continue;
            };
            if self.hook == Some(pid) {
                self.hook = None;
                let done = Event::HookDone { handled: exit.success() };
                self.handle(now(), PairEvent::For(Role::Service, done));
            } else if let Some(role) = self.role_of(pid) {
                // One that cannot be looked at may be there: whoever executes it hears why not.
                let finish =
                    role == Role::Service && log_dir(runit_core::layout::FINISH) != LogDir::Missing;
                self.handle(now(), PairEvent::For(role, Event::Exited { exit, finish }));
            }
        }
    }

    fn role_of(&self, pid: Pid) -> Option<Role> {
        let is = |role| self.pair.get(role).is_some_and(|s| s.record().pid == Some(pid));
        [Role::Service, Role::Log].into_iter().find(|&role| is(role))
    }

    /// Reads one byte: the next may have to wait for what this one starts.
    fn read_control(&mut self, role: Role) {
        if !self.pair.wants_control(role) {
            return;
        }
        let byte = match role {
            Role::Service => self.supervise.read_control(),
            Role::Log => self.log.as_ref().and_then(|log| log.supervise.read_control()),
        };
        self.stuck &= byte.is_none();
        if let Some(command) = byte.and_then(ControlByte::from_byte) {
            self.handle(now(), PairEvent::For(role, Event::Control(command)));
        }
    }

    /// Hands an event to the pair and does what comes of it, and of that.
    fn handle(&mut self, now: Now, event: PairEvent) {
        let actions = self.pair.step(now, event);
        let mut index = 0;
        while let Some((role, action)) = actions.get(index) {
            index += 1;
            let answer = match action {
                Action::Kill(pid, signal) => {
                    // It has not been reaped, so it is ours. One that has changed
                    // its user and may not be signalled is the administrator's.
                    let _ = kill_process(pid, signal);
                    continue;
                }
                Action::Hook(command) => {
                    if self.start_hook(command) {
                        continue;
                    }
                    PairEvent::For(role, Event::HookDone { handled: false })
                }
                Action::Start(program) => {
                    let event = self.start(now, role, program);
                    PairEvent::For(role, event)
                }
                Action::Drain => self.drain(),
                Action::Quit => {
                    self.quit = true;
                    continue;
                }
            };
            self.handle(now, answer);
            if matches!(action, Action::Start(_)) {
                // The process may look at its own status as soon as it runs.
                self.report_all();
            }
        }
    }

    /// Starts a control script; says whether there is one to wait for.
    #[inline(never)]
    fn start_hook(&mut self, command: ControlByte) -> bool {
        let path = control_script(command);
        if !self.nursery.has_hook(path.as_c_str()) {
            return false;
        }
        // The script shall find the status as it is now.
        self.report_all();
        let pipe = self.log.as_ref().map(|log| &log.pipe);
        self.hook = self.nursery.start_hook(path.as_c_str(), pipe);
        self.hook.is_some()
    }

    #[inline(never)]
    fn start(&mut self, now: Now, role: Role, program: Program) -> Event {
        match (program, role) {
            (Program::Run, Role::Service) => self.adopt_log(now),
            (Program::Run, Role::Log) => {}
            // `finish` shall find that `run` has ended.
            (Program::Finish(_), _) => self.report_all(),
        }
        let pipe = self.log.as_ref().map(|log| &log.pipe);
        self.nursery.start(role, program, pipe).map_or(Event::StartFailed, Event::Started)
    }

    /// Takes up a `log/` that has appeared since the start.
    #[inline(never)]
    fn adopt_log(&mut self, now: Now) {
        if self.log.is_some() || log_dir(LOG.dir) != LogDir::Directory {
            return;
        }
        match LogSide::open(Contention::Refuse) {
            Ok(log) => {
                self.log = Some(log);
                self.pair.add_log(Service::new(Role::Log, want_of(LOG.down), now));
                self.report_all();
                let announced = self.log.as_mut().map(|log| log.supervise.announce(&LOG));
                if let Some(Err(error)) = announced {
                    self.nursery.voice.say("warning: ", &error);
                }
                self.handle(now, PairEvent::For(Role::Log, Event::Tick));
            }
            // The service comes first: it starts without.
            Err(error) => self.nursery.voice.say("warning: ", &error),
        }
    }

    fn drain(&mut self) -> PairEvent {
        let leftover = self.log.as_mut().is_some_and(|log| {
            log.pipe.write = None;
            log.pipe.has_content()
        });
        PairEvent::Drained { leftover }
    }

    /// Brings the files of `supervise/` up to date.
    fn report_all(&mut self) {
        let voice = self.nursery.voice;
        let mut failing = false;
        if let (Some(log), Some(service)) = (&mut self.log, self.pair.get(Role::Log)) {
            log.report.update(service.record(), &voice);
            failing |= log.report.is_failing();
        }
        if let Some(service) = self.pair.get(Role::Service) {
            self.report.update(service.record(), &voice);
            failing |= self.report.is_failing();
        }
        self.retry = failing.then(|| monotonic().saturating_add(RETRY));
    }
}

impl LogSide {
    fn open(contention: Contention) -> Result<Self, SetupError> {
        let supervise = Supervise::open(&LOG, contention)?;
        Ok(Self { pipe: LogPipe::new()?, supervise, report: Report::new(&LOG) })
    }
}

/// What a service is wanted to do at the start.
fn want_of(down: &core::ffi::CStr) -> Want {
    if exists(down) { Want::Down } else { Want::Up }
}
