//! What a redirection touches: nothing but the command's own streams and the null device is known to be harmless.
use brush_parser::ast::{
    IoFileRedirectKind, IoFileRedirectTarget, IoHereDocument, IoRedirect, SubshellCommand,
};

use super::word::Word;

/// What a redirection is to the rules.
pub(super) enum Touches<'a> {
    /// Streams that the command has anyway.
    Nothing,
    /// Something that asks; the text is searched for commands.
    Something(String, &'a str),
    /// A file; its name as it stands in the line.
    File(String, &'a str),
    /// A process substitution.
    Commands(&'a SubshellCommand),
}

pub(super) fn touches(redirect: &IoRedirect) -> Touches<'_> {
    match redirect {
        IoRedirect::File(_, kind, target) => match target {
            IoFileRedirectTarget::Filename(word) => file(kind, &word.value),
            IoFileRedirectTarget::Fd(_) => Touches::Nothing,
            IoFileRedirectTarget::Duplicate(word) => duplicate(&word.value),
            IoFileRedirectTarget::ProcessSubstitution(_, commands) => Touches::Commands(commands),
        },
        IoRedirect::OutputAndError(word, _) => file(&IoFileRedirectKind::Write, &word.value),
        IoRedirect::HereString(_, word) => match Word::read(&word.value) {
            Word::Known(_) => Touches::Nothing,
            Word::Unknown { why, .. } => Touches::Something(format!("{why} in a here-string"), &word.value),
        },
        IoRedirect::HereDocument(_, document) => here(document),
    }
}

/// The variable that a word sets where a redirection follows it: bash puts the new descriptor's number into `name` of
/// `{name}>file`. A blank between the two makes an argument of it; that asks as well.
pub(super) fn variable(word: &str) -> Option<&str> {
    let name = word.strip_prefix('{')?.strip_suffix('}')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (name.chars().all(is_name) && !name.is_empty()).then_some(name)
}

fn file<'a>(kind: &IoFileRedirectKind, target: &'a str) -> Touches<'a> {
    if Word::read(target).known() == Some("/dev/null") {
        return Touches::Nothing;
    }
    let how = match kind {
        IoFileRedirectKind::Read => "from",
        _ => "to",
    };
    Touches::File(format!("a redirection {how} {target}"), target)
}

fn duplicate(target: &str) -> Touches<'_> {
    let is_stream = target == "-" || !target.is_empty() && target.bytes().all(|b| b.is_ascii_digit());
    if is_stream {
        return Touches::Nothing;
    }
    Touches::File(format!("a redirection to {target}"), target)
}

/// A here-document is known where its mark is a plain name, in quotes or not, and its text holds nothing that the shell
/// would replace. Where its text holds the mark, the grammar and bash may not agree about its end.
fn here(document: &IoHereDocument) -> Touches<'_> {
    let (mark, text) = (document.here_end.value.as_str(), document.doc.value.as_str());
    let quoted = |q: char| mark.strip_prefix(q).and_then(|rest| rest.strip_suffix(q));
    let name = quoted('\'').or_else(|| quoted('"'));
    let plain = name.unwrap_or(mark);
    let is_plain = !plain.is_empty() && plain.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let has_mark = text.lines().any(|line| line.trim() == plain);
    if !is_plain || has_mark {
        return Touches::Something("a here-document whose end is not certain".to_owned(), text);
    }
    if name.is_none() && text.contains(['$', '`', '\\']) {
        return Touches::Something("a here-document with expansions".to_owned(), text);
    }
    Touches::Nothing
}
