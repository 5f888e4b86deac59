//! A short list to choose from, above the input.
use ratatui_core::text::{Line, Span};

use super::{
    text::{cut, width},
    theme,
};

/// Rows that are shown at once.
const ROWS: usize = 8;

/// A list with a chosen entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Menu<T> {
    entries: Vec<Entry<T>>,
    chosen: usize,
}

/// An entry: what it stands for, its name, and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry<T> {
    pub(crate) value: T,
    pub(crate) name: String,
    pub(crate) about: String,
}

impl<T> Menu<T> {
    /// None where there is nothing to choose from.
    pub(crate) fn new(entries: Vec<Entry<T>>) -> Option<Self> {
        if entries.is_empty() { None } else { Some(Menu { entries, chosen: 0 }) }
    }

    /// The entry before the chosen one; before the first comes the last.
    pub(crate) fn up(&mut self) {
        self.chosen = self.chosen.checked_sub(1).unwrap_or(self.entries.len() - 1);
    }

    pub(crate) fn down(&mut self) {
        self.chosen = (self.chosen + 1) % self.entries.len();
    }

    pub(crate) fn chosen(&self) -> &Entry<T> {
        &self.entries[self.chosen]
    }

    /// The rows around the chosen entry.
    pub(crate) fn lines(&self, columns: usize) -> Vec<Line<'static>> {
        let from = self.chosen.saturating_sub(ROWS - 1);
        let shown = self.entries.iter().enumerate().skip(from).take(ROWS);
        let longest = self.entries.iter().map(|entry| width(&entry.name)).max().unwrap_or(0).min(columns / 2);
        shown
            .map(|(i, entry)| {
                let is_chosen = i == self.chosen;
                let name = cut(&entry.name, columns.saturating_sub(2));
                let padded = format!("{name}{}", " ".repeat(longest.saturating_sub(width(&name))));
                let about = cut(&entry.about, columns.saturating_sub(4 + width(&padded)));
                let style = if is_chosen { theme::CHOSEN } else { theme::PLAIN };
                let mark = if is_chosen { "› " } else { "  " };
                Line::from(vec![
                    Span::styled(format!("{mark}{padded}"), style),
                    Span::styled(
                        if about.is_empty() { String::new() } else { format!("  {about}") },
                        theme::DIM,
                    ),
                ])
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn menu(count: usize) -> Menu<usize> {
        let entry = |i: usize| Entry { value: i, name: format!("name{i}"), about: "words".to_owned() };
        Menu::new((0..count).map(entry).collect()).unwrap()
    }

    #[test]
    fn the_choice_goes_around_and_stays_in_sight() {
        let mut menu = menu(10);
        menu.up();
        assert_eq!(menu.chosen().value, 9);
        let lines: Vec<String> = menu.lines(20).iter().map(ToString::to_string).collect();
        assert_eq!(
            (lines.len(), lines[0].as_str(), lines[7].as_str()),
            (8, "  name2  words", "› name9  words")
        );
        menu.down();
        assert_eq!(menu.chosen().value, 0);
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        assert_eq!(menu(1).lines(9)[0].to_string(), "› name0");
        assert!(Menu::<usize>::new(Vec::new()).is_none());
    }
}
