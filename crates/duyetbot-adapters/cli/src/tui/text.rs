//! Text in columns: how wide it is, and where its lines break.
use ratatui_core::{
    style::Style,
    text::{Line, Span},
};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of a tab where it is shown.
pub(crate) const TAB: &str = "    ";

/// Columns that the text takes at most: terminals differ in whether they join what several code points make one character of.
pub(crate) fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    let parts = |text: &str| text.chars().map(|c| c.width().unwrap_or(0)).sum();
    text.graphemes(true).map(|grapheme| grapheme.width().max(parts(grapheme))).sum()
}

/// Columns of a line.
pub(crate) fn line_width(line: &Line<'_>) -> usize {
    line.spans.iter().map(|span| width(&span.content)).sum()
}

/// The text without control characters, and with spaces in the place of tabs.
pub(crate) fn clean(text: &str) -> String {
    crate::output::printable(text).replace('\t', TAB)
}

/// The beginning of the text that fits, with an ellipsis where something is left out.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let wide = width(grapheme);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        out.push_str(grapheme);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// What stands before the first line of a wrapped text, and before the others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Margin {
    pub(crate) first: Vec<Span<'static>>,
    pub(crate) rest: Vec<Span<'static>>,
}

/// One character as it is shown.
#[derive(Clone, Copy)]
struct Cell<'a> {
    text: &'a str,
    style: Style,
    width: usize,
}

/// Breaks a styled text at words. A word that is too long is broken where the line ends; between wide characters a line may
/// end anywhere.
pub(crate) fn wrap(spans: &[Span<'_>], columns: usize, margin: &Margin) -> Vec<Line<'static>> {
    let cells: Vec<Cell<'_>> = spans
        .iter()
        .flat_map(|span| {
            let style = span.style;
            span.content.graphemes(true).map(move |text| Cell { text, style, width: width(text) })
        })
        .collect();
    let mut lines = Vec::new();
    let mut from = 0;
    while from < cells.len() || lines.is_empty() {
        let margin = if lines.is_empty() { &margin.first } else { &margin.rest };
        let taken: usize = margin.iter().map(|span| width(&span.content)).sum();
        let (end, next) = line_end(&cells, from, columns.saturating_sub(taken).max(2));
        lines.push(line_of(margin, &cells[from..end]));
        from = next;
    }
    lines
}

/// Where a line that begins here ends, and where the next begins.
fn line_end(cells: &[Cell<'_>], from: usize, columns: usize) -> (usize, usize) {
    let mut used = 0;
    let mut broken = None;
    for (i, cell) in cells.iter().enumerate().skip(from) {
        if cell.text == " " {
            broken = Some((i, i + 1));
        } else if i > from && (cell.width > 1 || cells[i - 1].width > 1) && cells[i - 1].text != " " {
            broken = Some((i, i));
        }
        used += cell.width;
        if used > columns {
            let (end, next) =
                broken.filter(|(end, _)| *end > from).unwrap_or((i.max(from + 1), i.max(from + 1)));
            return (without_spaces(cells, from, end), next);
        }
    }
    (cells.len(), cells.len())
}

fn without_spaces(cells: &[Cell<'_>], from: usize, end: usize) -> usize {
    let mut end = end;
    while end > from && cells[end - 1].text == " " {
        end -= 1;
    }
    end
}

fn line_of(margin: &[Span<'static>], cells: &[Cell<'_>]) -> Line<'static> {
    let mut spans = margin.to_vec();
    let mut text = String::new();
    let mut style = Style::new();
    for cell in cells {
        if cell.style != style && !text.is_empty() {
            spans.push(Span::styled(std::mem::take(&mut text), style));
        }
        style = cell.style;
        text.push_str(cell.text);
    }
    if !text.is_empty() {
        spans.push(Span::styled(text, style));
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wrapped(text: &str, columns: usize) -> Vec<String> {
        let lines = wrap(&[Span::raw(text.to_owned())], columns, &Margin::default());
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lines_break_at_words_and_wide_characters() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("你好世界", 5), ["你好", "世界"]);
        assert_eq!(wrapped("a 你好世界", 5), ["a 你", "好世", "界"]);
        assert_eq!(wrapped("", 5), [""]);
    }

    #[test]
    fn a_margin_hangs() {
        let margin = Margin { first: vec![Span::raw("- ")], rest: vec![Span::raw("  ")] };
        let lines = wrap(&[Span::raw("one two")], 6, &margin);
        assert_eq!(lines.iter().map(ToString::to_string).collect::<Vec<_>>(), ["- one", "  two"]);
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("hello", 5), "hello");
        assert_eq!(cut("hello world", 6), "hello…");
        assert_eq!(cut("你好世界", 6), "你好…");
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_word_is_lost(text in "[a-z 界é\u{301}]{0,80}", columns in 2_usize..30) {
            let lines = wrapped(&text, columns);
            for line in &lines {
                prop_assert!(width(line) <= columns, "{line:?}");
            }
            let without = |s: &str| s.replace(' ', "");
            prop_assert_eq!(without(&lines.concat()), without(&text));
        }
    }
}
