//! Lines of several services in the order of time.

use crate::stamp::Stamp;

/// What the next line of a service says of its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// There is no line (for now).
    None,
    /// It has no stamp.
    Unstamped,
    /// It was written then.
    At(Stamp),
}

/// Which of several services has the next line; `last` is the one that had the
/// last, and `since` tells the time of the last line with one that a service
/// had.
///
/// A line without a stamp belongs to the one before it, and stays behind it. At
/// the same time the first service comes first; a service's own lines keep
/// their order whatever their stamps say.
pub fn next(
    heads: impl IntoIterator<Item = (Head, Option<Stamp>)>,
    last: Option<usize>,
) -> Option<usize> {
    let mut best = None;
    for (index, (head, since)) in heads.into_iter().enumerate() {
        let time = match head {
            Head::None => continue,
            Head::Unstamped if last == Some(index) => return last,
            Head::Unstamped => since,
            Head::At(stamp) => Some(stamp),
        };
        if best.is_none_or(|(earliest, _)| time < earliest) {
            best = Some((time, index));
        }
    }
    best.map(|(_, index)| index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Merges lines: a letter and, if it has one, a time.
    fn merged(services: &[&str]) -> std::string::String {
        let mut rest: Vec<Vec<&str>> =
            services.iter().map(|lines| lines.split_whitespace().rev().collect()).collect();
        let mut since = std::vec![None; rest.len()];
        let mut last = None;
        let mut order = std::string::String::new();
        let head = |line: Option<&&str>| match line {
            None => Head::None,
            Some(line) => line[1..]
                .parse()
                .map_or(Head::Unstamped, |seconds| Head::At(Stamp { seconds, nanoseconds: 0 })),
        };
        while let Some(index) =
            next(rest.iter().zip(&since).map(|(lines, since)| (head(lines.last()), *since)), last)
        {
            let line = rest[index].pop().unwrap();
            if let Head::At(stamp) = head(Some(&line)) {
                since[index] = Some(stamp);
            }
            order.push_str(&line[..1]);
            last = Some(index);
        }
        order
    }

    #[test]
    fn by_time_and_then_by_service() {
        assert_eq!(merged(&["a1 b3 c5", "d2 e4 f6"]), "adbecf");
        assert_eq!(merged(&["a1 b1", "c1", "d0"]), "dabc");
        assert_eq!(merged(&["a1", "", "b0"]), "ba");
    }

    #[test]
    fn lines_without_a_stamp_stay_behind_the_one_before() {
        assert_eq!(merged(&["a1 b c d4", "e2 f g3"]), "abcefgd");
        // Those that have none before them come first.
        assert_eq!(merged(&["a1", "b c d0"]), "bcda");
        assert_eq!(merged(&["a b", "c d"]), "abcd");
    }

    #[test]
    fn a_service_keeps_its_order() {
        assert_eq!(merged(&["a5 b1 c6", "d2 e7"]), "dabce");
    }
}
