//! `chpst`: it becomes the program as it should be, or says why not.

use std::process::Command;

use super::lab::{Check, Lab, Outcome};
use super::message;
use super::short::{output, text};

/// What is to be set up, shown by the program that it becomes.
const PROGRAM: &str = "#!/bin/sh\nid -u; id -g; id -G; pwd; ulimit -n; ulimit -c; nice\n\
                       echo \"$WORD $UID $GID\"; [ -e /proc/self/fd/2 ] && echo open\nexit 0\n";

/// The same for the rest of the options.
const MORE: &str = "#!/bin/sh\npwd; umask; ulimit -d; ulimit -f; ulimit -t; ulimit -s\n\
                    [ -e /proc/self/fd/0 ] || echo closed\n\
                    grep -e Cap -e NoNew /proc/self/status\nexit 0\n";

/// The scenario with the options that C runit has too.
pub fn run(lab: &Lab<'_>) -> Check<Outcome> {
    lab.write("env/WORD", "value\n")?;
    lab.write("lock", "")?;
    // It is opened by the account.
    open_to_all(lab, "lock", 0o666)?;
    let mut options = vec!["-e", "env", "-l", "lock", "-P", "-o", "64", "-c", "0", "-n", "2"];
    if is_root() {
        options.extend(["-u", "nobody", "-U", "nobody"]);
    }
    judge(lab, &options, PROGRAM)
}

/// The scenario with most of the others.
pub fn more(lab: &Lab<'_>) -> Check<Outcome> {
    let dir = lab.dir.display().to_string();
    let mut options = vec!["-C", &dir, "-d", "99000000", "-f", "99000", "-t", "99"];
    options.extend(["--stack", "4000000", "--umask", "027", "--no-new-privileges", "-0"]);
    if is_root() {
        options.extend(["-/", "/", "--bounding", "chown,kill", "--ambient", "none"]);
    }
    judge(lab, &options, MORE)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn open_to_all(lab: &Lab<'_>, name: &str, mode: u32) -> Check {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(lab.path(name), mode).map_err(|error| error.to_string())
}

/// Runs it without and with the fault.
fn judge(lab: &Lab<'_>, options: &[&str], program: &str) -> Check<Outcome> {
    lab.write("program", program)?;
    open_to_all(lab, "", 0o755)?;
    let run = |mut command: Command| output(command.args(options).arg(lab.path("program")));
    let expected = run(lab.command("chpst"))?;
    if !expected.status.success() {
        return Err(format!("without a fault: {}", text(&expected.stderr)));
    }
    let seen = run(lab.traced("chpst"))?;
    let (out, err) = (text(&seen.stdout), text(&seen.stderr));
    let what = format!("{}, said: {out}{err}", seen.status);
    message::are_sane(&err, &["chpst: fatal: ", "chpst: warning: "])?;
    match seen.status.code() {
        Some(0) if seen.stdout == expected.stdout => Ok(Outcome::Survived),
        Some(0) => Err(format!("it became the program, but not as it should: {what}")),
        Some(111) if out.is_empty() && err.contains("fatal: ") => Ok(Outcome::Failed),
        _ => Err(what),
    }
}
