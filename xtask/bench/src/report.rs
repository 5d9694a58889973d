//! Figures as a table for people and as a file for programs. Pure text.

use std::fmt::Write as _;

use serde::Serialize;

use crate::figures::Figures;

/// Everything that was measured for one shape.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Shape {
    /// Such as `3 control planes, 1 worker`.
    pub(crate) name: String,
    /// One row per step and per mark, in order.
    pub(crate) rows: Vec<Row>,
    /// What it is compared with.
    pub(crate) baseline: &'static str,
    /// That one's figures, where they were measured.
    pub(crate) baseline_rows: Vec<Row>,
}

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// The step's or mark's name.
    pub(crate) name: String,
    /// What the runs took.
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

/// What was measured, on what.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Processors, memory and engine.
    pub(crate) machine: String,
    /// The node image.
    pub(crate) image: String,
    /// How many runs.
    pub(crate) runs: u32,
    /// The shapes.
    pub(crate) shapes: Vec<Shape>,
}

impl Report {
    /// The report for people.
    pub(crate) fn to_table(&self) -> String {
        let mut text = format!("{}\nnode image {}, {} runs, seconds\n", self.machine, self.image, self.runs);
        for shape in &self.shapes {
            let _ = writeln!(text, "\n{:<34} {:>8} {:>8} {:>8}", shape.name, "median", "min", "max");
            for row in &shape.rows {
                text.push_str(&line(&row.name, row.figures));
            }
            for row in &shape.baseline_rows {
                text.push_str(&line(&format!("{}: {}", shape.baseline, row.name), row.figures));
            }
            for (name, ratio) in shape.ratios() {
                let _ = writeln!(text, "{:<34} {ratio:>8.2}", format!("ratio to {}: {name}", shape.baseline));
            }
        }
        text
    }
}

/// A shape's rows in milliseconds.
pub(crate) fn milliseconds(shape: &Shape, runs: u32) -> String {
    let mut text =
        format!("{:<34} {:>8} {:>8} {:>8}   milliseconds, {runs} runs\n", shape.name, "median", "min", "max");
    for Row { name, figures } in &shape.rows {
        let Figures { median, min, max } = figures;
        let _ = writeln!(text, "{name:<34} {:>8.0} {:>8.0} {:>8.0}", median * 1e3, min * 1e3, max * 1e3);
    }
    text
}

impl Shape {
    /// A shape that is compared with nothing.
    pub(crate) fn alone(name: impl Into<String>, rows: Vec<Row>) -> Self {
        Self { name: name.into(), rows, baseline: "", baseline_rows: Vec::new() }
    }

    /// Our median in relation to the other's, for every row that both have.
    fn ratios(&self) -> impl Iterator<Item = (&str, f64)> {
        self.baseline_rows.iter().filter_map(|other| {
            let ours = self.rows.iter().find(|row| row.name == other.name)?;
            Some((other.name.as_str(), ours.figures.median / other.figures.median))
        })
    }
}

fn line(name: &str, figures: Figures) -> String {
    format!("{name:<34} {:>8.2} {:>8.2} {:>8.2}\n", figures.median, figures.min, figures.max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, median: f64) -> Row {
        Row { name: name.to_owned(), figures: Figures { median, min: median - 1.0, max: median + 1.0 } }
    }

    #[test]
    fn the_table_ends_with_ratios_of_what_both_have() {
        let shape = Shape {
            name: "1 control plane, 0 workers".to_owned(),
            rows: vec![row("boot the nodes", 2.0), row("all nodes Ready", 10.0)],
            baseline: "kind",
            baseline_rows: vec![row("all nodes Ready", 20.0)],
        };
        let report =
            Report { machine: "2 processors".to_owned(), image: "node".to_owned(), runs: 3, shapes: vec![shape] };
        let expected = "\
2 processors
node image node, 3 runs, seconds

1 control plane, 0 workers           median      min      max
boot the nodes                         2.00     1.00     3.00
all nodes Ready                       10.00     9.00    11.00
kind: all nodes Ready                 20.00    19.00    21.00
ratio to kind: all nodes Ready         0.50
";
        assert_eq!(report.to_table(), expected);
    }
}
