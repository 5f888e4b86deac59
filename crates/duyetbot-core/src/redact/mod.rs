//! Keeps secrets out of storage, logs and streams: known values, and what looks like a key or token.
mod parts;
mod patterns;
mod scan;
mod stream;
#[cfg(test)]
mod tests;

pub use stream::RedactedStream;

use std::{borrow::Cow, sync::Arc};

use scan::Scanner;

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";
/// Known values shorter than this are words, not secrets.
pub const SHORTEST: usize = 8;

/// Finds secrets in text, in one pass.
///
/// ```
/// use duyetbot_core::redact::Redactor;
/// let redactor = Redactor::new(&["correct-horse".to_owned()]);
/// assert_eq!(redactor.redact("it is correct-horse!"), "it is [redacted]!");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    scanner: Arc<Scanner>,
}

impl Redactor {
    /// Knows these values besides what looks like a secret. Values shorter than [`SHORTEST`] are left out.
    pub fn new(values: &[String]) -> Self {
        Redactor { scanner: Arc::new(Scanner::new(values)) }
    }

    /// The text without its secrets.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut stream = self.stream();
        let mut clean = stream.push(text);
        clean.push_str(&stream.end());
        if stream.altered() { Cow::Owned(clean) } else { Cow::Borrowed(text) }
    }

    /// Does the text hold a secret?
    pub fn alters(&self, text: &str) -> bool {
        matches!(self.redact(text), Cow::Owned(_))
    }

    /// Redacts a text that comes in pieces.
    pub fn stream(&self) -> RedactedStream {
        RedactedStream::new(self.scanner.clone())
    }
}
