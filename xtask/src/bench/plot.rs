//! Cost against number of services, as a picture: seconds until all of them run, for every
//! suite that takes so many.

use std::fmt::Write as _;
use std::path::Path;

use super::report::median;
use super::suite::Suite;
use super::tree::{Services, Tree, all_run, in_memory};
use super::{Bench, timed};
use crate::error::{OnFile, Result};
use crate::table::{Table, thousands};

/// Numbers of services.
const SIZES: &[usize] = &[10, 30, 100, 300, 1000, 3000, 10_000];

/// A suite's seconds for each of [`SIZES`] that it was tried with.
struct Curve {
    label: String,
    points: Vec<(usize, f64)>,
}

/// Measures, writes the picture, and prints the figures.
pub fn measure(bench: &Bench, suites: &[Suite], file: &Path) -> Result<()> {
    let sizes = if bench.quick { &SIZES[..4] } else { SIZES };
    let mut curves: Vec<_> = suites
        .iter()
        .map(|suite| Curve { label: suite.label.clone(), points: Vec::new() })
        .collect();
    for &size in sizes {
        for (index, (suite, curve)) in suites.iter().zip(&mut curves).enumerate() {
            let most = suite.family.most_services(index == 0).unwrap_or(usize::MAX);
            if size <= most && suite.has(&["runsvdir", "runsv"]) {
                eprintln!("plot: {size} services, {}", suite.label);
                curve.points.extend(up(bench, suite, size)?.map(|seconds| (size, seconds)));
            }
        }
    }
    print!("{}", table(sizes, &curves));
    std::fs::write(file, svg(&curves)).on("write", file)
}

/// The median time until all run.
fn up(bench: &Bench, suite: &Suite, size: usize) -> Result<Option<f64>> {
    let rounds = if size > 1000 || bench.quick { 1 } else { 3 };
    let mut samples = Vec::new();
    for _ in 0..rounds {
        let services = Services::filled(&in_memory("plot"), &bench.pause, size)?;
        let mut tree = None;
        samples.push(timed(|| {
            tree = Some(Tree::start(suite, &services)?);
            all_run(&services, size)
        })?);
        tree.map_or(Ok(()), Tree::stop)?;
    }
    Ok(median(&samples))
}

fn table(sizes: &[usize], curves: &[Curve]) -> String {
    let mut heading = vec!["seconds until all run".to_owned()];
    heading.extend(sizes.iter().map(|&size| thousands(size as u64)));
    let mut table = Table::new(heading);
    for curve in curves {
        let mut row = vec![curve.label.clone()];
        for &size in sizes {
            let point = curve.points.iter().find(|(at, _)| *at == size);
            row.push(point.map_or_else(|| "–".to_owned(), |(_, seconds)| format!("{seconds:.3}")));
        }
        table.row(row);
    }
    table.markdown()
}

/// The inner part of the picture, in its own units, and the margins around it.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 20.0;
const BELOW: f64 = 50.0;
const RIGHT: f64 = 150.0;

/// Colours that are told apart without seeing red and green.
const COLOURS: &[&str] = &["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// Where a value lies between two powers of ten, from 0 to 1.
fn place(value: f64, (low, high): (i32, i32)) -> f64 {
    (value.log10() - f64::from(low)) / f64::from(high - low)
}

/// The powers of ten around all values.
fn decades(values: impl Iterator<Item = f64> + Clone) -> (i32, i32) {
    let least = values.clone().fold(f64::INFINITY, f64::min).log10().floor();
    let most = values.fold(0.0_f64, f64::max).log10().ceil();
    #[expect(clippy::cast_possible_truncation, reason = "exponents of what was measured")]
    let (low, high) = (least as i32, most as i32);
    (low, high.max(low + 1))
}

/// The picture: both axes logarithmic, one line a suite.
#[expect(clippy::cast_precision_loss, reason = "numbers of services are small")]
fn svg(curves: &[Curve]) -> String {
    let points = || curves.iter().flat_map(|curve| curve.points.iter());
    if points().next().is_none() {
        return String::from("<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n");
    }
    let across = decades(points().map(|(size, _)| *size as f64));
    let up = decades(points().map(|(_, seconds)| *seconds));
    let x = |size: f64| LEFT + WIDTH * place(size, across);
    let y = |seconds: f64| TOP + HEIGHT * (1.0 - place(seconds, up));
    let (bottom, right) = (TOP + HEIGHT, LEFT + WIDTH);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <title>Seconds until all services run, by their number</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        right + RIGHT,
        bottom + BELOW
    );
    for power in across.0..=across.1 {
        let at = x(10_f64.powi(power));
        let _ = writeln!(
            text,
            "<path d=\"M{at:.1} {TOP}V{bottom}\" stroke=\"#ddd\"/>\
             <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            bottom + 18.0,
            10_f64.powi(power)
        );
    }
    for power in up.0..=up.1 {
        let at = y(10_f64.powi(power));
        let _ = writeln!(
            text,
            "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#ddd\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{} s</text>",
            LEFT - 6.0,
            at + 4.0,
            10_f64.powi(power)
        );
    }
    for (curve, colour) in curves.iter().zip(COLOURS.iter().cycle()) {
        let Some(&(size, seconds)) = curve.points.last() else { continue };
        let mut line = String::new();
        for &(size, seconds) in &curve.points {
            let (x, y) = (x(size as f64), y(seconds));
            let _ = write!(line, "{x:.1},{y:.1} ");
            let _ =
                writeln!(text, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
        let _ = writeln!(
            text,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>",
            line.trim_end(),
            x(size as f64) + 8.0,
            y(seconds) + 4.0,
            escaped(&curve.label)
        );
    }
    let _ = writeln!(
        text,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">services</text>\n</svg>",
        LEFT + WIDTH / 2.0,
        bottom + 40.0
    );
    text
}

/// As text of an XML document.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_between_powers_of_ten() {
        assert_eq!(decades([10.0, 3000.0].into_iter()), (1, 4));
        assert_eq!(decades([0.02, 0.5].into_iter()), (-2, 0));
        assert_eq!(decades([1.0].into_iter()), (0, 1));
        assert!((place(100.0, (1, 3)) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn every_suite_has_its_line_and_name() {
        let curve = |label: &str, points: &[(usize, f64)]| Curve {
            label: label.to_owned(),
            points: points.to_vec(),
        };
        let curves =
            [curve("ours", &[(10, 0.01), (100, 0.1)]), curve("a<b", &[(10, 1.0)]), curve("c", &[])];
        let picture = svg(&curves);
        assert_eq!(picture.matches("<polyline").count(), 2);
        assert_eq!(picture.matches("<circle").count(), 3);
        assert!(picture.contains(">ours<") && picture.contains(">a&lt;b<"));
        // The lower left corner of the grid: ten services in ten milliseconds.
        assert!(picture.contains("70.0,420.0"), "{picture}");
        assert!(svg(&[]).starts_with("<svg"));
        let table = table(&[10, 100], &curves);
        assert!(table.contains("| ours ") && table.contains('–'), "{table}");
    }
}
