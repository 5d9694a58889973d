//! Columns for people: aligned, in no wider lines than the terminal has; and sizes and ages in a few letters.

use std::time::Duration;

/// Rows of columns, some followed by lines of their own.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

#[derive(Debug)]
enum Row {
    Cells(Vec<String>),
    Line(String),
}

impl Table {
    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.rows.push(Row::Cells(cells.map(str::to_owned).to_vec()));
    }

    /// Adds a line about the last row, indented.
    pub(crate) fn line(&mut self, text: &str) {
        self.rows.push(Row::Line(text.split_whitespace().collect::<Vec<_>>().join(" ")));
    }

    /// The whole; without a width no line is cut.
    pub(crate) fn text(&self, width: Option<usize>) -> String {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            let Row::Cells(cells) = row else { continue };
            widths.resize(widths.len().max(cells.len()), 0);
            for (widest, cell) in widths.iter_mut().zip(cells) {
                *widest = (*widest).max(cell.chars().count());
            }
        }
        let line = |row: &Row| match row {
            Row::Line(text) => format!("  {text}"),
            Row::Cells(cells) => {
                let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
                padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
            }
        };
        self.rows.iter().map(|row| cut(&line(row), width) + "\n").collect()
    }
}

fn cut(line: &str, width: Option<usize>) -> String {
    match width {
        Some(width) if line.chars().count() > width => {
            line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
        }
        _ => line.to_owned(),
    }
}

/// A number of bytes, such as `1.2 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    // Tenths, so that no number is made of fractions.
    let in_tenths = |unit: u64| bytes.saturating_mul(10) / unit;
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes / 1024),
        1_048_576..1_073_741_824 => format!("{} MiB", bytes >> 20),
        _ => format!("{}.{} GiB", in_tenths(1 << 30) / 10, in_tenths(1 << 30) % 10),
    }
}

/// A time, such as `45s`, `12m`, `3h` or `2d`.
pub(crate) fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..120 => format!("{seconds}s"),
        seconds @ ..7_200 => format!("{}m", seconds / 60),
        seconds @ ..172_800 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_are_cut() {
        let mut table = Table::default();
        table.row(["NAME", "STATE"]);
        table.row(["a", "ready"]);
        table.line("used by\n a test");
        table.row(["longer name", ""]);
        assert_eq!(table.text(None), "NAME         STATE\na            ready\n  used by a test\nlonger name\n");
        assert_eq!(table.text(Some(12)), "NAME       …\na          …\n  used by a…\nlonger name\n");
    }

    #[test]
    fn sizes_and_times_are_short() {
        assert_eq!([0, 2_048, 5 << 20, 1_288_490_188].map(size), ["0 KiB", "2 KiB", "5 MiB", "1.1 GiB"]);
        assert_eq!(
            [0, 119, 120, 7_199, 7_200, 172_800].map(|it| span(Duration::from_secs(it))),
            ["0s", "119s", "2m", "119m", "2h", "2d"]
        );
    }
}
