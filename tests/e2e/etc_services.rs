//! The service directories of `etc/sv`, with the programs that Debian has for them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use runit_tests::dirs::{create_dir, make_fifo, names, text, write, write_script};
use runit_tests::own::{Own, install, path};
use runit_tests::prelude::*;
use runit_tests::recipe::need;
use runit_tests::run::only_root;
use runit_tests::{Launch, Supervisor};

/// A machine that runs services of ours, with what belongs to it in `/etc`, `/run` and `/var`.
struct Machine {
    runsvdir: Supervisor,
    own: Own,
}

impl Machine {
    /// With `prepare` run, as a script, before the services come up.
    fn new(services: &[&str], prepare: &str, own: Own) -> Self {
        create_dir(&own.path("etc/sv"));
        create_dir(&own.path("run/runit"));
        for service in services {
            let kind = service.split('@').next().unwrap();
            let place = own.path("etc/sv").join(kind);
            if !place.exists() {
                install(&format!("etc/sv/{kind}"), &place);
            }
            symlink(format!("/etc/sv/{kind}"), own.path("var/service").join(kind)).unwrap();
        }
        let mut words = own.words();
        let script = format!("{prepare}\nexec runsvdir /var/service");
        words.extend(["sh", "-c", &script].map(Into::into));
        let runsvdir = Launch::path(&words[0]).args(&words[1..]).env("PATH", path()).spawn();
        Self { runsvdir, own }
    }

    /// What a service's logger has written.
    fn log(&self, directory: &str) -> String {
        text(&self.own.path("var/log").join(directory).join("current"))
    }

    fn wait_log(&self, directory: &str, what: &str) {
        wait_until(&format!("{what:?} in the log of {directory}"), || {
            let log = self.log(directory);
            if log.contains(what) {
                Ok(())
            } else {
                Err(format!("{log}\n{}", self.runsvdir.stderr()))
            }
        });
    }

    /// Runs a command in there; it must succeed.
    #[track_caller]
    fn sh(&self, script: &str) -> String {
        let mut words = vec!["-t".into(), self.first(), "-m".into(), "sh".into(), "-c".into()];
        words.push(std::ffi::OsString::from(script));
        let ran = runit_tests::run::Run::path("nsenter").args(words).env("PATH", path()).run();
        assert_eq!(ran.code, 0, "{script}: {ran:?}");
        ran.stdout
    }

    fn first(&self) -> std::ffi::OsString {
        self.runsvdir.process().to_string().into()
    }

    /// Waits until a service is down, and wants to be.
    fn wait_down(&self, service: &str) {
        let stat = self.own.path(&format!("run/runit/supervise.{service}/stat"));
        wait_until(&format!("{service} to be down"), || {
            let text = text(&stat);
            if text == "down\n" { Ok(()) } else { Err(text) }
        });
    }

    /// Takes a service down. Its supervisor stays: `runsvdir` would start another one at once.
    fn stop(&self, service: &str) {
        let said = self.sh(&format!("SVDIR=/var/service sv -w 25 stop {service}"));
        assert!(said.starts_with("ok: "), "{said}");
    }
}

#[test]
fn nginx_serves_and_logs() {
    if !only_root("become an account") {
        return;
    }
    need("nginx", "nginx-light");
    let own = Own::new();
    create_dir(&own.path("etc/nginx"));
    write(
        &own.path("etc/nginx/nginx.conf"),
        "user nobody nogroup; pid /run/nginx.pid; error_log stderr notice;
events {}
http { access_log /dev/stdout; server { listen unix:/run/web.sock; return 200 'it works'; }
client_body_temp_path /run/t1; proxy_temp_path /run/t2; fastcgi_temp_path /run/t3;
uwsgi_temp_path /run/t4; scgi_temp_path /run/t5; }\n",
    );
    create_dir(&own.path("var/lib/nginx"));
    let machine = Machine::new(&["nginx"], "", own);
    // Its directory for logs belongs to root in Debian.
    wait_until("the socket", || machine.own.path("run/web.sock").exists());
    machine.wait_log("nginx", "start worker process");
    machine.sh("SVDIR=/var/service sv hup nginx");
    machine.wait_log("nginx", "signal 1 (SIGHUP) received");
    machine.stop("nginx");
    machine.wait_log("nginx", "signal 15 (SIGTERM) received");
    assert!(!machine.own.path("run/nginx.pid").exists());
}

#[test]
fn redis_answers_as_its_account_and_check_knows() {
    if !only_root("become an account") {
        return;
    }
    need("redis-server", "redis-server");
    let own = Own::new();
    create_dir(&own.path("etc/redis"));
    write(
        &own.path("etc/redis/redis.conf"),
        "port 0\nunixsocket /run/redis/sock\ndir /run/redis\ndaemonize yes\nlogfile /run/no\n",
    );
    install("etc/sv/redis", &{
        create_dir(&own.path("etc/sv"));
        own.path("etc/sv/redis")
    });
    write(&own.path("etc/sv/redis/conf"), "REDIS_CHECK='-s /run/redis/sock'\n");
    let machine = Machine::new(&["redis"], "", own);
    wait_until("the socket", || machine.own.path("run/redis/sock").exists());
    let said = machine.sh("SVDIR=/var/service sv -w 25 start redis");
    assert!(said.starts_with("ok: run: redis: "), "{said}");
    let owner = machine.sh("stat -c %u /run/redis/sock");
    assert_eq!(owner, "61001\n");
    machine.wait_log("redis", "ready to accept connections");
    machine.stop("redis");
    machine.wait_log("redis", "Redis is now ready to exit");
}

#[test]
fn cron_runs_busyboxs_and_the_log_has_it() {
    if !only_root("become an account") {
        return;
    }
    need("busybox", "busybox-static");
    let own = Own::new();
    create_dir(&own.path("run/bin"));
    create_dir(&own.path("run/crontabs"));
    symlink("/bin/busybox", own.path("run/bin/crond")).unwrap();
    create_dir(&own.path("etc/sv"));
    install("etc/sv/cron", &own.path("etc/sv/cron"));
    write(&own.path("etc/sv/cron/conf"), "CRON_ARGS='-c /run/crontabs'\n");
    // Debian's own would come first.
    let machine = Machine::new(&["cron"], ONLY_BUSYBOX, own);
    machine.wait_log("cron", "crond (busybox");
    machine.stop("cron");
}

#[test]
fn postgresql_takes_connections_and_stops_with_clients_connected() {
    if !only_root("become an account") {
        return;
    }
    let own = Own::new();
    need("pg_isready", "postgresql");
    let programs = fs::read_dir("/usr/lib/postgresql");
    let programs = programs.unwrap_or_else(|error| panic!("apt-get install postgresql: {error}"));
    let bin = programs.flatten().map(|entry| entry.path().join("bin")).max().unwrap();
    let prepare = format!(
        "install -d -o postgres /var/lib/postgres /run/postgresql
cd / && chpst -u postgres {}/initdb -A trust -D /var/lib/postgres/data >/run/initdb 2>&1
echo \"listen_addresses = ''\" >>/var/lib/postgres/data/postgresql.conf",
        bin.display()
    );
    let machine = Machine::new(&["postgresql"], &prepare, own);
    machine.wait_log("postgresql", "ready to accept connections");
    let said = machine.sh("SVDIR=/var/service sv -w 25 start postgresql");
    assert!(said.starts_with("ok: run: postgresql: "), "{said}");
    let ids = machine.sh("chpst -u postgres psql -h /run/postgresql -Atc 'select 6 * 7'");
    assert_eq!(ids, "42\n");
    // A client that stays: TERM would wait for it, which the service's control/t prevents.
    let input = machine.own.path("run/input");
    make_fifo(&input);
    let _held = fs::File::options().read(true).write(true).open(&input).unwrap();
    machine.sh("export PGAPPNAME=stays
chpst -u postgres psql -h /run/postgresql </run/input >/run/client 2>&1 &");
    // By its name: one that asked before may not have left yet.
    let connected = "select count(*) from pg_stat_activity where application_name = 'stays'";
    wait_until("the client", || {
        machine.sh(&format!("chpst -u postgres psql -h /run/postgresql -Atc \"{connected}\""))
            == "1\n"
    });
    machine.stop("postgresql");
    machine.wait_log("postgresql", "received fast shutdown request");
}

/// A `PATH` of busybox's programs, and the suite's.
const ONLY_BUSYBOX: &str = "\
mkdir -p /run/bin
for each in $(busybox --list); do ln -sf /bin/busybox /run/bin/$each; done
for each in runsv runsvdir sv svlogd chpst rsvlog nsvlog; do
    rm -f /run/bin/$each; ln -s \"$(command -v $each)\" /run/bin/
done
PATH=/run/bin; export PATH";

/// The same, but for what the service would run.
fn without(programs: &str) -> String {
    format!("{ONLY_BUSYBOX}\ncd /run/bin && rm -f {programs}; cd /")
}

#[test]
fn a_service_whose_program_is_missing_says_so_and_stays_down() {
    if !only_root("become an account") {
        return;
    }
    let services = ["cron", "sshd", "dhcp", "nginx", "redis", "postgresql", "udevd"];
    // udevd is looked for at its place in the system, too.
    let udevd = ["/usr/lib/systemd/systemd-udevd", "/lib/systemd/systemd-udevd"];
    let there = udevd.iter().any(|path| PathBuf::from(path).exists());
    let services = &services[..if there { 6 } else { 7 }];
    let machine = Machine::new(services, &without("crond cron udhcpc"), Own::new());
    for service in services {
        machine.wait_log(service, "; the service stays down");
        machine.wait_down(service);
    }
    assert_eq!(names(&machine.own.path("var/log")).len(), services.len());
}

#[test]
fn a_getty_without_a_terminal_stays_down_and_one_with_it_answers() {
    if !only_root("become an account") {
        return;
    }
    let own = Own::new();
    create_dir(&own.path("run/bin"));
    write_script(&own.path("run/bin/agetty"), "echo \"$@\" >/run/agetty; exec sleep 100000");
    create_dir(&own.path("etc/sv"));
    install("etc/sv/getty-tty1", &own.path("etc/sv/getty-tty1"));
    for (name, tty) in [("getty-full", "run"), ("getty-none", "run")] {
        let dir = own.path("etc/sv").join(name);
        create_dir(&dir);
        symlink("../getty-tty1/run", dir.join(tty)).unwrap();
        symlink(format!("/run/runit/supervise.{name}"), dir.join("supervise")).unwrap();
        symlink(format!("/etc/sv/{name}"), own.path("var/service").join(name)).unwrap();
    }
    let machine = Machine::new(&[], "PATH=/run/bin:$PATH", own);
    wait_until("a getty", || machine.own.path("run/agetty").exists());
    runit_tests::dirs::wait_lines(
        &machine.own.path("run/agetty"),
        &["-L full 115200,38400,9600 vt100"],
    );
    wait_until("the other's complaint", || {
        let said = machine.runsvdir.stdout();
        let complaint = "getty-none: there is no /dev/none; the service stays down\n";
        // Twice where it took over a second, and its end was seen before its command.
        if !said.is_empty() && said.replace(complaint, "").is_empty() { Ok(()) } else { Err(said) }
    });
    machine.wait_down("getty-none");
}

#[test]
fn the_kernels_messages_are_logged() {
    if !only_root("read them") {
        return;
    }
    let own = Own::new();
    // What it reads is gone for everybody else, so a file stands for it.
    create_dir(&own.path("etc/sv"));
    install("etc/sv/klog", &own.path("etc/sv/klog"));
    let run = own.path("etc/sv/klog/run");
    let script = text(&run);
    assert!(script.contains("</proc/kmsg"));
    write(&own.path("run/kmsg"), "<6>[    0.000000] Linux version\n");
    let machine = Machine::new(&["klog"], "mount --bind /run/kmsg /proc/kmsg", own);
    machine.wait_log("klog", "<6>[    0.000000] Linux version");
    assert_eq!(machine.sh("stat -c %u /var/log/klog"), "65534\n");
}
