//! The bytes of `supervise/control` (CONTRACT section 1): one command each.

use rustix::process::Signal;

/// A command to a supervisor. The discriminant is the byte that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ControlByte {
    /// Want up; start if down.
    Up = b'u',
    /// Want down; TERM, then CONT.
    Down = b'd',
    /// Want down, but start if down: run once.
    Once = b'o',
    /// Want exit: as down, then the supervisor ends.
    Exit = b'x',
    /// TERM; the service starts again if wanted up.
    Term = b't',
    /// KILL.
    Kill = b'k',
    /// STOP, and the paused flag.
    Pause = b'p',
    /// CONT, and no paused flag.
    Cont = b'c',
    /// ALRM.
    Alarm = b'a',
    /// HUP.
    Hup = b'h',
    /// INT.
    Interrupt = b'i',
    /// QUIT.
    Quit = b'q',
    /// USR1.
    User1 = b'1',
    /// USR2.
    User2 = b'2',
}

impl ControlByte {
    /// Every command there is.
    pub const ALL: [Self; 14] = [
        Self::Up,
        Self::Down,
        Self::Once,
        Self::Exit,
        Self::Term,
        Self::Kill,
        Self::Pause,
        Self::Cont,
        Self::Alarm,
        Self::Hup,
        Self::Interrupt,
        Self::Quit,
        Self::User1,
        Self::User2,
    ];

    /// The command of a byte; `None` for a byte that means nothing.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.byte() == byte)
    }

    /// The byte of the command.
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// The signal that the command sends to a running service, if it is one
    /// that has a signal of its own (down and exit send TERM through it).
    pub const fn signal(self) -> Option<Signal> {
        Some(match self {
            Self::Up | Self::Once => return None,
            Self::Down | Self::Exit | Self::Term => Signal::TERM,
            Self::Kill => Signal::KILL,
            Self::Pause => Signal::STOP,
            Self::Cont => Signal::CONT,
            Self::Alarm => Signal::ALARM,
            Self::Hup => Signal::HUP,
            Self::Interrupt => Signal::INT,
            Self::Quit => Signal::QUIT,
            Self::User1 => Signal::USR1,
            Self::User2 => Signal::USR2,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_commands_are_one_to_one() {
        let known = (0..=u8::MAX).filter_map(ControlByte::from_byte);
        assert_eq!(known.clone().count(), ControlByte::ALL.len());
        for command in known {
            assert_eq!(ControlByte::from_byte(command.byte()), Some(command));
        }
        assert!(b"udoxtkpcahiq12".iter().all(|&b| ControlByte::from_byte(b).is_some()));
    }

    #[test]
    fn wishes_have_no_signal() {
        assert_eq!((ControlByte::Up.signal(), ControlByte::Once.signal()), (None, None));
        assert_eq!(ControlByte::Exit.signal(), Some(Signal::TERM));
    }
}
