//! What a `log/run` says about where it logs: the directories in the command
//! line of the logger that it becomes.
//!
//! A script is not run, and not understood either: words are split as the shell
//! does, variables count where the script sets them to a plain word. A word
//! that needs more than that names nothing.

use alloc::vec::Vec;

/// What a `log/run` names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logger {
    /// The directories, in order, as written: relative ones from `log/`.
    pub directories: Vec<Vec<u8>>,
    /// The labels of this logger count leap seconds.
    pub leaps: bool,
}

/// The loggers that are known, and those of them whose directories are the
/// words that begin with `.` or `/`, among others that say what to do.
const LOGGERS: [(&[u8], bool); 3] = [(b"svlogd", false), (b"multilog", true), (b"s6-log", true)];

/// The longest word that is kept: no path is longer. (Variables made of each other
/// double with every line.)
const LONGEST: usize = 4096;

/// The options of `svlogd` that take a value.
const WITH_VALUE: &[u8] = b"rRlb";

/// Reads a script; `here` is the directory that it runs in.
#[inline(never)]
pub fn read(script: &[u8], here: &[u8]) -> Logger {
    let here = Word { text: here.to_vec(), unknown: false };
    let mut variables = Vec::from([(b"PWD".to_vec(), here)]);
    let mut rest = script;
    let mut logger = Logger::default();
    while !rest.is_empty() {
        let words = command(&mut rest, &variables);
        for (index, word) in words.iter().enumerate() {
            if word.unknown {
                continue;
            }
            let name = word.text.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
            if let Some((name, by_form)) = LOGGERS.iter().find(|(known, _)| *known == name) {
                logger.leaps = *name == b"s6-log";
                logger.directories = directories(words.get(index + 1..), *by_form);
                if !logger.directories.is_empty() {
                    return logger;
                }
            }
        }
        for word in words {
            let Some(equals) = word.text.iter().position(|&byte| byte == b'=') else { continue };
            let (name, value) = word.text.split_at(equals);
            if !name.is_empty() && name.iter().all(|&byte| is_of_name(byte)) {
                let text = value.get(1..).unwrap_or_default().to_vec();
                variables.push((name.to_vec(), Word { text, ..word }));
            }
        }
    }
    logger
}

/// The directories among a logger's arguments.
#[inline(never)]
fn directories(arguments: Option<&[Word]>, by_form: bool) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut options = !by_form;
    let mut value = false;
    for word in arguments.unwrap_or_default() {
        if core::mem::take(&mut value) {
            continue;
        }
        match &word.text[..] {
            _ if word.unknown => options = false,
            b"--" if options => options = false,
            [b'-', letters @ ..] if options && !letters.is_empty() => {
                // Of a letter that ends the word the value is the next one.
                let with = letters.iter().position(|byte| WITH_VALUE.contains(byte));
                value = with.is_some_and(|at| at + 1 == letters.len());
            }
            word => {
                options = false;
                if !by_form || matches!(word.first(), Some(b'.' | b'/')) {
                    found.push(word.to_vec());
                }
            }
        }
    }
    found
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A word of a command.
#[derive(Default)]
struct Word {
    text: Vec<u8>,
    /// It cannot be known; `text` is what can be, up to there at least.
    unknown: bool,
}

/// A name and the value that was set last.
type Variable = (Vec<u8>, Word);

/// The words of a command as they are put together.
#[derive(Default)]
struct Words {
    done: Vec<Word>,
    word: Option<Word>,
    /// The next word is the file of a redirection.
    is_file: bool,
}

impl Words {
    fn begin(&mut self) -> &mut Word {
        self.word.get_or_insert_with(Word::default)
    }

    #[inline(never)]
    fn put(&mut self, bytes: &[u8]) {
        let word = self.begin();
        if word.text.len() + bytes.len() > LONGEST {
            word.unknown = true;
        } else {
            word.text.extend_from_slice(bytes);
        }
    }

    #[inline(never)]
    fn end(&mut self) {
        if let Some(word) = self.word.take() {
            if !core::mem::take(&mut self.is_file) {
                self.done.push(word);
            }
        }
    }

    /// A redirection: a number before it is a descriptor's.
    #[inline(never)]
    fn redirect(&mut self) {
        if self.word.as_ref().is_some_and(|word| word.text.iter().all(u8::is_ascii_digit)) {
            self.word = None;
        }
        self.end();
        self.is_file = true;
    }
}

/// Takes a command from the front: words up to the end of the line, or to what
/// separates commands.
#[inline(never)]
fn command(rest: &mut &[u8], variables: &[Variable]) -> Vec<Word> {
    let mut words = Words::default();
    let mut quote = 0;
    while let Some((&byte, behind)) = rest.split_first() {
        *rest = behind;
        match byte {
            b'\'' | b'"' if quote == 0 || quote == byte => {
                quote = if quote == 0 { byte } else { 0 };
                words.begin();
            }
            b'\\' if quote != b'\'' => {
                let Some((next, behind)) = rest.split_first() else { break };
                *rest = behind;
                if *next != b'\n' {
                    words.put(&[*next]);
                }
            }
            b'$' if quote != b'\'' => match variable(rest, variables) {
                Some(value) => words.put(value),
                None => words.begin().unknown = true,
            },
            b'`' if quote != b'\'' => {
                skip_past(rest, b'`');
                words.begin().unknown = true;
            }
            _ if quote != 0 => words.put(&[byte]),
            b'#' if words.word.is_none() => {
                skip_past(rest, b'\n');
                break;
            }
            b' ' | b'\t' => words.end(),
            b'<' | b'>' => {
                words.redirect();
                while let Some((b'&' | b'>' | b'<', behind)) = rest.split_first() {
                    *rest = behind;
                }
            }
            b'\n' | b';' | b'|' | b'&' | b'(' | b')' => break,
            _ => words.put(&[byte]),
        }
    }
    words.end();
    words.done
}

/// Takes what follows a `$`; gives the value of the variable, if it is one, and
/// known.
#[inline(never)]
fn variable<'a>(rest: &mut &[u8], variables: &'a [Variable]) -> Option<&'a [u8]> {
    let braced = rest.strip_prefix(b"{");
    let text = braced.unwrap_or(rest);
    let length = text.iter().take_while(|&&byte| is_of_name(byte)).count();
    let (name, mut behind) = text.split_at_checked(length)?;
    let mut plain = length > 0;
    if braced.is_some() {
        plain &= behind.first() == Some(&b'}');
        skip_past(&mut behind, b'}');
    } else if behind.first() == Some(&b'(') {
        skip_past(&mut behind, b')');
    }
    *rest = behind;
    let (_, value) = variables.iter().rev().find(|(known, _)| plain && known == name)?;
    (!value.unknown).then_some(&value.text)
}

/// Skips everything up to `byte` and that too.
#[inline(never)]
fn skip_past(rest: &mut &[u8], byte: u8) {
    let end = rest.iter().position(|&other| other == byte).map_or(rest.len(), |end| end + 1);
    *rest = rest.get(end..).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;

    #[track_caller]
    fn check(script: &str, directories: &[&str]) {
        let logger = read(script.as_bytes(), b"/etc/sv/web/log");
        let found: Vec<_> =
            logger.directories.iter().map(|d| String::from_utf8_lossy(d).into_owned()).collect();
        assert_eq!(found, directories, "{script}");
    }

    #[test]
    fn svlogds_directories_are_its_operands() {
        check("#!/bin/sh\nexec svlogd -tt ./main\n", &["./main"]);
        check("#!/bin/sh\nexec svlogd /var/log/web", &["/var/log/web"]);
        check("exec chpst -ulog /usr/bin/svlogd -tt -b 4096 -l100 main other", &["main", "other"]);
        check("exec svlogd -r _ -R 'a b' -vtt -- -dir", &["-dir"]);
        check("svlogd -ttr _ a 2>&1 >/dev/null b <in", &["a", "b"]);
        check("svlogd \\\n  -t \\\n  'with blank'/x # comment\nnext", &["with blank/x"]);
        check("mkdir -p /x && exec svlogd \"/a b\"; exit", &["/a b"]);
    }

    #[test]
    fn of_others_those_that_look_like_one() {
        check("exec multilog t s100000 n10 -'*' +'*err*' ./main", &["./main"]);
        check("#!/usr/bin/execlineb -P\ns6-log -b n20 s1000000 t /var/log/x", &["/var/log/x"]);
        assert!(read(b"s6-log t ./main", b"").leaps);
        assert!(!read(b"multilog t ./main", b"").leaps);
    }

    #[test]
    fn variables_that_are_set_to_a_word() {
        check("D=/var/log/web\nexec svlogd \"$D\"", &["/var/log/web"]);
        check("export D=/var/log\nN='web'\nsvlogd ${D}/$N/x", &["/var/log/web/x"]);
        check("D=a\nD=b; svlogd $D", &["b"]);
        check("D=a\nD=$(b)\nsvlogd $D", &[]);
        check("D=a$(b)c\nD=d$D\nsvlogd $D", &[]);
        check("D=$(a)\nD=b\nsvlogd $D", &["b"]);
        check("svlogd $PWD/main", &["/etc/sv/web/log/main"]);
        check("svlogd '$PWD' \\$PWD", &["$PWD", "$PWD"]);
    }

    #[test]
    fn what_cannot_be_known_names_nothing() {
        check("svlogd $UNKNOWN /a", &["/a"]);
        check("svlogd /var/log/$(basename $(pwd))", &[]);
        check("svlogd /var/log/`basename $PWD`", &[]);
        check("svlogd /var/log/${PWD%/log} $ $1", &[]);
        check("D=$(x y)\nsvlogd $D", &[]);
        check("", &[]);
        check("exec logger -t web", &[]);
        check("# svlogd /no\necho 'svlogd /no'", &[]);
        check("svlogd 'open", &["open"]);
        check("svlogd end\\", &["end"]);
    }

    #[test]
    fn words_do_not_grow_without_end() {
        let lengths = |doublings| {
            let doubling = "D=$D$D/x\n".repeat(doublings);
            let logger = read(format!("D=/x\n{doubling}svlogd $D $D$D /a").as_bytes(), b"");
            logger.directories.iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(lengths(9), [2046, 4092, 2]);
        assert_eq!(lengths(10), [4094, 2]);
        // Beyond that it is not known.
        assert_eq!(lengths(64), [2]);
    }

    #[test]
    fn the_first_logger_that_names_one_counts() {
        check("which svlogd || exit\nexec svlogd a", &["a"]);
        check("if true; then exec svlogd a; else exec svlogd b; fi", &["a"]);
    }
}
