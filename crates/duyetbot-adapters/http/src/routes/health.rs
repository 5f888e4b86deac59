//! For those who operate the server: does it live, can it serve, what does it do.
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::Duration;

use crate::{
    parts::{Api, MetricsAccess},
    problem::{Answer, Refusal},
    within::within,
};

/// How long the storage may take to say that it is there.
const SOON: Duration = Duration::from_secs(1);

/// Asks nothing of anybody: a server whose storage is down is not mended by a restart.
pub(crate) async fn lives() -> Response {
    axum::Json(json!({ "status": "ok" })).into_response()
}

pub(crate) async fn ready(State(api): State<Api>) -> Answer<Response> {
    if api.drain.is_begun() {
        return Err(Refusal::unavailable("the server is stopping"));
    }
    match within(&*api.clock, SOON, api.readiness.ready()).await {
        Some(Ok(())) => Ok(axum::Json(json!({ "status": "ok" })).into_response()),
        found => {
            let cause = found.and_then(Result::err);
            Err(Refusal::unavailable("the storage does not answer").caused_by(cause))
        }
    }
}

pub(crate) async fn metrics(State(api): State<Api>, headers: HeaderMap) -> Answer<Response> {
    let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let may = match &api.settings.metrics {
        MetricsAccess::Open => true,
        MetricsAccess::Closed => return Err(Refusal::not_found()),
        // Hashes are compared, so that the time taken tells nothing of the token.
        MetricsAccess::Token(token) => Sha256::digest(given) == Sha256::digest(format!("Bearer {token}")),
    };
    if !may {
        let refused =
            duyetbot_core::Error::new(duyetbot_core::ErrorKind::Unauthorized, "send the metrics' token");
        return Err(refused.into());
    }
    let text = [(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"))];
    Ok((text, api.metrics().text()).into_response())
}
