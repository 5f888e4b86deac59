//! One pass over a text: where the next secret is, and from where an end may begin one.
use std::{fmt, ops::Range};

use super::{
    SHORTEST,
    patterns::{KEY_BEGINS, KEY_DASHES, KEY_ENDS, KEY_LINE, PATTERNS, Pattern, in_token},
};

/// Bytes of a private key that are looked through for its end.
const LONGEST_KEY: usize = 64 * 1024;
/// Bytes of a token that are held back; a longer one is redacted as far as it has come.
const LONGEST_TOKEN: usize = 16 * 1024;

/// Whether more text may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The text is whole.
    Known,
    /// More may come.
    Open,
}

/// What a scan found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A secret.
    Secret(Range<usize>),
    /// No secret before here, but from here on one may begin.
    Perhaps(usize),
    /// No secret, and none begins.
    Nothing,
}

/// The known values and patterns.
#[derive(Clone, Default)]
pub(super) struct Scanner {
    values: Vec<String>,
}

/// Its values are secrets.
impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner").field("values", &self.values.len()).finish()
    }
}

/// What begins at one place.
enum At {
    Secret(usize),
    Perhaps,
    Nothing,
}

impl Scanner {
    pub(super) fn new(values: &[String]) -> Self {
        let mut values: Vec<String> = values.iter().filter(|v| v.len() >= SHORTEST).cloned().collect();
        // The longest first: one value may begin with another.
        values.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        Scanner { values }
    }

    /// The first secret from here on, or from where on one may begin.
    pub(super) fn next(&self, text: &str, from: usize, end: End) -> Found {
        for (at, _) in text[from..].char_indices().map(|(i, c)| (from + i, c)) {
            match self.at(text, at, end) {
                At::Secret(to) => return Found::Secret(at..to),
                At::Perhaps => return Found::Perhaps(at),
                At::Nothing => {}
            }
        }
        Found::Nothing
    }

    fn at(&self, text: &str, at: usize, end: End) -> At {
        let rest = &text[at..];
        for value in &self.values {
            if rest.starts_with(value.as_str()) {
                return At::Secret(at + value.len());
            }
            if end == End::Open && value.starts_with(rest) {
                return At::Perhaps;
            }
        }
        match rest.as_bytes()[0] {
            b'-' => return private_key(text, at, end),
            b's' | b'g' | b'A' | b'x' | b'n' | b'p' | b'h' | b'r' | b'w' | b'd' | b'e' | b'B' => {}
            _ => return At::Nothing,
        }
        // Inside a longer word nothing begins: "task-force" holds no "sk-".
        if at > 0 && text.as_bytes()[at - 1].is_ascii_alphanumeric() {
            return At::Nothing;
        }
        let mut perhaps = false;
        for pattern in PATTERNS {
            match token(text, at, pattern, end) {
                At::Secret(to) => return At::Secret(to),
                At::Perhaps => perhaps = true,
                At::Nothing => {}
            }
        }
        if perhaps { At::Perhaps } else { At::Nothing }
    }
}

fn token(text: &str, at: usize, pattern: &Pattern, end: End) -> At {
    let rest = &text[at..];
    let Some(run) = rest.strip_prefix(pattern.prefix) else {
        let begins = end == End::Open && pattern.prefix.starts_with(rest);
        return if begins { At::Perhaps } else { At::Nothing };
    };
    let length = run.bytes().take_while(|b| in_token(*b, pattern.dots)).take(LONGEST_TOKEN).count();
    // A private key may follow without a space.
    let length = run[..length].find(KEY_DASHES).unwrap_or(length);
    let ends_here = length == run.len();
    if end == End::Open && ends_here && length < LONGEST_TOKEN {
        return At::Perhaps;
    }
    if length < pattern.least || !looks_random(&run[..length]) {
        return At::Nothing;
    }
    At::Secret(at + pattern.prefix.len() + length)
}

/// A key has digits or mixes cases; words with hyphens do not.
fn looks_random(run: &str) -> bool {
    run.bytes().any(|b| b.is_ascii_digit())
        || (run.bytes().any(|b| b.is_ascii_uppercase()) && run.bytes().any(|b| b.is_ascii_lowercase()))
}

fn private_key(text: &str, at: usize, end: End) -> At {
    let rest = &text[at..];
    let Some(after) = rest.strip_prefix(KEY_BEGINS) else {
        let begins = end == End::Open && KEY_BEGINS.starts_with(rest);
        return if begins { At::Perhaps } else { At::Nothing };
    };
    let line = after.split_once('\n').map(|(line, _)| line);
    match line {
        None if end == End::Open && after.len() < 64 => return At::Perhaps,
        None if !after.contains(KEY_LINE) => return At::Nothing,
        Some(line) if !line.contains(KEY_LINE) => return At::Nothing,
        _ => {}
    }
    let most = text.floor_char_boundary((at + LONGEST_KEY).min(text.len()));
    let Some(last) = text[at..most].find(KEY_ENDS).map(|i| at + i) else {
        // A key without its end is one all the same.
        let whole = end == End::Known || most - at >= LONGEST_KEY - 4;
        return if whole { At::Secret(most) } else { At::Perhaps };
    };
    match text[last + KEY_ENDS.len()..].find(KEY_LINE) {
        Some(i) if i < 64 => At::Secret(last + KEY_ENDS.len() + i + KEY_LINE.len()),
        _ if end == End::Open && text.len() - last < 128 => At::Perhaps,
        _ => At::Secret(last + KEY_ENDS.len()),
    }
}
