//! What `sv` does besides: services enabled, disabled and listed; `svc` and `svok`.

use std::os::unix::fs::symlink;

use super::lab::{Check, LIMIT, Lab, Outcome};
use super::machine::is_mute;
use super::message;
use super::service::Service;
use super::short::{SV, output, text};

/// What lines of `svc` and `svok` begin with.
const SVC: &[&str] = &["svc: ", "svok: ", "sv: ", "warning: ", "fail: ", "fatal: "];

/// The scenario of `enable`, `list`, `status` and `disable`.
pub fn run(lab: &Lab<'_>) -> Check<Outcome> {
    let services = ["a", "b"].map(|name| Service::plain(lab.path("source").join(name)));
    services.into_iter().collect::<Check<Vec<_>>>()?;
    std::fs::create_dir(lab.path("running")).map_err(|error| error.to_string())?;
    let is_enabled = |name| lab.path("running").join(name).is_dir();
    let mut outcome = Outcome::Survived;
    for words in [&["enable", "a", "b"], &["--json", "list", ""], &["disable", "a", "b"]] {
        let mut command = lab.traced("sv");
        command.env("SVDIR", lab.path("running")).env("SVSRC", lab.path("source"));
        let seen = output(command.args(words.iter().filter(|word| !word.is_empty())))?;
        let (out, err) = (text(&seen.stdout), text(&seen.stderr));
        let what = format!("sv {}: {}, said: {out}{err}", words.join(" "), seen.status);
        let verb = words[0];
        if verb != "--json" {
            message::are_sane(&out, SV).map_err(|why| format!("{why} ({what})"))?;
        }
        message::are_sane(&err, SV).map_err(|why| format!("{why} ({what})"))?;
        let both = [is_enabled("a"), is_enabled("b")];
        let done = match verb {
            "enable" => both == [true, true],
            "disable" => both == [false, false],
            _ => out.contains("\"a\"") && out.contains("\"b\"") && out.ends_with("]\n"),
        };
        match seen.status.code() {
            Some(0) if done => {}
            Some(1..=151) if is_mute(lab) || !out.is_empty() || !err.is_empty() => {
                outcome = Outcome::Failed;
            }
            _ => return Err(what),
        }
        if verb == "enable" {
            // The next ones begin where this one should have led.
            for name in ["a", "b"].into_iter().filter(|name| !is_enabled(name)) {
                let target = lab.path("source").join(name);
                symlink(target, lab.path("running").join(name)).map_err(|e| e.to_string())?;
            }
        }
    }
    // The services themselves are never touched.
    let there = ["a", "b"].iter().all(|name| lab.path("source").join(name).join("run").exists());
    if there { Ok(outcome) } else { Err("a service has gone".to_owned()) }
}

/// The scenario of `svc` and `svok`.
pub fn svc(lab: &Lab<'_>) -> Check<Outcome> {
    let service = Service::plain(lab.path("s"))?;
    let mut supervisor = lab.start_untraced(lab.command("runsv").arg("s"))?;
    service.wait_up_after(0, LIMIT)?;
    let program = lab.suite.tool("sv").ok_or("no sv")?;
    let mut outcome = Outcome::Survived;
    for (tool, option) in [("svc", "-d"), ("svc", "-u"), ("svc", "-t"), ("svok", "")] {
        let starts = service.starts().len();
        let _ = symlink(&program, lab.path(tool));
        let mut command = lab.traced_program(&lab.path(tool));
        let seen = output(command.args((!option.is_empty()).then_some(option)).arg("./s"))?;
        let (out, err) = (text(&seen.stdout), text(&seen.stderr));
        let what = format!("{tool} {option}: {}, said: {out}{err}", seen.status);
        message::are_sane(&(out + &err), SVC).map_err(|why| format!("{why} ({what})"))?;
        // Where nothing can be written, no command can be sent either.
        let failed = !err.is_empty() || is_mute(lab);
        match seen.status.code() {
            // They do not wait.
            Some(0) if !failed && option == "-d" => service.wait_down(LIMIT)?,
            Some(0) if !failed && option.is_empty() => {}
            Some(0) if !failed => service.wait_up_after(starts, LIMIT)?,
            // `svc` has no code for it, and `svok` says all by its code.
            Some(0 | 100 | 111) if failed || option.is_empty() => {
                outcome = Outcome::Failed;
                if option == "-d" {
                    service.send("d");
                    service.wait_down(LIMIT)?;
                } else if option == "-u" {
                    service.send("u");
                    service.wait_up_after(starts, LIMIT)?;
                }
            }
            _ => return Err(what),
        }
    }
    service.send("x");
    match supervisor.wait_end(LIMIT)? {
        0 => service.check_ledger(true).map(|()| outcome),
        code => Err(format!("runsv exits with {code}")),
    }
}
