//! For zsh: what `_arguments` is told of each name.

use std::fmt::Write as _;

use super::quoted;
use crate::suite::{Facet, Operands, OptionDoc, Program, SV_COMMANDS, Value};

/// The file of the program.
pub fn make(helpers: &str, program: &Program) -> String {
    let commands: Vec<String> = SV_COMMANDS
        .iter()
        .map(|(command, help)| format!("        {}", quoted(&format!("{command}:{help}"))))
        .collect();
    let mut names = vec![program.name];
    names.extend(program.other_names());
    let mut text = format!("#compdef {}\n", names.join(" "));
    text.push_str(&helpers.replace("@COMMANDS@", &commands.join("\n")));
    text.push_str("case $service in\n");
    for facet in program.facets {
        let names: Vec<_> = facet.names().collect();
        let _ = writeln!(text, "{})\n    _arguments -s -S : \\", names.join("|"));
        for spec in specs(facet) {
            let _ = writeln!(text, "        {} \\", quoted(&spec));
        }
        text.push_str("        && return 0\n    ;;\n");
    }
    text.push_str("esac\n");
    text
}

/// The specifications of options and operands.
fn specs(facet: &Facet) -> Vec<String> {
    let doc = (facet.doc)().with_common();
    let mut specs: Vec<String> = doc.options.iter().flat_map(option).collect();
    let program = |at: usize| {
        [format!("(-){at}:program:_command_names -e"), "*::argument:_normal".to_owned()]
    };
    match facet.operands {
        Operands::Directories => specs.push("*:directory:_directories".to_owned()),
        Operands::Services => {
            specs.push("1:command:_runit_rs_commands".to_owned());
            specs.push("*:service:_runit_rs_services".to_owned());
        }
        Operands::ServiceNames => specs.push("*:service:_runit_rs_services".to_owned()),
        Operands::RunLevel => specs.push("1:level:_runit_rs_levels".to_owned()),
        Operands::Free => specs.push("*::".to_owned()),
        Operands::Program => specs.extend(program(1)),
        Operands::ThenProgram(value) => {
            specs.push(format!("1:operand:{}", action(value)));
            specs.extend(program(2));
        }
    }
    specs
}

fn option(option: &OptionDoc) -> Vec<String> {
    let help = option.help.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]");
    let value = option.value.map_or(String::new(), |name| {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        format!(":{plain}:{}", action(Value::named(name)))
    });
    let letter = option.short.map(|letter| format!("*-{letter}[{help}]{value}"));
    // A long option's value may follow an equals sign.
    let equals = if option.value.is_some() { "=" } else { "" };
    let long = option.long.map(|long| format!("*--{long}{equals}[{help}]{value}"));
    letter.into_iter().chain(long).collect()
}

fn action(value: Value) -> &'static str {
    match value {
        Value::Directory => "_directories",
        Value::File => "_files",
        Value::User => "_users",
        Value::Free => " ",
    }
}
