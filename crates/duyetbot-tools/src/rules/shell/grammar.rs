//! The seam to the parser: its options, and what it cannot do to us.
use brush_parser::{
    Parser, ParserOptions, SourceInfo, Token, ast, uncached_tokenize_str,
    word::{self, WordPieceWithSource},
};
use std::panic::catch_unwind;

use super::word::Word;

/// Words that a command may follow without an operator between.
const BEFORE_COMMANDS: [&str; 12] =
    ["!", "coproc", "do", "elif", "else", "if", "then", "time", "until", "while", "{", "}"];

/// `bash -c` has no extended patterns unless a line turns them on.
fn options() -> ParserOptions {
    ParserOptions { enable_extended_globbing: false, ..ParserOptions::default() }
}

/// The line's tree; none where bash's grammar does not read it.
///
/// A parser that panics has read nothing: it must not take the run with it.
pub(super) fn program(line: &str) -> Option<ast::Program> {
    let parsed = catch_unwind(|| {
        Parser::new(line.as_bytes(), &options(), &SourceInfo::default()).parse_program().ok()
    });
    parsed.unwrap_or(None)
}

/// The parts of a word; none where they cannot be told.
pub(super) fn pieces(word: &str) -> Vec<WordPieceWithSource> {
    catch_unwind(|| word::parse(word, &options()).ok()).unwrap_or(None).unwrap_or_default()
}

/// The words of a line that the grammar does not read, cut where a command may begin: rough, and only good to forbid by.
pub(super) fn cut_at_commands(line: &str) -> Vec<Vec<String>> {
    let tokens = tokens(line).unwrap_or_default();
    let runs = tokens.split(|token| match token {
        Token::Operator(..) => true,
        Token::Word(word, _) => BEFORE_COMMANDS.contains(&word.as_str()),
    });
    runs.map(|run| run.iter().map(|token| token.to_str().to_owned()).collect()).collect()
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    catch_unwind(|| uncached_tokenize_str(text, &options().tokenizer_options()).ok()).unwrap_or(None)
}

/// The words of a rule's pattern, their quotes removed; none where one of them is more than a word.
pub(crate) fn pattern_words(pattern: &str) -> Option<Vec<String>> {
    // An operator at the end tells a comment, which would swallow it.
    let mut tokens = tokens(&format!("{pattern} ;"))?;
    match tokens.pop()? {
        Token::Operator(end, _) if end == ";" => {}
        _ => return None,
    }
    let words = tokens.iter().map(|token| match token {
        Token::Word(raw, _) => Word::read(raw).known().map(str::to_owned),
        Token::Operator(..) => None,
    });
    words.collect::<Option<Vec<_>>>().filter(|words| !words.is_empty())
}
