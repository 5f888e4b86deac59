//! What of a line is not even given to the parser.

/// Bytes of a line that is read.
const LARGEST: usize = 64 * 1024;
/// Brackets, braces, substitutions and quotes of them in one line. The parser calls itself once a level.
const MOST_BRACKETS: usize = 200;
/// Words that open a construct, in one line.
const MOST_CONSTRUCTS: usize = 50;
/// Constructs whose parsing goes back when their end is missing, and so doubles with each level.
const MOST_COSTLY: usize = 8;
/// Digits of a file descriptor or of a place in the directory stack. The parser takes them for a number of 32 bits.
const MOST_DIGITS: usize = 9;

const CONSTRUCTS: [&str; 8] = ["if", "while", "until", "for", "do", "then", "elif", "else"];
const COSTLY: [&str; 4] = ["case", "function", "select", "coproc"];

/// Why the parser does not get this line.
pub(super) fn beyond(line: &str) -> Option<&'static str> {
    let brackets = line.bytes().filter(|b| b"({[`$<".contains(b)).count();
    let count = |of: &[&str]| {
        line.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| of.contains(word)).count()
    };
    if line.len() > LARGEST {
        return Some("it is longer than 64 KiB");
    }
    if brackets > MOST_BRACKETS || count(&CONSTRUCTS) > MOST_CONSTRUCTS || count(&COSTLY) > MOST_COSTLY {
        return Some("it holds too many constructs");
    }
    has_long_number(line).then_some("it has a number that is no file descriptor")
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
