//! Prints what was measured: a table a question, with what it should be at most.
use std::time::Duration;

/// A table of texts.
pub(crate) struct Table {
    title: String,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Table {
    pub(crate) fn new(title: &str, columns: &[&str]) -> Self {
        let head = columns.iter().map(|c| (*c).to_owned()).collect();
        Table { title: title.to_owned(), rows: vec![head], notes: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Prints it as Markdown that also reads well as it is.
    #[expect(clippy::print_stdout, reason = "the table is what the program is run for")]
    pub(crate) fn print(&self) {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        println!("\n{}\n", self.title);
        for (n, row) in self.rows.iter().enumerate() {
            let cells = widths.iter().enumerate().map(|(column, width)| {
                let cell = row.get(column).map(String::as_str).unwrap_or_default();
                if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
            if n == 0 {
                let lines = widths.iter().enumerate().map(|(column, width)| {
                    if column == 0 { "-".repeat(width + 2) } else { format!("{}:", "-".repeat(width + 1)) }
                });
                println!("|{}|", lines.collect::<Vec<_>>().join("|"));
            }
        }
        for note in &self.notes {
            println!("{note}");
        }
    }
}

/// A ratio beside the most that it should be.
pub(crate) fn at_most(value: f64, most: f64) -> String {
    format!("{value:.2}× (≤ {most}×: {})", if value <= most { "met" } else { "MISSED" })
}

/// A ratio beside the least that it should be.
pub(crate) fn at_least(value: f64, least: f64) -> String {
    format!("{value:.2}× (≥ {least}×: {})", if value >= least { "met" } else { "MISSED" })
}

pub(crate) fn times(value: f64) -> String {
    format!("{value:.2}×")
}

pub(crate) fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

pub(crate) fn us(time: Duration) -> String {
    format!("{:.0} µs", time.as_secs_f64() * 1e6)
}

pub(crate) fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
