//! From a page's source and the tables of options to mdoc(7).

use std::fmt::Write as _;

use crate::suite::{Doc, OptionDoc, SUITE, SV_COMMANDS};

/// What is wrong with a source.
type Wrong = String;

/// The source with all that it asks for put in.
pub fn fill(source: &str) -> Result<String, Wrong> {
    let mut text = String::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("@SYNOPSIS", name) => text.push_str(&synopsis(&facet(name)?)),
            ("@COMMANDS", "") => commands(&mut text),
            ("@OPTIONS", name) => {
                let mut own = Vec::new();
                for line in lines.by_ref().take_while(|line| *line != "@END") {
                    own.push(line);
                }
                options(&mut text, &facet(name)?.with_common(), &own)?;
            }
            _ if line.starts_with("@ ") || line == "@END" => {
                return Err(format!("not within @OPTIONS: {line}"));
            }
            _ => {
                text.push_str(&line.replace("@VERSION@", runit_core::tool::VERSION));
                text.push('\n');
            }
        }
    }
    Ok(text)
}

/// The tool, or other name of one, by its name.
fn facet(name: &str) -> Result<Doc, Wrong> {
    let facets = SUITE.iter().flat_map(|program| program.facets);
    let mut docs = facets.map(|facet| (facet.doc)());
    docs.find(|doc| doc.name == name).ok_or_else(|| format!("no tool called {name}"))
}

/// The synopsis, a line of `.Nm` and what follows for each of its lines.
fn synopsis(doc: &Doc) -> String {
    let mut text = String::new();
    for line in &doc.synopsis {
        let line = line.strip_prefix(doc.name).unwrap_or(line);
        // A blank on both sides of brackets makes words of them.
        let spread = line.replace('[', " [ ").replace(']', " ] ").replace("...", " ... ");
        let words: Vec<&str> = spread.split_whitespace().collect();
        let _ = writeln!(text, ".Nm {}", doc.name);
        let mut rest = words.as_slice();
        while let Some((word, behind)) = rest.split_first() {
            rest = behind;
            if *word == "[" {
                let end = rest.iter().position(|word| *word == "]").unwrap_or(rest.len());
                let _ = writeln!(text, ".Op {}", parsed(doc, &rest[..end]));
                rest = rest.get(end + 1..).unwrap_or_default();
                if let Some((&"...", behind)) = rest.split_first() {
                    text.insert_str(text.len() - 1, " ...");
                    rest = behind;
                }
            } else {
                let dots = rest.first() == Some(&"...");
                let taken = usize::from(dots);
                let phrase = if dots { vec![*word, "..."] } else { vec![*word] };
                let _ = writeln!(text, ".{}", parsed(doc, &phrase));
                rest = &rest[taken..];
            }
        }
    }
    text
}

/// Words of a synopsis with their macros.
fn parsed(doc: &Doc, words: &[&str]) -> String {
    let is_command = |word| doc.name == "sv" && SV_COMMANDS.iter().any(|(known, _)| *known == word);
    let mut text = String::new();
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        if let Some(flag) = word.strip_prefix('-') {
            let _ = write!(text, "Fl {}", escaped(flag));
        } else if *word == "..." {
            text.push_str("...");
        } else if word.split('|').all(is_command) {
            let _ = write!(text, "Cm {}", word.replace('|', " | "));
        } else {
            let _ = write!(text, "Ar {}", escaped(word));
        }
    }
    text
}

/// The list of options, each with its line of help and the source's own words.
fn options(text: &mut String, doc: &Doc, own: &[&str]) -> Result<(), Wrong> {
    let mut more: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in own {
        match (line.strip_prefix("@ "), more.last_mut()) {
            (Some(option), _) => more.push((option, Vec::new())),
            (None, Some((_, lines))) => lines.push(line),
            (None, None) => return Err(format!("belongs to no option: {line}")),
        }
    }
    text.push_str(".Bl -tag -width Ds\n");
    for option in &doc.options {
        let _ = writeln!(text, ".It {}", heading(option));
        let _ = writeln!(text, "{}", sentence(option.help));
        if let Some(at) = more.iter().position(|(name, _)| *name == option.spelled()) {
            for line in more.remove(at).1 {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    text.push_str(".El\n");
    match more.first() {
        Some((name, _)) => Err(format!("{} has no option {name}", doc.name)),
        None => Ok(()),
    }
}

/// `Fl w , Fl -wait Ar SEC`
fn heading(option: &OptionDoc) -> String {
    let letter = option.short.map(|letter| format!("Fl {}", escaped(&letter.to_string())));
    let long = option.long.map(|long| format!("Fl -{}", escaped(long)));
    let mut text = letter.into_iter().chain(long).collect::<Vec<_>>().join(" , ");
    if let Some(value) = option.value {
        let _ = write!(text, " Ar {}", escaped(value));
    }
    text
}

/// The commands of `sv`, each with its meaning.
fn commands(text: &mut String) {
    text.push_str(".Bl -tag -width force-shutdown -compact\n");
    for (word, help) in SV_COMMANDS {
        let _ = writeln!(text, ".It Cm {word}");
        let _ = writeln!(text, "{}", sentence(help));
    }
    text.push_str(".El\n");
}

/// The words of help as a sentence.
fn sentence(help: &str) -> String {
    let mut chars = help.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{}{}.", escaped(&first), escaped(chars.as_str()))
}

/// The text with what roff would take for its own hidden from it.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(synopsis: &'static str) -> Doc {
        let option = |short, long, value, help| OptionDoc { short, long, value, help };
        Doc {
            name: synopsis.split(' ').next().unwrap(),
            synopsis: vec![synopsis],
            options: vec![
                option(Some('w'), Some("wait-for"), Some("SEC"), "wait"),
                option(None, Some("json"), None, "'as' \\ JSON"),
            ],
        }
    }

    #[test]
    fn a_synopsis_has_macros() {
        for (line, expected) in [
            ("demo dir", ".Nm demo\n.Ar dir\n"),
            (
                "demo [-Px] [-s SCRIPT] dir [log]",
                ".Nm demo\n.Op Fl Px\n.Op Fl s Ar SCRIPT\n.Ar dir\n.Op Ar log\n",
            ),
            (
                "sv [--json] status [SERVICE ...]",
                ".Nm sv\n.Op Fl \\-json\n.Cm status\n.Op Ar SERVICE ...\n",
            ),
            ("sv enable|disable DIR...", ".Nm sv\n.Cm enable | disable\n.Ar DIR ...\n"),
            ("demo [OPTION]... [ -nN ] file", ".Nm demo\n.Op Ar OPTION ...\n.Op Fl nN\n.Ar file\n"),
        ] {
            assert_eq!(synopsis(&doc(line)), expected);
        }
    }

    #[test]
    fn options_have_help_and_the_words_of_the_source() {
        let mut text = String::new();
        options(&mut text, &doc(""), &["@ --json", "More."]).unwrap();
        assert_eq!(
            text,
            ".Bl -tag -width Ds\n.It Fl w , Fl -wait\\-for Ar SEC\nWait.\n\
             .It Fl -json\n\\&'as' \\e JSON.\nMore.\n.El\n"
        );
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for source in [
            "@SYNOPSIS none\n",
            "@OPTIONS runsv\n@ -z\nMore.\n@END\n",
            "@OPTIONS runsv\nMore.\n@END\n",
            "@END\n",
        ] {
            assert!(fill(source).is_err(), "{source}");
        }
        assert!(fill("x @VERSION@\n").unwrap().contains(env!("CARGO_PKG_VERSION")));
    }
}
