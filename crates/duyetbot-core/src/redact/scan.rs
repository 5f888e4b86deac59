//! Whether a secret begins at a place of a text, decided by a bounded number of characters after it.
use std::fmt;

use super::{
    SHORTEST,
    patterns::{
        Class, DECIDES, KEY_BEGINS, KEY_DASHES, KEY_SAYS, KEY_WORDS, PATTERNS, Pattern, WEB_TOKEN,
        WEB_TOKEN_HEAD,
    },
};

/// Whether more text may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The text is whole.
    Known,
    /// More may come.
    Open,
}

/// What begins at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Begins {
    /// A secret, after so many bytes that stay.
    Secret {
        /// Bytes that stay.
        after: usize,
        /// How far it goes.
        extent: Extent,
    },
    /// That depends on what follows.
    Perhaps,
    /// No secret.
    Nothing,
}

/// How far a secret goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// So many bytes.
    Bytes(usize),
    /// As long as there are characters of a class.
    Run(Class),
    /// To the end of a private key.
    Key,
}

/// The known values and patterns.
#[derive(Clone)]
pub(super) struct Scanner {
    values: Vec<String>,
    /// Bytes with which a secret may begin.
    begins: [bool; 256],
}

impl Default for Scanner {
    fn default() -> Self {
        Scanner::new(&[])
    }
}

/// Its values are secrets.
impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner").field("values", &self.values.len()).finish()
    }
}

impl Scanner {
    pub(super) fn new(values: &[String]) -> Self {
        let known = values.iter().filter(|v| v.len() >= SHORTEST);
        let mut values: Vec<String> = known.flat_map(|v| [v.clone(), within_json(v)]).collect();
        // The longest first: one value may begin with another.
        values.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        let mut begins = [false; 256];
        let prefixes = PATTERNS.iter().map(|p| p.prefix).chain([WEB_TOKEN, KEY_BEGINS]);
        for first in prefixes.chain(values.iter().map(String::as_str)).filter_map(|s| s.bytes().next()) {
            begins[usize::from(first)] = true;
        }
        Scanner { values, begins }
    }

    /// May a secret begin with this byte?
    pub(super) fn may_begin(&self, byte: u8) -> bool {
        self.begins[usize::from(byte)]
    }

    /// What begins with `rest`. `inside` says that a word goes on there, in which no token begins: "task-force" holds
    /// no "sk-".
    pub(super) fn begins(&self, rest: &str, inside: Inside, end: End) -> Begins {
        for value in &self.values {
            if rest.starts_with(value.as_str()) {
                return Begins::Secret { after: 0, extent: Extent::Bytes(value.len()) };
            }
            if end == End::Open && value.starts_with(rest) {
                return Begins::Perhaps;
            }
        }
        if rest.starts_with('-') {
            return private_key(rest, end);
        }
        if inside == Inside::Word {
            return Begins::Nothing;
        }
        // In order, so that what is undecided is not overtaken.
        let patterns = PATTERNS.iter().map(|pattern| token(rest, pattern, end));
        let mut decided = patterns.chain(std::iter::once_with(|| web_token(rest, end)));
        decided.find(|begins| *begins != Begins::Nothing).unwrap_or(Begins::Nothing)
    }
}

/// Where a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside {
    /// Within a word.
    Word,
    /// Where a word may begin.
    Nothing,
}

/// A value as it stands within a JSON string.
fn within_json(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// What follows a prefix.
enum After<'a> {
    Text(&'a str),
    Perhaps,
    Nothing,
}

fn after<'a>(rest: &'a str, prefix: &str, end: End) -> After<'a> {
    match rest.strip_prefix(prefix) {
        Some(text) => After::Text(text),
        None if end == End::Open && prefix.starts_with(rest) => After::Perhaps,
        None => After::Nothing,
    }
}

fn token(rest: &str, pattern: &Pattern, end: End) -> Begins {
    let run = match after(rest, pattern.prefix, end) {
        After::Text(run) => run.as_bytes(),
        After::Perhaps => return Begins::Perhaps,
        After::Nothing => return Begins::Nothing,
    };
    let length = run.iter().take(DECIDES).take_while(|b| pattern.class.holds(**b)).count();
    if end == End::Open && length < DECIDES && length == run.len() {
        return Begins::Perhaps;
    }
    if length < pattern.least || !(pattern.class == Class::Capitals || looks_random(&run[..length])) {
        return Begins::Nothing;
    }
    let after = if pattern.prefix_stays { pattern.prefix.len() } else { 0 };
    Begins::Secret { after, extent: Extent::Run(pattern.class) }
}

/// A key has digits or mixes cases; words with hyphens do not.
fn looks_random(run: &[u8]) -> bool {
    run.iter().any(u8::is_ascii_digit)
        || (run.iter().any(u8::is_ascii_uppercase) && run.iter().any(u8::is_ascii_lowercase))
}

/// A head, a dot, and something after it.
fn web_token(rest: &str, end: End) -> Begins {
    let run = match after(rest, WEB_TOKEN, end) {
        After::Text(run) => run.as_bytes(),
        After::Perhaps => return Begins::Perhaps,
        After::Nothing => return Begins::Nothing,
    };
    let most = *WEB_TOKEN_HEAD.end() + 1;
    let head = run.iter().take(most).take_while(|b| Class::Token.holds(**b)).count();
    match (run.get(head), run.get(head + 1)) {
        (None, _) | (Some(b'.'), None) if end == End::Open && head < most => Begins::Perhaps,
        (Some(b'.'), Some(next)) if WEB_TOKEN_HEAD.contains(&head) && Class::Dotted.holds(*next) => {
            Begins::Secret { after: 0, extent: Extent::Run(Class::Dotted) }
        }
        _ => Begins::Nothing,
    }
}

fn private_key(rest: &str, end: End) -> Begins {
    let line = match after(rest, KEY_BEGINS, end) {
        After::Text(line) => line,
        After::Perhaps => return Begins::Perhaps,
        After::Nothing => return Begins::Nothing,
    };
    let near = &line[..line.floor_char_boundary(KEY_WORDS)];
    match near.find(KEY_DASHES) {
        Some(at) if near[..at].contains(KEY_SAYS) => Begins::Secret { after: 0, extent: Extent::Key },
        None if end == End::Open && line.len() < KEY_WORDS => Begins::Perhaps,
        _ => Begins::Nothing,
    }
}
