//! `examples/container`: two services and one logger, `runsvdir` being process 1.
//!
//! The image is made of what its Containerfile says, line by line, on busybox; namespaces are the
//! container.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use runit_tests::dirs::{TempDir, copy_program, create_dir};
use runit_tests::logs::LogDir;
use runit_tests::own::{install, path};
use runit_tests::prelude::*;
use runit_tests::run::Run;
use runit_tests::supervisor::is_root;
use rustix::process::Signal;

/// What a Containerfile says, and the file system that it makes.
struct Image {
    root: PathBuf,
    env: Vec<(String, String)>,
    entrypoint: Vec<String>,
    stop_signal: String,
    _dir: TempDir,
}

impl Image {
    fn build() -> Self {
        let dir = TempDir::new();
        let context = dir.path().join("context");
        install("examples/container", &context);
        // As its README says.
        create_dir(&context.join("tools"));
        for tool in ["runsvdir", "runsv", "sv", "svlogd", "chpst"] {
            copy_program(&suite::bin(tool), &context.join("tools").join(tool));
        }
        let root = dir.path().join("root");
        let mut image = Self {
            root,
            env: Vec::new(),
            entrypoint: Vec::new(),
            stop_signal: String::new(),
            _dir: dir,
        };
        let text = fs::read_to_string(context.join("Containerfile")).unwrap();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (word, rest) = line.split_once(' ').unwrap();
            match word {
                "FROM" => image.from(rest),
                "COPY" => image.copy(&context, rest),
                "ENV" => {
                    let (name, value) = rest.split_once('=').unwrap();
                    image.env.push((name.into(), value.into()));
                }
                "STOPSIGNAL" => image.stop_signal = rest.into(),
                "ENTRYPOINT" => {
                    let words = rest.strip_prefix("[\"").unwrap().strip_suffix("\"]").unwrap();
                    image.entrypoint = words.split("\", \"").map(str::to_owned).collect();
                }
                other => panic!("an instruction that this test does not know: {other}"),
            }
        }
        image
    }

    /// What the image of busybox has.
    fn from(&self, name: &str) {
        assert_eq!(name, "docker.io/library/busybox:stable");
        for place in ["bin", "dev", "proc", "tmp", "run", "var", "etc"] {
            create_dir(&self.root.join(place));
        }
        let busybox = Run::path("sh").args(["-c", "command -v busybox"]).stdout();
        copy_program(Path::new(busybox.trim()), &self.root.join("bin/busybox"));
        for applet in Run::path("busybox").arg("--list").stdout().lines() {
            if applet != "busybox" {
                symlink("busybox", self.root.join("bin").join(applet)).unwrap();
            }
        }
    }

    /// Files go into a directory that ends in `/`; of a directory, what is in it.
    fn copy(&self, context: &Path, words: &str) {
        let mut sources: Vec<_> = words.split(' ').collect();
        let to = sources.pop().unwrap();
        let target = self.root.join(to.trim_start_matches('/'));
        create_dir(&target);
        for source in sources {
            let from = context.join(source);
            assert!(from.exists(), "COPY {source}: there is no such file");
            assert!(from.is_dir() || to.ends_with('/'), "COPY {source} {to}");
            let from = if from.is_dir() { from.join(".") } else { from };
            let status = Command::new("cp").arg("-a").arg(from).arg(&target).status();
            assert!(status.unwrap().success(), "COPY {source}");
        }
    }

    /// Starts it; the launched process waits for process 1, which is given as well.
    fn run(&self) -> Option<(Supervisor, Proc)> {
        let mut words = vec!["unshare", "--mount", "--net", "--pid", "--fork"];
        if !is_root() {
            words.extend(["--user", "--map-root-user"]);
        }
        if !Command::new(words[0]).args(&words[1..]).arg("true").status().unwrap().success() {
            eprintln!("no namespaces here: not tested");
            return None;
        }
        let script = "set -e
mount --rbind /dev \"$0/dev\"
mount -t proc proc \"$0/proc\"
busybox ip link set lo up
exec chroot \"$0\" \"$@\"";
        let launch = Launch::path("unshare").args(&words[1..]).args(["sh", "-c", script]);
        let launch = launch.arg(&self.root).args(&self.entrypoint).env("PATH", path());
        let launch = self.env.iter().fold(launch, |launch, (name, value)| launch.env(name, value));
        let outer = launch.spawn();
        let inner = wait_until("process 1", || {
            let child = outer.process().children().first().copied().ok_or("no child")?;
            let args = child.args();
            if args.first().is_some_and(|arg| *arg == *self.entrypoint[0]) {
                Ok(child)
            } else {
                Err("not yet")
            }
        });
        Some((outer, inner))
    }
}

#[test]
fn two_services_log_to_one_logger_and_end_in_order() {
    only_ours!("the reference does not end as process 1");
    let image = Image::build();
    let Some((mut outer, inner)) = image.run() else { return };
    let log = LogDir::at(image.root.join("var/log/app"));
    // Each of the two has its lines in the one log, and in the container's output.
    for what in ["worker: the page says: it works", "response:200"] {
        wait_until(&format!("{what:?} in the log"), || {
            let seen = log.current();
            if seen.contains(what) { Ok(()) } else { Err(seen + &outer.stderr()) }
        });
        outer.wait_stderr(what);
    }
    let services = image.root.join("service/app/sv");
    assert_eq!(image.env, [("SVDIR".to_owned(), "/service/app/sv".to_owned())]);
    // A service may answer before its supervisor has come to write down that it runs.
    let [web, worker] =
        ["web", "worker"].map(|name| ServiceDirBuilder::new().build_in(services.join(name)));
    let before = (web.wait_state(State::Run), worker.wait_state(State::Run));
    let status = Run::new("sv").env("SVDIR", &services).args(["status", "web", "worker"]).stdout();
    assert_eq!(status.matches("run: w").count(), 2, "{status}");

    // One that crashes is back, and nothing else is touched.
    Run::new("sv").env("SVDIR", &services).args(["kill", "web"]).stdout();
    web.wait_run_again(&before.0);
    assert_eq!(worker.status(), before.1);

    // The runtime's way to stop it. The logger is the last to end: it has the last words.
    assert_eq!(image.stop_signal, "SIGTERM");
    inner.kill(Signal::TERM);
    assert_eq!(outer.wait_exit(), 0);
    assert_eq!(outer.family().len(), 0);
    let last = log.everything().lines().last().unwrap_or_default().to_owned();
    assert!(last.ends_with("worker: done"), "{}", log.everything());
}
