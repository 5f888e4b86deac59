//! The API's own description: as a document, and on a page for people.
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use std::fmt::Write;

use crate::openapi::document;

pub(crate) async fn openapi() -> Response {
    axum::Json(document()).into_response()
}

/// A page without a script, that loads nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const HEAD: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>duyetbot</title>\
    <meta name=\"viewport\" content=\"width=device-width\"><style>body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;\
    margin:2rem auto;padding:0 1rem}td{padding:.2rem .8rem .2rem 0;vertical-align:top}code{white-space:nowrap}</style>\
    <h1>duyetbot</h1><p>This is the HTTP API of a personal agent. Send the token as <code>Authorization: Bearer TOKEN</code>. \
    <a href=\"openapi.json\">openapi.json</a> has every type.</p><table>";

pub(crate) async fn page() -> Response {
    let mut page = HEAD.to_owned();
    for (path, methods) in document()["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let summary = operation["summary"].as_str().unwrap_or_default();
            // The words are ours, from the table of routes; writing to a string does not fail.
            let _ = write!(page, "<tr><td><code>{} {path}</code><td>{summary}", method.to_uppercase());
        }
    }
    page.push_str("</table></html>");
    let mut response = page.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
