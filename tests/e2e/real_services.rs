//! What the suite is for: Debian's nginx and redis-server, in the foreground, under runsvdir.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use runit_tests::dirs::{names, text, write};
use runit_tests::own::path;
use runit_tests::prelude::*;
use runit_tests::recipe::need;
use runit_tests::wait::LIMIT;
use rustix::process::Signal;

/// A log service as most have it.
const LOG_RUN: &str = "exec svlogd -tt main";

/// A port that nobody listens on now.
fn free_port() -> u16 {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    probe.local_addr().unwrap().port()
}

/// A directory of services, supervised.
struct Tree {
    runsvdir: Supervisor,
    dir: TempDir,
}

impl Tree {
    fn new() -> Self {
        let dir = TempDir::new();
        let runsvdir = Launch::new("runsvdir").arg(dir.path()).env("PATH", path()).spawn();
        Self { runsvdir, dir }
    }

    /// Puts a finished service directory in its place, all at once.
    fn add(&self, name: &str, service: ServiceDirBuilder) -> Service {
        let place = self.dir.path().join(name);
        let prepared = self.dir.path().join(format!(".{name}"));
        let service = service.log_run(LOG_RUN).dir("log/main", 0o755).build_in(&prepared);
        std::fs::rename(&prepared, &place).unwrap();
        drop(service);
        ServiceDirBuilder::new().build_in(&place)
    }

    /// Runs `sv`; it must succeed.
    #[track_caller]
    fn sv(&self, words: &[&str]) -> String {
        let output = suite::command("sv")
            .args(["-w", "30"])
            .args(words)
            .env("SVDIR", self.dir.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "sv {words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Ends it, and all services with it, by HUP as the last stage of a system does.
    fn end(mut self, services: &[&Service]) {
        let family = self.runsvdir.family();
        self.runsvdir.kill(Signal::HUP);
        assert_eq!(self.runsvdir.wait_exit(), 111);
        for service in services {
            service.wait_unsupervised();
        }
        for process in family {
            process.wait_for_end();
        }
    }
}

/// What the log service has written: a logger that was killed leaves a file of its own.
fn log_of(service: &Service) -> String {
    let dir = service.join("log/main");
    let is_log = |name: &String| name.starts_with('@') || name == "current";
    names(&dir).into_iter().filter(is_log).map(|name| text(&dir.join(name))).collect()
}

/// Waits until the log holds `what`, stamped as svlogd does it.
#[track_caller]
fn wait_log(service: &Service, what: &str) {
    wait_until(&format!("{what:?} in the log"), || {
        let log = log_of(service);
        let line = log.lines().find(|line| line.contains(what)).ok_or_else(|| log.clone())?;
        // -tt: the date as people read it, then a blank.
        let stamp = line.split(' ').next().unwrap_or_default().as_bytes();
        if stamp.len() == 25 && stamp[10] == b'_' { Ok(()) } else { Err(line.to_owned()) }
    });
}

struct Nginx {
    service: Service,
    port: u16,
}

impl Nginx {
    fn new(tree: &Tree) -> Self {
        need("nginx", "nginx-light");
        let port = free_port();
        let service = ServiceDirBuilder::new()
            .run("exec 2>&1\nexec nginx -p \"$PWD\" -c nginx.conf -g 'daemon off;'")
            .file("nginx.conf", config(port, "first"))
            .dir("temp", 0o755);
        let service = tree.add("nginx", service);
        let mut nginx = Self { service, port };
        nginx.wait_first();
        nginx
    }

    /// Waits until it serves. Where another took the port first, a free one is tried.
    #[track_caller]
    fn wait_first(&mut self) {
        let mut refusals = 0;
        wait_until("nginx to serve", || {
            let log = log_of(&self.service);
            let seen = log.matches("still could not bind").count();
            if seen > refusals {
                refusals = seen;
                self.port = free_port();
                self.configure("first");
            }
            let page = self.get().map_err(|error| format!("{error}; log:\n{log}"))?;
            if page.ends_with("\r\n\r\nfirst\n") { Ok(()) } else { Err(page) }
        });
    }

    /// Puts another configuration in its place; it counts from the next start or HUP on.
    fn configure(&self, page: &str) {
        let new = self.service.join("nginx.conf.new");
        write(&new, config(self.port, page));
        std::fs::rename(new, self.service.join("nginx.conf")).unwrap();
    }

    /// One HTTP request: the whole answer.
    fn get(&self) -> Result<String, String> {
        let ask = || {
            let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            connection.set_read_timeout(Some(LIMIT))?;
            connection.write_all(b"GET /page HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
            let mut answer = String::new();
            connection.read_to_string(&mut answer)?;
            Ok(answer)
        };
        ask().map_err(|error: std::io::Error| error.to_string())
    }

    #[track_caller]
    fn wait_page(&self, page: &str) {
        wait_until(&format!("the page {page:?}"), || {
            let answer = self.get()?;
            let good = answer.starts_with("HTTP/1.1 200 OK\r\n")
                && answer.ends_with(&format!("\r\n\r\n{page}\n"));
            if good { Ok(()) } else { Err(answer) }
        });
    }
}

fn config(port: u16, page: &str) -> String {
    let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path temp/{kind};\n"))
        .concat();
    format!(
        "worker_processes 1;\n\
         pid nginx.pid;\n\
         error_log stderr notice;\n\
         events {{ worker_connections 32; }}\n\
         http {{\n{temp}    \
             access_log /dev/stdout;\n    \
             server {{\n        \
                 listen 127.0.0.1:{port};\n        \
                 location / {{ default_type text/plain; return 200 \"{page}\\n\"; }}\n    \
             }}\n\
         }}\n"
    )
}

#[test]
fn nginx_is_supervised() {
    let tree = Tree::new();
    let nginx = Nginx::new(&tree);
    let service = &nginx.service;
    nginx.wait_page("first");
    wait_log(service, "\"GET /page HTTP/1.0\" 200");
    let first = service.wait_state(State::Run);
    let status = tree.sv(&["status", "nginx"]);
    assert!(status.starts_with(&format!("run: nginx: (pid {}) ", first.pid)), "{status}");
    assert!(status.contains("; run: log: (pid "), "{status}");

    // HUP: the same process, another configuration.
    nginx.configure("second");
    nginx.wait_page("first");
    tree.sv(&["reload", "nginx"]);
    nginx.wait_page("second");
    assert_eq!(service.status().pid, first.pid);

    // KILL: nginx itself is back by the supervisor's doing. Workers whose master was killed stay
    // and keep the port, which is nginx's way; they are killed as well.
    let master = first.process().unwrap();
    let workers = wait_until("a worker", || Some(master.children()).filter(|all| !all.is_empty()));
    master.kill(Signal::KILL);
    for worker in workers {
        // One that was about to leave after the HUP may be gone.
        let _ = worker.try_kill(Signal::KILL);
        worker.wait_for_end();
    }
    // Only then: one that found the port taken for too long has ended again.
    nginx.wait_page("second");
    let second = service.wait_run_again(&first);
    assert_eq!((second.want, second.got_term), ('u', false));

    // Restart, with a configuration that only counts from then on.
    nginx.configure("third");
    let said = tree.sv(&["restart", "nginx"]);
    assert!(said.starts_with("ok: run: nginx: (pid "), "{said}");
    if suite::is_ours() {
        // The reference compares seconds, and can speak of the process that is about to end.
        assert_ne!(service.status().pid, second.pid);
    }
    let third = service.wait_run_again(&second);
    nginx.wait_page("third");

    // Stop: it ends, all of it, and says so in its log.
    let all: BTreeSet<_> = third.process().unwrap().children().into_iter().collect();
    assert!(!all.is_empty());
    let said = tree.sv(&["stop", "nginx"]);
    assert!(said.starts_with("ok: down: nginx: "), "{said}");
    service.wait_files("down", [0, b'd', 0, 0]);
    third.process().unwrap().wait_for_end();
    for process in all {
        process.wait_for_end();
    }
    assert!(nginx.get().is_err(), "somebody still serves");
    wait_log(service, "signal 15 (SIGTERM) received");

    // And up again, by the old command.
    tree.sv(&["up", "nginx"]);
    nginx.wait_page("third");
    tree.end(&[service]);
    assert!(nginx.get().is_err(), "somebody still serves");
}

struct Redis {
    service: Service,
    socket: PathBuf,
}

impl Redis {
    fn new(tree: &Tree) -> Self {
        need("redis-server", "redis-server");
        let service = ServiceDirBuilder::new()
            .run("exec 2>&1\nexec redis-server redis.conf")
            .check("[ \"$(redis-cli -s redis.sock ping)\" = PONG ]")
            .file(
                "redis.conf",
                "port 0\nunixsocket redis.sock\ndaemonize no\nsave \"\"\n\
                 appendonly yes\nappendfsync always\ndir .\n",
            );
        let service = tree.add("redis", service);
        let socket = service.join("redis.sock");
        Self { service, socket }
    }

    /// One command, in the protocol's own form, and the first line of the answer; of a string, the
    /// string.
    fn ask(&self, words: &[&str]) -> Result<String, String> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            write!(request, "${}\r\n{word}\r\n", word.len()).unwrap();
        }
        let ask = || {
            let mut connection = UnixStream::connect(&self.socket)?;
            connection.set_read_timeout(Some(LIMIT))?;
            // QUIT, so that the answer has an end.
            connection.write_all(format!("{request}*1\r\n$4\r\nQUIT\r\n").as_bytes())?;
            let mut answer = String::new();
            connection.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = ask().map_err(|error: std::io::Error| error.to_string())?;
        let mut lines = answer.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let value = if first.starts_with('$') { lines.next() } else { Some(first) };
        value.map(str::to_owned).ok_or(answer)
    }

    #[track_caller]
    fn wait_answer(&self, words: &[&str], wanted: &str) {
        wait_until(&format!("{wanted:?} to {words:?}"), || {
            let answer = self.ask(words)?;
            if answer == wanted { Ok(()) } else { Err(answer + "\n" + &log_of(&self.service)) }
        });
    }
}

#[test]
fn redis_is_supervised() {
    let tree = Tree::new();
    let redis = Redis::new(&tree);
    let service = &redis.service;
    redis.wait_answer(&["PING"], "+PONG");
    let first = service.wait_state(State::Run);
    wait_log(service, "ready to accept connections");
    redis.wait_answer(&["SET", "key", "kept"], "+OK");

    // KILL, by the supervisor's own means: back with a new process, and with its data.
    tree.sv(&["kill", "redis"]);
    let second = service.wait_run_again(&first);
    redis.wait_answer(&["GET", "key"], "kept");

    // Paused, it takes a connection and does not answer; then it does.
    let process = second.process().unwrap();
    tree.sv(&["pause", "redis"]);
    process.wait_for_state('T');
    service.wait_stat("run, paused");
    tree.sv(&["cont", "redis"]);
    redis.wait_answer(&["PING"], "+PONG");
    assert_eq!(service.status().pid, second.pid);

    // Stopped with TERM, which it takes as the order to end properly.
    tree.sv(&["stop", "redis"]);
    service.wait_files("down", [0, b'd', 0, 0]);
    wait_log(service, "Redis is now ready to exit, bye bye...");
    assert!(redis.ask(&["PING"]).is_err());

    // `start` waits for `check`: it serves when sv says so.
    let said = tree.sv(&["start", "redis"]);
    assert!(said.starts_with("ok: run: redis: (pid "), "{said}");
    assert_eq!(redis.ask(&["GET", "key"]).as_deref(), Ok("kept"));
    tree.end(&[service]);
}

#[test]
fn both_in_one_tree() {
    let tree = Tree::new();
    let redis = Redis::new(&tree);
    let nginx = Nginx::new(&tree);
    redis.wait_answer(&["PING"], "+PONG");
    nginx.wait_page("first");
    let before = nginx.service.wait_state(State::Run);
    // A service may be at work before its supervisor has come to write down that it runs.
    for part in [&*redis.service, &redis.service.log, &nginx.service.log] {
        part.wait_state(State::Run);
    }
    let status = tree.sv(&["status", "nginx", "redis"]);
    assert_eq!(status.matches("run: ").count(), 4, "{status}");

    // What happens to one is nothing to the other.
    tree.sv(&["restart", "redis"]);
    redis.wait_answer(&["PING"], "+PONG");
    assert_eq!(nginx.service.status(), before);
    nginx.wait_page("first");

    // A crash of the logger loses no line: the pipe stays.
    let logger = nginx.service.log.wait_state(State::Run);
    logger.process().unwrap().kill(Signal::KILL);
    // While it dies it may still take lines out of the pipe.
    logger.process().unwrap().wait_for_end();
    let requests = || log_of(&nginx.service).matches("GET /page").count();
    let count = requests();
    for _ in 0..5 {
        nginx.get().unwrap();
    }
    nginx.service.log.wait_run_again(&logger);
    wait_until("five more lines", || {
        let seen = requests();
        if seen >= count + 5 { Ok(()) } else { Err(seen.to_string()) }
    });
    tree.end(&[&redis.service, &nginx.service]);
}
