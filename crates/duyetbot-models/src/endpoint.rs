//! Where a provider is, and with which key: calls to it, and what comes back when it refuses.
use bytes::Bytes;
use duyetbot_core::{Code, Error, ErrorKind, Result, redact::Redactor};
use duyetbot_fetch::{ByteStream, Call, Client, Response};
use serde_json::Value;
use std::{borrow::Cow, fmt};
use url::Url;

use crate::{failure, name::Provider};

/// Bytes that the words and calls of one answer may have together.
pub(crate) const LARGEST_ANSWER: usize = 32 * 1024 * 1024;
/// Bytes of an error's body that are read.
const ERROR_BODY: usize = 64 * 1024;

/// A provider's address and key.
#[derive(Clone)]
pub struct Endpoint {
    /// Who it is.
    pub provider: Provider,
    /// Where: Anthropic's without `/v1`, OpenAI's with it.
    pub base_url: String,
    key: Option<String>,
    /// Takes the key out of what the provider says.
    redactor: Redactor,
    client: Client,
}

impl Endpoint {
    /// Anthropic, or a server that speaks its Messages API.
    pub fn anthropic(client: Client, base_url: Option<String>, key: Option<String>) -> Self {
        let base_url = base_url.unwrap_or_else(|| "https://api.anthropic.com".to_owned());
        Endpoint::new(Provider::Anthropic, base_url, key, client)
    }
    /// OpenAI, or a server that speaks its chat completions.
    pub fn openai(client: Client, base_url: Option<String>, key: Option<String>) -> Self {
        let base_url = base_url.unwrap_or_else(|| "https://api.openai.com/v1".to_owned());
        Endpoint::new(Provider::OpenAi, base_url, key, client)
    }
    fn new(provider: Provider, base_url: String, key: Option<String>, client: Client) -> Self {
        let key = key.map(|k| k.trim().to_owned()).filter(|k| !k.is_empty());
        let redactor = Redactor::new(key.as_slice());
        Endpoint { provider, base_url: base_url.trim_end_matches('/').to_owned(), key, redactor, client }
    }

    /// The host, in lower case; empty where the address is none.
    pub(crate) fn host(&self) -> String {
        Url::parse(&self.base_url).ok().and_then(|u| u.host_str().map(str::to_lowercase)).unwrap_or_default()
    }

    /// Is it on this machine?
    pub(crate) fn is_local(&self) -> bool {
        let host = self.host();
        host == "localhost" || host == "[::1]" || host.starts_with("127.")
    }

    /// The variables that set its key and its address.
    pub(crate) fn variables(&self) -> (&'static str, &'static str) {
        match self.provider {
            Provider::Anthropic => ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
            _ => ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
        }
    }

    fn authorized(&self, call: Call) -> Result<Call> {
        match (&self.key, self.provider) {
            (Some(key), Provider::Anthropic) => Ok(call.secret("x-api-key", key)),
            (Some(key), _) => {
                let azure = self.host().ends_with(".azure.com");
                Ok(if azure {
                    call.secret("api-key", key)
                } else {
                    call.secret("authorization", &format!("Bearer {key}"))
                })
            }
            (None, _) => self.require_key().map(|()| call),
        }
    }

    /// Refuses where there is no key, and it needs one: any but a server on this machine does.
    pub fn require_key(&self) -> Result<()> {
        if self.key.is_some() || self.is_local() {
            return Ok(());
        }
        let (key, _) = self.variables();
        Err(Error::new(ErrorKind::Unauthorized, format!("there is no key for {}; set {key}", self.provider))
            .with_code(Code::KeyMissing))
    }

    fn dressed(&self, call: Call) -> Result<Call> {
        let call = self.authorized(call)?;
        Ok(match self.provider {
            Provider::Anthropic => call.header("anthropic-version", "2023-06-01"),
            _ => call,
        })
    }

    /// Reads what lies at this path.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        let call = self.dressed(Call::get(format!("{}{path}", self.base_url)))?;
        let response = self.accepted(self.client.send(call).await?).await?;
        let body = response.read(8 * 1024 * 1024).await?;
        crate::json::read(&String::from_utf8_lossy(&body)).ok_or_else(|| {
            Error::new(
                ErrorKind::Unavailable,
                format!("{} answered with something that is no JSON", self.host()),
            )
            .with_code(Code::Protocol)
        })
    }

    /// Sends a request and answers the body of what comes back.
    pub(crate) async fn post(&self, path: &str, body: Bytes) -> Result<ByteStream> {
        let call = self.dressed(Call::post_json(format!("{}{path}", self.base_url), body))?;
        Ok(self.accepted(self.client.send(call).await?).await?.into_stream())
    }

    /// The response, or what its refusal means.
    async fn accepted(&self, response: Response) -> Result<Response> {
        if response.is_success() {
            return Ok(response);
        }
        let status = response.status();
        let after = response.header("retry-after").map(str::to_owned);
        let body = response.read_head(ERROR_BODY).await;
        let words = String::from_utf8_lossy(&body);
        Err(failure::of_status(self, status, after.as_deref(), &words))
    }

    /// A provider's words without the key, which some echo.
    pub(crate) fn redact<'a>(&self, words: &'a str) -> Cow<'a, str> {
        self.redactor.redact(words)
    }
}

/// The key is shown nowhere.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = if self.key.is_some() { "set" } else { "none" };
        f.debug_struct("Endpoint")
            .field("provider", &self.provider)
            .field("key", &key)
            .finish_non_exhaustive()
    }
}
