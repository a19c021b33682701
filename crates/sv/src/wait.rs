//! Waits until every service is where a command wants it, or the time is over:
//! a few looks for those that are quick, then none without a reason; and no
//! blocking call but one `poll`.

use alloc::vec::Vec;
use core::time::Duration;

use runit_core::control::ControlByte;
use runit_core::status::StatusRecord;
use runit_core::tai::Tai64n;
use runit_rt::clock;
use runit_rt::errtext::local;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;

use crate::check::{Checks, GRACE, MILLISECOND, Readiness, Started, Step, give_up};
use crate::client::{self, Trouble, View};
use crate::command::Order;
use crate::console::{Console, complain};
use crate::goal::{Before, Goal, Moment, Verdict};
use crate::place::{Place, SERVICE};
use crate::render::{PartOf, Text};
use crate::watch::{News, UNWATCHED, Watched, Watches};

/// When to look for the first time after the commands; the pause doubles up to
/// the last, some twelve milliseconds later. Most services are quicker, and
/// need no inotify: closing it takes the kernel up to twenty milliseconds.
const FIRST_PAUSE: u64 = MILLISECOND / 5;
const LAST_PAUSE: u64 = 32 * FIRST_PAUSE;

/// How often to look where nothing tells of changes.
const LOOK_EVERY: u64 = 100 * MILLISECOND;

/// When to look again after a supervisor closed `ok`: the kernel tells of it
/// just before it is so. The pause doubles up to the last.
const SETTLE_FIRST: u64 = MILLISECOND;
const SETTLE_LAST: u64 = 64 * MILLISECOND;

/// Later than any time that comes.
const NEVER: u64 = u64::MAX;

/// A service that is waited for. Times are nanoseconds of the monotonic clock.
struct Job<'a> {
    name: &'a [u8],
    before: Before,
    /// Its watches, if a change will be heard of.
    watched: Watched,
    /// When to look at it, whatever is heard.
    look_at: u64,
    readiness: Readiness,
    /// The next pause after its supervisor has closed `ok`; 0 if it has not.
    settle: u64,
    done: bool,
}

/// Sends an order to services, and waits for what it has to reach.
pub struct Waiter<'a, 'p, 'w> {
    order: Order,
    waits: bool,
    /// When there will have been enough looks without them.
    watches: Option<Watches>,
    pause: u64,
    checks: Checks<'a>,
    jobs: Vec<Job<'a>>,
    place: &'w mut Place<'p>,
    console: &'w mut Console<'a>,
}

impl<'a, 'p, 'w> Waiter<'a, 'p, 'w> {
    /// Waits only if `waits`.
    pub fn new(
        order: Order,
        waits: bool,
        checks: Checks<'a>,
        place: &'w mut Place<'p>,
        console: &'w mut Console<'a>,
    ) -> Self {
        // The end of a supervisor may be followed by the start of another before
        // the next look, so it has to be heard of.
        let watches = (waits && order.goal == Goal::Gone).then(Watches::none);
        let (jobs, pause) = (Vec::new(), FIRST_PAUSE);
        Self { order, waits, watches, pause, checks, jobs, place, console }
    }

    /// Tells the supervisor of the service `name` what is wanted.
    #[inline(never)]
    pub fn send(&mut self, name: &'a [u8]) {
        self.place.enter(name);
        // A watch comes before the look, and the look before the command: so
        // nothing that comes of the command can be missed.
        let watched = self.watch();
        let told = client::status(self.place).and_then(|record| {
            // In this order: see `Moment`.
            let real = real();
            let sent = Moment { real, monotonic: monotonic() };
            if !client::is_wanted_already(self.order.bytes(), &record) {
                client::send(self.place, self.order.bytes())?;
            }
            Ok(Before { since: record.since, sent })
        });
        match told {
            Err(trouble) => self.give_trouble(name, trouble),
            Ok(before) if self.waits => self.jobs.push(Job {
                name,
                before,
                watched,
                look_at: 0,
                readiness: Readiness::UNKNOWN,
                settle: 0,
                done: false,
            }),
            Ok(_) => {}
        }
    }

    #[inline(never)]
    fn watch(&mut self) -> Watched {
        self.watches.as_mut().map_or(UNWATCHED, |watches| watches.add(self.place))
    }

    /// Reports trouble with a service. A supervisor that is not there is what
    /// some commands want.
    #[inline(never)]
    fn give_trouble(&mut self, name: &'a [u8], trouble: Trouble) {
        let mut line = Text::new();
        if trouble == Trouble::NotRunning && self.order.goal == Goal::Gone {
            line.add("ok: ");
            line.name(name);
            line.add(": runsv not running");
        } else {
            self.console.count(name, trouble);
            let view = View { trouble: Some(trouble), ..View::default() };
            line.view(name, PartOf::Service, &view, Tai64n::default());
        }
        line.add("\n");
        self.console.print(&line);
    }

    /// Waits for at most `seconds` since the first command.
    #[inline(never)]
    pub fn wait(&mut self, seconds: u64) {
        let start = self.jobs.first().map_or(0, |job| job.before.sent.monotonic);
        let limit = start.saturating_add(seconds.saturating_mul(1000 * MILLISECOND));
        loop {
            let now = monotonic();
            let over = limit <= now;
            if self.watches.is_none() && self.pause > LAST_PAUSE {
                self.watches = Some(Watches::none());
            }
            let mut next = if over { NEVER } else { limit };
            let mut done = true;
            for index in 0..self.jobs.len() {
                let Some(job) = self.jobs.get(index).filter(|job| !job.done) else {
                    continue;
                };
                if over || job.look_at <= now {
                    self.look(index, now);
                }
                let Some(job) = self.jobs.get_mut(index).filter(|job| !job.done) else {
                    continue;
                };
                next = next.min(job.look_at);
                let grace = job.readiness.running().map_or(0, |(_, at)| at + GRACE);
                if over && grace <= now {
                    job.done = true;
                    let name = job.name;
                    self.expire(name);
                } else {
                    done = false;
                    next = next.min(if over { grace } else { NEVER });
                }
            }
            if done {
                break;
            }
            self.pause = self.pause.saturating_mul(2);
            self.sleep(next.saturating_sub(now));
            self.hear();
        }
        // What is not waited for any more is not to go on.
        for job in &self.jobs {
            if let Some((process, _)) = job.readiness.running() {
                give_up(process);
            }
        }
    }

    /// Looks at a service, and reports it if it is to be waited for no longer.
    #[inline(never)]
    fn look(&mut self, index: usize, now: u64) {
        let Some(&Job { name, watched, before, .. }) = self.jobs.get(index) else {
            return;
        };
        let pause = if self.watches.is_none() { self.pause } else { LOOK_EVERY };
        self.place.enter(name);
        let watched = if watched == UNWATCHED { self.watch() } else { watched };
        let status = client::status(self.place);
        // In this order: see `Moment`.
        let now_here = monotonic();
        let moment = Moment { real: real(), monotonic: now_here };
        let Some(job) = self.jobs.get_mut(index) else {
            return;
        };
        job.watched = watched;
        job.look_at = if watched == UNWATCHED { now + pause } else { NEVER };
        let record = match status {
            Ok(record) => record,
            Err(trouble) => {
                job.done = true;
                return self.give_trouble(name, trouble);
            }
        };
        job.done = match self.order.goal.judge(&record, &before, moment) {
            Verdict::Reached => true,
            Verdict::ReachedIfReady => {
                job.is_ready(&mut self.checks, self.place, record.since, now)
            }
            Verdict::NotYet => false,
        };
        if job.done {
            return self.report("ok: ", name, record);
        }
        if job.settle > SETTLE_LAST {
            job.settle = 0;
            // One supervisor has gone, and another has come already.
            if self.order.goal == Goal::Gone {
                job.done = true;
                self.give_trouble(name, Trouble::NotRunning);
            }
        } else if job.settle > 0 {
            job.look_sooner(now + job.settle);
            job.settle *= 2;
        }
    }

    /// Reports a service that is not where it should be, and kills it if that
    /// is what was asked for.
    #[inline(never)]
    fn expire(&mut self, name: &'a [u8]) {
        self.place.enter(name);
        let forced = self.order.forced;
        let result = client::status(self.place).and_then(|record| {
            self.console.failures += 1;
            self.report(if forced { "kill: " } else { "timeout: " }, name, record);
            if forced { client::send(self.place, &[ControlByte::Kill.byte()]) } else { Ok(()) }
        });
        if let Err(trouble) = result {
            self.give_trouble(name, trouble);
        }
    }

    #[inline(never)]
    fn report(&mut self, label: &str, name: &[u8], record: StatusRecord) {
        let mut view = View { record, ..View::default() };
        view.look_for_down(self.place, &SERVICE);
        if let Some(error) = view.down_error {
            complain("warning: unable to stat ", name, "/down", local(error));
        }
        let mut line = Text::new();
        line.add(label);
        line.view(name, PartOf::Service, &view, Tai64n::from_unix(clock::realtime()));
        line.add("\n");
        self.console.print(&line);
    }

    /// Waits until something is heard, at most this long.
    #[inline(never)]
    fn sleep(&self, at_most: u64) {
        let time = Duration::from_nanos(at_most);
        let timeout = Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        };
        let inotify = self.watches.as_ref().and_then(Watches::source).map(AsFd::as_fd);
        let signals = self.checks.source().map(AsFd::as_fd);
        // An interruption is as good a reason to look as any; nothing else
        // can go wrong.
        let _ = match (inotify.or(signals), signals.or(inotify)) {
            (Some(one), Some(other)) => poll(
                &mut [one, other].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)),
                Some(&timeout),
            ),
            _ => poll(&mut [], Some(&timeout)),
        };
    }

    /// Takes in what was heard.
    #[inline(never)]
    fn hear(&mut self) {
        let jobs = &mut self.jobs;
        if let Some(watches) = &mut self.watches {
            watches.read(&mut |watch, news| {
                for job in jobs.iter_mut() {
                    if watch >= 0 && !job.watched.contains(&watch) {
                        continue;
                    }
                    job.look_at = 0;
                    match news {
                        News::Status => {}
                        News::Closed => job.settle = SETTLE_FIRST,
                        News::Lost => job.watched = UNWATCHED,
                    }
                }
            });
        }
        let now = monotonic();
        self.checks.reap(|process, exit| {
            let asked =
                |job: &&mut Job<'_>| job.readiness.running().is_some_and(|r| r.0 == process);
            if let Some(job) = jobs.iter_mut().find(asked) {
                job.readiness.answered(exit.success(), now);
                job.look_at = 0;
            }
        });
    }
}

impl Job<'_> {
    fn look_sooner(&mut self, at: u64) {
        self.look_at = self.look_at.min(at);
    }

    /// Whether a service that runs is ready; starts its check where that is to
    /// be asked.
    #[inline(never)]
    fn is_ready(
        &mut self,
        checks: &mut Checks<'_>,
        place: &mut Place<'_>,
        since: Tai64n,
        now: u64,
    ) -> bool {
        match self.readiness.step(since, now) {
            Step::Done => return true,
            Step::Wait => {}
            Step::WaitUntil(at) => self.look_sooner(at),
            Step::Ask => match checks.start(self.name, place) {
                Started::Ready => return true,
                Started::Running(process) => self.readiness.asked(process, now),
                Started::Later => {
                    self.readiness.answered(false, now);
                    // At the time that this sets.
                    return self.is_ready(checks, place, since, now);
                }
            },
        }
        if checks.source().is_none() {
            self.look_sooner(now + LOOK_EVERY);
        }
        false
    }
}

/// The monotonic clock, in nanoseconds.
#[inline(never)]
fn monotonic() -> u64 {
    nanoseconds(clock::monotonic())
}

/// The real clock, in nanoseconds.
#[inline(never)]
fn real() -> u64 {
    nanoseconds(clock::realtime())
}

fn nanoseconds(time: Duration) -> u64 {
    time.as_secs() * (1000 * MILLISECOND) + u64::from(time.subsec_nanos())
}
