//! For bash: a call of the helper for each name.

use std::fmt::Write as _;

use super::quoted;
use crate::suite::{Operands, Program, SV_COMMANDS, Value};

/// The file of the program.
pub fn make(helpers: &str, program: &Program) -> String {
    let commands: Vec<&str> = SV_COMMANDS.iter().map(|(command, _)| *command).collect();
    let mut text = helpers.replace("@COMMANDS@", &commands.join(" "));
    for facet in program.facets {
        let doc = (facet.doc)().with_common();
        let (mut flags, mut values) = (Vec::new(), Vec::new());
        for option in &doc.options {
            let letter = option.short.map(|letter| format!("-{letter}"));
            let long = option.long.map(|long| format!("--{long}"));
            for flag in letter.into_iter().chain(long) {
                if let Some(value) = option.value {
                    values.push(format!("{flag}={}", kind(Value::named(value))));
                }
                flags.push(flag);
            }
        }
        let operands = match facet.operands {
            Operands::Directories => "directories".to_owned(),
            Operands::Services => "services".to_owned(),
            Operands::ServiceNames => "names".to_owned(),
            Operands::RunLevel => "levels".to_owned(),
            Operands::Free => "free".to_owned(),
            Operands::Program => "program".to_owned(),
            Operands::ThenProgram(value) => format!("{}:program", kind(value)),
        };
        let names: Vec<_> = facet.names().collect();
        let _ = writeln!(
            text,
            "_runit_rs_{0}() {{\n    _runit_rs {1} \\\n        {2} \\\n        {operands}\n}}\n\
             complete -F _runit_rs_{0} {3}",
            doc.name,
            quoted(&flags.join(" ")),
            quoted(&values.join(" ")),
            names.join(" "),
        );
    }
    text
}

fn kind(value: Value) -> &'static str {
    match value {
        Value::Directory => "directory",
        Value::File => "file",
        Value::User => "user",
        Value::Free => "free",
    }
}
