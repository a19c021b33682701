//! The command line of every tool. The input is the words, one a line, the
//! name by which the program is called first.
//!
//! Options are read a second time as the POSIX utility guidelines have them,
//! and both readings must be one; then each tool's own reading must come to an
//! end, and choose a program to run only from what was given.

use std::ffi::{CStr, CString};

use chpst::applet::{Applet, TOOLS};
use chpst::plan::Plan;
use runit_core::face::Face;
use runit_core::lookup::Lookup;
use runit_core::options::{Found, Opt, Scanner};
use runit_core::tool::Tool;
use runit_rt::strings::{CStrList, Slot, list_in};
use sv::command::{Caller, Command, parse};

/// What reading finds, and how many words are left.
#[derive(Debug, PartialEq)]
struct Reading<K> {
    options: Vec<(K, Option<Vec<u8>>)>,
    question: Option<&'static str>,
    is_wrong: bool,
    operands: usize,
}

/// Tries an input.
pub fn run(data: &[u8]) {
    let words: Result<Vec<CString>, _> = data.split(|&b| b == b'\n').map(CString::new).collect();
    let Ok(words) = words else { return };
    let mut slots = vec![Slot::default(); words.len() + 1];
    let list = list_in(&mut slots, words.iter().map(CString::as_c_str)).expect("there is room");
    let args = list.rest();
    let given: Vec<&CStr> = args.collect();

    compare(&svlogd::options::TOOL, &svlogd::options::FACE, args, &given);
    compare(&svlog::options::TOOL, &svlog::options::FACE, args, &given);
    compare(&runsvdir::TOOL, &runsvdir::FACE, args, &given);
    compare(&utmpset::TOOL, &utmpset::FACE, args, &given);
    compare(&sv::options::SV, &sv::options::FACE, args, &given);

    let _ = svlogd::options::Options::new(args).parse();
    if let Ok((_, services)) = svlog::options::read(args) {
        assert!(services.count() > 0, "nothing to show is wrong usage");
    }
    for word in &given {
        command(word.to_bytes());
    }
    let applet = Applet::of(words[0].to_bytes());
    compare(&TOOLS[applet as usize], applet.face(), args, &given);
    becomes(applet, args, &given);
}

/// `chpst` runs one of the words, with those behind it.
fn becomes(applet: Applet, args: CStrList<'_>, given: &[&CStr]) {
    let mut plan = Plan::new(args);
    if chpst::options::parse(applet, &mut plan).is_err() {
        return;
    }
    let command: Vec<&CStr> = plan.command.collect();
    assert!(!command.is_empty() && given.ends_with(&command));
    assert_eq!(command[0], plan.program);
    let locks = plan.steps().filter(|step| matches!(step, chpst::plan::Step::Lock(_))).count();
    assert!(locks <= 1, "one lock");
}

/// An init script's command is never guessed from `s`, and manages nothing.
fn command(word: &[u8]) {
    let script = parse(word, Caller::InitScript);
    assert!(!matches!(
        script,
        Some(Command::List | Command::Enable | Command::Disable | Command::Log)
    ));
    if word.first() == Some(&b's') && script.is_some() {
        assert!(sv::command::words().any(|whole| whole.as_bytes() == word));
    }
    if let Some(Command::Order(order)) = parse(word, Caller::Sv) {
        assert!(order.bytes().len() <= 3);
    }
}

fn compare<K>(tool: &Tool<K>, face: &Face<K>, args: CStrList<'_>, given: &[&CStr])
where
    K: Copy + PartialEq + core::fmt::Debug,
{
    let expected = by_the_guidelines(tool.options, given);
    assert_eq!(scanned(face.options, args), expected, "{given:?}");
}

fn scanned<K: Copy>(names: Lookup<K>, args: CStrList<'_>) -> Reading<K> {
    let mut reading = Reading { options: Vec::new(), question: None, is_wrong: false, operands: 0 };
    let mut scanner = Scanner::new(names, args);
    while let Some(found) = scanner.next() {
        match found {
            Ok(Found::Option(key)) => {
                let value = scanner.value().map(|value| value.to_bytes().to_vec());
                reading.options.push((key, value));
            }
            Ok(Found::Help) => reading.question = Some("help"),
            Ok(Found::Version) => reading.question = Some("version"),
            Err(_) => {
                assert!(scanner.complaint().is_some(), "what is wrong has a name");
                reading.is_wrong = true;
            }
        }
        if reading.is_wrong || reading.question.is_some() {
            return reading;
        }
    }
    reading.operands = scanner.operands().count();
    reading
}

fn by_the_guidelines<K: Copy>(table: &[Opt<K>], given: &[&CStr]) -> Reading<K> {
    let mut reading = Reading { options: Vec::new(), question: None, is_wrong: false, operands: 0 };
    let wrong = |options| Reading { options, question: None, is_wrong: true, operands: 0 };
    let mut at = 0;
    while let Some(word) = given.get(at).map(|word| word.to_bytes()) {
        if word == b"--" {
            at += 1;
            break;
        }
        if let Some(long) = word.strip_prefix(b"--") {
            at += 1;
            let mut parts = long.splitn(2, |&byte| byte == b'=');
            let name = parts.next().unwrap_or_default();
            let mut value = parts.next().map(<[u8]>::to_vec);
            for question in ["help", "version"] {
                if value.is_none() && name == question.as_bytes() {
                    reading.question = Some(question);
                    return reading;
                }
            }
            let known = table.iter().find(|o| o.long.is_some_and(|long| long.as_bytes() == name));
            let Some(option) = known else { return wrong(reading.options) };
            if option.value.is_some() && value.is_none() {
                value = given.get(at).map(|word| word.to_bytes().to_vec());
                at += 1;
            }
            if option.value.is_some() != value.is_some() {
                return wrong(reading.options);
            }
            reading.options.push((option.key, value));
            continue;
        }
        let Some(mut letters) = word.strip_prefix(b"-").filter(|l| !l.is_empty()) else { break };
        at += 1;
        while let Some((letter, behind)) = letters.split_first() {
            let known = table.iter().find(|option| option.short == Some(*letter));
            let Some(option) = known else { return wrong(reading.options) };
            letters = behind;
            let mut value = None;
            if option.value.is_some() {
                value = if behind.is_empty() {
                    at += 1;
                    given.get(at - 1).map(|word| word.to_bytes())
                } else {
                    Some(behind)
                };
                if value.is_none() {
                    return wrong(reading.options);
                }
                letters = b"";
            }
            reading.options.push((option.key, value.map(<[u8]>::to_vec)));
        }
    }
    reading.operands = given.len() - at;
    reading
}
