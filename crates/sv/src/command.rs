//! From a command's word to what is sent, and what is then waited for
//! (CONTRACT section 4).

use runit_core::control::ControlByte::{
    self, Alarm, Cont, Down, Exit, Hup, Interrupt, Kill, Once, Pause, Quit, Term, Up, User1, User2,
};

use crate::goal::Goal;

/// What a word asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Tell the state.
    Status,
    /// Control services.
    Order(Order),
    /// Tell which services there are.
    List,
    /// Link services into the directory of those that run.
    Enable,
    /// Remove such links.
    Disable,
}

/// A command to supervisors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// What is written, at once.
    pub send: &'static [ControlByte],
    /// What is reached then.
    pub goal: Goal,
    /// Whether it is waited for without `-v`.
    pub waits: bool,
    /// Whether KILL follows when the time is over.
    pub forced: bool,
}

/// Who asks: the same words do not mean the same to an init script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// `sv`.
    Sv,
    /// An LSB init script.
    InitScript,
}

/// Words that mean something as a whole, before their first letter counts.
const WORDS: &[(&str, Order)] = &[
    ("start", waits(&[Up], Goal::Up)),
    ("stop", waits(&[Down], Goal::Down)),
    ("restart", waits(&[Term, Cont, Up], Goal::Restarted)),
    ("reload", waits(&[Hup], Goal::Sent)),
    ("shutdown", waits(&[Exit], Goal::Gone)),
    ("check", waits(&[], Goal::AsWanted)),
    ("try-restart", waits(&[Term, Cont], Goal::RestartedIfWanted)),
    ("force-stop", forced(&[Down], Goal::Down)),
    ("force-reload", forced(&[Term, Cont], Goal::RestartedIfWanted)),
    ("force-restart", forced(&[Term, Cont, Up], Goal::Restarted)),
    ("force-shutdown", forced(&[Exit], Goal::Gone)),
];

/// What a word's first letter means otherwise.
const LETTERS: &[(u8, Order)] = &[
    (b'u', sends(&[Up], Goal::Up)),
    (b'd', sends(&[Down], Goal::Down)),
    (b'o', sends(&[Once], Goal::Ran)),
    (b'p', sends(&[Pause], Goal::Paused)),
    (b'c', sends(&[Cont], Goal::Continued)),
    (b'h', sends(&[Hup], Goal::Sent)),
    (b'a', sends(&[Alarm], Goal::Sent)),
    (b'i', sends(&[Interrupt], Goal::Sent)),
    (b'q', sends(&[Quit], Goal::Sent)),
    (b'1', sends(&[User1], Goal::Sent)),
    (b'2', sends(&[User2], Goal::Sent)),
    (b't', sends(&[Term], Goal::RestartedIfWanted)),
    (b'k', sends(&[Kill], Goal::RestartedIfWanted)),
    (b'e', sends(&[Exit], Goal::Gone)),
    (b'x', sends(&[Exit], Goal::Gone)),
    (b'D', forced(&[Down], Goal::Down)),
    (b'T', forced(&[Term, Cont], Goal::RestartedIfWanted)),
    (b'X', forced(&[Exit], Goal::Gone)),
    (b'E', forced(&[Exit], Goal::Gone)),
];

const fn sends(send: &'static [ControlByte], goal: Goal) -> Order {
    Order { send, goal, waits: false, forced: false }
}

const fn waits(send: &'static [ControlByte], goal: Goal) -> Order {
    Order { send, goal, waits: true, forced: false }
}

const fn forced(send: &'static [ControlByte], goal: Goal) -> Order {
    Order { send, goal, waits: true, forced: true }
}

/// The meaning of `word`; `None` where it has none.
///
/// An init script's words that begin with `s` must be whole, and it does not
/// manage services: words for that mean nothing, lest their letters be heard.
pub fn parse(word: &[u8], caller: Caller) -> Option<Command> {
    let manage = match word {
        b"list" => Some(Command::List),
        b"enable" => Some(Command::Enable),
        b"disable" => Some(Command::Disable),
        _ => None,
    };
    if manage.is_some() {
        return manage.filter(|_| caller == Caller::Sv);
    }
    if let Some((_, order)) = WORDS.iter().find(|(whole, _)| whole.as_bytes() == word) {
        return Some(Command::Order(*order));
    }
    if word == b"status" || (caller == Caller::Sv && word.first() == Some(&b's')) {
        return Some(Command::Status);
    }
    let order = LETTERS.iter().find(|(letter, _)| word.first() == Some(letter));
    order.map(|&(_, order)| Command::Order(order))
}

/// Every word that means something as a whole.
#[cfg(test)]
pub fn words() -> impl Iterator<Item = &'static str> {
    let others = ["status", "list", "enable", "disable"];
    WORDS.iter().map(|(word, _)| *word).chain(others)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;
    use std::string::String;

    fn describe(text: &mut String, word: &str, command: Option<Command>) {
        match command {
            Some(Command::Order(order)) => {
                let bytes: String = order.send.iter().map(|b| char::from(b.byte())).collect();
                write!(text, "{word:<15} {bytes:<4}{:?}", order.goal).unwrap();
                text.push_str(if order.waits { ", waits" } else { "" });
                text.push_str(if order.forced { ", kills" } else { "" });
                text.push('\n');
            }
            other => writeln!(text, "{word:<15} {other:?}").unwrap(),
        }
    }

    #[test]
    fn every_letter_and_word() {
        let mut text = String::new();
        for byte in 1..=u8::MAX {
            if let (command @ Some(_), letter) = (parse(&[byte], Caller::Sv), char::from(byte)) {
                describe(&mut text, &String::from(letter), command);
            }
        }
        for (word, _) in WORDS {
            describe(&mut text, word, parse(word.as_bytes(), Caller::Sv));
        }
        for word in ["list", "enable", "disable", "", "restar", "reloading", "force", "force-x"] {
            describe(&mut text, word, parse(word.as_bytes(), Caller::Sv));
        }
        insta::assert_snapshot!(text);
    }

    #[test]
    fn only_whole_words_are_taken_before_the_first_letter() {
        let letter = |letter: &[u8]| parse(letter, Caller::Sv);
        for (word, same) in [
            ("dis", "d"),
            ("disabled", "d"),
            ("en", "e"),
            ("startx", "s"),
            ("checks", "c"),
            ("try", "t"),
            ("Xyz", "X"),
        ] {
            assert_eq!(letter(word.as_bytes()), letter(same.as_bytes()), "{word}");
        }
    }

    #[test]
    fn an_init_script_wants_words_in_s_whole_and_manages_nothing() {
        for word in ["s", "stat", "starts", "enable", "disable", "list"] {
            assert_eq!(parse(word.as_bytes(), Caller::InitScript), None, "{word}");
        }
        for word in ["start", "stop", "shutdown", "status", "restart", "force-reload", "d", "exit"]
        {
            let sv = parse(word.as_bytes(), Caller::Sv);
            assert_eq!(parse(word.as_bytes(), Caller::InitScript), sv, "{word}");
        }
    }
}
