//! Figures, and the table that they end up in.

use std::fmt::Write as _;

use super::suite::Suite;
use crate::table::{Table, thousands};

/// What a figure counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Memory, in bytes, shown in KiB.
    Kib,
    /// File sizes, in bytes.
    Bytes,
    /// Time, in seconds, shown in the unit that fits.
    Time,
    /// A number of things.
    Count,
    /// One figure by another.
    Ratio,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Kib => format!("{:.1} KiB", value / 1024.0),
            Self::Bytes | Self::Count => whole(value),
            Self::Ratio => format!("{value:.2}"),
            Self::Time if value >= 0.9995 => format!("{value:.2} s"),
            Self::Time if value >= 0.000_999_5 => format!("{:.1} ms", value * 1e3),
            Self::Time if value >= 0.000_009_95 => format!("{:.0} µs", value * 1e6),
            Self::Time if value >= 0.000_000_999_5 => format!("{:.2} µs", value * 1e6),
            Self::Time => format!("{:.0} ns", value * 1e9),
        }
    }
}

/// One measurement, of every suite that has the tools for it.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its name for the guard.
    pub key: &'static str,
    /// What was measured.
    pub what: String,
    /// What the figures count.
    pub unit: Unit,
    /// A figure a suite, in the order of the suites; less is better.
    pub figures: Vec<Option<f64>>,
}

impl Row {
    /// A row of medians, one a suite.
    pub fn medians(
        key: &'static str,
        what: impl Into<String>,
        unit: Unit,
        samples: &[Vec<f64>],
    ) -> Self {
        let figures = samples.iter().map(|samples| median(samples)).collect();
        Self { key, what: what.into(), unit, figures }
    }

    /// How much of a later suite's figure the first one's is.
    pub fn ratio(&self, to: usize) -> Option<f64> {
        let (ours, theirs) = ((*self.figures.first()?)?, (*self.figures.get(to)?)?);
        (self.unit != Unit::Ratio && theirs > 0.0).then(|| ours / theirs)
    }
}

/// The middle of them; the mean of the two in the middle of an even number.
pub fn median(samples: &[f64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    Some(if sorted.len() % 2 == 1 {
        upper
    } else {
        f64::midpoint(upper, sorted[sorted.len() / 2 - 1])
    })
}

/// The rows as a Markdown table, with a column of ratios for each suite but the first.
pub fn table(suites: &[Suite], rows: &[Row]) -> String {
    let mut heading = vec![String::from("what")];
    heading.extend(suites.iter().map(|suite| suite.label.clone()));
    heading.extend(suites.iter().skip(1).map(|suite| format!("ratio to {}", suite.label)));
    let mut table = Table::new(heading);
    for row in rows {
        let mut cells = vec![row.what.clone()];
        let shown = |figure: &Option<f64>| figure.map_or_else(none, |value| row.unit.show(value));
        cells.extend(row.figures.iter().map(shown));
        let ratios = (1..suites.len()).map(|to| row.ratio(to));
        cells.extend(ratios.map(|ratio| ratio.map_or_else(none, significant)));
        table.row(cells);
    }
    table.markdown()
}

/// What stands where there is no figure.
fn none() -> String {
    String::from("–")
}

/// Two digits that count.
fn significant(ratio: f64) -> String {
    if ratio >= 0.0995 { format!("{ratio:.2}") } else { format!("{ratio:.4}") }
}

/// Rounded, with its thousands parted.
fn whole(value: f64) -> String {
    format!("{:.0}", value.max(0.0)).parse().map_or_else(|_| none(), thousands)
}

/// What machine the figures are from: a list in Markdown.
pub fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model =
        cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = read("/proc/meminfo");
    let memory = memory.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
    let kernel = read("/proc/sys/kernel/osrelease");
    // The number of a release says enough; what follows names one machine's build.
    let kernel = kernel.split('-').next().unwrap_or_default().trim();
    let release = read("/etc/os-release");
    let system = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let mut text = String::new();
    let _ = writeln!(
        text,
        "- {} ({}), {cores} cores, {} GiB, Linux {kernel}, {}",
        model.unwrap_or("unknown processor"),
        std::env::consts::ARCH,
        memory.unwrap_or(0).div_ceil(1024 * 1024),
        system.unwrap_or("unknown system").trim_matches('"'),
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::family::Family;

    #[test]
    fn figures_are_shown_in_units_that_fit() {
        for (unit, value, text) in [
            (Unit::Kib, 69_734.0, "68.1 KiB"),
            (Unit::Bytes, 12_345.0, "12,345"),
            (Unit::Count, 0.0, "0"),
            (Unit::Ratio, 1.0789, "1.08"),
            (Unit::Time, 3.456, "3.46 s"),
            (Unit::Time, 0.4211, "421.1 ms"),
            (Unit::Time, 0.000_314, "314 µs"),
            (Unit::Time, 0.000_001_52, "1.52 µs"),
            (Unit::Time, 0.000_000_076, "76 ns"),
        ] {
            assert_eq!(unit.show(value), text);
        }
    }

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn ratios_are_to_each_other_suite() {
        let suite = |label: &str| Suite {
            label: label.into(),
            directory: "/".into(),
            family: Family::Runit,
        };
        let row = |figures: [Option<f64>; 3], unit| Row {
            key: "x",
            what: "x".into(),
            unit,
            figures: figures.to_vec(),
        };
        let rows = [
            row([Some(1.0), Some(2.0), None], Unit::Count),
            row([Some(5e-6), Some(0.01), Some(0.0)], Unit::Time),
            row([Some(1.1), Some(1.2), Some(1.3)], Unit::Ratio),
        ];
        assert_eq!(
            table(&[suite("ours"), suite("C"), suite("B")], &rows),
            "| what |    ours |       C |    B | ratio to C | ratio to B |\n\
             |------|--------:|--------:|-----:|-----------:|-----------:|\n\
             | x    |       1 |       2 |    – |       0.50 |          – |\n\
             | x    | 5.00 µs | 10.0 ms | 0 ns |     0.0005 |          – |\n\
             | x    |    1.10 |    1.20 | 1.30 |          – |          – |\n"
        );
    }

    #[test]
    fn the_machine_is_described() {
        assert!(machine().contains("cores") && machine().contains("Linux "), "{}", machine());
    }
}
