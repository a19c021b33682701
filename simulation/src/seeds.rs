//! Seeds of lives that once went wrong: `seeds.txt`, lived before any other.

/// The file.
const TEXT: &str = include_str!("../seeds.txt");

/// All of them.
pub fn regressions() -> impl Iterator<Item = u64> {
    TEXT.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_seed_or_a_comment() {
        let lines = TEXT.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert_eq!(lines.count(), regressions().count());
    }
}
