//! Redaction of a text that comes in pieces: an end that may begin a secret is held back, and what was shown never changes.
use std::sync::Arc;

use super::{
    REDACTED,
    patterns::{Class, KEY_BEGINS, KEY_DASHES, KEY_ENDS, KEY_WORDS, LONGEST_KEY},
    scan::{Begins, End, Extent, Inside, Scanner},
};

/// A growing text without its secrets. It holds back at most what decides whether a secret begins: about a kilobyte, or
/// the longest known value.
pub struct RedactedStream {
    scanner: Arc<Scanner>,
    /// What was neither shown nor dropped yet.
    held: String,
    within: Within,
    /// The last two bytes before `held`.
    before: [u8; 2],
    altered: bool,
}

/// What the text before has begun.
#[derive(Clone, Copy)]
enum Within {
    Text,
    Run(Class),
    /// A private key, with so many bytes that it may still have.
    Key(usize),
    /// The last line of a private key, likewise.
    LastLine(usize),
}

impl RedactedStream {
    pub(super) fn new(scanner: Arc<Scanner>) -> Self {
        RedactedStream {
            scanner,
            held: String::new(),
            within: Within::Text,
            before: [b' '; 2],
            altered: false,
        }
    }

    /// Takes more of the text and answers what can be shown.
    pub fn push(&mut self, text: &str) -> String {
        self.held.push_str(text);
        self.advance(End::Open)
    }

    /// The text is over: answers the rest.
    pub fn finish(mut self) -> String {
        self.end()
    }

    /// A secret was taken out of what was answered so far.
    pub fn altered(&self) -> bool {
        self.altered
    }

    /// As [`RedactedStream::finish`], for a caller that asks afterwards what was altered.
    pub(super) fn end(&mut self) -> String {
        self.advance(End::Known)
    }

    /// Bytes that are held back.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    fn advance(&mut self, end: End) -> String {
        let held = std::mem::take(&mut self.held);
        let mut out = String::new();
        let mut at = 0;
        while at < held.len() {
            let rest = &held[at..];
            let taken = match self.within {
                Within::Text => self.text(rest, end, &mut out),
                Within::Run(class) => self.run(rest, class, end),
                Within::Key(left) => self.key(rest, left, end),
                Within::LastLine(left) => self.last_line(rest, left, end),
            };
            at += taken.bytes;
            if taken.waits {
                break;
            }
        }
        self.held = held[at..].to_owned();
        out
    }

    /// Shows text until a secret begins, or may begin.
    fn text(&mut self, rest: &str, end: End, out: &mut String) -> Taken {
        for (at, c) in rest.char_indices() {
            let begins = match self.scanner.may_begin(rest.as_bytes()[at]) {
                false => Begins::Nothing,
                true => self.scanner.begins(&rest[at..], self.inside(), end),
            };
            match begins {
                Begins::Nothing => self.pass(&rest[at..at + c.len_utf8()]),
                Begins::Perhaps => {
                    out.push_str(&rest[..at]);
                    return Taken { bytes: at, waits: true };
                }
                Begins::Secret { after, extent } => {
                    out.push_str(&rest[..at + after]);
                    out.push_str(REDACTED);
                    self.altered = true;
                    return Taken { bytes: at + after + self.enter(extent), waits: false };
                }
            }
        }
        out.push_str(rest);
        Taken { bytes: rest.len(), waits: false }
    }

    /// Goes into a secret, and answers how many of its bytes are passed already.
    fn enter(&mut self, extent: Extent) -> usize {
        self.before = [b' '; 2];
        match extent {
            Extent::Bytes(bytes) => bytes,
            Extent::Run(class) => {
                self.within = Within::Run(class);
                0
            }
            Extent::Key => {
                self.within = Within::Key(LONGEST_KEY - KEY_BEGINS.len());
                KEY_BEGINS.len()
            }
        }
    }

    /// Drops a run. It ends before the dashes of a private key, which may follow without a space.
    fn run(&mut self, rest: &str, class: Class, end: End) -> Taken {
        let length = rest.bytes().take_while(|b| class.holds(*b)).count();
        if let Some(dashes) = rest[..length].find(KEY_DASHES) {
            self.within = Within::Text;
            return Taken { bytes: dashes, waits: false };
        }
        if length < rest.len() || end == End::Known {
            self.within = Within::Text;
            return Taken { bytes: length, waits: false };
        }
        Taken { bytes: rest.trim_end_matches('-').len(), waits: true }
    }

    fn key(&mut self, rest: &str, left: usize, end: End) -> Taken {
        let near = &rest[..rest.floor_char_boundary(left)];
        if let Some(at) = near.find(KEY_ENDS) {
            self.within = Within::LastLine(KEY_WORDS);
            return Taken { bytes: at + KEY_ENDS.len(), waits: false };
        }
        // The next character passes the bound.
        if near.len() < rest.len() || left == near.len() {
            self.within = Within::Text;
            return Taken { bytes: near.len(), waits: false };
        }
        let kept = match end {
            End::Known => 0,
            End::Open => begun(near, KEY_ENDS),
        };
        let bytes = near.len() - kept;
        self.within = Within::Key(left - bytes);
        Taken { bytes, waits: true }
    }

    fn last_line(&mut self, rest: &str, left: usize, end: End) -> Taken {
        let near = &rest[..rest.floor_char_boundary(left)];
        if let Some(at) = near.find(KEY_DASHES) {
            let dashes = &rest[at..];
            // The last five may be those of the next key.
            let run = dashes.bytes().take(KEY_WORDS).take_while(|byte| *byte == b'-').count();
            let next = run - KEY_DASHES.len();
            // What is nothing but dashes is no line that a key may begin on.
            let may_begin = run < KEY_WORDS;
            let open = may_begin && end == End::Open && dashes.len() < next + KEY_BEGINS.len();
            if open && KEY_BEGINS.starts_with(&dashes[next..]) {
                return Taken { bytes: 0, waits: true };
            }
            self.within = Within::Text;
            let begins = may_begin && dashes[next..].starts_with(KEY_BEGINS);
            let ends = if begins { next } else { KEY_DASHES.len() };
            return Taken { bytes: at + ends, waits: false };
        }
        if end == End::Open && near.len() == rest.len() && near.len() < left {
            return Taken { bytes: 0, waits: true };
        }
        // No line of a key: what follows is shown.
        self.within = Within::Text;
        Taken { bytes: 0, waits: false }
    }

    fn pass(&mut self, shown: &str) {
        for byte in shown.bytes() {
            self.before = [self.before[1], byte];
        }
    }

    /// Does a word go on here? Not after the escape of a line end or tab in JSON.
    fn inside(&self) -> Inside {
        match self.before {
            [b'\\', b'n' | b'r' | b't'] => Inside::Nothing,
            [_, byte] if byte.is_ascii_alphanumeric() => Inside::Word,
            _ => Inside::Nothing,
        }
    }
}

/// What was done with the beginning of the held text.
struct Taken {
    bytes: usize,
    /// Only more text tells how it goes on.
    waits: bool,
}

/// Bytes at the end of a text that may begin this mark.
fn begun(text: &str, mark: &str) -> usize {
    (1..mark.len()).rev().find(|length| text.ends_with(&mark[..*length])).unwrap_or(0)
}
