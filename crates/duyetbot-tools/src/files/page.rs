//! Lines of a file, as many as asked for: read as a stream that is left as soon as they are there.
use memchr::{memchr, memchr_iter};
use std::io::{self, BufRead};

use crate::workspace::Stop;

/// Bytes of one answer.
const MOST_BYTES: usize = 48 * 1024;
/// Characters of one line.
pub(super) const MOST_COLUMNS: u64 = 2_000;

/// Which lines to read, and from which column on; both count from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub(super) offset: u64,
    pub(super) limit: u64,
    pub(super) column: u64,
}

/// The lines that were read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Page {
    /// The lines, each with its number.
    pub(super) text: String,
    /// How many lines they are.
    pub(super) lines: u64,
    /// Lines of the file that were seen; all of them where `ended`.
    pub(super) seen: u64,
    /// The file ends here.
    pub(super) ended: bool,
    /// The first line that was cut, and how many of its bytes came after what is shown.
    pub(super) cut: Option<(u64, u64)>,
    /// Some line ended with CR LF.
    pub(super) crlf: bool,
    /// Some shown bytes were no UTF-8.
    pub(super) broken: bool,
    /// Reading was stopped before the lines were reached.
    pub(super) stopped: bool,
}

/// Reads a range of lines.
pub(super) fn page(source: &mut impl BufRead, range: Range, stop: &Stop) -> io::Result<Page> {
    let mut page = Page::default();
    if !skip_lines(source, range.offset - 1, &mut page, stop)? {
        return Ok(page);
    }
    while page.lines < range.limit && page.text.len() < MOST_BYTES {
        let Some(line) = line(source, range.column, stop)? else {
            page.ended = true;
            break;
        };
        page.seen += 1;
        page.lines += 1;
        page.crlf |= line.crlf;
        page.broken |= line.broken;
        if line.after > 0 && page.cut.is_none() {
            page.cut = Some((page.seen, line.after));
        }
        page.text.push_str(&format!("{}\t{}\n", page.seen, line.text));
    }
    if !page.ended {
        page.ended = source.fill_buf()?.is_empty();
    }
    Ok(page)
}

/// Goes over so many lines; `false` where the file ends before, or somebody stopped it.
fn skip_lines(source: &mut impl BufRead, lines: u64, page: &mut Page, stop: &Stop) -> io::Result<bool> {
    let mut inside = false;
    while page.seen < lines {
        if stop.is_asked() {
            page.stopped = true;
            return Ok(false);
        }
        let chunk = source.fill_buf()?;
        if chunk.is_empty() {
            page.seen += u64::from(inside);
            page.ended = true;
            return Ok(false);
        }
        let missing = usize::try_from(lines - page.seen).unwrap_or(usize::MAX);
        let (used, found) = match memchr_iter(b'\n', chunk).nth(missing - 1) {
            Some(at) => (at + 1, lines - page.seen),
            None => (chunk.len(), memchr_iter(b'\n', chunk).count() as u64),
        };
        inside = chunk[..used].last() != Some(&b'\n');
        page.seen += found;
        source.consume(used);
    }
    Ok(true)
}

struct Line {
    text: String,
    after: u64,
    crlf: bool,
    broken: bool,
}

/// One line from a column on; of a longer one only as much is held as is shown.
fn line(source: &mut impl BufRead, column: u64, stop: &Stop) -> io::Result<Option<Line>> {
    let (mut kept, mut before, mut shown, mut after) = (Vec::new(), column - 1, 0, 0);
    let (mut any, mut last) = (false, 0);
    loop {
        if stop.is_asked() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it took too long"));
        }
        let chunk = source.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        any = true;
        let end = memchr(b'\n', chunk);
        let part = &chunk[..end.unwrap_or(chunk.len())];
        let mut at = 0;
        while at < part.len() && shown <= MOST_COLUMNS && kept.len() < MOST_COLUMNS as usize * 4 {
            let begins = part[at] & 0xc0 != 0x80;
            if before > 0 || (column > 1 && shown == 0 && !begins) {
                before = before.saturating_sub(u64::from(begins));
                at += 1;
                continue;
            }
            shown += u64::from(begins);
            if shown > MOST_COLUMNS {
                break;
            }
            kept.push(part[at]);
            at += 1;
        }
        after += (part.len() - at) as u64;
        last = part.last().copied().unwrap_or(last);
        let used = end.map_or(chunk.len(), |end| end + 1);
        source.consume(used);
        if end.is_some() {
            return Ok(Some(finish(kept, after, last == b'\r')));
        }
    }
    Ok(any.then(|| finish(kept, after, false)))
}

fn finish(mut kept: Vec<u8>, after: u64, crlf: bool) -> Line {
    let mut after = after;
    if crlf && after == 0 {
        kept.pop();
    } else if crlf {
        after -= 1;
    }
    let text = String::from_utf8_lossy(&kept);
    let broken = matches!(text, std::borrow::Cow::Owned(_));
    Line { text: text.into_owned(), after, crlf, broken }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn read(text: &[u8], offset: u64, limit: u64, column: u64) -> Page {
        // A small buffer, so that lines and characters lie across its ends.
        let mut source = BufReader::with_capacity(3, text);
        page(&mut source, Range { offset, limit, column }, &Stop::default()).unwrap()
    }

    #[test]
    fn lines_in_the_middle_are_read_and_the_rest_is_known_to_be_there() {
        let page = read(b"a\nb\r\nc\nd\n", 2, 2, 1);
        let right = Page { text: "2\tb\n3\tc\n".into(), lines: 2, seen: 3, crlf: true, ..Page::default() };
        assert_eq!(page, right);
    }

    #[test]
    fn the_end_is_told_with_and_without_a_last_line_end() {
        for text in [&b"a\nb"[..], b"a\nb\n"] {
            let page = read(text, 2, 9, 1);
            assert_eq!((page.text.as_str(), page.seen, page.ended), ("2\tb\n", 2, true));
            let page = read(text, 9, 9, 1);
            assert_eq!((page.text.as_str(), page.seen, page.ended), ("", 2, true));
        }
        assert_eq!(read(b"", 1, 9, 1), Page { ended: true, ..Page::default() });
    }

    #[test]
    fn a_long_line_is_cut_between_characters_and_goes_on_at_a_column() {
        let text = format!("{}{}\nx\n", "é".repeat(2000), "長".repeat(5));
        let page = read(text.as_bytes(), 1, 9, 1);
        assert_eq!(page.text, format!("1\t{}\n2\tx\n", "é".repeat(2000)));
        assert_eq!(page.cut, Some((1, 15)));
        let page = read(text.as_bytes(), 1, 1, 2001);
        assert_eq!((page.text.as_str(), page.cut, page.broken), ("1\t長長長長長\n", None, false));
        assert_eq!(read(text.as_bytes(), 1, 1, 2003).text, "1\t長長長\n");
        assert_eq!(read(text.as_bytes(), 1, 1, 9999).text, "1\t\n");
    }

    #[test]
    fn bytes_of_another_encoding_are_shown_and_told() {
        let page = read(b"caf\xe9\n", 1, 9, 1);
        assert_eq!((page.text.as_str(), page.broken), ("1\tcaf\u{fffd}\n", true));
    }
}
