//! What a log directory wants of lines.

use alloc::vec::Vec;

use crate::pattern::Selection;

/// The most bytes that a prefix may have: room for it is set aside.
pub const LONGEST_PREFIX: usize = 4096;

/// What a log directory wants of lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The most bytes of `current`; 0 for no limit.
    pub size: u64,
    /// What stands before each line, behind the time stamp; at most
    /// [`LONGEST_PREFIX`] bytes.
    pub prefix: Vec<u8>,
    /// The lines to log; all by default.
    pub select: Selection,
    /// The lines to copy to standard error; none by default.
    pub alert: Selection,
    /// Whether selected lines are also sent.
    pub remote: bool,
    /// Whether they are sent only.
    pub remote_only: bool,
}
