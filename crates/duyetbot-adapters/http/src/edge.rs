//! The outermost layer: request ids, headers that every answer has, problem documents, and what is counted.
use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::panic::AssertUnwindSafe;
use uuid::Uuid;

use crate::{parts::Api, problem::Refusal};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_ID: usize = 64;

/// Headers that every answer has, unless its route says otherwise.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Wraps every request.
pub(crate) async fn edge(State(api): State<Api>, request: Request, next: Next) -> Response {
    let began = api.clock.now();
    let id = request_id(request.headers());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let method = request.method().clone();
    // A handler that panics is one failed request, not a dead connection.
    let response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!(request = %id, "a handler panicked");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    };
    let mut response = documented(&api, response, &id);
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    let took = api.clock.now().0.saturating_sub(began.0).max(0).unsigned_abs();
    let status = response.status();
    tracing::debug!(request = %id, %method, route = route.as_deref(), status = status.as_u16(), took, "answered");
    api.metrics().answered(&method, route.as_deref(), status, took);
    response
}

/// The client's own id where it is one that can stand in a log, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let plain = |id: &&str| {
        let rest = id.trim_matches(|c: char| c.is_ascii_alphanumeric() || "-_.".contains(c));
        !id.is_empty() && id.len() <= LONGEST_ID && rest.is_empty()
    };
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(plain);
    given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// The response with its refusal written out, where it is one.
fn documented(api: &Api, mut response: Response, id: &str) -> Response {
    let status = response.status();
    let refusal = match response.extensions_mut().remove::<Refusal>() {
        Some(refusal) => refusal,
        None if status.is_client_error() || status.is_server_error() => Refusal::of_status(status),
        None => return response,
    };
    let refusal = refusal.into_reason();
    let mut problem = refusal.problem;
    api.metrics().refused(&problem.kind);
    if status.is_server_error() {
        problem.instance = Some(id.to_owned());
        tracing::warn!(request = %id, status = status.as_u16(), cause = ?refusal.cause, "a request failed");
    }
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut written = Response::new(Body::from(body));
    *written.status_mut() = status;
    // What the framework says beside the body stays: Allow, and how many requests are left.
    *written.headers_mut() = std::mem::take(response.headers_mut());
    written.headers_mut().remove(header::CONTENT_LENGTH);
    written.headers_mut().extend(refusal.headers);
    let json = HeaderValue::from_static("application/problem+json");
    written.headers_mut().insert(header::CONTENT_TYPE, json);
    written
}
