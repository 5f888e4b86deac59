//! Markdown as it is shown: each finished block once, and what may still change apart.
mod inline;
mod render;
mod split;
mod table;

use ratatui_core::text::Line;

use self::{
    render::block_lines,
    split::{Gap, Piece, Splitter},
};
use super::{highlight::Highlighter, text::clean, theme};

/// Source of an open block that is looked at, at most: it is rendered again each time that it grows.
const LOOKED_AT: usize = 8 * 1024;

/// A document that grows at its end.
#[derive(Debug, Default)]
pub(crate) struct Markdown {
    splitter: Splitter,
    shape: Shape,
}

/// What has been rendered so far, as far as it decides what follows.
#[derive(Debug, Default)]
struct Shape {
    any: bool,
    code: Option<Highlighter>,
}

impl Markdown {
    /// More text; answers the lines of what it finished, for a terminal of so many columns.
    pub(crate) fn push(&mut self, text: &str, columns: usize) -> Vec<Line<'static>> {
        let pieces = self.splitter.push(text);
        self.lines(pieces, columns)
    }

    /// The document ends.
    pub(crate) fn end(&mut self, columns: usize) -> Vec<Line<'static>> {
        let pieces = self.splitter.end();
        let lines = self.lines(pieces, columns);
        self.shape = Shape::default();
        lines
    }

    /// The lines of what may still change.
    pub(crate) fn unfinished(&self, columns: usize) -> Vec<Line<'static>> {
        match self.splitter.unfinished() {
            Some(Piece::Block(mut block)) => {
                if block.source.len() > LOOKED_AT {
                    let from = block.source.len() - LOOKED_AT;
                    let from = (from..).find(|at| block.source.is_char_boundary(*at)).unwrap_or(from);
                    block.source.drain(..from);
                }
                let mut lines = Vec::new();
                if self.shape.any && block.gap == Gap::Line {
                    lines.push(Line::default());
                }
                lines.extend(block_lines(&block, columns));
                lines
            }
            // Without what came before it its colours are not known.
            Some(Piece::CodeLine(line)) => vec![Line::raw(clean(&line))],
            _ => Vec::new(),
        }
    }

    fn lines(&mut self, pieces: Vec<Piece>, columns: usize) -> Vec<Line<'static>> {
        pieces.into_iter().flat_map(|piece| self.shape.lines(piece, columns)).collect()
    }
}

impl Shape {
    fn lines(&mut self, piece: Piece, columns: usize) -> Vec<Line<'static>> {
        match piece {
            Piece::Block(block) => {
                let mut lines = block_lines(&block, columns);
                // A block that shows nothing, such as a comment, takes no room.
                if !lines.is_empty() && block.gap == Gap::Line {
                    self.part(&mut lines);
                }
                self.any |= !lines.is_empty();
                lines
            }
            Piece::CodeBegins { language } => {
                let mut lines = vec![Line::styled(format!("```{}", clean(&language)), theme::DIM)];
                self.part(&mut lines);
                self.any = true;
                self.code = Some(Highlighter::new(&language));
                lines
            }
            Piece::CodeLine(line) => match &mut self.code {
                Some(code) => vec![Line::from(code.line(&line))],
                None => vec![Line::raw(clean(&line))],
            },
            Piece::CodeEnds => {
                self.code = None;
                vec![Line::styled("```", theme::DIM)]
            }
        }
    }

    /// An empty line before a block that is not the first.
    fn part(&self, lines: &mut Vec<Line<'static>>) {
        if self.any {
            lines.insert(0, Line::default());
        }
    }
}

/// A whole document.
#[cfg(test)]
pub(crate) fn whole(text: &str, columns: usize) -> Vec<Line<'static>> {
    let mut markdown = Markdown::default();
    let mut lines = markdown.push(text, columns);
    lines.extend(markdown.end(columns));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(source: &str, columns: usize) -> String {
        whole(source, columns).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_document_reads_like_one() {
        let source = "# Title\nSome *words* and `code`, [a link](https://example.org).\n\n- one\n- two\n  - inner\n\n1. first\n\n\n2. second\n\n> quoted\n> words\n\n```sh\necho hi\n\techo ho\n```\nend\n\n---\n";
        let shown = "Title\n\nSome words and code, a link (https://example.org).\n\n• one\n• two\n  • inner\n\n1. first\n\n2. second\n\n│ quoted words\n\n```sh\necho hi\n    echo ho\n```\n\nend\n\n────────────────────────";
        assert_eq!(text(source, 60), shown);
    }

    #[test]
    fn code_is_never_broken() {
        let line = "x".repeat(100);
        assert_eq!(text(&format!("```\n{line}\n```"), 40), format!("```\n{line}\n```"));
    }

    #[test]
    fn what_a_model_says_controls_nothing() {
        let source = "a\u{1b}[31mb &#27;[2J\n\n`c\u{7}`\n\n```x\u{1b}\nd\u{1b}c\n```\n\n| e\u{1b} |\n|--|\n| &#x1b; |\n\n<f\u{1b}>\n\n[g\u{1b}](h\u{1b})";
        assert!(!text(source, 40).chars().any(|c| c.is_control() && c != '\n'), "{:?}", text(source, 40));
        assert!(text(source, 40).starts_with("a␛[31mb ␛[2J\n"));
    }

    #[test]
    fn what_may_still_change_stands_where_it_will_be() {
        let mut markdown = Markdown::default();
        assert_eq!(markdown.push("one\n\ntwo *wor", 40), [Line::raw("one")]);
        let open: Vec<String> = markdown.unfinished(40).iter().map(ToString::to_string).collect();
        assert_eq!(open, ["", "two *wor"]);
    }

    proptest! {
        #[test]
        fn blocks_printed_once_are_the_whole_document(
            lines in prop::collection::vec("(# |- |  - |1[.] |> |```|```rs|---|\\| a \\|)?[a-z界*` ]{0,12}", 0..30),
            sizes in prop::collection::vec(1_usize..20, 1..40),
            columns in 8_usize..60,
        ) {
            let source = lines.join("\n");
            let mut markdown = Markdown::default();
            let mut printed = Vec::new();
            let mut chars = source.chars();
            for size in sizes.iter().cycle() {
                let part: String = chars.by_ref().take(*size).collect();
                if part.is_empty() {
                    break;
                }
                printed.extend(markdown.push(&part, columns));
                markdown.unfinished(columns);
            }
            printed.extend(markdown.end(columns));
            prop_assert_eq!(printed, whole(&source, columns));
        }
    }
}
