//! What came back: a status, headers and a stream of bytes.
use bytes::{Bytes, BytesMut};
use duyetbot_core::{Code, Error, ErrorKind, Result};
use futures::{StreamExt, stream::BoxStream};
use reqwest::header::HeaderMap;
use std::fmt;

/// A body as it arrives. Dropping it closes the connection.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// The answer to a call.
pub struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) host: String,
    pub(crate) body: ByteStream,
}

impl Response {
    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Is the status one of success?
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The host that answered, with its port where that is not the usual one.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// A header's value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body, piece by piece.
    pub fn into_stream(self) -> ByteStream {
        self.body
    }

    /// The whole body; more than `limit` bytes are an error.
    pub async fn read(mut self, limit: usize) -> Result<Bytes> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.body.next().await {
            let piece = piece?;
            if whole.len() + piece.len() > limit {
                let sentence = format!("{} answered with more than {limit} bytes", self.host);
                return Err(Error::new(ErrorKind::Unavailable, sentence).with_code(Code::TooLarge));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// The first `limit` bytes of the body, or what came of them before the connection broke: enough to tell an error.
    pub async fn read_head(mut self, limit: usize) -> Bytes {
        let mut head = BytesMut::new();
        while let Some(Ok(piece)) = self.body.next().await {
            let room = limit.saturating_sub(head.len());
            head.extend_from_slice(piece.get(..room).unwrap_or(&piece));
            if head.len() >= limit {
                break;
            }
        }
        head.freeze()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}
