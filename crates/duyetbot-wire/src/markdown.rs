//! An export for people.
use crate::{Export, Part};
use duyetbot_core::Role;
use std::fmt::Write;

pub(crate) fn markdown(export: &Export) -> String {
    let mut out = format!("# {}\n\n", export.session.title.replace(['\n', '\r'], " "));
    // Writing to a text cannot fail.
    let _ = writeln!(out, "Session {}, begun {}.", export.session.id, export.session.created_at);
    for message in &export.messages {
        let who = match message.role {
            Role::User => "You",
            Role::Assistant => "duyetbot",
            Role::System => "Summary",
        };
        let cut = if message.cut == Some(true) { ", cut off" } else { "" };
        let _ = write!(out, "\n## {who} ({}{cut})\n\n", message.created_at);
        for part in &message.parts {
            if let Ok(part) = serde_json::from_str::<Part>(part.get()) {
                write_part(&mut out, &part);
            }
        }
    }
    out
}

fn write_part(out: &mut String, part: &Part) {
    // Writing to a text cannot fail.
    let _ = match part {
        Part::Text { text } | Part::Summary { text, .. } => writeln!(out, "{}\n", text.trim_end()),
        Part::Reasoning { .. } => Ok(()),
        Part::Tool { tool, input, output, .. } => {
            let fence = fence(output);
            writeln!(out, "`{tool}` {input}\n\n{fence}\n{}\n{fence}\n", output.trim_end())
        }
        Part::Image(file) | Part::File(file) => {
            writeln!(out, "[{} {}]\n", file.name.as_deref().unwrap_or("file"), file.media_type)
        }
    };
}

/// A fence longer than any in the text.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}
