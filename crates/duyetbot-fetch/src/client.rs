//! The client that everything outbound goes through.
use duyetbot_core::{Error, Result};
use reqwest::Url;
use std::sync::Arc;

use crate::{Call, Response, Settings, error, guard, transport::Transport};

/// Makes calls. Cloning shares connections. Making one costs nothing: what a call needs (certificates, above all) is
/// prepared at the first call that needs it.
///
/// Redirects are not followed: a 3xx comes back as it is. (On wasm32 the platform follows them.)
///
/// ```
/// let client = duyetbot_fetch::Client::new(duyetbot_fetch::Settings::default());
/// # let _ = client;
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    transport: Arc<Transport>,
}

impl Client {
    /// A client with these settings.
    pub fn new(settings: Settings) -> Self {
        Client { transport: Arc::new(Transport::new(settings)) }
    }

    /// Makes the call and answers once the headers are there, whatever the status.
    ///
    /// # Behavior
    /// Dropping the future or the answer's stream closes the connection at once. No connection, a broken one or a time
    /// limit is `Unavailable` and may be tried again; a URL or header that cannot be right is `Invalid`; an address out of
    /// [`Reach`](crate::Reach) is `Forbidden`, and nothing was sent there. No error holds
    /// more of the URL than its host.
    pub async fn send(&self, call: Call) -> Result<Response> {
        let call = call.checked()?;
        let url = parse(&call.url)?;
        let host = error::host_of(&url);
        guard::check(self.transport.settings(), &url, &host)?;
        self.transport.send(call, url, host).await
    }
}

impl Default for Client {
    fn default() -> Self {
        Client::new(Settings::default())
    }
}

fn parse(url: &str) -> Result<Url> {
    let parsed = Url::parse(url).map_err(|cause| Error::invalid(format!("this is not a URL ({cause})")))?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
        return Err(Error::invalid("a URL must begin with http:// or https:// and name a host"));
    }
    Ok(parsed)
}
