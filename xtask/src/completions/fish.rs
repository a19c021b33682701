//! For fish: a `complete` line for each option of each name.

use std::fmt::Write as _;

use super::quoted;
use crate::suite::{Operands, Program, SV_COMMANDS, Value};

/// The file of the program.
pub fn make(helpers: &str, program: &Program) -> String {
    let mut text = helpers.to_owned();
    for facet in program.facets {
        let doc = (facet.doc)().with_common();
        for name in facet.names() {
            let mut taking = Vec::new();
            for option in &doc.options {
                let _ = write!(text, "complete -c {name}");
                if let Some(letter) = option.short {
                    let _ = write!(text, " -s {letter}");
                }
                if let Some(long) = option.long {
                    let _ = write!(text, " -l {long}");
                }
                if let Some(value) = option.value {
                    let _ = write!(text, " {}", argument(Value::named(value)));
                    taking.extend(option.short.map(|letter| format!("-{letter}")));
                    taking.extend(option.long.map(|long| format!("--{long}")));
                }
                let _ = writeln!(text, " -d {}", quoted(option.help));
            }
            operands(&mut text, name, facet.operands, &taking);
        }
    }
    text
}

fn operands(text: &mut String, name: &str, operands: Operands, taking: &[String]) {
    match operands {
        Operands::Directories => {
            let _ = writeln!(text, "complete -c {name} {}", argument(Value::Directory));
        }
        Operands::Services => {
            for (command, help) in SV_COMMANDS {
                let _ = writeln!(
                    text,
                    "complete -c {name} -f -n __runit_rs_needs_command -a {command} -d {}",
                    quoted(help)
                );
            }
            let _ = writeln!(
                text,
                "complete -c {name} -f -n 'not __runit_rs_needs_command' -a '(__runit_rs_services)'"
            );
        }
        Operands::ServiceNames => {
            let _ = writeln!(text, "complete -c {name} -f -a '(__runit_rs_services)'");
        }
        Operands::RunLevel => {
            let _ = writeln!(text, "complete -c {name} -f -a '(__runit_rs_levels)'");
        }
        Operands::Free => {
            let _ = writeln!(text, "complete -c {name} -f");
        }
        Operands::Program => {
            let options = taking.join(" ");
            let _ = writeln!(
                text,
                "complete -c {name} -x -a '(__fish_complete_subcommand -- {options})'"
            );
        }
        Operands::ThenProgram(value) => {
            let first = "test (count (__runit_rs_words)) = 0";
            let _ = writeln!(text, "complete -c {name} -n '{first}' {}", argument(value));
            let _ = writeln!(
                text,
                "complete -c {name} -n 'not {first}' -x \
                 -a '(__fish_complete_subcommand --fcs-skip=2)'"
            );
        }
    }
}

/// How the value is completed.
fn argument(value: Value) -> &'static str {
    match value {
        Value::Directory => "-x -a '(__fish_complete_directories)'",
        Value::File => "-r -F",
        Value::User => "-x -a '(__fish_complete_users)'",
        Value::Free => "-x",
    }
}
