//! Calls by the platform's own `fetch`, which decides about proxies, certificates, redirects and time limits.
use duyetbot_core::Result;
use futures::{StreamExt, TryStreamExt};
use reqwest::{Url, header::USER_AGENT};
use send_wrapper::SendWrapper;
use std::fmt;

use crate::{Call, Response, Settings, error};

pub(crate) struct Transport {
    settings: Settings,
}

impl Transport {
    pub(crate) fn new(settings: Settings) -> Self {
        Transport { settings }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What JavaScript hands out may not leave its thread; there is only one, and the wrapper says so to the compiler.
    pub(crate) async fn send(&self, call: Call, url: Url, host: String) -> Result<Response> {
        let agent = self.settings.user_agent.clone();
        SendWrapper::new(async move {
            let client = reqwest::Client::new();
            let mut request =
                client.request(call.method, url).header(USER_AGENT, agent).headers(call.headers);
            if let Some(body) = call.body {
                request = request.body(body);
            }
            if let Some(limit) = call.timeout {
                request = request.timeout(limit);
            }
            let response = request.send().await.map_err(|cause| error::of(&host, cause))?;
            let status = response.status().as_u16();
            let headers = response.headers().clone();
            let of = host.clone();
            let stream = response.bytes_stream().map_err(move |cause| error::of(&of, cause));
            Ok(Response { status, headers, host, body: SendWrapper::new(stream).boxed() })
        })
        .await
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}
