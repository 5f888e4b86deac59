//! One block of Markdown as lines.
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use ratatui_core::text::{Line, Span};

use super::{inline::Inline, split::Block, table::Table};
use crate::tui::{
    highlight::Highlighter,
    text::{Margin, width, wrap},
    theme,
};

/// Columns of a rule.
const RULE: usize = 24;

/// The lines of a block.
pub(super) fn block_lines(block: &Block, columns: usize) -> Vec<Line<'static>> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut render = Render { columns, number: block.number, ..Render::default() };
    for event in Parser::new_ext(&block.source, options) {
        render.event(event);
    }
    render.flush();
    render.lines
}

#[derive(Default)]
struct Render {
    columns: usize,
    /// The number of the block's own item.
    number: Option<u64>,
    lines: Vec<Line<'static>>,
    inline: Inline,
    margins: Vec<Edge>,
    /// The next number of each open list; none where it has no numbers.
    lists: Vec<Option<u64>>,
    code: Option<(Highlighter, String)>,
    table: Option<Table>,
    /// A block has ended, and the next one within the same item or quote stands apart.
    apart: bool,
}

/// What stands before the lines of an item or a quote.
struct Edge {
    first: Option<Span<'static>>,
    rest: Span<'static>,
}

impl Render {
    fn event(&mut self, event: Event<'_>) {
        if let Some((_, text)) = &mut self.code
            && let Event::Text(more) = &event
        {
            text.push_str(more);
            return;
        }
        if let Some(table) = &mut self.table {
            if !table.event(&event)
                && let Some(table) = self.table.take()
            {
                self.print_table(&table);
            }
            return;
        }
        if self.inline.take_event(&event) {
            return;
        }
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::HardBreak => self.flush_line(),
            Event::Rule => {
                let rule = "─".repeat(RULE.min(self.room()));
                self.inline.text(&rule, theme::DIM);
                self.flush();
            }
            Event::Html(html) => {
                self.inline.text(html.trim_end(), theme::DIM);
                self.flush_line();
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                let mark = match level {
                    HeadingLevel::H1 | HeadingLevel::H2 | HeadingLevel::H3 => theme::HEADING,
                    _ => theme::BOLD,
                };
                self.inline.begin(mark);
            }
            Tag::BlockQuote(_) => {
                self.flush();
                let bar = Span::styled("│ ", theme::DIM);
                self.margins.push(Edge { first: None, rest: bar });
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                let language = match &kind {
                    CodeBlockKind::Fenced(info) => {
                        info.split_whitespace().next().unwrap_or_default().to_owned()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((Highlighter::new(&language), String::new()));
            }
            Tag::List(first) => {
                self.flush();
                let first = first.map(|n| self.number.take().unwrap_or(n));
                self.lists.push(first);
            }
            Tag::Item => self.item(),
            Tag::Table(_) => {
                self.flush();
                self.table = Some(Table::default());
            }
            _ => {}
        }
    }

    fn item(&mut self) {
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                let mark = format!("{number}. ");
                *number = number.saturating_add(1);
                mark
            }
            _ => "• ".to_owned(),
        };
        let rest = Span::raw(" ".repeat(width(&mark)));
        self.margins.push(Edge { first: Some(Span::styled(mark, theme::DIM)), rest });
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => {
                self.flush();
                self.apart = true;
            }
            TagEnd::Heading(_) => {
                self.flush();
                self.inline = Inline::default();
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.margins.pop();
                self.apart = true;
            }
            TagEnd::CodeBlock => self.print_code(),
            TagEnd::List(_) => {
                self.lists.pop();
                self.apart = true;
            }
            TagEnd::Item => {
                self.flush();
                if self.margins.last().is_some_and(|edge| edge.first.is_some()) {
                    // An item without words has its mark alone.
                    let margin = self.margin();
                    self.lines.push(Line::from(margin.first));
                }
                self.margins.pop();
                self.apart = false;
            }
            _ => {}
        }
    }

    fn margin(&mut self) -> Margin {
        let mut margin = Margin::default();
        for edge in &mut self.margins {
            margin.first.push(edge.first.take().unwrap_or_else(|| edge.rest.clone()));
            margin.rest.push(edge.rest.clone());
        }
        margin
    }

    /// Columns that are left within the margins.
    fn room(&self) -> usize {
        let taken: usize = self.margins.iter().map(|edge| width(&edge.rest.content)).sum();
        self.columns.saturating_sub(taken).max(2)
    }

    fn flush(&mut self) {
        if !self.inline.is_empty() {
            self.flush_line();
        }
    }

    fn flush_line(&mut self) {
        self.stand_apart();
        let margin = self.margin();
        let spans = self.inline.done();
        self.lines.extend(wrap(&spans, self.columns, &margin));
    }

    fn stand_apart(&mut self) {
        if std::mem::take(&mut self.apart) && !self.lines.is_empty() {
            // The mark of an item that begins here is for its first line.
            let begun = self.margins.iter().take_while(|edge| edge.first.is_none());
            let blank: String = begun.map(|edge| edge.rest.content.as_ref()).collect();
            let blank = blank.trim_end().to_owned();
            self.lines.push(if blank.is_empty() { Line::default() } else { Line::styled(blank, theme::DIM) });
        }
    }

    /// Code within an item or a quote; it is not broken at the end of a line.
    fn print_code(&mut self) {
        let Some((mut code, text)) = self.code.take() else { return };
        self.stand_apart();
        for line in text.lines() {
            let margin = self.margin();
            let spans = margin.first.into_iter().chain(code.line(line));
            self.lines.push(Line::from(spans.collect::<Vec<_>>()));
        }
        self.apart = true;
    }

    fn print_table(&mut self, table: &Table) {
        self.stand_apart();
        for line in table.lines(self.room()) {
            let margin = self.margin();
            let spans = margin.first.into_iter().chain(line.spans);
            self.lines.push(Line::from(spans.collect::<Vec<_>>()));
        }
        self.apart = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::markdown::split::Gap;

    fn text(source: &str, columns: usize) -> Vec<String> {
        let block = Block { source: source.to_owned(), number: None, gap: Gap::Line };
        block_lines(&block, columns).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn items_hang_and_hold_blocks() {
        assert_eq!(
            text("- one two three\n\n  second paragraph\n\n  ```rs\n  let a;\n  ```", 12),
            ["• one two", "  three", "", "  second", "  paragraph", "", "  let a;"]
        );
        assert_eq!(text("3. a\n   - [x] b", 20), ["3. a", "   • [x] b"]);
        assert_eq!(text("-", 20), ["• "]);
    }

    #[test]
    fn quotes_have_a_bar_on_every_line() {
        assert_eq!(text("> one two\n>\n> - three", 9), ["│ one two", "│", "│ • three"]);
    }

    #[test]
    fn a_link_says_where_it_leads() {
        assert_eq!(
            text("[here](https://a.example) <https://b.example>", 60),
            ["here (https://a.example) https://b.example"]
        );
    }

    #[test]
    fn html_is_shown_and_not_obeyed() {
        assert_eq!(text("<b>\nbold\n</b>", 30), ["<b>", "bold", "</b>"]);
    }
}
