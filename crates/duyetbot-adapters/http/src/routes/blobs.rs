//! Files and pictures by the hash of their bytes.
use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use duyetbot_core::{Error, hex};
use http::{HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::{
    auth::Caller,
    extract::{Id, bytes},
    parts::Api,
    problem::{Answer, Refusal},
};

/// Digits of a hash.
const DIGITS: usize = 64;

fn check(hash: &str) -> Answer<()> {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if hash.len() == DIGITS && hash.bytes().all(digit) { Ok(()) } else { Err(Refusal::not_found()) }
}

pub(crate) async fn store(
    State(api): State<Api>,
    Caller(scope): Caller,
    Id(hash): Id<String>,
    request: Request,
) -> Answer<StatusCode> {
    check(&hash)?;
    let bytes = bytes(&api, request.into_body(), api.settings.largest_blob).await?;
    if hex(&Sha256::digest(&bytes)) != hash {
        return Err(Error::invalid("the path is not the SHA-256 of the body, in lower-case hex").into());
    }
    api.blobs.put_blob_within(&scope, &bytes, api.settings.limits).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What others made is never shown in our name: it is a file to save, in a page that may do nothing.
pub(crate) async fn read(
    State(api): State<Api>,
    Caller(scope): Caller,
    Id(hash): Id<String>,
) -> Answer<Response> {
    check(&hash)?;
    let bytes = api.blobs.blob(&scope, &hash).await?;
    let mut response = Body::from(bytes).into_response();
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment"),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        (header::CACHE_CONTROL, "private, max-age=31536000, immutable"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}
