//! `cargo xtask demo`: real services under the release build, watched as they change.

mod tree;
mod watch;

use std::collections::BTreeMap;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::args::Args;
use crate::error::{Error, OnFile, Result};
use crate::process::{signal, stdout};
use crate::verbs::{Flag, Verb};
use crate::workspace::{Profile, Workspace};
use tree::Demo;

/// The verb.
pub static VERB: Verb = Verb {
    name: "demo",
    summary: "Supervises a few services below target/ and shows what they do",
    about: "
Builds the tools, copies the services of examples/demo to target/demo/service,
and runs runsvdir on them, as whoever you are. Every change of a service's state
is shown as `sv status` tells it. While it runs, try for yourself:

  export SVDIR=target/demo/service
  target/release/sv status
  target/release/sv restart clock
  target/release/sv down flaky

Ctrl-C ends it and all that it started.
",
    options: &[Flag {
        name: "once",
        value: None,
        help: "end by itself once every service did what it is there to show",
    }],
    rest: "",
    run: demo,
};

/// How long `--once` may take, and any ending.
const LIMIT: Duration = Duration::from_secs(60);

/// What the demo waits for.
enum Event {
    /// A file in a service directory was made or replaced.
    Changed,
    /// `sv check` of a service has ended, with this output.
    Checked(String),
    /// Somebody asks for the end.
    Stop,
    /// runsvdir has ended.
    Ended(io::Result<ExitStatus>),
}

fn demo(workspace: &Workspace, args: &Args) -> Result<()> {
    let tools = workspace.build_tools(Profile::Release)?;
    let demo = Demo::lay_out(workspace, tools)?;
    let (sender, events) = channel();
    on_signals(sender.clone())?;
    watch::start(&demo.services, sender.clone())?;
    let mut runsvdir = demo
        .command("runsvdir")
        .args(["-P", "-x"])
        .arg(&demo.services)
        .stdin(Stdio::null())
        .spawn()
        .map_err(|cause| Error::Start { program: "runsvdir".into(), cause })?;
    let pid = runsvdir.id();
    println!("runsvdir -P -x {} is process {pid}", demo.services.display());
    let ended = sender.clone();
    std::thread::spawn(move || ended.send(Event::Ended(runsvdir.wait())));
    let mut show = Show::new(&demo, sender);
    let shown = show.until_the_end(&events, args.has("once"));
    println!("stopping all services");
    let stopped = if show.ended { Ok(()) } else { stop(pid, &events) };
    let gone = nothing_left(&demo);
    shown.and(stopped).and(gone)?;
    demo.show_log();
    println!("all services are down, and no process is left");
    Ok(())
}

/// Turns Ctrl-C and its kin into an event.
fn on_signals(sender: Sender<Event>) -> Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|cause| Error::Failed(format!("unable to catch signals: {cause}")))?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            // Nobody listens any more: the end has come already.
            let _ = sender.send(Event::Stop);
        }
    });
    Ok(())
}

/// Ends runsvdir, which stops the services first.
fn stop(runsvdir: u32, events: &Receiver<Event>) -> Result<()> {
    signal(runsvdir, Signal::TERM)?;
    loop {
        match events.recv_timeout(LIMIT) {
            Ok(Event::Ended(status)) => {
                let status = status.on("wait for", "runsvdir")?;
                return if status.success() { Ok(()) } else { Err(ended(status)) };
            }
            Ok(_) => {}
            Err(_) => {
                signal(runsvdir, Signal::KILL)?;
                return Err(Error::Failed("runsvdir did not end and was killed".into()));
            }
        }
    }
}

fn ended(status: ExitStatus) -> Error {
    Error::Failed(format!("runsvdir has ended: {status}"))
}

/// Waits until the last process is gone: a `sleep` whose script was told to end
/// has a second or so to go.
fn nothing_left(demo: &Demo) -> Result<()> {
    let end = Instant::now() + LIMIT;
    while let Some(pid) = demo.processes()?.first().copied() {
        if Instant::now() > end {
            return Err(Error::Failed(format!("process {pid} is still there")));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// What has been seen and shown.
struct Show<'a> {
    demo: &'a Demo,
    start: Instant,
    /// To be told of the end of `sv check`, until that has been started.
    checker: Option<Sender<Event>>,
    checked: bool,
    /// Whether runsvdir has ended already.
    ended: bool,
    /// The last line of each service, without its seconds.
    lines: BTreeMap<String, String>,
    /// Each service's processes, in the order they were seen.
    pids: BTreeMap<String, Vec<String>>,
}

impl<'a> Show<'a> {
    fn new(demo: &'a Demo, checker: Sender<Event>) -> Self {
        Self {
            demo,
            start: Instant::now(),
            checker: Some(checker),
            checked: false,
            ended: false,
            lines: BTreeMap::new(),
            pids: BTreeMap::new(),
        }
    }

    /// Shows each change; returns when told to, or when `once` and all was seen.
    fn until_the_end(&mut self, events: &Receiver<Event>, once: bool) -> Result<()> {
        loop {
            let limit =
                if once { LIMIT.saturating_sub(self.start.elapsed()) } else { Duration::MAX };
            match events.recv_timeout(limit) {
                Ok(Event::Stop) => return Ok(()),
                Ok(Event::Ended(status)) => {
                    self.ended = true;
                    return Err(ended(status.on("wait for", "runsvdir")?));
                }
                Ok(Event::Changed) => self.changes()?,
                Ok(Event::Checked(output)) => {
                    self.checked = output.starts_with("ok: ");
                    self.say("sv check", output.trim_end());
                }
                Err(RecvTimeoutError::Timeout) => {
                    let seconds = LIMIT.as_secs();
                    return Err(Error::Failed(format!("not all was seen within {seconds} s")));
                }
                Err(RecvTimeoutError::Disconnected) => return Err(Error::Reported),
            }
            if once && self.all_seen() {
                return Ok(());
            }
        }
    }

    /// Asks `sv status`, and shows the lines that say something new.
    fn changes(&mut self) -> Result<()> {
        // The exit code counts services without a supervisor yet; the text says it.
        let output = self.demo.command("sv").arg("status").output();
        let output = output.map_err(|cause| Error::Start { program: "sv".into(), cause })?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Some(seen) = Line::read(line) else { continue };
            // One that has no supervisor yet will have one in a moment.
            if line.starts_with("warning: ") && !self.lines.contains_key(&seen.name) {
                continue;
            }
            if self.lines.insert(seen.name.clone(), seen.timeless.clone()) != Some(seen.timeless) {
                self.say("sv status", line);
            }
            let pids = self.pids.entry(seen.name).or_default();
            if let Some(pid) = seen.running.filter(|pid| !pids.contains(pid)) {
                pids.push(pid);
            }
        }
        // One that can be controlled can be waited for.
        if self.pids.get("database").is_some_and(|pids| !pids.is_empty()) {
            self.wait_for_check();
        }
        Ok(())
    }

    /// Starts `sv check database` beside us, once.
    fn wait_for_check(&mut self) {
        let Some(sender) = self.checker.take() else { return };
        let mut check = self.demo.command("sv");
        check.args(["-w", "30", "check", "database"]);
        self.say("sv check", "waiting until database serves");
        std::thread::spawn(move || {
            let output = stdout(&mut check).unwrap_or_else(|error| error.to_string());
            let _ = sender.send(Event::Checked(output));
        });
    }

    /// Whether each service did what it is there to show.
    fn all_seen(&self) -> bool {
        let starts = |name: &str| self.pids.get(name).map_or(0, Vec::len);
        self.checked
            && starts("clock") > 0
            && starts("flaky") > 1
            && self.lines.get("clock").is_some_and(|line| line.contains("run: log:"))
            && self.demo.clock_log().metadata().is_ok_and(|log| log.len() > 0)
    }

    fn say(&self, who: &str, what: &str) {
        println!("{:6.2} s  {who:9}  {what}", self.start.elapsed().as_secs_f64());
    }
}

/// A line of `sv status`.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    name: String,
    /// The process of `run`, if that is what the service is in.
    running: Option<String>,
    /// The line without its seconds, which change all the time.
    timeless: String,
}

impl Line {
    fn read(line: &str) -> Option<Self> {
        let (state, rest) = line.split_once(": ")?;
        let (name, rest) = rest.split_once(": ")?;
        let pid = rest.strip_prefix("(pid ").and_then(|rest| rest.split_once(')'));
        let running = pid.filter(|_| state == "run").map(|(pid, _)| pid.to_owned());
        let is_seconds = |word: &str| {
            let number = word.trim_end_matches([',', ';']).strip_suffix('s');
            number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let words: Vec<&str> = line.split(' ').filter(|word| !is_seconds(word)).collect();
        Some(Self { name: name.to_owned(), running, timeless: words.join(" ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_compared_without_their_seconds() {
        let line =
            Line::read("run: clock: (pid 42) 7s; run: log: (pid 41) 12s, want down").unwrap();
        assert_eq!((line.name.as_str(), line.running.as_deref()), ("clock", Some("42")));
        assert_eq!(line.timeless, "run: clock: (pid 42) run: log: (pid 41) want down");
        let line = Line::read("finish: flaky: (pid 43) 2s").unwrap();
        assert_eq!((line.name.as_str(), line.running), ("flaky", None));
        let line = Line::read("down: a b: 3s, normally up").unwrap();
        assert_eq!((line.name.as_str(), line.running), ("a b", None));
        assert_eq!(Line::read("nonsense"), None);
    }
}
