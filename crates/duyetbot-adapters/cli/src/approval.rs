//! A call that waits for a person, as it is shown: the whole command or the whole change, with nothing hidden in it.
use duyetbot::{
    Toolbox,
    tools::rules::{Rule, visible},
};
use duyetbot_core::CallId;
use serde_json::Value;

/// Characters of a call that a heading has.
const HEADING: usize = 120;

/// Fields that are shown before others, in this order: where something is done, what goes and what comes.
const FIRST: [&str; 6] = ["path", "url", "command", "old", "new", "content"];

/// A call that waits, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// The call.
    pub(crate) call: CallId,
    /// The tool.
    pub(crate) tool: String,
    /// The call in a line.
    pub(crate) heading: String,
    /// Why it asks, in a line.
    pub(crate) reason: String,
    /// All that would be done. No line holds a character that hides something.
    pub(crate) lines: Vec<Line>,
    /// The narrowest rules that would let this call run without asking; none where no rule could.
    pub(crate) grants: Vec<Rule>,
}

/// A line of what is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// What kind of line it is, for its colour.
    pub(crate) kind: LineKind,
    /// Its text, safe to be printed.
    pub(crate) text: String,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineKind {
    /// A part of a command or of an input.
    Plain,
    /// A name or a place in a diff.
    Heading,
    /// A line that goes.
    Removed,
    /// A line that comes.
    Added,
    /// What is wrong with the call.
    Wrong,
}

impl Question {
    /// What a person decides on.
    pub(crate) fn new(
        toolbox: Option<&Toolbox>,
        call: &CallId,
        tool: &str,
        input: &str,
        reason: &str,
    ) -> Self {
        Question {
            call: call.clone(),
            tool: visible(tool),
            heading: heading(tool, input),
            reason: visible(reason),
            lines: lines(toolbox, tool, input),
            grants: toolbox.map(|toolbox| toolbox.narrowest(tool, input)).unwrap_or_default(),
        }
    }

    /// The rules that "always" would add, in a line.
    pub(crate) fn granted(&self) -> String {
        self.grants.iter().map(|rule| visible(&rule.to_string())).collect::<Vec<_>>().join(", ")
    }
}

/// All that a call would do.
pub(crate) fn lines(toolbox: Option<&Toolbox>, tool: &str, input: &str) -> Vec<Line> {
    let value: Value = serde_json::from_str(input).unwrap_or(Value::Null);
    if let ("bash", Some(command)) = (tool, value["command"].as_str()) {
        return plain(command);
    }
    match toolbox.and_then(Toolbox::workspace).and_then(|workspace| workspace.preview(tool, input)) {
        Some(Ok(diff)) => diff.split_terminator('\n').map(of_diff).collect(),
        Some(Err(wrong)) => {
            let mut lines = vec![Line { kind: LineKind::Wrong, text: shown(&wrong) }];
            lines.extend(fields(&value, input));
            lines
        }
        None => fields(&value, input),
    }
}

/// A call in a line, cut to what fits: the tool and what it is about.
pub(crate) fn heading(tool: &str, input: &str) -> String {
    let line = format!("{} {}", visible(tool), about(input));
    let line = line.trim_end();
    match line.char_indices().nth(HEADING) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

/// What a call is about, in one line: what it works on, else its first field.
pub(crate) fn about(input: &str) -> String {
    let value: Value = serde_json::from_str(input).unwrap_or(Value::Null);
    let Value::Object(fields) = &value else { return visible(input) };
    let named = ["command", "path", "url", "pattern", "query"].iter().find_map(|name| fields.get(*name));
    match named.or_else(|| fields.values().next()) {
        Some(Value::String(text)) => visible(text),
        Some(other) => visible(&other.to_string()),
        None => String::new(),
    }
}

fn plain(text: &str) -> Vec<Line> {
    text.split('\n').map(|line| Line { kind: LineKind::Plain, text: shown(line) }).collect()
}

/// A line with what is hidden in it spelled out; tabs stay.
fn shown(line: &str) -> String {
    line.split('\t').map(visible).collect::<Vec<_>>().join("\t")
}

fn of_diff(line: &str) -> Line {
    let kind = match line.as_bytes() {
        [b'+', b'+', b'+', b' ', ..] | [b'-', b'-', b'-', b' ', ..] | [b'@', b'@', ..] => LineKind::Heading,
        [b'+', ..] => LineKind::Added,
        [b'-', ..] => LineKind::Removed,
        _ => LineKind::Plain,
    };
    Line { kind, text: shown(line) }
}

/// An input, a field a line; the other lines of a text are marked, so that none looks like another field.
fn fields(value: &Value, input: &str) -> Vec<Line> {
    let Value::Object(fields) = value else { return plain(input) };
    let mut lines = Vec::new();
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| FIRST.iter().position(|first| first == name).unwrap_or(FIRST.len()));
    for (name, value) in fields {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut all = text.split('\n').map(shown);
        let first = format!("{}: {}", visible(name), all.next().unwrap_or_default());
        lines.push(Line { kind: LineKind::Plain, text: first });
        lines.extend(all.map(|line| Line { kind: LineKind::Plain, text: format!("│ {line}") }));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(tool: &str, input: &str) -> Vec<String> {
        lines(None, tool, input).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_command_is_shown_whole_and_nothing_in_it_is_hidden() {
        let long = "x".repeat(5_000);
        let input =
            serde_json::json!({ "command": format!("ls \u{1b}[2K\r\n\techo a\u{202e}b\u{200b} {long}") });
        assert_eq!(
            texts("bash", &input.to_string()),
            ["ls \\u{1b}[2K\\r".to_owned(), format!("\techo a\\u{{202e}}b\\u{{200b}} {long}")]
        );
    }

    #[test]
    fn other_calls_are_shown_field_by_field_and_what_is_no_json_as_it_is() {
        assert_eq!(texts("web_fetch", r#"{"url":"http://a.example/"}"#), ["url: http://a.example/"]);
        assert_eq!(texts("x", r#"{"a":"1\nb: 2","b":[3]}"#), ["a: 1", "│ b: 2", "b: [3]"]);
        assert_eq!(texts("x", "nonsense"), ["nonsense"]);
        let edit = r#"{"all":true,"new":"2","old":"1","path":"a"}"#;
        assert_eq!(texts("edit", edit), ["path: a", "old: 1", "new: 2", "all: true"]);
    }

    #[test]
    fn a_heading_is_a_line_that_fits() {
        assert_eq!(heading("bash", r#"{"command":"ls\nrm x"}"#), "bash ls\\nrm x");
        assert_eq!(heading("sessions", "{}"), "sessions");
        assert_eq!(
            heading("read", &format!(r#"{{"path":"{}"}}"#, "é".repeat(500))).chars().count(),
            HEADING + 1
        );
    }
}
