//! From the command line and the environment to what is to be done, for `sv`
//! and for the init script of a service.

use alloc::vec::Vec;
use core::ffi::CStr;

use runit_core::diag::Say;
use runit_core::options::{Found, Scanner};
use runit_core::tool::VERSION;
use runit_rt::clock;
use runit_rt::signal::Inherited;
use runit_rt::start::Start;
use runit_rt::strings::CStrList;

use crate::check::Checks;
use crate::client::Report;
use crate::command::{Caller, Command, Order, parse};
use crate::console::{Complaint, Console, say};
use crate::directory::{Service, services};
use crate::manage::Directories;
use crate::options::{Key, SV};
use crate::place::Place;
use crate::render::Text;
use crate::status::Form;
use crate::wait::Waiter;

/// The directory of the services that run, where `SVDIR` does not say.
const SVDIR: &str = match option_env!("RUNIT_SVDIR") {
    Some(directory) => directory,
    None => "/var/service",
};

/// The directory of the services there are, where `SVSRC` does not say.
const SVSRC: &str = match option_env!("RUNIT_SVSRC") {
    Some(directory) => directory,
    None => "/etc/sv",
};

/// For how many seconds to wait, where `SVWAIT` does not say.
const SVWAIT: u64 = 7;

/// A command line that was understood.
struct Call<'a> {
    caller: Caller,
    env: CStrList<'a>,
    inherited: &'a Inherited,
    directories: Directories<'a>,
    verbose: bool,
    seconds: Option<u64>,
    as_json: bool,
}

/// Runs `sv`, or the init script of the service `program`.
pub fn run(start: &Start, inherited: &Inherited, caller: Caller, program: &[u8]) -> u8 {
    let env = start.env();
    let variable =
        |name, default: &'static str| env.value_of(name).map_or(default.as_bytes(), CStr::to_bytes);
    let directories =
        Directories { running: variable(b"SVDIR", SVDIR), source: variable(b"SVSRC", SVSRC) };
    let (verbose, seconds, as_json) = (false, None, false);
    let mut call = Call { caller, env, inherited, directories, verbose, seconds, as_json };
    let mut scanner = Scanner::new(SV.options, start.args().rest());
    while let Some(found) = scanner.next() {
        match found {
            Ok(Found::Option(Key::Verbose, _)) => call.verbose = true,
            Ok(Found::Option(Key::Json, _)) => call.as_json = true,
            Ok(Found::Option(Key::Wait, value)) => {
                let value = value.map(CStr::to_bytes).unwrap_or_default();
                call.verbose = true;
                call.seconds = parse_seconds(value);
                if call.seconds.is_none() {
                    Complaint::Wait(value).say();
                    return caller.wrong_usage();
                }
            }
            Ok(Found::Help) => return SV.print_help(),
            Ok(Found::Version) => return SV.print_version(),
            other => {
                let mut text = Text::default();
                if other.is_ok() {
                    for piece in ["$Id: ", SV.name, " ", VERSION, " $"] {
                        text.add(piece);
                    }
                } else if let Some(complaint) = scanner.complaint() {
                    text.name(program);
                    text.add(": ");
                    complaint.say(&mut text);
                }
                text.add("\n");
                return usage(caller, program, text);
            }
        }
    }
    let mut operands = scanner.operands();
    let command = operands.next().and_then(|word| parse(word.to_bytes(), caller));
    let named = |name: &[u8]| Service { name: name.to_vec(), enabled: true };
    let names: Vec<Service> = match caller {
        Caller::Sv => operands.map(|name| named(name.to_bytes())).collect(),
        Caller::InitScript => Vec::from([named(program)]),
    };
    call.execute(command, &names).unwrap_or_else(|| usage(caller, program, Text::default()))
}

impl Caller {
    fn wrong_usage(self) -> u8 {
        if self == Self::Sv { 100 } else { 2 }
    }

    fn fatal(self) -> u8 {
        if self == Self::Sv { 100 } else { 151 }
    }
}

impl<'a> Call<'a> {
    /// Does what `command` says to the services `names`; nothing where these
    /// do not go together.
    fn execute(&self, command: Option<Command>, names: &[Service]) -> Option<u8> {
        let command = command?;
        if self.as_json && !matches!(command, Command::Status | Command::List) {
            Complaint::Json.say();
            return Some(self.caller.wrong_usage());
        }
        let mut console = Console::default();
        let mut place = Place::new(self.directories.running);
        match command {
            Command::List if !names.is_empty() => return None,
            Command::Status if !names.is_empty() => {
                let last = self.form(None).show(names, &mut place, &mut console);
                if let (Caller::InitScript, Some(report)) = (self.caller, last) {
                    console.finish(&mut place);
                    return Some(init_script_status(&report));
                }
            }
            Command::Status | Command::List => {
                return Some(self.show_all(command == Command::List));
            }
            _ if names.is_empty() => return None,
            Command::Enable => self.directories.change(true, names, &mut console),
            Command::Disable => self.directories.change(false, names, &mut console),
            Command::Order(order) => self.order(order, names, &mut place, &mut console),
        }
        Some(console.finish(&mut place))
    }

    /// Tells the state of all services: those that run, or for `list` all.
    fn show_all(&self, list: bool) -> u8 {
        let Directories { running, source } = self.directories;
        let directories = [(running, true), (source, false)];
        let used = if list { &directories[..] } else { &directories[..1] };
        match services(used) {
            Ok(all) => {
                let mut console = Console::default();
                let mut place = Place::new(running);
                self.form(list.then_some(source)).show(&all, &mut place, &mut console);
                console.finish(&mut place)
            }
            Err((directory, error)) => {
                Complaint::Directory(directory, error).say();
                self.caller.fatal()
            }
        }
    }

    fn form(&self, source: Option<&'a [u8]>) -> Form<'a> {
        Form { as_json: self.as_json, source, now: clock::realtime() }
    }

    fn order<'n>(
        &self,
        order: Order,
        names: &'n [Service],
        place: &mut Place<'_>,
        console: &mut Console<'n>,
    ) where
        'a: 'n,
    {
        let waits = order.waits || self.verbose;
        let checks = Checks::new(self.env, self.inherited);
        let mut waiter = Waiter::new(order, waits, checks, place, console);
        for service in names {
            waiter.send(&service.name);
        }
        if waits {
            waiter.wait(self.seconds());
        }
    }

    /// For how many seconds to wait.
    fn seconds(&self) -> u64 {
        let value = self.env.value_of(b"SVWAIT").map(CStr::to_bytes);
        match (self.seconds, value) {
            (Some(seconds), _) => seconds,
            (None, None) => SVWAIT,
            (None, Some(value)) => parse_seconds(value).unwrap_or_else(|| {
                Complaint::SvWait(value).say();
                SVWAIT
            }),
        }
    }
}

/// The code with which an init script tells the state (LSB, "Init Script
/// Actions"); a service without directory or supervisor is a failure.
fn init_script_status(report: &Report) -> u8 {
    match report.service {
        Ok(part) if part.record.pid.is_some() => 0,
        Ok(_) => 3,
        Err(trouble) if trouble.is_fail() => 1,
        Err(_) => 4,
    }
}

/// A whole number, the largest where it is too large.
fn parse_seconds(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        Some(number.saturating_mul(10).saturating_add(digit.into()))
    })
}

/// Prints usage behind `text`; gives the exit code.
fn usage(caller: Caller, program: &[u8], mut text: Text) -> u8 {
    text.add("usage: ");
    if caller == Caller::Sv {
        text.add(SV.usage);
    } else {
        text.name(program);
        text.add(" [-w sec] command");
    }
    text.add("\n");
    say(&mut text);
    caller.wrong_usage()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{File, Part, Trouble};
    use runit_core::status::StatusRecord;
    use rustix::io::Errno;
    use rustix::process::Pid;

    #[test]
    fn seconds_are_whole_numbers() {
        assert_eq!(parse_seconds(b"0"), Some(0));
        assert_eq!(parse_seconds(b"0042"), Some(42));
        assert_eq!(parse_seconds(b"99999999999999999999999"), Some(u64::MAX));
        for wrong in [&b""[..], b"-1", b"+1", b"1s", b" 1", b"1.5", b"0x1"] {
            assert_eq!(parse_seconds(wrong), None);
        }
    }

    #[test]
    fn an_init_script_answers_in_lsb_codes() {
        let code = |service| init_script_status(&Report { service, log: None });
        let part = |pid| {
            let record = StatusRecord { pid: Pid::from_raw(pid), ..StatusRecord::default() };
            Ok(Part { record, normally: Err(Errno::IO) })
        };
        assert_eq!(code(part(7)), 0);
        assert_eq!(code(part(0)), 3);
        assert_eq!(code(Err(Trouble::NotRunning)), 1);
        assert_eq!(code(Err(Trouble::Directory(Errno::NOENT))), 1);
        assert_eq!(code(Err(Trouble::Open(File::Ok, Errno::NOENT))), 4);
        assert_eq!(code(Err(Trouble::Format)), 4);
    }
}
