//! The commands that a word holds inside its expansions, as text, however deep.
use brush_parser::word::{WordPiece, WordPieceWithSource};

use super::grammar::pieces;

/// How deep expansions are followed. What lies deeper asks like all of them; only deny rules do not see it.
const DEEPEST: u8 = 6;

/// The text of every command substitution in a word.
pub(super) fn commands_in(word: &str) -> Vec<String> {
    let mut found = Vec::new();
    in_pieces(word, &pieces(word), DEEPEST, &mut found);
    found
}

fn in_pieces(word: &str, pieces: &[WordPieceWithSource], deep: u8, found: &mut Vec<String>) {
    for piece in pieces {
        match &piece.piece {
            WordPiece::CommandSubstitution(text) => found.push(text.clone()),
            WordPiece::BackquotedCommandSubstitution(text) => found.push(without_escapes(text)),
            WordPiece::DoubleQuotedSequence(inner) | WordPiece::GettextDoubleQuotedSequence(inner) => {
                in_pieces(word, inner, deep, found);
            }
            WordPiece::ParameterExpansion(_) | WordPiece::ArithmeticExpression(_) => {
                let text = word.get(piece.start_index..piece.end_index).unwrap_or_default();
                in_text(text.trim_start_matches(['$', '{', '(', '[']), deep, found);
            }
            _ => {}
        }
    }
}

/// What stands inside `${…}` or `$((…))` is read as a word again: its operators are plain text to this reading.
fn in_text(text: &str, deep: u8, found: &mut Vec<String>) {
    let Some(deep) = deep.checked_sub(1) else {
        return;
    };
    in_pieces(text, &pieces(text), deep, found);
}

/// Between backquotes a backslash hides a backquote, a dollar sign or a backslash from the outer line.
fn without_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\' && matches!(chars.peek(), Some('`' | '$' | '\\')) {
            out.extend(chars.next());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_in_every_kind_of_expansion() {
        for (word, inner) in [
            ("$(a b)", vec!["a b"]),
            ("x`a b`y", vec!["a b"]),
            ("\"$(a)$(b)\"", vec!["a", "b"]),
            ("${x:-$(a)}", vec!["a"]),
            ("\"${x:-\"$(a)\"}\"", vec!["a"]),
            ("${x/$(a)/`b`}", vec!["a", "b"]),
            ("$((1 + $(a)))", vec!["a"]),
            ("$((z[$(a)]))", vec!["a"]),
            ("$[ $(a) ]", vec!["a"]),
            ("$'$(a)'", vec![]),
            ("'$(a)'", vec![]),
        ] {
            assert_eq!(commands_in(word), inner, "{word}");
        }
    }
}
