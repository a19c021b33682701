//! Whether a log holds what its service wrote: each line once, and in order.

use super::record::line;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Whole lines.
    pub lines: u64,
    /// Runs of lines that are missing: how many lines, how many bytes.
    pub holes: Vec<(u64, u64)>,
    /// Parts of lines.
    pub torn: u64,
    /// Whole lines in two parts: the end of one file and the beginning of the next.
    pub split: u64,
    /// Whole lines that were there before, or come before an earlier one.
    pub repeated: u64,
    /// Lines that nobody has written.
    pub strange: u64,
}

/// Compares the files of a log, oldest first, with how many lines each life has
/// written (`written[0]` is of no life; one more may be there: its count was cut off).
pub fn compare(id: u32, files: &[Vec<u8>], written: &[u64]) -> Found {
    let mut found = Found::default();
    // Life and line that were last.
    let mut last = (1_u64, 0_u64);
    let count = |life: u64| written.get(usize::try_from(life).unwrap_or(usize::MAX)).copied();
    let mut part: Option<&[u8]> = None;
    for text in files.iter().flat_map(|file| file.split_inclusive(|&byte| byte == b'\n')) {
        let before = part.take();
        let (life, number) = if let Some(numbers) = numbers(id, text) {
            numbers
        } else if let Some(numbers) = before.and_then(|before| joined(id, before, text)) {
            // The first part has been counted as torn.
            found.torn -= 1;
            found.split += 1;
            numbers
        } else {
            found.torn += 1;
            part = Some(text);
            continue;
        };
        if count(life).unwrap_or(0) + 1 < number {
            found.strange += 1;
            continue;
        }
        if (life, number) <= last {
            found.repeated += 1;
            continue;
        }
        found.missing(id, last, (life, number), &count);
        found.lines += 1;
        last = (life, number);
    }
    let end = written.len() as u64;
    found.missing(id, last, (end, 1), &count);
    found
}

impl Found {
    /// Notes what lies between the two lines, as far as it was surely written.
    fn missing(
        &mut self,
        id: u32,
        after: (u64, u64),
        before: (u64, u64),
        count: &impl Fn(u64) -> Option<u64>,
    ) {
        let (mut lines, mut bytes) = (0, 0);
        for life in after.0..=before.0 {
            let first = if life == after.0 { after.1 + 1 } else { 1 };
            let end = if life == before.0 { before.1 } else { count(life).unwrap_or(0) + 1 };
            for number in first..end {
                lines += 1;
                bytes += line(id, life, number).len() as u64;
            }
        }
        if lines > 0 {
            self.holes.push((lines, bytes));
        }
    }
}

/// Which line it is, if it is one of the service's, whole.
fn numbers(id: u32, text: &[u8]) -> Option<(u64, u64)> {
    let mut words = text.split(|&byte| byte == b' ').map(|word| std::str::from_utf8(word).ok());
    let mut number = || words.next()??.parse::<u64>().ok();
    let (own, life, number) = (number()?, number()?, number()?);
    (own == u64::from(id) && line(id, life, number) == text).then_some((life, number))
}

/// Which line the two parts are together; the first may have been given a newline.
fn joined(id: u32, first: &[u8], second: &[u8]) -> Option<(u64, u64)> {
    let first = first.strip_suffix(b"\n").unwrap_or(first);
    numbers(id, &[first, second].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(lines: &[(u64, u64)]) -> Vec<u8> {
        lines.iter().flat_map(|&(life, number)| line(7, life, number)).collect()
    }

    #[test]
    fn all_there_in_several_files() {
        let files = [file(&[(1, 1), (1, 2)]), file(&[(1, 3), (3, 1)])];
        let expected = Found { lines: 4, ..Found::default() };
        assert_eq!(compare(7, &files, &[0, 3, 0, 1]), expected);
        // The last line of a life may be there without having been counted.
        assert_eq!(compare(7, &files, &[0, 2, 0, 1]), expected);
        assert_eq!(compare(7, &files, &[0, 3, 0, 0]), expected);
        assert_eq!(compare(7, &[], &[]), Found::default());
        assert_eq!(compare(7, &[], &[0, 0]), Found::default());
    }

    #[test]
    fn holes_are_measured_also_across_lives_and_at_both_ends() {
        let length = |life, number| line(7, life, number).len() as u64;
        let found = compare(7, &[file(&[(1, 2), (3, 2)])], &[0, 3, 1, 3]);
        let across = length(1, 3) + length(2, 1) + length(3, 1);
        let expected = [(1, length(1, 1)), (3, across), (1, length(3, 3))];
        assert_eq!(found.holes, expected);
        assert_eq!(compare(7, &[], &[0, 2]).holes, [(2, length(1, 1) + length(1, 2))]);
    }

    #[test]
    fn what_is_twice_out_of_order_torn_or_invented_is_told() {
        let found = compare(7, &[file(&[(1, 1), (1, 1), (1, 2)])], &[0, 2]);
        assert_eq!((found.repeated, found.lines), (1, 2));
        let found = compare(7, &[file(&[(1, 2), (1, 1)])], &[0, 2]);
        assert_eq!((found.repeated, found.holes.len()), (1, 1));
        let mut torn = file(&[(1, 1)]);
        torn.truncate(torn.len() - 1);
        let found = compare(7, &[torn, file(&[(1, 2)])], &[0, 2]);
        assert_eq!((found.torn, found.holes.len()), (1, 1));
        let mut files = [file(&[(1, 1), (1, 2)]), Vec::new()];
        files[1] = files[0].split_off(files[0].len() - 3);
        let expected = Found { lines: 2, split: 1, ..Found::default() };
        assert_eq!(compare(7, &files, &[0, 2]), expected);
        files[0].push(b'\n');
        assert_eq!(compare(7, &files, &[0, 2]), expected);
        assert_eq!(compare(7, &[file(&[(1, 9)])], &[0, 2]).strange, 1);
        assert_eq!(compare(8, &[file(&[(1, 1)])], &[0, 0]).torn, 1);
    }
}
