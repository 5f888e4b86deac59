//! Tool calls as they are shown: a line each, opened into input and output; edits as diffs.
use duyetbot_core::{CallId, ToolStatus};
use ratatui_core::text::{Line, Span};

use super::{
    highlight::diff_line,
    text::{TAB, clean, cut, width},
    theme,
};
use crate::approval::{self, LineKind, about};

/// Lines of a diff that are shown without opening the call.
const DIFF_LINES: usize = 40;
/// Characters of an output that is kept for opening.
const KEPT: usize = 256 * 1024;

/// A call, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) tool: String,
    /// JSON text.
    pub(crate) input: String,
    pub(crate) result: Option<(ToolStatus, String)>,
}

impl Call {
    pub(crate) fn new(id: CallId, tool: &str, input: &str) -> Self {
        Call { id, tool: tool.to_owned(), input: bounded(input), result: None }
    }

    /// The call has ended.
    pub(crate) fn ends(&mut self, status: ToolStatus, output: &str) {
        self.result = Some((status, bounded(output)));
    }

    /// The line of the call.
    pub(crate) fn line(&self, columns: usize) -> Line<'static> {
        let (mark, style, end) = match &self.result {
            None => ("○", theme::DIM, "…".to_owned()),
            Some((ToolStatus::Success, output)) => ("●", theme::GOOD, size_of(output)),
            Some((ToolStatus::Error, output)) => ("●", theme::BAD, first_line(output)),
            Some((ToolStatus::Denied, _)) => ("●", theme::WARNING, "refused".to_owned()),
            Some((ToolStatus::Interrupted, _)) => ("●", theme::WARNING, "interrupted".to_owned()),
        };
        let head = format!(" {} ", clean(&self.tool));
        let left = columns.saturating_sub(1 + width(&head));
        let end = cut(&end, left / 2);
        let about = cut(&about(&self.input), left.saturating_sub(width(&end) + 1));
        Line::from(vec![
            Span::styled(mark, style),
            Span::styled(head, theme::BOLD),
            Span::styled(about, theme::PLAIN),
            Span::styled(format!(" {end}"), theme::DIM),
        ])
    }

    /// What is shown below the line without opening it: what an edit changed.
    pub(crate) fn diff(&self) -> Vec<Line<'static>> {
        let Some((ToolStatus::Success, output)) = &self.result else { return Vec::new() };
        if self.tool != "edit" && self.tool != "write" {
            return Vec::new();
        }
        let Some(at) = diff_begins(output) else { return Vec::new() };
        let all: Vec<&str> = output[at..].lines().collect();
        let mut lines: Vec<Line<'static>> =
            all.iter().take(DIFF_LINES).map(|line| indented_diff(line)).collect();
        if all.len() > DIFF_LINES {
            lines.push(Line::styled(
                format!("  … {} more lines, Ctrl-O opens", all.len() - DIFF_LINES),
                theme::DIM,
            ));
        }
        lines
    }

    /// The call with its whole input and output.
    pub(crate) fn opened(&self) -> Vec<Line<'static>> {
        let mut lines = vec![Line::from(vec![
            Span::styled("▼", theme::DIM),
            Span::styled(format!(" {}", clean(&self.tool)), theme::BOLD),
        ])];
        lines.extend(indented(&approval::lines(None, &self.tool, &self.input)));
        let Some((_, output)) = &self.result else { return lines };
        lines.push(Line::styled("  ↳", theme::DIM));
        let diff = diff_begins(output);
        let mut at = 0;
        for line in output.split_inclusive('\n') {
            let text = line.trim_end_matches('\n');
            lines.push(if diff.is_some_and(|from| at >= from) {
                indented_diff(text)
            } else {
                Line::styled(format!("  {}", clean(text)), theme::DIM)
            });
            at += line.len();
        }
        lines
    }
}

/// Lines of a call, indented, in the colour of their kind.
pub(crate) fn indented(lines: &[approval::Line]) -> impl Iterator<Item = Line<'static>> + '_ {
    lines.iter().map(|line| {
        let style = match line.kind {
            LineKind::Plain => theme::PLAIN,
            LineKind::Heading => theme::BOLD,
            LineKind::Removed => theme::REMOVED,
            LineKind::Added => theme::ADDED,
            LineKind::Wrong => theme::BAD,
        };
        Line::from(vec![Span::raw("  "), Span::styled(line.text.replace('\t', TAB), style)])
    })
}

fn indented_diff(line: &str) -> Line<'static> {
    Line::from(vec![Span::raw("  "), diff_line(&clean(line))])
}

/// Where the first hunk or the head of a diff begins.
fn diff_begins(output: &str) -> Option<usize> {
    let mut at = 0;
    for line in output.split_inclusive('\n') {
        if line.starts_with("--- ") || line.starts_with("@@ ") {
            return Some(at);
        }
        at += line.len();
    }
    None
}

fn size_of(output: &str) -> String {
    match output.lines().count() {
        0 => "no output".to_owned(),
        1 => first_line(output),
        n => format!("{n} lines"),
    }
}

fn first_line(output: &str) -> String {
    clean(output.lines().next().unwrap_or_default())
}

fn bounded(text: &str) -> String {
    match text.char_indices().nth(KEPT) {
        Some((at, _)) => format!("{}\n[the rest stands in the session]", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(tool: &str, input: &str) -> Call {
        Call::new("call_1".into(), tool, input)
    }

    fn text(lines: &[Line<'_>]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_line_says_what_runs_and_how_it_ended() {
        let mut call = call("bash", r#"{"command":"cargo test\nls"}"#);
        assert_eq!(call.line(60).to_string(), "○ bash cargo test\\nls …");
        call.ends(ToolStatus::Success, "one\ntwo\n");
        assert_eq!(call.line(60).to_string(), "● bash cargo test\\nls 2 lines");
        assert_eq!(call.line(20).to_string(), "● bash cargo… 2 lin…");
        call.ends(ToolStatus::Error, "no such\u{1b} file\nmore");
        assert_eq!(call.line(60).to_string(), "● bash cargo test\\nls no such␛ file");
    }

    #[test]
    fn an_edit_shows_its_diff_in_colour() {
        let mut call = call("edit", r#"{"path":"a","old":"x","new":"y"}"#);
        call.ends(ToolStatus::Success, "edited a\n--- a\n+++ a\n@@ -1 +1 @@\n-x\n+y\n");
        assert_eq!(text(&call.diff()), ["  --- a", "  +++ a", "  @@ -1 +1 @@", "  -x", "  +y"]);
        let styles: Vec<_> = call.diff().iter().map(|line| line.spans[1].style).collect();
        assert_eq!(styles, [theme::BOLD, theme::BOLD, theme::HUNK, theme::REMOVED, theme::ADDED]);
    }

    #[test]
    fn an_opened_call_shows_everything() {
        let mut call = call("x", r#"{"command":"a\nb","seconds":3}"#);
        call.ends(ToolStatus::Success, "out\u{7}\nput");
        assert_eq!(
            text(&call.opened()),
            ["▼ x", "  command: a", "  │ b", "  seconds: 3", "  ↳", "  out␇", "  put"]
        );
    }
}
