//! A table: columns as wide as their words where there is room, else a row as a list of its cells.
use pulldown_cmark::{Event, Tag, TagEnd};
use ratatui_core::{
    style::Style,
    text::{Line, Span},
};

use super::inline::Inline;
use crate::tui::{
    text::{Margin, line_width, width, wrap},
    theme,
};

/// What stands between two columns.
const BETWEEN: &str = " │ ";
/// A column is not made narrower than this.
const NARROWEST: usize = 6;

type Cell = Vec<Span<'static>>;

/// Rows of cells; the first is the head.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Vec<Cell>>,
    inline: Inline,
}

impl Table {
    /// Takes an event; `false` where the table ends.
    pub(super) fn event(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::End(TagEnd::Table) => return false,
            Event::Start(Tag::TableHead | Tag::TableRow) => self.rows.push(Vec::new()),
            Event::End(TagEnd::TableCell) => {
                let cell = self.inline.done();
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell);
                }
            }
            event => drop(self.inline.take_event(event)),
        }
        true
    }

    pub(super) fn lines(&self, columns: usize) -> Vec<Line<'static>> {
        let count = self.rows.first().map_or(0, Vec::len);
        let between = count.saturating_sub(1) * width(BETWEEN);
        let room = columns.saturating_sub(between);
        match fit(&self.natural(count), room) {
            Some(widths) => self.grid(&widths),
            None => self.list(columns),
        }
    }

    fn natural(&self, count: usize) -> Vec<usize> {
        let cell = |row: &Vec<Cell>, i: usize| row.get(i).map_or(0, cell_width);
        (0..count).map(|i| self.rows.iter().map(|row| cell(row, i)).max().unwrap_or(0).max(1)).collect()
    }

    fn grid(&self, widths: &[usize]) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        for (n, row) in self.rows.iter().enumerate() {
            lines.extend(grid_row(row, widths, if n == 0 { theme::BOLD } else { theme::PLAIN }));
            if n == 0 {
                let rules: Vec<String> = widths.iter().map(|w| "─".repeat(*w)).collect();
                lines.push(Line::from(Span::styled(rules.join("─┼─"), theme::DIM)));
            }
        }
        lines
    }

    fn list(&self, columns: usize) -> Vec<Line<'static>> {
        let Some((head, rows)) = self.rows.split_first() else { return Vec::new() };
        let mut lines = Vec::new();
        for (n, row) in rows.iter().enumerate() {
            if n > 0 {
                lines.push(Line::default());
            }
            for (name, cell) in head.iter().zip(row) {
                let mut spans: Cell = name.iter().map(|s| s.clone().patch_style(theme::BOLD)).collect();
                spans.push(Span::raw(": "));
                spans.extend(cell.iter().cloned());
                let margin = Margin { first: Vec::new(), rest: vec![Span::raw("  ")] };
                lines.extend(wrap(&spans, columns, &margin));
            }
        }
        lines
    }
}

fn grid_row(row: &[Cell], widths: &[usize], style: Style) -> Vec<Line<'static>> {
    let empty = Cell::new();
    let cells: Vec<Vec<Line<'static>>> = widths
        .iter()
        .enumerate()
        .map(|(i, columns)| wrap(row.get(i).unwrap_or(&empty), *columns, &Margin::default()))
        .collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let line = |n: usize| {
        let mut spans = Vec::new();
        for (i, (cell, columns)) in cells.iter().zip(widths).enumerate() {
            if i > 0 {
                spans.push(Span::styled(BETWEEN, theme::DIM));
            }
            let words = cell.get(n).cloned().unwrap_or_default();
            let missing = columns.saturating_sub(line_width(&words));
            spans.extend(words.spans.into_iter().map(|span| span.patch_style(style)));
            // Nothing is put behind the last column: what is copied has no spaces at its lines' ends.
            if i + 1 < widths.len() && missing > 0 {
                spans.push(Span::raw(" ".repeat(missing)));
            }
        }
        Line::from(spans)
    };
    (0..height).map(line).collect()
}

fn cell_width(cell: &Cell) -> usize {
    cell.iter().map(|span| width(&span.content)).sum()
}

/// Narrows the widest columns until all fit; none where they would be too narrow to read.
fn fit(natural: &[usize], room: usize) -> Option<Vec<usize>> {
    let mut widths = natural.to_vec();
    while widths.iter().sum::<usize>() > room {
        let widest = widths.iter_mut().max()?;
        if *widest <= NARROWEST {
            return None;
        }
        *widest -= 1;
    }
    Some(widths)
}

#[cfg(test)]
mod tests {
    use super::super::whole;

    fn text(source: &str, columns: usize) -> Vec<String> {
        whole(source, columns).iter().map(ToString::to_string).collect()
    }

    const TABLE: &str = "| Name | What |\n|---|---|\n| 你好 | a greeting of some length |\n| b | `c` |\n";

    #[test]
    fn columns_line_up_with_wide_characters_too() {
        let right = [
            "Name │ What",
            "─────┼──────────────────────────",
            "你好 │ a greeting of some length",
            "b    │ c",
        ];
        assert_eq!(text(TABLE, 80), right);
    }

    #[test]
    fn a_narrow_terminal_breaks_the_cells_and_then_the_rows() {
        assert_eq!(
            text(TABLE, 20),
            ["Name │ What", "─────┼──────────────", "你好 │ a greeting of", "     │ some length", "b    │ c"]
        );
        assert_eq!(
            text(TABLE, 12),
            ["Name: 你好", "What: a", "  greeting", "  of some", "  length", "", "Name: b", "What: c"]
        );
    }
}
