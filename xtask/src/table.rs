//! Markdown tables that also read well in a terminal.

use std::fmt::Write as _;

/// A table with a heading; the first column is text, all others are numbers.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    pub fn new<S: Into<String>>(columns: impl IntoIterator<Item = S>) -> Self {
        Self { rows: vec![columns.into_iter().map(Into::into).collect()] }
    }

    /// Adds a row, one cell a column.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The table, a line for each row.
    pub fn markdown(&self) -> String {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(3)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            for (column, &width) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                let cell =
                    if column == 0 { format!("{cell:width$}") } else { format!("{cell:>width$}") };
                let _ = write!(text, "| {cell} ");
            }
            text.push_str("|\n");
            if index == 0 {
                let _ = write!(text, "|{}", "-".repeat(widths[0] + 2));
                for &width in &widths[1..] {
                    let _ = write!(text, "|{}:", "-".repeat(width + 1));
                }
                text.push_str("|\n");
            }
        }
        text
    }
}

/// A number with blanks between its thousands.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(["tool", "bytes"]);
        table.row(["sv", "9"]);
        table.row(["runsvdir", "12,345"]);
        assert_eq!(
            table.markdown(),
            "| tool     |  bytes |\n|----------|-------:|\n| sv       |      9 |\n\
             | runsvdir | 12,345 |\n"
        );
    }

    #[test]
    fn thousands_are_parted() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), text);
        }
    }
}
