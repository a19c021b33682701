//! From a command's word to what is sent, and what is then waited for
//! (CONTRACT section 4).

use runit_core::control::ControlByte::{
    self, Alarm, Cont, Down, Exit, Hup, Interrupt, Kill, Once, Pause, Quit, Term, Up, User1, User2,
};

use crate::goal::Goal;

/// What a word asks for.
#[derive(Clone, Copy, Debug)]
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
    /// Become the program that shows logs.
    Log,
}

/// A command to supervisors.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// The control bytes that are written, at once; zeros behind them.
    send: [u8; 3],
    /// What is reached then.
    pub goal: Goal,
    /// Whether it is waited for without `-v`.
    pub waits: bool,
    /// Whether KILL follows when the time is over.
    pub forced: bool,
}

impl Order {
    /// The control bytes that are written, at once.
    pub fn bytes(&self) -> &[u8] {
        let length = self.send.iter().take_while(|&&byte| byte != 0).count();
        self.send.get(..length).unwrap_or_default()
    }
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
static WORDS: [(&str, Command); 16] = [
    ("status", Command::Status),
    ("list", Command::List),
    ("enable", Command::Enable),
    ("disable", Command::Disable),
    ("log", Command::Log),
    ("start", waits([Up.byte(), 0, 0], Goal::Up)),
    ("stop", waits([Down.byte(), 0, 0], Goal::Down)),
    ("restart", waits([Term.byte(), Cont.byte(), Up.byte()], Goal::Restarted)),
    ("reload", waits([Hup.byte(), 0, 0], Goal::Sent)),
    ("shutdown", waits([Exit.byte(), 0, 0], Goal::Gone)),
    ("check", waits([0; 3], Goal::AsWanted)),
    ("try-restart", waits([Term.byte(), Cont.byte(), 0], Goal::RestartedIfWanted)),
    ("force-stop", forced([Down.byte(), 0, 0], Goal::Down)),
    ("force-reload", forced([Term.byte(), Cont.byte(), 0], Goal::RestartedIfWanted)),
    ("force-restart", forced([Term.byte(), Cont.byte(), Up.byte()], Goal::Restarted)),
    ("force-shutdown", forced([Exit.byte(), 0, 0], Goal::Gone)),
];

/// What a word's first letter means otherwise.
static LETTERS: [(u8, Command); 20] = [
    (b's', Command::Status),
    (b'u', sends(Up, Goal::Up)),
    (b'd', sends(Down, Goal::Down)),
    (b'o', sends(Once, Goal::Ran)),
    (b'p', sends(Pause, Goal::Paused)),
    (b'c', sends(Cont, Goal::Continued)),
    (b'h', sends(Hup, Goal::Sent)),
    (b'a', sends(Alarm, Goal::Sent)),
    (b'i', sends(Interrupt, Goal::Sent)),
    (b'q', sends(Quit, Goal::Sent)),
    (b'1', sends(User1, Goal::Sent)),
    (b'2', sends(User2, Goal::Sent)),
    (b't', sends(Term, Goal::RestartedIfWanted)),
    (b'k', sends(Kill, Goal::RestartedIfWanted)),
    (b'e', sends(Exit, Goal::Gone)),
    (b'x', sends(Exit, Goal::Gone)),
    (b'D', forced([Down.byte(), 0, 0], Goal::Down)),
    (b'T', forced([Term.byte(), Cont.byte(), 0], Goal::RestartedIfWanted)),
    (b'X', forced([Exit.byte(), 0, 0], Goal::Gone)),
    (b'E', forced([Exit.byte(), 0, 0], Goal::Gone)),
];

const fn sends(byte: ControlByte, goal: Goal) -> Command {
    Command::Order(Order { send: [byte.byte(), 0, 0], goal, waits: false, forced: false })
}

const fn waits(send: [u8; 3], goal: Goal) -> Command {
    Command::Order(Order { send, goal, waits: true, forced: false })
}

const fn forced(send: [u8; 3], goal: Goal) -> Command {
    Command::Order(Order { send, goal, waits: true, forced: true })
}

/// The meaning of `word`; `None` where it has none.
///
/// An init script's words that begin with `s` must be whole, and it does not
/// manage services: words for that mean nothing, lest their letters be heard.
#[inline(never)]
pub fn parse(word: &[u8], caller: Caller) -> Option<Command> {
    let is_script = caller == Caller::InitScript;
    if let Some((_, command)) = WORDS.iter().find(|(whole, _)| whole.as_bytes() == word) {
        return match command {
            Command::List | Command::Enable | Command::Disable | Command::Log if is_script => None,
            command => Some(*command),
        };
    }
    let letter = *word.first()?;
    let (_, command) = LETTERS.iter().find(|(first, _)| *first == letter)?;
    if is_script && letter == b's' { None } else { Some(*command) }
}

/// Every word that means something as a whole: for completions, and for the
/// test of the help text.
pub fn words() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(word, _)| *word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;
    use std::string::String;

    fn describe(text: &mut String, word: &str, command: Option<Command>) {
        match command {
            Some(Command::Order(order)) => {
                let bytes: String = order.bytes().iter().map(|&byte| char::from(byte)).collect();
                write!(text, "{word:<15} {bytes:<4}{:?}", order.goal).unwrap();
                text.push_str(if order.waits { ", waits" } else { "" });
                text.push_str(if order.forced { ", kills" } else { "" });
                text.push('\n');
            }
            other => writeln!(text, "{word:<15} {other:?}").unwrap(),
        }
    }

    fn text(command: Option<Command>) -> String {
        let mut text = String::new();
        describe(&mut text, "", command);
        text
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
        for word in ["", "restar", "reloading", "force", "force-x"] {
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
            assert_eq!(text(letter(word.as_bytes())), text(letter(same.as_bytes())), "{word}");
        }
    }

    #[test]
    fn an_init_script_wants_words_in_s_whole_and_manages_nothing() {
        for word in ["s", "stat", "starts", "enable", "disable", "list", "log", "l", "logs"] {
            assert!(parse(word.as_bytes(), Caller::InitScript).is_none(), "{word}");
        }
        for word in ["start", "stop", "shutdown", "status", "restart", "force-reload", "d", "exit"]
        {
            let sv = parse(word.as_bytes(), Caller::Sv);
            assert_eq!(text(parse(word.as_bytes(), Caller::InitScript)), text(sv), "{word}");
        }
    }
}
