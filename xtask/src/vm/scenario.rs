//! What a machine is asked to do, each a check of its own. Each begins at the prompt
//! of root's shell in a system that is up, and ends there or with the power off, so
//! that any of them can be run alone.

use super::guest::Guest;
use crate::error::{Error, Result};

/// What is booted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    /// An initramfs of busybox and the suite.
    Small,
    /// Debian on a disk, with our files installed.
    Debian,
    /// The small one on another processor.
    Aarch64,
}

/// One check.
pub struct Scenario {
    /// What `--only` calls it.
    pub name: &'static str,
    /// Where it takes place.
    pub image: Image,
    /// What C runit cannot do of it; `None`: it passes this check too.
    pub not_in_c: Option<&'static str>,
    /// Does it; an error says what was not so.
    pub run: fn(&mut Guest) -> Result<()>,
}

const fn small(name: &'static str, run: fn(&mut Guest) -> Result<()>) -> Scenario {
    Scenario { name, image: Image::Small, not_in_c: None, run }
}

/// All of them, in an order in which few boots are needed.
pub static SCENARIOS: &[Scenario] = &[
    small("services-up", services_up),
    small("sv", sv),
    small("killed-service", killed_service),
    small("run-levels", run_levels),
    small("getty", getty),
    small("orphans", orphans),
    Scenario {
        name: "stage-2-again",
        image: Image::Small,
        not_in_c: Some("2.1.2 goes down when stage 2 was killed"),
        run: stage_2_again,
    },
    small("reboot", reboot),
    small("ctrl-alt-del", ctrl_alt_del),
    small("stage-3-order", stage_3_order),
    Scenario {
        name: "power-fails",
        image: Image::Small,
        not_in_c: Some("it ignores PWR"),
        run: power_fails,
    },
    Scenario { name: "debian-services", image: Image::Debian, not_in_c: None, run: debian },
    Scenario { name: "debian-reboot", image: Image::Debian, not_in_c: None, run: reboot },
    Scenario { name: "debian-poweroff", image: Image::Debian, not_in_c: None, run: debian_off },
    Scenario { name: "aarch64-services", image: Image::Aarch64, not_in_c: None, run: services_up },
    Scenario { name: "aarch64-sv", image: Image::Aarch64, not_in_c: None, run: sv },
    Scenario {
        name: "aarch64-poweroff",
        image: Image::Aarch64,
        not_in_c: None,
        run: stage_3_order,
    },
];

fn services_up(guest: &mut Guest) -> Result<()> {
    // Every service of the level, and what logs for it; that of a terminal that is not
    // there stays down, and says so.
    guest.until("sv status beat order keepsyslog klog && ! sv status beat klog | grep -v ^run:")?;
    guest.until("grep -q beat /var/log/beat/current")?;
    guest.until("grep -q Linux.version /var/log/klog/current")?;
    same("process 1", &guest.succeed("cat /proc/1/comm")?, "runit")?;
    same("the level", &guest.succeed("readlink /etc/runit/runsvdir/current")?, "default")
}

fn sv(guest: &mut Guest) -> Result<()> {
    let before = running(guest, "beat")?;
    let said = guest.succeed("sv restart beat")?;
    if !said.starts_with("ok: run: ") {
        return Err(Error::Failed(format!("sv restart said '{said}'")));
    }
    differs("the process after sv restart", &running(guest, "beat")?, &before)?;
    guest.succeed("sv down beat")?;
    guest.until("sv status beat | grep ^down:")?;
    guest.succeed("sv up beat")?;
    running(guest, "beat").map(drop)
}

fn killed_service(guest: &mut Guest) -> Result<()> {
    let before = running(guest, "beat")?;
    guest.succeed(&format!("kill -9 {before}"))?;
    guest.until(&format!("sv status beat | grep ^run: | grep -v 'beat: (pid {before})'"))?;
    let runsv = guest.succeed("pidof runsvdir")?;
    same(
        "runsvdir, which is stage 2",
        &guest.succeed(&format!("ls -d /proc/{runsv}"))?,
        &format!("/proc/{runsv}"),
    )
}

fn run_levels(guest: &mut Guest) -> Result<()> {
    guest.type_line("runsvchdir single")?;
    // sulogin takes the console over; it wants root's password, which is empty.
    guest.expect("system maintenance")?;
    guest.shell()?;
    guest.until("sv status sulogin | grep ^run:")?;
    same("the level", &guest.succeed("readlink /etc/runit/runsvdir/current")?, "single")?;
    guest.until("! pidof svlogd")?;
    guest.type_line("exit")?;
    guest.log_in()?;
    guest.until("sv status beat | grep ^run:")?;
    same("the level", &guest.succeed("readlink /etc/runit/runsvdir/current")?, "default")?;
    same("the one before", &guest.succeed("readlink /etc/runit/runsvdir/previous")?, "single")
}

fn getty(guest: &mut Guest) -> Result<()> {
    guest.type_line("exit")?;
    guest.log_in()?;
    same("the terminal", &guest.succeed("tty")?, "/dev/ttyS0")?;
    guest.succeed("sv status getty-ttyS0 | grep ^run:").map(drop)
}

/// Processes whose parents end at once: process 1 has to take them all.
fn orphans(guest: &mut Guest) -> Result<()> {
    // Some that live for a while, to see whose they are.
    guest.succeed("i=0; while [ $i -lt 200 ]; do (sleep 600 &); i=$((i+1)); done")?;
    let adopted = guest.succeed("for p in $(pidof sleep); do grep PPid: /proc/$p/status; done 2>/dev/null | grep -c '\\b1$'")?;
    let adopted: u32 = adopted.parse().unwrap_or(0);
    if adopted < 200 {
        return Err(Error::Failed(format!("process 1 has {adopted} of 200 orphans")));
    }
    // A part at a time, each within the limit also where all is slow.
    for _ in 0..8 {
        guest.succeed("i=0; while [ $i -lt 250 ]; do (: &); i=$((i+1)); done")?;
    }
    // One of a service may have ended meanwhile, by itself.
    guest.succeed("kill $(pidof sleep) || :")?;
    guest.until("! grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null")?;
    guest.until("[ $(pidof sleep | wc -w) -lt 100 ]").map(drop)
}

fn stage_2_again(guest: &mut Guest) -> Result<()> {
    let before = guest.succeed("pidof runsvdir")?;
    guest.type_line(&format!("kill -9 {before}"))?;
    guest.expect_in_order(&["child crashed: /etc/runit/2", "enter stage: /etc/runit/2"])?;
    // The supervisors have sessions of their own, and live on: so does this shell.
    guest.until(&format!("pidof runsvdir && [ \"$(pidof runsvdir)\" != {before} ]"))?;
    running(guest, "beat").map(drop)
}

// Programs of this name are called by their paths, since a shell of busybox's takes its own.
fn reboot(guest: &mut Guest) -> Result<()> {
    boots_again(guest, "/sbin/reboot", |guest| guest.type_line("/sbin/reboot"))
}

fn ctrl_alt_del(guest: &mut Guest) -> Result<()> {
    boots_again(guest, "ctrl-alt-del: the system reboots now", |guest| {
        guest.monitor("sendkey ctrl-alt-delete")
    })
}

/// That the machine goes down in order and up again, as what the kernel draws by lot
/// at each boot tells.
fn boots_again(
    guest: &mut Guest,
    said: &str,
    ask: impl Fn(&mut Guest) -> Result<()>,
) -> Result<()> {
    let before = guest.succeed("cat /proc/sys/kernel/random/boot_id")?;
    guest.forget();
    ask(guest)?;
    guest.expect_in_order(&[
        said,
        "leave stage: /etc/runit/2",
        "enter stage: /etc/runit/3",
        "leave stage: /etc/runit/3",
        "enter stage: /etc/runit/1",
        "enter stage: /etc/runit/2",
    ])?;
    guest.log_in()?;
    differs("the boot", &guest.succeed("cat /proc/sys/kernel/random/boot_id")?, &before)
}

fn stage_3_order(guest: &mut Guest) -> Result<()> {
    guest.until("sv status order keepsyslog && ! sv status order keepsyslog | grep -v ^run:")?;
    guest.type_line("/sbin/poweroff")?;
    guest.expect_in_order(&[
        "enter stage: /etc/runit/3",
        "order: the service is down",
        "order: the logger is down after last-words",
        "keepsyslog: down",
        "leave stage: /etc/runit/3",
    ])?;
    guest.expect_off()
}

fn power_fails(guest: &mut Guest) -> Result<()> {
    // Put in place now only, as a package of an UPS's daemon would.
    guest.succeed("mv /etc/runit/pwrfail.new /etc/runit/pwrfail")?;
    guest.type_line("kill -PWR 1")?;
    guest.expect_in_order(&["pwrfail: the power fails", "enter stage: /etc/runit/3"])?;
    guest.expect_off()
}

fn debian(guest: &mut Guest) -> Result<()> {
    guest.until("sv status klog getty-ttyS0 && ! sv status klog getty-ttyS0 | grep -v ^run:")?;
    same("process 1", &guest.succeed("cat /proc/1/comm")?, "runit")?;
    same("/sbin/init", &guest.succeed("readlink -f /sbin/init")?, "/usr/sbin/runit-init")?;
    // Stage 1 has found the disk read-only, checked it, and made it writable.
    guest.succeed("touch /was-here && grep ' / ext4 rw' /proc/mounts")?;
    guest.succeed("sv restart klog")?;
    guest.until("grep -q Linux.version /var/log/klog/current").map(drop)
}

fn debian_off(guest: &mut Guest) -> Result<()> {
    guest.forget();
    guest.type_line("/sbin/poweroff")?;
    guest.expect("enter stage: /etc/runit/3")?;
    let said = guest.expect("leave stage: /etc/runit/3")?;
    if said.contains("stays writable") {
        return Err(Error::Failed("the root file system was not made read-only".into()));
    }
    guest.expect_off()
}

/// The process of a service that runs.
fn running(guest: &mut Guest, service: &str) -> Result<String> {
    let status = guest.until(&format!("sv status {service} | grep ^run:"))?;
    let pid = status.split_once("(pid ").and_then(|(_, rest)| rest.split_once(')'));
    pid.map(|(pid, _)| pid.to_owned())
        .ok_or_else(|| Error::Failed(format!("sv status said '{status}'")))
}

fn same(what: &str, found: &str, wanted: &str) -> Result<()> {
    if found == wanted {
        return Ok(());
    }
    Err(Error::Failed(format!("{what}: '{found}' instead of '{wanted}'")))
}

fn differs(what: &str, found: &str, before: &str) -> Result<()> {
    if found != before {
        return Ok(());
    }
    Err(Error::Failed(format!("{what} is what it was: '{found}'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_of_its_own() {
        for scenario in SCENARIOS {
            let named = SCENARIOS.iter().filter(|other| other.name == scenario.name);
            assert_eq!(named.count(), 1, "{}", scenario.name);
        }
    }
}
