//! Server-sent events out of a body: any chunking, any line ends, bounded memory, text that is not UTF-8 mended.
use bytes::Bytes;
use duyetbot_core::{Code, Error, ErrorKind, Result};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use memchr::memchr2;
use sse_stream::SseByteStream;

use crate::ByteStream;

/// Bytes that one event may have.
pub const LARGEST_EVENT: usize = 16 * 1024 * 1024;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SseEvent {
    /// Its name; empty where it has none.
    pub name: String,
    /// Its data.
    pub data: String,
    /// The position that it stands at, where it has one of its own.
    pub id: Option<String>,
}

/// The events of a body. A body that is no event stream at all but begins like JSON is one event: an error, or a whole
/// answer of a server that does not stream. A last event without an empty line after it counts.
pub fn events(body: ByteStream, largest: usize) -> BoxStream<'static, Result<SseEvent>> {
    let guarded = Guard::new(largest).over(body);
    SseByteStream::new(guarded)
        .filter_map(async |event| match event {
            Ok(event) => {
                let data = event.data.filter(|data| !data.trim().is_empty())?;
                Some(Ok(SseEvent { name: event.event.unwrap_or_default(), data, id: event.id }))
            }
            Err(sse_stream::Error::Body(cause)) => Some(Err(match cause.downcast::<Error>() {
                Ok(error) => *error,
                Err(other) => broken(&other.to_string()),
            })),
            Err(other) => Some(Err(broken(&other.to_string()))),
        })
        .boxed()
}

fn broken(words: &str) -> Error {
    let sentence = format!("the answer's stream cannot be read: {words}");
    Error::new(ErrorKind::Unavailable, sentence).with_code(Code::Protocol)
}

/// Stands before the parser: mends the text, counts what an event has, and keeps a body that is no event stream.
struct Guard {
    largest: usize,
    /// Bytes since the last empty line.
    event: usize,
    line: Line,
    /// The beginning of a character that the next piece ends.
    begun: Vec<u8>,
    body: Body,
}

/// Where in a line the last byte left off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// At its start, after a line feed or at the beginning.
    Start,
    /// At its start, after a carriage return that a line feed may follow.
    AfterReturn,
    Within,
}

/// What the body seems to be.
enum Body {
    Unknown,
    Events,
    /// Begins like JSON: kept until its end.
    Json(Vec<u8>),
}

impl Guard {
    fn new(largest: usize) -> Self {
        Guard { largest, event: 0, line: Line::Start, begun: Vec::new(), body: Body::Unknown }
    }

    fn over(self, body: ByteStream) -> BoxStream<'static, Result<Bytes>> {
        stream::unfold(Some((self, body)), |state| async move {
            let (mut guard, mut body) = state?;
            match body.next().await {
                Some(Ok(piece)) => match guard.piece(piece) {
                    Ok(mended) => Some((Ok(mended), Some((guard, body)))),
                    Err(error) => Some((Err(error), None)),
                },
                Some(Err(error)) => Some((Err(error), None)),
                None => Some((Ok(guard.end()), None)),
            }
        })
        .boxed()
    }

    fn piece(&mut self, piece: Bytes) -> Result<Bytes> {
        let text = self.text(piece);
        self.look_at(&text)?;
        // White space before anything else means nothing in either form.
        if let Body::Unknown = self.body {
            return Ok(Bytes::new());
        }
        if let Body::Json(kept) = &mut self.body {
            kept.extend_from_slice(&text);
            return if kept.len() > self.largest { Err(self.too_large()) } else { Ok(Bytes::new()) };
        }
        self.count(&text)?;
        Ok(text)
    }

    /// The piece as UTF-8; what is none becomes the replacement character, a character's beginning waits for its end.
    fn text(&mut self, piece: Bytes) -> Bytes {
        if self.begun.is_empty() && std::str::from_utf8(&piece).is_ok() {
            return piece;
        }
        let mut bytes = std::mem::take(&mut self.begun);
        bytes.extend_from_slice(&piece);
        let whole = bytes.len() - begun_character(&bytes);
        self.begun = bytes.split_off(whole);
        Bytes::from(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(other) => String::from_utf8_lossy(other.as_bytes()).into_owned(),
        })
    }

    fn look_at(&mut self, text: &[u8]) -> Result<()> {
        let Body::Unknown = self.body else { return Ok(()) };
        let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
        match text.iter().find(|b| !b.is_ascii_whitespace()) {
            None => {}
            Some(b'{' | b'[') => self.body = Body::Json(Vec::new()),
            Some(b'<') => {
                let sentence =
                    "a web page came instead of an answer; the base URL is most likely not the API's";
                return Err(Error::new(ErrorKind::Unavailable, sentence).with_code(Code::Protocol));
            }
            Some(_) => self.body = Body::Events,
        }
        Ok(())
    }

    fn count(&mut self, text: &[u8]) -> Result<()> {
        let mut rest = text;
        while let Some(first) = rest.first() {
            let (length, line) = match (first, self.line) {
                (b'\n', Line::AfterReturn) => (1, Line::Start),
                (b'\n' | b'\r', Line::Start | Line::AfterReturn) => {
                    self.event = 0;
                    rest = &rest[1..];
                    self.line = if *first == b'\r' { Line::AfterReturn } else { Line::Start };
                    continue;
                }
                (b'\n', Line::Within) => (1, Line::Start),
                (b'\r', Line::Within) => (1, Line::AfterReturn),
                _ => (memchr2(b'\n', b'\r', rest).unwrap_or(rest.len()), Line::Within),
            };
            self.event += length;
            self.line = line;
            if self.event > self.largest {
                return Err(self.too_large());
            }
            rest = &rest[length..];
        }
        Ok(())
    }

    /// What the parser still needs at the end of the body to give out the last event.
    fn end(&mut self) -> Bytes {
        let mut rest = Vec::new();
        if !self.begun.is_empty() {
            rest.extend_from_slice("\u{fffd}".as_bytes());
        }
        if let Body::Json(kept) = &mut self.body {
            kept.append(&mut rest);
            for line in kept.split(|b| matches!(b, b'\n' | b'\r')) {
                rest.extend_from_slice(b"data: ");
                rest.extend_from_slice(line);
                rest.push(b'\n');
            }
        }
        rest.extend_from_slice(b"\n\n");
        Bytes::from(rest)
    }

    fn too_large(&self) -> Error {
        let sentence = format!("a piece of the answer has more than {} bytes", self.largest);
        Error::new(ErrorKind::Unavailable, sentence).with_code(Code::Protocol)
    }
}

/// Bytes at the end that begin a character and may go on in the next piece.
fn begun_character(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let length = match byte {
            0x80..0xC0 => continue,
            0xC2..0xE0 => 2,
            0xE0..0xF0 => 3,
            0xF0..0xF5 => 4,
            _ => 1,
        };
        return if length > back { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{executor::block_on, stream};
    use proptest::prelude::*;

    fn read(pieces: Vec<Vec<u8>>, largest: usize) -> Vec<std::result::Result<SseEvent, String>> {
        let body = stream::iter(pieces.into_iter().map(|p| Ok(Bytes::from(p)))).boxed();
        block_on(events(body, largest).map(|e| e.map_err(|e| e.message().to_owned())).collect())
    }

    fn event(name: &str, data: &str) -> std::result::Result<SseEvent, String> {
        Ok(SseEvent { name: name.to_owned(), data: data.to_owned(), id: None })
    }

    #[test]
    fn every_form_that_the_format_allows_is_read() {
        let body = "\u{feff}event:a\r\ndata:1\r\n\r\n: comment\n\ndata: 2\ndata:3\n\nretry: 5\rdata: 4\r\rdata: last";
        let expected = vec![event("a", "1"), event("", "2\n3"), event("", "4"), event("", "last")];
        assert_eq!(read(vec![body.as_bytes().to_vec()], 100), expected);
        assert_eq!(read(body.bytes().map(|b| vec![b]).collect(), 100), expected);
    }

    #[test]
    fn an_id_belongs_to_the_event_that_carries_it() {
        let first = Ok(SseEvent { id: Some("r:1".to_owned()), ..event("", "1").unwrap() });
        assert_eq!(read(vec![b"id: r:1\ndata: 1\n\ndata: 2\n\n".to_vec()], 100), [first, event("", "2")]);
    }

    #[test]
    fn a_body_of_json_is_one_event() {
        let body = " {\"error\":\n\n \"no\"}";
        assert_eq!(read(body.bytes().map(|b| vec![b]).collect(), 100), vec![event("", body.trim_start())]);
    }

    #[test]
    fn a_web_page_is_an_error_that_says_so() {
        let read = read(vec![b"<!DOCTYPE html>".to_vec()], 100);
        assert!(matches!(&read[..], [Err(e)] if e.starts_with("a web page came")), "{read:?}");
    }

    #[test]
    fn an_event_beyond_the_limit_ends_the_stream_with_an_error() {
        let small = vec![event("", "x")];
        assert_eq!(read(vec![b"data:x\n\n".to_vec(); 1], 20), small);
        for begin in ["data:", ":", "{", "id:"] {
            let pieces = std::iter::once(begin.as_bytes().to_vec())
                .chain(std::iter::repeat_n(vec![b'x'; 10], 9))
                .collect();
            let read = read(pieces, 20);
            assert!(
                matches!(&read[..], [Err(e)] if e == "a piece of the answer has more than 20 bytes"),
                "{begin} {read:?}"
            );
        }
        let lines = std::iter::repeat_n(b"data:x\n".to_vec(), 9).collect();
        assert!(matches!(&read(lines, 20)[..], [Err(_)]));
    }

    #[test]
    fn what_is_not_utf_8_is_mended() {
        assert_eq!(
            read(vec![b"data:a\xff\n\ndata:\xe2".to_vec(), b"\x82\xac\n\n".to_vec()], 100),
            vec![event("", "a\u{fffd}"), event("", "€"),]
        );
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_end_without_a_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let _ = read(pieces, 64);
        }
        #[test]
        fn the_chunking_of_a_stream_changes_nothing(
            body in "(data: ?[a-zé€😀{\"]{1,8}(\n|\r\n|\r)|:[a-z]{0,5}\n|event: [a-z]{1,3}(\n|\r\n)|\n|\r\n){0,12}",
            cuts in prop::collection::vec(0_usize..200, 0..20),
        ) {
            let body = body.into_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c % (body.len() + 1)).collect();
            cuts.extend([0, body.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|w| body[w[0]..w[1]].to_vec()).collect();
            prop_assert_eq!(read(pieces, 10_000), read(vec![body], 10_000));
        }
    }
}
