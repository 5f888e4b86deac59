//! One outbound call, as a value.
use bytes::Bytes;
use duyetbot_core::{Error, Result};
use reqwest::{
    Method,
    header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use std::time::Duration;

/// A request to make.
///
/// ```
/// use duyetbot_fetch::Call;
/// let call = Call::post_json("http://127.0.0.1:11434/v1/chat/completions", "{}").secret("authorization", "Bearer k");
/// assert!(!format!("{call:?}").contains("Bearer k"));
/// ```
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) timeout: Option<Duration>,
    refused: Option<Error>,
}

impl Call {
    /// Reads what lies at this URL.
    pub fn get(url: impl Into<String>) -> Self {
        Call::new(Method::GET, url.into(), None)
    }

    /// Reads the stream that lies there: it is asked for uncompressed, so that nothing waits in a compressor's buffer.
    pub fn get_stream(url: impl Into<String>) -> Self {
        Call::get(url).uncompressed()
    }

    /// Sends JSON text there. The answer may be a stream: it is asked for uncompressed, so that nothing waits in a
    /// compressor's buffer.
    pub fn post_json(url: impl Into<String>, json: impl Into<Bytes>) -> Self {
        let mut call = Call::new(Method::POST, url.into(), Some(json.into()));
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        call.uncompressed()
    }

    fn uncompressed(mut self) -> Self {
        if cfg!(not(target_arch = "wasm32")) {
            self.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        self
    }

    /// Changes what lies there, by JSON text.
    pub fn patch_json(url: impl Into<String>, json: impl Into<Bytes>) -> Self {
        Call { method: Method::PATCH, ..Call::post_json(url, json) }
    }

    /// Stores these bytes there.
    pub fn put(url: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Call::new(Method::PUT, url.into(), Some(bytes.into()))
    }

    /// Removes what lies there.
    pub fn delete(url: impl Into<String>) -> Self {
        Call::new(Method::DELETE, url.into(), None)
    }

    fn new(method: Method, url: String, body: Option<Bytes>) -> Self {
        Call { method, url, headers: HeaderMap::new(), body, timeout: None, refused: None }
    }

    /// Sets a header.
    #[must_use]
    pub fn header(self, name: &'static str, value: &str) -> Self {
        self.with(name, value, |_| {})
    }

    /// Sets a header whose value is shown nowhere.
    #[must_use]
    pub fn secret(self, name: &'static str, value: &str) -> Self {
        self.with(name, value, |value| value.set_sensitive(true))
    }

    /// Bounds the whole call, body included.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    fn with(mut self, name: &'static str, value: &str, mark: impl FnOnce(&mut HeaderValue)) -> Self {
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            (Ok(name), Ok(mut value)) => {
                mark(&mut value);
                self.headers.insert(name, value);
            }
            _ => {
                let sentence =
                    format!("the value for the header {name} holds characters that no header can carry");
                self.refused = Some(Error::invalid(sentence));
            }
        }
        self
    }

    /// The call, or why it cannot be made.
    pub(crate) fn checked(self) -> Result<Self> {
        match self.refused {
            Some(refused) => Err(refused),
            None => Ok(self),
        }
    }
}
