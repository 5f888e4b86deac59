//! Matching lines as they are shown: numbered, and cut around the match where they are long.
use grep_matcher::Matcher;
use grep_regex::RegexMatcher;
use grep_searcher::{Searcher, Sink, SinkContext, SinkMatch};
use std::io;

use crate::workspace::Stop;

/// Bytes of a line that are shown, and how many of them before the match.
const LINE: usize = 400;
const BEFORE: usize = 120;

/// Shows the lines of one file, from a match on.
pub(super) struct Shown<'a> {
    pub(super) matcher: &'a RegexMatcher,
    pub(super) stop: &'a Stop,
    /// Matching lines to leave out first.
    pub(super) skip: u64,
    /// Matching lines to show at most, and bytes.
    pub(super) limit: u64,
    pub(super) most_bytes: usize,
    pub(super) text: String,
    pub(super) shown: u64,
    pub(super) cut: bool,
}

impl Shown<'_> {
    fn push(&mut self, number: Option<u64>, mark: char, line: &[u8]) -> Result<(), io::Error> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let found = self.matcher.find(line).map_err(io::Error::other)?;
        let (text, cut) = around(line, found.map_or(0, |found| found.start()));
        self.cut |= cut;
        self.text.push_str(&format!("{}{mark} {text}\n", number.unwrap_or(0)));
        Ok(())
    }
}

impl Sink for Shown<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> Result<bool, io::Error> {
        if self.skip > 0 {
            self.skip -= 1;
            self.text.clear();
            return Ok(!self.stop.is_asked());
        }
        if self.shown == self.limit || self.text.len() >= self.most_bytes {
            return Ok(false);
        }
        self.push(found.line_number(), ':', found.bytes())?;
        self.shown += 1;
        Ok(!self.stop.is_asked())
    }

    fn context(&mut self, _: &Searcher, context: &SinkContext<'_>) -> Result<bool, io::Error> {
        if self.skip == 0 && self.text.len() < self.most_bytes {
            self.push(context.line_number(), '-', context.bytes())?;
        }
        Ok(true)
    }

    fn context_break(&mut self, _: &Searcher) -> Result<bool, io::Error> {
        if self.shown > 0 && self.skip == 0 {
            self.text.push_str("--\n");
        }
        Ok(true)
    }
}

/// A line as text; of a long one what stands around a place, cut between characters, with the bytes that are missing.
pub(super) fn around(line: &[u8], place: usize) -> (String, bool) {
    if line.len() <= LINE {
        return (String::from_utf8_lossy(line).into_owned(), false);
    }
    let is_inside = |at: usize| line.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    // A character is at most four bytes long; what goes on for longer is none.
    let next_start = |at: usize| (at..at + 4).find(|at| !is_inside(*at)).unwrap_or(at);
    let start = next_start(place.saturating_sub(BEFORE));
    let end = next_start((start + LINE).min(line.len()));
    let mut text = String::new();
    if start > 0 {
        text.push_str(&format!("[{start} bytes]…"));
    }
    text.push_str(&String::from_utf8_lossy(&line[start..end]));
    if end < line.len() {
        text.push_str(&format!("…[{} bytes]", line.len() - end));
    }
    (text, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_around_the_place_between_characters() {
        let line = format!("{}needle{}", "é".repeat(1000), "長".repeat(1000));
        let (text, cut) = around(line.as_bytes(), 2000);
        assert!(cut);
        let right = format!("[1880 bytes]…{}needle{}…[2724 bytes]", "é".repeat(60), "長".repeat(92));
        assert_eq!(text, right);
        let (text, _) = around(line.as_bytes(), 0);
        assert_eq!(text, format!("{}…[4606 bytes]", "é".repeat(200)));
        assert_eq!(around("short é".as_bytes(), 3), ("short é".to_owned(), false));
        let (text, _) = around(&[0x80; 1000], 500);
        assert!(text.starts_with("[380 bytes]…\u{fffd}") && text.ends_with("\u{fffd}…[220 bytes]"), "{text}");
    }
}
