//! What of a line is not even given to the parser: it calls itself once a level, and where a bracket does not close it
//! goes back and reads all that follows again, twice for each level.

/// Bytes of a line that is read.
const LARGEST: usize = 64 * 1024;
/// Brackets of all kinds, in one line.
const MOST_BRACKETS: usize = 60;
/// Round brackets in a line with two side by side, which may be arithmetic or two subshells.
const MOST_BESIDE: usize = 10;
/// Expansions in one line.
const MOST_EXPANSIONS: usize = 40;
/// Operators in a line with a test in `[[ ]]`, whose tree is as deep as it has operators.
const MOST_IN_TEST: usize = 40;
/// Words that open a construct, in one line.
const MOST_CONSTRUCTS: usize = 50;
/// Constructs that are read again when their end is missing.
const MOST_COSTLY: usize = 6;
/// Digits of a file descriptor or of a place in the directory stack. The parser takes them for a number of 32 bits.
const MOST_DIGITS: usize = 9;

const CONSTRUCTS: [&str; 8] = ["if", "while", "until", "for", "do", "then", "elif", "else"];
const COSTLY: [&str; 4] = ["case", "function", "select", "coproc"];

/// Why the parser does not get this line.
pub(super) fn beyond(line: &str) -> Option<&'static str> {
    let bytes = |of: &[u8]| line.bytes().filter(|b| of.contains(b)).count();
    let words = |of: &[&str]| {
        line.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| of.contains(word)).count()
    };
    if line.len() > LARGEST {
        return Some("it is longer than 64 KiB");
    }
    let too_many = bytes(b"({[<") > MOST_BRACKETS
        || bytes(b"$`") > MOST_EXPANSIONS
        || bytes(b"(") > MOST_BESIDE && has_brackets_beside(line)
        || bytes(b"!&|") > MOST_IN_TEST && line.contains("[[")
        || words(&CONSTRUCTS) > MOST_CONSTRUCTS
        || words(&COSTLY) > MOST_COSTLY;
    if too_many {
        return Some("it holds too many constructs");
    }
    has_long_number(line).then_some("it has a number that is no file descriptor")
}

fn has_brackets_beside(line: &str) -> bool {
    line.split('(').skip(1).any(|between| between.chars().all(|c| c.is_whitespace() || c == '\\'))
}

/// Whether more digits than fit stand before a redirection or after a tilde.
fn has_long_number(line: &str) -> bool {
    let mut rest = line;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = rest[at..].bytes().take_while(u8::is_ascii_digit).count();
        let (before, after) = (&rest[..at], &rest[at + digits..]);
        let counts = before.trim_end_matches(['+', '-']).ends_with('~') || after.starts_with(['<', '>']);
        if counts && digits > MOST_DIGITS {
            return true;
        }
        rest = after;
    }
    false
}
