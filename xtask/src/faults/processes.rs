//! Processes as `/proc` shows them.

/// All processes there are.
pub fn all() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The processes that `pid` has started or inherited, and not reaped.
pub fn children(pid: u32) -> Vec<u32> {
    let parent = |other: u32| stat(other)?.split(' ').nth(1)?.parse().ok();
    all().into_iter().filter(|other| parent(*other) == Some(pid)).collect()
}

/// What the process does, as a letter: `S` waits, `Z` has ended and was not reaped.
pub fn state(pid: u32) -> Option<char> {
    stat(pid)?.chars().next()
}

/// What `/proc` tells of a process, from its state on.
fn stat(pid: u32) -> Option<String> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text).into_owned();
    text.rsplit_once(") ").map(|(_, rest)| rest.to_owned())
}

/// Whether `word` is one of those on the process's command line.
pub fn has_word(pid: u32, word: &str) -> bool {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    words.split(|byte| *byte == 0).any(|one| one == word.as_bytes())
}

/// The process that traces this one.
pub fn tracer_of(pid: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("TracerPid:"))?;
    line.trim().parse().ok().filter(|pid| *pid != 0)
}
