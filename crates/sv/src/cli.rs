//! From the command line and the environment to what is to be done, for `sv`
//! and for the init script of a service.

use alloc::vec::Vec;
use core::ffi::CStr;

use runit_core::layout::{SVDIR, SVSRC};
use runit_core::options::{Complaint, Found, Misuse, Scanner};
use runit_core::tai::Tai64n;
use runit_rt::clock;
use runit_rt::errtext;
use runit_rt::signal::Inherited;
use runit_rt::start::Start;
use runit_rt::strings::{CStrList, whole_number};

use crate::check::Checks;
use crate::client::View;
use crate::command::{Caller, Command, Order, parse};
use crate::console::{Console, complain, say, show};
use crate::directory::{Service, services};
use crate::log;
use crate::manage::Directories;
use crate::options::{FACE, Key, answer};
use crate::place::Place;
use crate::render::Text;
use crate::status::Form;
use crate::wait::Waiter;

/// For how many seconds to wait, where `SVWAIT` does not say.
const SVWAIT: &str = "7";

/// The exit code where there is nothing that could be tried. (For an init
/// script, whose service is named, there always is.)
const FATAL: u8 = 100;

/// What is wrong with a number of seconds.
const NO_NUMBER: &str = "not a number of seconds";

/// What the command line and the environment say.
struct Call<'a> {
    /// The name that the program was called by.
    program: &'a [u8],
    caller: Caller,
    env: CStrList<'a>,
    inherited: &'a Inherited,
    directories: Directories<'a>,
    verbose: bool,
    as_json: bool,
    seconds: Option<u64>,
}

/// Runs `sv`, or the init script of the service `program`.
#[inline(never)]
pub fn run(start: &Start, inherited: &Inherited, caller: Caller, program: &[u8]) -> u8 {
    let env = start.env();
    let running = variable(env, b"SVDIR", SVDIR);
    let source = variable(env, b"SVSRC", SVSRC);
    let mut call = Call {
        program,
        caller,
        env,
        inherited,
        directories: Directories { running, source },
        verbose: false,
        as_json: false,
        seconds: None,
    };
    let mut scanner = Scanner::new(FACE.options, start.args().rest());
    while let Some(found) = scanner.next() {
        if let Err(code) = call.set(found, &scanner) {
            return code;
        }
    }
    let mut operands = scanner.operands();
    let words = operands;
    let command = operands.next().and_then(|word| parse(word.to_bytes(), caller));
    if let Some(Command::Log) = command {
        log::show(words, env, variable(env, b"PATH", ""), inherited);
        return FATAL;
    }
    let mut names = Vec::new();
    if caller == Caller::Sv {
        for name in operands {
            names.push(Service::named(name.to_bytes()));
        }
    } else {
        names.push(Service::named(program));
    }
    call.execute(command, &names)
}

#[inline(never)]
fn variable<'a>(env: CStrList<'a>, name: &[u8], default: &'static str) -> &'a [u8] {
    env.value_of(name).map_or(default.as_bytes(), CStr::to_bytes)
}

impl Caller {
    fn wrong_usage(self) -> u8 {
        if self == Self::Sv { 100 } else { 2 }
    }
}

impl<'a> Call<'a> {
    /// Takes in an option; an error is the exit code of a command line that
    /// ends here.
    #[inline(never)]
    fn set(
        &mut self,
        found: Result<Found<Key>, Misuse>,
        scanner: &Scanner<'a, Key>,
    ) -> Result<(), u8> {
        match found {
            Ok(Found::Option(Key::Verbose)) => self.verbose = true,
            Ok(Found::Option(Key::Json)) => self.as_json = true,
            Ok(Found::Option(Key::Wait)) => {
                let value = scanner.value().unwrap_or_default().to_bytes();
                self.verbose = true;
                self.seconds = whole_number(value);
                if self.seconds.is_none() {
                    complain("fatal: -w ", value, "", NO_NUMBER);
                    return Err(self.caller.wrong_usage());
                }
            }
            Ok(Found::Help) => return Err(answer(const { FACE.help() }, "")),
            Ok(Found::Version) => return Err(answer(const { FACE.version() }, "")),
            other => {
                let mut line = Text::new();
                if let (Err(_), Some(complaint)) = (other, scanner.complaint()) {
                    let (what, name) = match complaint {
                        Complaint::Unknown(name) => (": illegal option -- ", name),
                        Complaint::NoValue(name) => (": option requires an argument -- ", name),
                        Complaint::Value(name) => (": option takes no argument -- ", name),
                    };
                    line.name(self.program);
                    line.add(what);
                    line.name(name);
                    line.add("\n");
                } else {
                    line.add(const { FACE.id() });
                }
                show(&line);
                return Err(self.usage());
            }
        }
        Ok(())
    }

    /// Does what `command` says to the services `names`.
    #[inline(never)]
    fn execute(&self, command: Option<Command>, names: &[Service<'_>]) -> u8 {
        let Some(command) = command else {
            return self.usage();
        };
        let is_list = matches!(command, Command::List);
        let is_told = is_list || matches!(command, Command::Status);
        if if is_told { is_list && !names.is_empty() } else { names.is_empty() || self.as_json } {
            return self.usage();
        }
        let running = self.directories.running;
        let source = if is_list { Some(self.directories.source) } else { None };
        let all = match if names.is_empty() { services(running, source) } else { Ok(Vec::new()) } {
            Ok(all) => all,
            Err((directory, error)) => {
                complain("fatal: unable to read directory ", directory, "", errtext::local(error));
                return FATAL;
            }
        };
        let names = if names.is_empty() { &all } else { names };
        let mut console = Console::default();
        let mut place = Place::new(running);
        match command {
            Command::Status | Command::List => {
                let last = self.form(source).show(names, &mut place, &mut console);
                if self.caller == Caller::InitScript {
                    console.finish(&mut place);
                    return init_script_status(&last);
                }
            }
            Command::Order(order) => self.order(order, names, &mut place, &mut console),
            Command::Enable => self.directories.change(true, names, &mut console),
            // `Log` has been dealt with.
            Command::Disable | Command::Log => {
                self.directories.change(false, names, &mut console);
            }
        }
        console.finish(&mut place)
    }

    fn form(&self, source: Option<&'a [u8]>) -> Form<'a> {
        Form { as_json: self.as_json, source, now: Tai64n::from_unix(clock::realtime()) }
    }

    #[inline(never)]
    fn order<'n>(
        &self,
        order: Order,
        names: &[Service<'n>],
        place: &mut Place<'_>,
        console: &mut Console<'n>,
    ) where
        'a: 'n,
    {
        let waits = order.waits || self.verbose;
        let checks = Checks::new(self.env, self.inherited);
        let mut waiter = Waiter::new(order, waits, checks, place, console);
        for service in names {
            waiter.send(service.name);
        }
        if waits {
            waiter.wait(self.seconds());
        }
    }

    /// For how many seconds to wait.
    #[inline(never)]
    fn seconds(&self) -> u64 {
        if let Some(seconds) = self.seconds {
            return seconds;
        }
        let value = variable(self.env, b"SVWAIT", SVWAIT);
        whole_number(value).unwrap_or_else(|| {
            complain("warning: SVWAIT ", value, "", NO_NUMBER);
            7
        })
    }

    /// Prints usage; gives the exit code.
    #[inline(never)]
    fn usage(&self) -> u8 {
        let mut text = Text::new();
        if self.caller == Caller::Sv {
            text.add(const { FACE.usage() });
        } else {
            text.add("usage: ");
            text.name(self.program);
            text.add(" [-w sec] command\n");
        }
        say(&mut text);
        self.caller.wrong_usage()
    }
}

/// The code with which an init script tells the state (LSB, "Init Script
/// Actions"); a service without directory or supervisor is a failure.
fn init_script_status(view: &View) -> u8 {
    match view.trouble {
        None if view.record.pid.is_some() => 0,
        None => 3,
        Some(trouble) if trouble.is_fail() => 1,
        Some(_) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{File, Trouble};
    use runit_core::status::StatusRecord;
    use rustix::io::Errno;
    use rustix::process::Pid;

    #[test]
    fn an_init_script_answers_in_lsb_codes() {
        let seen = |pid| {
            let record = StatusRecord { pid: Pid::from_raw(pid), ..StatusRecord::default() };
            init_script_status(&View { record, ..View::default() })
        };
        assert_eq!(seen(7), 0);
        assert_eq!(seen(0), 3);
        for (trouble, code) in [
            (Trouble::NotRunning, 1),
            (Trouble::Directory(Errno::NOENT), 1),
            (Trouble::Open(File::Ok, Errno::NOENT), 4),
            (Trouble::Format, 4),
        ] {
            let view = View { trouble: Some(trouble), ..View::default() };
            assert_eq!(init_script_status(&view), code);
        }
    }
}
