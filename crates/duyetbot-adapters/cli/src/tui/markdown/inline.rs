//! Words within a block: how emphasis, code and links look.
use pulldown_cmark::{Event, Tag, TagEnd};
use ratatui_core::{style::Style, text::Span};

use crate::tui::{text::clean, theme};

/// Styled words that grow.
#[derive(Debug, Default)]
pub(super) struct Inline {
    spans: Vec<Span<'static>>,
    styles: Vec<Style>,
    /// Where the open links lead, and where their words began.
    links: Vec<(String, usize)>,
}

impl Inline {
    /// Takes the event where it is one of words.
    pub(super) fn take_event(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Text(text) => self.text(text, theme::PLAIN),
            Event::Code(text) => self.text(text, theme::CODE),
            Event::InlineHtml(text) => self.text(text, theme::DIM),
            Event::SoftBreak => self.text(" ", theme::PLAIN),
            Event::TaskListMarker(done) => self.text(if *done { "[x] " } else { "[ ] " }, theme::PLAIN),
            Event::FootnoteReference(name) => self.text(&format!("[{name}]"), theme::DIM),
            Event::Start(Tag::Emphasis) => self.styles.push(theme::ITALIC),
            Event::Start(Tag::Strong) => self.styles.push(theme::BOLD),
            Event::Start(Tag::Strikethrough) => self.styles.push(theme::STRUCK),
            Event::Start(Tag::Link { dest_url, .. }) => self.link(dest_url),
            Event::Start(Tag::Image { dest_url, .. }) => self.link(dest_url),
            Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough) => drop(self.styles.pop()),
            Event::End(TagEnd::Link | TagEnd::Image) => self.link_ends(),
            _ => return false,
        }
        true
    }

    /// Words of a style of their own.
    pub(super) fn text(&mut self, text: &str, style: Style) {
        let style = self.styles.iter().fold(style, |all, style| all.patch(*style));
        let text = clean(text).replace('\n', " ");
        match self.spans.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push_str(&text),
            _ => self.spans.push(Span::styled(text, style)),
        }
    }

    /// All that follows has this style too, until it is taken back.
    pub(super) fn begin(&mut self, style: Style) {
        self.styles.push(style);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The words; the next begin anew.
    pub(super) fn done(&mut self) -> Vec<Span<'static>> {
        std::mem::take(&mut self.spans)
    }

    fn link(&mut self, to: &str) {
        self.links.push((clean(to), self.written()));
        self.styles.push(theme::LINK);
    }

    /// Where a link leads is always shown: words alone could lie about it.
    fn link_ends(&mut self) {
        self.styles.pop();
        let Some((to, from)) = self.links.pop() else { return };
        let all: String = self.spans.iter().map(|span| span.content.as_ref()).collect();
        let words = all.get(from..).unwrap_or_default();
        if !to.is_empty() && words != to && to.strip_prefix("mailto:") != Some(words) {
            self.text(&format!(" ({to})"), theme::DIM);
        }
    }

    fn written(&self) -> usize {
        self.spans.iter().map(|span| span.content.len()).sum()
    }
}
