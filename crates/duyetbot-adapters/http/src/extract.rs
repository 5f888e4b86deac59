//! What handlers take of a request. Each refusal says what is wrong, and where.
use axum::{
    body::{Body, HttpBody},
    extract::{FromRef, FromRequest, FromRequestParts, Path, Request},
};
use bytes::{Bytes, BytesMut};
use duyetbot_core::{Code, Error, Result, text};
use duyetbot_wire::Problem;
use futures::StreamExt;
use http::{HeaderMap, header, request};
use serde::de::DeserializeOwned;
use std::{str::FromStr, time::Duration};

use crate::{
    json,
    parts::Api,
    problem::{Answer, Refusal},
    within::within,
};

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
    Api: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Answer<Self> {
        let api = Api::from_ref(state);
        if !is_json(request.headers()) {
            let status = http::StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Refusal::of_status(status));
        }
        let bytes = bytes(&api, request.into_body(), api.settings.largest_body).await?;
        json::read(&bytes).map(Json)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// Bytes a second that keep a body alive: a slow line lives, one that drips does not.
const SLOWEST: u64 = 1024;

/// A body as bytes, so large and so soon. What says that it is too large is refused before it is read.
pub(crate) async fn bytes(api: &Api, body: Body, limit: usize) -> Answer<Bytes> {
    if body.size_hint().lower() > limit as u64 {
        return Err(Refusal::too_large(limit));
    }
    let (clock, patience) = (&*api.clock, api.settings.patience);
    let (began, mut read, mut pieces) = (clock.now().0, BytesMut::new(), body.into_data_stream());
    loop {
        let took = Duration::from_millis(clock.now().0.saturating_sub(began).max(0).unsigned_abs());
        let earned = Duration::from_millis(read.len() as u64 * 1000 / SLOWEST);
        let left = (patience + earned).saturating_sub(took).min(patience);
        let piece = within(clock, left, pieces.next()).await;
        match piece.ok_or_else(|| Refusal::of_status(http::StatusCode::REQUEST_TIMEOUT))? {
            Some(Ok(piece)) if read.len() + piece.len() <= limit => read.extend_from_slice(&piece),
            Some(Ok(_)) => return Err(Refusal::too_large(limit)),
            Some(Err(_)) => return Err(Refusal::malformed("the body ended before its end")),
            None => return Ok(read.freeze()),
        }
    }
}

/// The path's one parameter. What cannot be an id names nothing.
pub(crate) struct Id<T>(pub(crate) T);

impl<S, T> FromRequestParts<S> for Id<T>
where
    S: Send + Sync,
    T: FromStr,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Answer<Self> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| Refusal::not_found())?;
        text.parse().map(Id).map_err(|_| Refusal::not_found())
    }
}

/// The query's parameters: names that the route does not know are refused, and all values are checked text.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// The parameters of a request that may have these.
    pub(crate) fn of(uri: &http::Uri, known: &[&str]) -> Answer<Self> {
        let written = uri.query().unwrap_or_default();
        let given: Vec<(String, String)> = serde_urlencoded::from_str(written)
            .map_err(|_| Refusal::malformed("the query cannot be read"))?;
        if replaced(&given) > written.to_ascii_lowercase().matches(REPLACEMENT).count() {
            let error = Error::invalid("the query holds what is not UTF-8").with_code(Code::TextRule);
            return Err(error.into());
        }
        let unknown: Vec<String> = given
            .iter()
            .map(|(name, _)| name)
            .filter(|name| !known.contains(&name.as_str()))
            .cloned()
            .collect();
        if !unknown.is_empty() {
            return Err(Refusal::unknown_fields(unknown));
        }
        for (n, (name, value)) in given.iter().enumerate() {
            text::check(value, name)?;
            if given[..n].iter().any(|(other, _)| other == name) {
                return Err(Error::invalid(format!("{name} is given twice")).into());
            }
        }
        Ok(Query(given))
    }
    /// A parameter's text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
    /// A number from 1 to `most`.
    pub(crate) fn number(&self, name: &str, usual: u32, most: u32) -> Result<u32> {
        let Some(text) = self.text(name) else { return Ok(usual) };
        let number = text.parse().ok().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| Error::invalid(format!("{name} is a number from 1 to {most}")))
    }
    /// `true` or `false`.
    pub(crate) fn switch(&self, name: &str) -> Result<bool> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Error::invalid(format!("{name} is true or false"))),
        }
    }
}

/// The sign that stands for what is not UTF-8, as a query has it where it is meant.
const REPLACEMENT: &str = "%ef%bf%bd";

/// How often that sign stands in what was read.
fn replaced(given: &[(String, String)]) -> usize {
    given
        .iter()
        .map(|(name, value)| name.matches('\u{fffd}').count() + value.matches('\u{fffd}').count())
        .sum()
}

/// A field that names something: what cannot be an id is told with the field.
pub(crate) fn id<T: FromStr>(text: &str, field: &str) -> Answer<T> {
    text.parse().map_err(|_| {
        Refusal::new(Problem::new("invalid", "Invalid request", 422, format!("{field} is not an id: a UUID")))
    })
}
